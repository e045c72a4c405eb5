"""What this device says that it is doing: said again after each connection, for it ends with the socket."""

from __future__ import annotations

import asyncio
import logging

from circle_client.engine.engine import Engine
from circle_client.engine.sync import Sync
from circle_client.errors import CircleError
from circle_client.transport import Backoff
from circle_client.types import PresenceState

log = logging.getLogger("circle_client")


class PresenceKeeper:
    """Keeps the server's idea of this device up to date. `run` is a task of `Sync`."""

    def __init__(self, engine: Engine, sync: Sync) -> None:
        self._engine, self._sync = engine, sync
        self._wanted: PresenceState | None = None
        self._told = 0

    async def set(self, state: PresenceState) -> None:
        """Say it now, and from now on. Raises Refused, Offline; it is said again with the next connection even so."""
        self._wanted, connection = state, self._sync.connections
        await self._engine.api.live.set_presence(state)
        self._told = connection

    async def run(self, online: asyncio.Event) -> None:
        """For ever: say it again when the connection is another."""
        backoff = Backoff(0.5, 20.0)
        while True:
            news = self._engine.news.waiter()
            if self._wanted is not None and online.is_set() and self._told != self._sync.connections:
                try:
                    await self.set(self._wanted)
                    backoff.reset()
                except CircleError as error:
                    log.info("the presence was not said (%s)", error.code)
                    await backoff.pause()
                continue
            await news.wait()
