"""What is going on right now, and who may know of it: typing, presence, privacy."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING

from circle_client.errors import InvalidInput
from circle_client.types import Person, Presence, PresenceState, Privacy, Typing

if TYPE_CHECKING:
    from circle_client.running import Running

MOST_PEOPLE = 200
"""So many people's presence is followed at once, at most."""


class LiveActions(ABC):
    """The part of `Circle` that is about the moment."""

    @property
    @abstractmethod
    def running(self) -> Running:
        """The parts at work; `Circle` has them."""

    @abstractmethod
    async def resolve(self, person: Person | str) -> Person:
        """A Person by handle; `Circle` finds them."""

    # ---- privacy

    @property
    def privacy(self) -> Privacy:
        """What others may know of this member, as this client last heard from the server (also on an earlier start)."""
        return self.running.reader.privacy

    async def set_privacy(
        self,
        *,
        presence: bool | None = None,
        read_receipts: bool | None = None,
        delivery_receipts: bool | None = None,
    ) -> Privacy:
        """Change what is given, for all of one's devices; what holds now. Raises Refused, Offline.

        Who hides the presence sees of nobody when they were last there. Receipts that were sent stay; other devices
        follow within a minute.
        """
        return await self.running.reader.set_privacy(presence, read_receipts, delivery_receipts)

    # ---- presence and typing

    async def set_presence(self, state: PresenceState | str) -> None:
        """Say what this device is doing; it holds while the client is connected, and is said again after a cut.

        Raises InvalidInput for another word, Refused, Offline.
        """
        try:
            wanted = PresenceState(state)
        except ValueError as error:
            raise InvalidInput("A presence is ONLINE, AWAY or OFFLINE.") from error
        await self.running.presence.set(wanted)

    async def presence(self, people: Iterable[Person | str]) -> AsyncIterator[Presence]:
        """The presence of these people (Persons or handles, 200 at most): first of each, then what changes, for ever.

        After a cut only what has changed meanwhile comes. Raises InvalidInput, and what ended the client for good.
        """
        found = [await self.resolve(person) for person in people]
        if not 1 <= len(found) <= MOST_PEOPLE:
            raise InvalidInput(f"Ask for 1 to {MOST_PEOPLE} people.")
        nodes, known = [person.id for person in found], dict[str, Presence]()
        running = self.running
        async for update in running.streams.follow(lambda: running.account.api.live.presence(nodes)):
            for presence in update:
                if known.get(presence.person.id) != presence:
                    known[presence.person.id] = presence
                    yield presence

    async def typing(self) -> AsyncIterator[Typing]:
        """Who else types, in all conversations, from now on, for ever. What is missed is not told again.

        Raises what ended the client for good.
        """
        running = self.running
        async for facts in running.streams.follow(running.account.api.live.typing):
            yield Typing(facts.node, facts.person, facts.until)
