"""Sealing and sending what lies in no outbox: markers and signals. Tried a few times, then it is the caller's again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from circle_client.engine.engine import Engine
from circle_client.engine.epochs import Epochs
from circle_client.errors import Refused
from circle_client.machine.make import Draft, EpochNeeded, MembersChanged
from circle_client.machine.space import Space
from circle_client.transport import Backoff

T = TypeVar("T")
_TRIES = 5
_STALE = {"STALE_EPOCH", "STALE_DEVICE", "EPOCH_DUE"}


class Momentary:
    """Gives drafts their seal, under whichever epoch is the newest."""

    def __init__(self, engine: Engine, epochs: Epochs) -> None:
        self._engine, self._epochs = engine, epochs

    async def say(
        self, space: Space, draft: Callable[[], Draft], send: Callable[[bytes], Awaitable[T]], *, renew: bool
    ) -> T:
        """Seal and send; what `send` answers. `renew`: whether an epoch that is due may be made for this.

        Raises EpochNeeded where it may not, NotAllowed, Untrusted, KeysMissing, Refused, Offline.
        """
        backoff = Backoff(0.05, 1.0)
        for left in range(_TRIES - 1, -1, -1):
            try:
                return await self._once(space, draft(), send)
            except MembersChanged:
                if not left:
                    raise
                await self._engine.know_roster(space)
            except EpochNeeded as needed:
                if not left or not renew:
                    raise
                await self._epochs.renew(space, needed.reason)
            except Refused as error:
                if not left or error.code not in _STALE:
                    raise
                await self._catch_up(space, error, renew)
            await backoff.pause()
        raise AssertionError("the last try returns or raises")

    async def _once(self, space: Space, draft: Draft, send: Callable[[bytes], Awaitable[T]]) -> T:
        engine = self._engine
        sealed = engine.machine.make.envelope(space, draft).data
        engine.machine.touch(space)  # a list that was compared is not compared again
        return await send(sealed)

    async def _catch_up(self, space: Space, error: Refused, renew: bool) -> None:
        if error.code == "STALE_DEVICE":  # a device was added, which no log tells
            await self._engine.know([self._engine.machine.me])
            return
        await self._engine.catch_up(space)
        if error.code == "EPOCH_DUE":
            if not renew:
                raise EpochNeeded(None) from error
            await self._epochs.renew(space, None)
