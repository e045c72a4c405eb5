"""The job that deletes what has expired: one supervised task, on one node at a time, ended between two batches."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime

from api.refusals import mask
from db.ending import end
from db.engine import Connection, Database
from db.queries.expiry import take_lock
from resolvers.expiry import raise_floors, sweep

log = logging.getLogger("circle.api.jobs")

FLOORS_EVERY = 3600.0
CLOSE_SECONDS = 2.0


class ExpiryJob:
    """Sweeps every `seconds`, if this node holds the lock; otherwise asks for it as often."""

    def __init__(self, database: Database, clock: Callable[[], datetime], seconds: float) -> None:
        self._database, self._clock, self._seconds = database, clock, seconds
        self._stop = asyncio.Event()
        self._floors_at = 0.0

    async def run(self) -> None:
        """Work until `stop`. A lost database is waited for; said once, not every time."""
        failing = False
        while not self._stop.is_set():
            try:
                connection = await self._database.connect("circle_job")
                try:
                    failing = False
                    await self._work(connection)
                finally:
                    with suppress(Exception):  # it may be gone already
                        await connection.close(timeout=CLOSE_SECONDS)
            except Exception as failure:
                if not failing:
                    mask(failure, "expiry")
                failing = True
                await self._pause()

    def stop(self) -> None:
        """End after the batch that is under way."""
        self._stop.set()

    async def _work(self, connection: Connection) -> None:
        while not self._stop.is_set() and not await take_lock(connection):
            await self._pause()
        while not self._stop.is_set():
            await sweep(connection, self._clock(), self._stop.is_set)
            now = asyncio.get_running_loop().time()
            if now >= self._floors_at:
                await raise_floors(connection, self._clock(), self._stop.is_set)
                self._floors_at = now + FLOORS_EVERY
            await self._pause()

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._seconds):
                await self._stop.wait()


@asynccontextmanager
async def expiring(
    database: Database, clock: Callable[[], datetime], seconds: float, drain_seconds: float
) -> AsyncIterator[None]:
    """The job runs inside the block; at its end the batch under way is given that long to finish."""
    job = ExpiryJob(database, clock, seconds)
    task = asyncio.create_task(job.run())
    try:
        yield
    finally:
        job.stop()
        await asyncio.wait([task], timeout=drain_seconds)
        await end(task)
