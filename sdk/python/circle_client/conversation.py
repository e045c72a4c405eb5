"""A conversation as scripts see it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from circle_client import listen, notices, offers, reading
from circle_client.errors import InvalidInput, NotAllowed
from circle_client.machine.space import Space
from circle_client.protocol.branches import LIFETIMES
from circle_client.protocol.contents import TEXT_CAP, TITLE_CAP, State, message
from circle_client.protocol.envelope import Kind
from circle_client.protocol.roster import Role as SeatRole
from circle_client.protocol.roster import SpaceType
from circle_client.protocol.rules import outlives
from circle_client.types import (
    Alarm,
    CallSignal,
    Change,
    ConversationType,
    History,
    Lifetime,
    Message,
    Offered,
    Participant,
    Person,
    Receipt,
    Role,
)

if TYPE_CHECKING:
    from circle_client.client import Circle

from uuid import UUID


class Conversation:
    """One conversation, as it is now; a view, so it always tells the newest state that this client knows."""

    def __init__(self, circle: Circle, space: bytes) -> None:
        self._circle, self._id = circle, space

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Conversation) and other._id == self._id

    def __hash__(self) -> int:
        return hash(self._id)

    def __repr__(self) -> str:
        return f"<Conversation {self.id}>"

    @property
    def _space(self) -> Space:
        return self._circle.running.engine.space(self._id)

    @property
    def id(self) -> str:
        """The server's opaque id."""
        return self._space.node

    @property
    def protocol_id(self) -> bytes:
        """The 16 bytes that signatures speak of."""
        return self._id

    @property
    def type(self) -> ConversationType:
        """Direct, group or broadcast."""
        return ConversationType(int(self._space.roster.type))

    @property
    def title(self) -> str:
        """The title; of a direct conversation the other person's name."""
        if self.type is ConversationType.DIRECT:
            others = [p.person.display_name for p in self.participants if p.person != self._circle.me]
            return others[0] if others else ""
        return self._space.title

    @property
    def role(self) -> Role | None:
        """One's own role; None after leaving or being removed."""
        space = self._space
        role = space.role(self._circle.running.engine.machine.me)
        return None if role is None or space.left is not None else Role(int(role))

    @property
    def participants(self) -> Sequence[Participant]:
        """The members, by handle."""
        people = self._circle.running.engine.machine.people
        found = []
        for member, seat in self._space.roster.seats.items():
            if (known := people.get(member)) is not None:
                changed = known.chain.identity != seat.identity
                found.append(Participant(known.person, Role(int(seat.role)), changed))
        return sorted(found, key=lambda participant: participant.person.handle)

    @property
    def history_policy(self) -> History:
        """What newcomers may read."""
        return History(int(self._space.roster.policy.shared))

    @property
    def lifetime(self) -> Lifetime:
        """The longest that a message stays."""
        return Lifetime(self._space.roster.policy.lifetime)

    @property
    def head(self) -> int:
        """The seq of the newest log entry known here."""
        return self._space.log.head.n

    # ---- alarms

    @property
    def alarm(self) -> Alarm | None:
        """A plain sentence when the server's account of this conversation does not verify; nothing is sent then.

        Reading goes on. What a person can decide about it is said by `can_offer` and `can_accept`.
        """
        space = self._space
        if space.alarm is None or space.why is None:
            return None
        return Alarm(space.alarm, can_offer=space.why.can_offer, can_accept=space.why.can_accept)

    async def offer_missing(self) -> Offered:
        """Offer a server that was restored from a backup what this member has signed and it has lost; what came of it.

        The alarm ends when nothing is missing any more; what others have signed, they must offer.

        Raises NotAllowed where `alarm.can_offer` is not set, Offline.
        """
        return await offers.offer(self._circle.running, self._space)

    async def accept_state(self) -> None:
        """A person's decision to go on with what the server shows now: everything is loaded and verified afresh.
        Messages that the server no longer has stay in `history` of this device, marked as `only_here`.

        Raises NotAllowed where `alarm.can_accept` is not set, Untrusted where it does not verify, Offline.
        """
        await self._circle.running.resolver.accept_state(self._space)

    # ---- messages

    async def send(self, text: str, lifetime: Lifetime | int | None = None) -> Message:
        """Send a message; returns when the server has accepted it. `lifetime`: how long it stays, at most as long as is
        the conversation's rule, which is the default.

        From the first moment on it lies in the outbox: if the call is cancelled or the process ends, it is sent later.
        Raises InvalidInput, NotAllowed, Untrusted (also Forked) and Refused, where it will never be sent.
        """
        if not 1 <= len(text) <= TEXT_CAP:
            raise InvalidInput("A message has 1 to 16,000 characters.")
        space = self._space
        running = self._circle.running
        if (space.role(running.engine.machine.me) or SeatRole.READER) < SeatRole.WRITER or space.left is not None:
            raise NotAllowed("Your role in this conversation does not allow this.")
        b = None if lifetime is None else lifetime_class(lifetime)
        if b is not None and outlives(b, space.roster.policy.lifetime):
            raise InvalidInput("Messages here stay less long than that.")
        pending = running.sender.queue(space, Kind.MESSAGE, message(text), b=b)
        sent = await running.until_failure(pending.done)
        life = LIFETIMES[sent.b]
        return Message(
            conversation_id=self.id,
            seq=sent.seq,
            id=UUID(bytes=sent.id),
            sender=self._circle.me,
            mine=True,
            text=text,
            time=listen.moment(sent.time),
            accepted_at=listen.moment(sent.accepted_at),
            lifetime=Lifetime(sent.b),
            expires_at=None if life is None else listen.moment(sent.accepted_at + life),
        )

    def messages(self, *, name: str = "default") -> AsyncIterator[Message]:
        """This conversation's messages as `Circle.messages` gives those of all, with a memory of its own."""
        return listen.live(self._circle.running.engine, self._circle.running.sync, name, self._id)

    def history(self, limit: int = 100, before: int | None = None) -> Sequence[Message]:
        """The newest messages kept here, in order, also those from before one's joining where history is shared, and
        those that only this device still has (`Message.only_here`). Messages of one seq come together, so that
        `before` with the first one's seq goes on without a gap: there can be more than `limit`.
        """
        return listen.history(self._circle.running.engine, self._id, limit, before)

    def changes(self, limit: int = 100, before: int | None = None) -> Sequence[Change]:
        """The newest notices of what changed here, in order: members, roles, identities, policy, title, keys."""
        return notices.changes(self._circle.running.engine, self._space, limit, before)

    async def set_policy(self, lifetime: Lifetime | int | None = None, history: History | int | None = None) -> None:
        """How long messages sent from now on stay at most, and what newcomers may read; for admins. What is left out
        stays as it is. Raises InvalidInput, NotAllowed, Refused.
        """
        b = None if lifetime is None else lifetime_class(lifetime)
        shared = None if history is None else History(history) is History.SHARED
        await self._circle.running.rosters.set_policy(self._space, b, shared)

    async def rename(self, title: str) -> None:
        """Change the sealed title. Raises NotAllowed below admin."""
        if not 1 <= len(title) <= TITLE_CAP:
            raise InvalidInput("A title has 1 to 120 characters.")
        space, running = self._space, self._circle.running
        if (space.role(running.engine.machine.me) or SeatRole.READER) < SeatRole.ADMIN or space.left is not None:
            raise NotAllowed("Only admins and owners change the title.")
        old = space.state
        content = State(title, old.picture if old else None, old.media if old else None).content()
        sent = await running.until_failure(running.sender.queue(space, Kind.STATE, content).done)
        if space.log.head.n < sent.seq:
            await running.engine.catch_up(space)

    # ---- reading

    @property
    def read_seq(self) -> int:
        """The seq up to which this member has read here, on any device, or which lies before the member's joining."""
        return self._circle.running.engine.machine.reading.read_seq(self._space)

    @property
    def unread(self) -> int:
        """How many messages of others have come after `read_seq`; deleted, expired and (yet) unreadable ones do not
        count. Each is looked at: for a list of many conversations with much that is unread, ask seldom.
        """
        engine = self._circle.running.engine
        return reading.unread(engine.machine, engine.store, self._space)

    def mark_read(self, upto: Message | int | None = None) -> None:
        """Everything up to a message, or a seq, or all that is here, was read. Never goes back.

        Kept at once; the own other devices and, if `Circle.privacy` allows and at most 50 people are here (broadcasts
        excepted), the others hear of it within seconds, or when the server is reached again. Raises InvalidInput for a
        message of another conversation and a seq that is not here.
        """
        running, space = self._circle.running, self._space
        if isinstance(upto, Message) and upto.conversation_id != self.id:
            raise InvalidInput("This message belongs to another conversation.")
        seq = upto.seq if isinstance(upto, Message) else upto
        if seq is None:
            seq = reading.newest_message(running.engine.store, space)
        if not 0 <= seq <= space.log.head.n:
            raise InvalidInput("There is no message by that number here.")
        running.reader.mark(space, seq)

    @property
    def receipts(self) -> Sequence[Receipt]:
        """How far the others have received and read, by handle; only those who say so."""
        return reading.receipts(self._circle.running.engine.machine, self._space)

    # ---- the moment

    async def set_typing(self, typing: bool) -> None:
        """Tell the others that one types, or has stopped. Call it as often as there are keystrokes: it says so at most
        every three seconds. Raises NotAllowed where one is no longer a member, Refused, Offline.
        """
        space = self._space
        if space.left is not None:
            raise NotAllowed("You are no longer a member of this conversation.")
        await self._circle.running.typist.set(space, typing)

    async def send_signal(self, content: Mapping[int, Any]) -> UUID:
        """Send a signal of a call, sealed, to the devices that are connected now: it is kept nowhere. Its id.

        `content`: a map of whole numbers to what CBOR of e2ee.md holds, about 95 KB at most. Raises InvalidInput,
        NotAllowed, Untrusted, KeysMissing, Refused, Offline.
        """
        return UUID(bytes=await self._circle.running.calls.send(self._space, content))

    async def signals(self) -> AsyncIterator[CallSignal]:
        """Signals of calls in this conversation from now on, opened and verified, for ever, one's own other devices'
        too. Left out is what is older than 60 seconds, repeated or out of order. Raises NotAllowed where one is no
        longer a member, and what ended the client for good.
        """
        engine, space = self._circle.running.engine, self._space
        async for heard in self._circle.running.calls.listen(space):
            header, person = heard.header, engine.machine.people.person(heard.header.member)
            if person is not None:
                time, id = listen.moment(header.time), UUID(bytes=header.id)
                yield CallSignal(space.node, id, person, header.device, time, heard.content)

    # ---- members

    async def add(self, person: Person | str, role: Role = Role.WRITER) -> None:
        """Add somebody (a Person or a handle). Raises NotAllowed, Refused."""
        found = await self._circle.resolve(person)
        await self._circle.running.account.check_invites()
        await self._circle.running.rosters.add(self._space, found.protocol_id, SeatRole(int(role)))

    async def readmit(self, person: Person | str) -> None:
        """Let somebody in again who had to begin anew with another identity, in the role of before; for admins. Be sure
        who it is: compare the safety number. Raises NotAllowed, Untrusted, Refused.
        """
        found = await self._circle.resolve(person)
        await self._circle.running.rosters.readmit(self._space, found.protocol_id)
        self._circle.running.teller.soon()

    async def remove(self, person: Person | str) -> None:
        """Remove somebody: what follows is sealed without them. Raises NotAllowed, Refused."""
        found = await self._circle.resolve(person)
        await self._circle.running.rosters.remove(self._space, found.protocol_id)

    async def change_role(self, person: Person | str, role: Role) -> None:
        """Change somebody's role; for owners. Raises NotAllowed, Refused."""
        found = await self._circle.resolve(person)
        await self._circle.running.rosters.change_role(self._space, found.protocol_id, SeatRole(int(role)))

    async def leave(self) -> None:
        """Leave; the last owner and members of a direct conversation cannot. Raises NotAllowed, Refused."""
        if self.type is ConversationType.DIRECT:
            raise NotAllowed("Nobody leaves a direct conversation.")
        await self._circle.running.rosters.leave(self._space)


def lifetime_class(value: Lifetime | int) -> int:
    """The class of a lifetime. Raises InvalidInput."""
    try:
        return int(Lifetime(value))
    except ValueError as error:
        raise InvalidInput("There is no such lifetime.") from error


__all__ = ["Conversation", "SpaceType"]
