"""Listening to what is told once: subscriptions that are read in the background, and nodes that share one bus."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from strawberry.types import ExecutionResult

from db.batch import Batches
from db.bus import Bus
from db.engine import Database
from db.hub import Hub
from db.presence.table import Times
from db.uow import UnitOfWork
from resolvers.ephemera import Ephemera
from resolvers.sending import Sending
from tests.support.actors import Actor
from tests.support.inside import SERVER_KEY, World, follow

WAIT = 20.0
QUICK = Times(grace=0.5, lease=1.5, tick=0.05, shards=6)
"""Presence in a hurry."""


class Hearing:
    """What one subscription has brought, in order."""

    def __init__(self) -> None:
        self._results: asyncio.Queue[ExecutionResult] = asyncio.Queue()

    async def fill(self, results: AsyncIterator[ExecutionResult]) -> None:
        """Read until cancelled."""
        async for result in results:
            self._results.put_nowait(result)

    async def next(self) -> Any:
        """The next event."""
        async with asyncio.timeout(WAIT):
            result = await self._results.get()
        assert not result.errors, result.errors
        assert result.data is not None
        return next(iter(result.data.values()))

    async def refusal(self) -> ExecutionResult:
        """The result that ends a subscription which is refused."""
        async with asyncio.timeout(WAIT):
            return await self._results.get()

    @property
    def is_silent(self) -> bool:
        """Whether nothing more has come so far."""
        return self._results.empty()


@asynccontextmanager
async def hearing(world: World, document: str, variables: Mapping[str, Any], actor: Actor) -> AsyncIterator[Hearing]:
    """A subscription, once the hub knows its member; it is read in the background."""
    heard, results = Hearing(), follow(world, document, variables, actor)
    task = asyncio.create_task(heard.fill(results))
    try:
        await until(lambda: world.hub.watching.knows(actor.id) or task.done() or not heard.is_silent)
        yield heard
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await results.aclose()  # type: ignore[attr-defined]  # an async generator


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what sets no event."""
    async with asyncio.timeout(WAIT):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@asynccontextmanager
async def node(
    database: Database, bus: Bus, *, times: Times = QUICK, typing_every: float = 0.05, interval: float = 1.0
) -> AsyncIterator[World]:
    """One process's inside on a database and a bus (which is not started here)."""
    hub = Hub(database, bus, SERVER_KEY, interval=interval)
    await hub.start()

    def wake() -> None:
        hub.poke()
        bus.poke()

    world = World(UnitOfWork(database, wake), hub, bus)
    world.sending = Sending(Batches(database), world.clock, wake)
    await world.sending.start()
    world.ephemera = Ephemera(database, bus, hub, world.clock, times=times, typing_every=typing_every)
    await world.ephemera.start()
    try:
        yield world
    finally:
        await world.ephemera.stop()
        await world.sending.stop()
        await hub.stop()
