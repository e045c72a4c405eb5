"""Taking or making a space's next epoch, and what belongs to it: complaints and grants (e2ee.md section 6)."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Coroutine, Sequence

from circle_client.engine.engine import Engine, millis
from circle_client.engine.pacing import Pace
from circle_client.errors import CircleError, NotAllowed, Offline, Refused, ServerFault, TooManyTries
from circle_client.machine.space import Space
from circle_client.protocol.errors import DueReason
from circle_client.protocol.roster import Role
from circle_client.transport import Backoff

_TRIES = 6
_LOST = {"EPOCH_CONFLICT", "EPOCH_NOT_DUE", "RECIPIENTS_CHANGED", "CHAIN_CONFLICT", "STALE_DEVICE"}
_PATIENCE = 20
_AT_ONCE = 2000  # epochs in one grant: 7 keys of each stay well below the API's 1 MiB


class Epochs:
    """Makes epochs, one attempt at a time per space."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._locks: defaultdict[bytes, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._complained: set[tuple[bytes, int, int]] = set()
        self._paces: defaultdict[bytes, Pace] = defaultdict(Pace)
        self._tasks: set[asyncio.Task[None]] = set()
        engine.complain, engine.complained = self._complain_soon, self._mend_soon

    async def close(self) -> None:
        """Stop what runs beside."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _is_due(self, space: Space) -> bool:
        return space.log.due is not None or space.epoch is None

    async def renew(self, space: Space, reason: DueReason | None) -> None:
        """Make the next epoch, or take the one that somebody else has made meanwhile.

        `reason` None: the server says that it is due, whatever the log here says. Raises NotAllowed for readers once
        nobody else made it in a while, CircleError of the ways to the server.
        """
        engine, before = self._engine, space.newest.n
        async with self._locks[space.id]:
            backoff = Backoff(0.05, 1.0)
            for _ in range(_TRIES):
                await engine.catch_up(space)
                if space.newest.n > before or (reason is not None and not self._is_due(space)):
                    return
                if (space.role(engine.machine.me) or Role.READER) < Role.WRITER:
                    await self._wait_for_others(space, before)
                    return
                await engine.know_roster(space)
                # First the grants: whoever takes the new epoch looks for grants then, too.
                await self._grant_complainers(space)
                for member in list(space.owed):
                    await self.pay(space, member)
                made = engine.machine.make.epoch(space, millis())
                engine.made[made.head.hash] = made
                try:
                    await engine.api.announce_epoch(made)
                except Refused as error:
                    engine.made.pop(made.head.hash, None)
                    if error.code not in _LOST:
                        raise
                    await backoff.pause()
                    continue
                await engine.catch_up(space)
                return

    async def _wait_for_others(self, space: Space, before: int) -> None:
        backoff = Backoff(0.2, 2.0)
        for _ in range(_PATIENCE):
            await backoff.pause()
            await self._engine.catch_up(space)
            if space.newest.n > before:
                return
        raise NotAllowed("The conversation needs new keys, which a writer has to make first.")

    # ---- grants

    async def give(self, space: Space, member: bytes, epochs: Sequence[int]) -> None:
        """Give a newcomer, where history is shared, or a complainer the keys of epochs; a refusal changes nothing, but
        for one because their key was renewed meanwhile.
        """
        for start in range(0, len(epochs), _AT_ONCE):
            for left in range(_TRIES, -1, -1):
                try:
                    await self._give(space, member, epochs[start : start + _AT_ONCE])
                    break
                except Refused as error:
                    if error.code != "GENERATION_CONFLICT" or not left:
                        return
                    await self._engine.know([member])

    async def _give(self, space: Space, member: bytes, epochs: Sequence[int]) -> None:
        known = self._engine.machine.people.get(member)
        made = self._engine.machine.make.grant(space, member, epochs) if known else None
        if made is not None and known is not None:
            await self._engine.api.grant(space.node, known.person.id, *made)

    async def pay(self, space: Space, member: bytes) -> None:
        """Give a newcomer whom this member has added what is owed to them, once. Raises Offline, and owes it still."""
        engine = self._engine
        debt = space.owed.get(member)
        if debt is None or space.alarm is not None or space.left is not None:
            return
        if space.waiting:
            await engine.keys.look(space)  # what came to this device meanwhile is given, too
        if space.roster.policy.shared and member in space.roster.seats:
            await self.give(space, member, range(1, debt[0] + 1))
        async with engine.lock:
            space.owed.pop(member, None)
            engine.machine.touch(space, seldom=True)
            engine.flush()

    async def pay_due(self, now: int) -> None:
        """Give what this device was cut off from giving, and what a sibling may not have given."""
        for space in list(self._engine.machine.spaces.values()):
            for member in [member for member, (_, at) in space.owed.items() if at <= now]:
                await self.pay(space, member)

    async def _grant_complainers(self, space: Space) -> None:
        for member in sorted(space.complainers):
            if member != self._engine.machine.me:
                await self.give(space, member, sorted(space.complaints.get(member, ())))

    # ---- complaints

    def complain_again(self) -> None:
        """Complain of what is still denied, as after a failure."""
        if (complain := self._engine.complain) is not None:
            for space in list(self._engine.machine.spaces.values()):
                complain(space)

    def _complain_soon(self, space: Space) -> None:
        """Of every epoch whose own seal does not open: within the hour, and once it is in the log, once a day."""
        if space.left is not None:
            return
        own = space.complaints.get(self._engine.machine.me, set())
        now = asyncio.get_running_loop().time()
        for epoch in sorted(space.denied):
            key = (space.id, epoch, millis() // (86_400_000 if epoch in own else 3_600_000))
            if key not in self._complained:
                self._complained.add(key)
                self._beside(self._complain(space, key, self._paces[space.id].wait(now)))

    def _mend_soon(self, space: Space, complainer: bytes, number: int) -> None:
        """Of all holders the epoch's creator answers a complaint at once; the next epoch's maker does, too."""
        epoch = space.epochs.get(number)
        me = self._engine.machine.me
        if epoch is not None and epoch.announcement.creator.member == me and complainer != me:
            self._beside(self._mend(space, complainer, number))

    async def _mend(self, space: Space, complainer: bytes, number: int) -> None:
        try:
            await self.give(space, complainer, [number])
        except CircleError:  # the next epoch's maker gives it again
            return

    def _beside(self, step: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(step)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _complain(self, space: Space, key: tuple[bytes, int, int], pause: float) -> None:
        await asyncio.sleep(pause)
        epoch = key[1]
        if epoch not in space.denied or space.left is not None:
            return
        try:
            await self._engine.api.complain(self._engine.machine.make.complaint(space, epoch, millis()))
        except (Offline, ServerFault, TooManyTries):  # tried again
            self._complained.discard(key)
        except CircleError:  # refused, as when a sibling was faster
            return
