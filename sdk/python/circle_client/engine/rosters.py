"""Conversations and their members: making, adding, removing, roles; each followed by the keys that it makes due."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress

from circle_client.engine.engine import Engine, millis
from circle_client.engine.epochs import Epochs
from circle_client.engine.send import Sender
from circle_client.errors import CircleError, NotAllowed, Offline, Refused
from circle_client.machine.space import Space
from circle_client.protocol.contents import State
from circle_client.protocol.envelope import Kind
from circle_client.protocol.errors import DueReason, ProtocolError
from circle_client.protocol.labels import Label, h_body
from circle_client.protocol.roster import Policy, Role, SpaceType
from circle_client.protocol.structures import Signed
from circle_client.transport import Backoff

_TRIES = 8


class Rosters:
    """The use cases of conversations on top of the engine."""

    def __init__(self, engine: Engine, epochs: Epochs, sender: Sender) -> None:
        self._engine, self._epochs, self._sender = engine, epochs, sender

    async def create(self, type_: SpaceType, roles: Mapping[bytes, Role], policy: Policy, title: str) -> Space:
        """A new conversation, or the direct one that there is. Raises NotAllowed, Untrusted, Refused, Offline."""
        engine = self._engine
        await engine.know([*roles, engine.machine.me])
        try:
            content = State(title).content() if title else None
        except ProtocolError as error:
            raise NotAllowed("A title has at most 120 characters.") from error
        made = engine.machine.make.conversation(type_, roles, policy, content, millis())
        engine.made[made.epoch.head.hash] = made.epoch
        unsure, backoff = False, Backoff()
        for left in range(_TRIES, -1, -1):
            try:
                await engine.api.create_conversation(made)
                break
            except Offline:
                unsure = True
                if not left:
                    raise
                await backoff.pause()
            except Refused as error:
                if error.code == "DIRECT_EXISTS":
                    return await self._direct_with(next(iter(roles)))
                if unsure and error.code in {"ID_TAKEN", "ID_CONFLICT", "CHAIN_CONFLICT"}:
                    break  # the try whose answer was lost had gone through
                if error.code not in {"RECIPIENTS_CHANGED", "CHAIN_CONFLICT"} or not left:
                    raise
                # Somebody's chain or key has moved on since they were asked for: nothing was made, so make it anew.
                engine.made.pop(made.epoch.head.hash, None)
                await backoff.pause()
                await engine.know([*roles, engine.machine.me])
                made = engine.machine.make.conversation(type_, roles, policy, content, millis())
                engine.made[made.epoch.head.hash] = made.epoch
        return await self._find(made.space)

    async def _find(self, id: bytes) -> Space:
        if id not in self._engine.machine.spaces:
            await self._engine.refresher.conversations()
        return self._engine.space(id)

    async def _direct_with(self, member: bytes) -> Space:
        for again in (False, True):
            if again:
                await self._engine.refresher.conversations()
            for space in self._engine.machine.spaces.values():
                if space.roster.type is SpaceType.DIRECT and member in space.roster.seats:
                    return space
        raise NotAllowed("You already have a direct conversation with this person, but it is not shown here.")

    # ---- changes

    async def add(self, space: Space, member: bytes, role: Role) -> None:
        """Add a member, hand over history where it is shared, make new keys, and seal the title under them."""
        engine = self._engine
        await engine.know([member])
        await self._change(space, lambda: engine.machine.make.add(space, member, role, millis()))
        with suppress(CircleError):  # it is owed until it was given
            await self._epochs.pay(space, member)
        await self._renew(space)
        if not space.roster.policy.shared and space.alarm is None:
            self.seal_title_again(space)  # the newcomer has no key of the older one

    def seal_title_again(self, space: Space) -> None:
        """Send the present title and picture once more, under the newest keys."""
        if (old := space.state) is not None:
            state = State(old.text, old.picture, old.media)
            self._sender.queue(space, Kind.STATE, state.content())

    def renew_titles(self, now: int) -> None:
        """An owner's client seals a title anew in the second half of its lifetime (docs/decisions/0013)."""
        for space in self._engine.machine.spaces.values():
            ends = space.state_ends()
            if ends is None or space.state is None or space.left is not None or space.alarm is not None:
                continue
            half = (space.state.accepted_at + ends) // 2
            mine = space.role(self._engine.machine.me) is Role.OWNER
            if mine and half <= now < ends and not self._sender.has_title(space.id):
                self.seal_title_again(space)

    async def remove(self, space: Space, member: bytes) -> None:
        """Remove a member and make new keys."""
        await self._change(space, lambda: self._engine.machine.make.remove(space, member, millis()))
        await self._renew(space)

    async def leave(self, space: Space) -> None:
        """Remove oneself; somebody else makes the new keys."""
        engine = self._engine
        await self._change(space, lambda: engine.machine.make.remove(space, engine.machine.me, millis()))
        await engine.refresher.left(space)

    async def readmit(self, space: Space, member: bytes) -> None:
        """Let a member in again under the ID of after a reset, in the role of before. Raises NotAllowed where there was
        no reset, Untrusted, Refused.
        """
        engine = self._engine
        await engine.know([member])
        seat, known = space.roster.seats.get(member), engine.machine.people.get(member)
        if seat is None or known is None or seat.identity == known.chain.identity:
            raise NotAllowed("There is nobody to be let in again here.")
        await self.add(space, member, seat.role)

    async def renew_account(self, space: Space) -> None:
        """After a reset: put this member's new ID into the account's own roster (docs/decisions/0011)."""
        machine = self._engine.machine
        seat = space.roster.seats.get(machine.me)
        if seat is not None and seat.identity != machine.people.chain(machine.me).identity:
            await self._change(space, lambda: machine.make.renewal(space, millis()))

    async def set_policy(self, space: Space, lifetime: int | None, shared: bool | None) -> None:
        """Change how long messages stay and what newcomers may read; None leaves it as it is. Raises NotAllowed."""
        old = space.roster.policy
        policy = Policy(old.lifetime if lifetime is None else lifetime, old.shared if shared is None else shared)
        if policy == old:
            return
        await self._change(space, lambda: self._engine.machine.make.policy(space, policy, millis()))
        await self._renew(space)

    async def change_role(self, space: Space, member: bytes, role: Role) -> None:
        """Change a role and make new keys."""
        await self._change(space, lambda: self._engine.machine.make.role(space, member, role, millis()))
        await self._renew(space)

    async def _renew(self, space: Space) -> None:
        if space.log.due is None:
            return
        try:
            await self._epochs.renew(space, DueReason.ROSTER)
        except CircleError:
            return  # whoever sends next makes them

    async def _change(self, space: Space, make: Callable[[], Signed]) -> Signed:
        """Sign a link on the roster's head and send it, again where somebody else was faster."""
        engine, backoff = self._engine, Backoff()
        sent: dict[bytes, Signed] = {}
        for left in range(_TRIES, -1, -1):
            await engine.catch_up(space)
            for item, link in sent.items():
                if engine.store.has_item(space.id, item):
                    return link  # a try whose answer was lost had gone through
            link = make()
            sent[h_body(Label.ROSTER, link.body)] = link
            try:
                await engine.api.change_roster(link)
            except Offline:
                if not left:
                    raise
            except Refused as error:
                if error.code not in {"CHAIN_CONFLICT", "STALE_DEVICE"} or not left:
                    raise
                await engine.know([engine.machine.me])  # a device was added to it, maybe
            else:
                await engine.catch_up(space)
                return link
            await backoff.pause()
        raise NotAllowed("Others keep changing the members. Try again in a while.")
