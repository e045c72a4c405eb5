"""Keys that come later than what they open: grants, wraps, and M of a generation that another device made."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from circle_client.engine.convert import EpochFacts
from circle_client.engine.kept import entry_of, keep_again
from circle_client.errors import Refused
from circle_client.machine.space import Space
from circle_client.protocol.epoch import Recipient, decode_recipients
from circle_client.protocol.errors import ProtocolError
from circle_client.protocol.roster import SpaceType

if TYPE_CHECKING:
    from circle_client.engine.engine import Engine

log = logging.getLogger("circle_client")

_EPOCHS_AT_ONCE = 20
_TRIES = 3


class Keys:
    """What an engine does about keys. What is said to be called without the lock takes it; a holder calls the rest."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._shown: dict[str, int] = {}  # the generation that a grant is sealed to, by the server's id

    # ---- the own key

    async def take_newest(self) -> None:
        """Take M of the newest generation from this device's box. Raises KeysMissing where there is no box
        (KEYS_OUTDATED, KEYS_WITHHELD), Untrusted where chain, key or box do not verify. Called without the lock.
        """
        async with self._engine.lock:
            await self._take_newest()

    async def _take_newest(self) -> None:
        engine, machine = self._engine, self._engine.machine
        for _ in range(_TRIES):
            for facts in await engine.api.members([machine.me]):
                engine.learn_own(facts)
            known = machine.people.get(machine.me)
            if known is None or known.key.generation == machine.keyring.generation:
                break
            box = await engine.api.devices.key_box()
            if box is None or box[0] < known.key.generation:
                raise machine.rotator.left_out(known.key)
            if box[0] == known.key.generation:
                machine.rotator.take_box(known.key, box[1])
                break
        with engine.store.transaction():
            machine.flush(engine.store.put)

    async def show_wraps(self) -> None:
        """Fetch what rotations carried over, once for each generation of M."""
        machine, api = self._engine.machine, self._engine.api.devices
        generation, known = machine.keyring.generation, machine.people.get(machine.me)
        own = machine.keyring.member_secrets(generation)
        if machine.wraps.generation == generation or own is None or known is None:
            return
        machine.people.learn_keys(machine.me, await api.member_keys(known.person.id))
        machine.wraps.show(generation, own, await api.archive(), await api.wraps())

    async def epoch(self, node: str, number: int) -> EpochFacts | None:
        """What the server hands out of an epoch, with whatever opens it made ready."""
        facts = await self._engine.api.epoch(node, number)
        if facts is None:
            return None
        machine, row = self._engine.machine, self._own_row(facts)
        if row is not None and row.n > machine.people.chain(machine.me).head.n:
            await self._engine.know_now([machine.me])  # a sibling added a device, which no log tells
        if facts.seal.seal is None:
            await self.show_wraps()
        elif row is not None and row.generation > machine.keyring.generation:
            await self._take_newest()
        return facts

    def _own_row(self, facts: EpochFacts) -> Recipient | None:
        """The own row of an epoch's list; nothing is believed yet."""
        try:
            rows = decode_recipients(facts.seal.recipients or b"")
        except ProtocolError:
            return None
        return next((row for row in rows if row.member == self._engine.machine.me), None)

    async def older_of(self, space: Space) -> None:
        """Older keys of the members whom the newest epoch's list names by another generation than the newest."""
        epoch, people = space.epoch, self._engine.machine.people
        if epoch is None or epoch.recipients is None:
            return
        try:
            rows = decode_recipients(epoch.recipients)
        except ProtocolError:
            return
        for row in rows:
            known = people.get(row.member)
            if known is not None and row.generation not in people.generations(row.member):
                people.learn_keys(row.member, await self._engine.api.devices.member_keys(known.person.id))

    # ---- grants and seals

    def take_grants(self, space: Space, facts: EpochFacts) -> None:
        """Take the grants of an epoch, inside a transaction; read again what they open."""
        self._shown.update((id, generation) for id, generation, _ in facts.grants)
        new = [self._engine.machine.take_grant(space, generation, grant) for _, generation, grant in facts.grants]
        if any(new):
            self.read_again(space)

    def shown_grants(self, generation: int) -> frozenset[str]:
        """The server's ids of the grants to M of this generation that were looked at."""
        return frozenset(id for id, sealed_to in self._shown.items() if sealed_to == generation)

    async def look_for_grants(self, *, everywhere: bool) -> None:
        """Ask for grants where keys are lacking or history is shared, or in every conversation: they go with the old M.

        Called without the lock.
        """
        for space in list(self._engine.machine.spaces.values()):
            if space.left is not None or space.roster.type is SpaceType.ACCOUNT:
                continue
            if everywhere or space.waiting or space.roster.policy.shared:
                try:
                    await self._engine.catch_up(space)  # a grant is taken once all epochs that it names are known
                    await self.look(space)
                except Refused as error:
                    log.info("the look for keys was put off (%s)", error.code)

    def read_again(self, space: Space) -> None:
        """Read again what waited for keys, inside a transaction."""
        store = self._engine.store
        before = space.log.head.n + 1
        space.waiting.clear()
        while rows := store.latest_items(space.id, before, 200):
            for row in reversed(rows):
                entry = entry_of(row)
                if entry is not None and entry.waiting and "raw" in row.value:
                    again = self._engine.machine.reread(space, entry, row.value["raw"])
                    space.wait_for(again)
                    if not again.waiting:
                        keep_again(store, space, again, row)
            before = rows[-1].seq

    async def look(self, space: Space) -> None:
        """Ask for grants, and for seals that were not there (any more, or yet) when their epoch came; then read again
        what waited. A seal of an earlier stay, for one, is shown again after the next add. Called without the lock.
        """
        engine = self._engine
        if space.left is not None:
            await self._look_back(space)
            return
        async with engine.lock:
            wanted = {space.newest.n, *sorted(space.waiting)[-_EPOCHS_AT_ONCE:]} - {0}
            found = {number: facts for number in wanted if (facts := await self.epoch(space.node, number))}
            with engine.store.transaction():
                for number, facts in found.items():
                    if not space.epochs[number].branches:
                        engine.machine.take_seal(space, number, facts.seal)
                    self.take_grants(space, facts)
                if any(number in space.epochs and space.epochs[number].branches for number in space.waiting):
                    self.read_again(space)
                engine.machine.flush(engine.store.put)
            engine.news.set()

    async def _look_back(self, space: Space) -> None:
        """Keys of a stay that has ended while this device was off: the server still hands out what they were sealed in,
        or wrapped, for the next rotation.
        """
        engine, machine = self._engine, self._engine.machine
        async with engine.lock:
            await self.show_wraps()
            named = {one.epoch: one for one in await engine.api.devices.required() if one.space == space.id}
            for number in sorted(space.waiting):
                epoch = space.epochs.get(number)
                if epoch is not None and not epoch.foreign:
                    found = machine.rotator.opened(space.id, number, named.get(number))
                    epoch.branches = {**found, **epoch.branches}
            with engine.store.transaction():
                self.read_again(space)
                machine.touch(space, seldom=True)
                machine.flush(engine.store.put)
            engine.news.set()
