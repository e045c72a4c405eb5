"""Fixtures for tests of the use cases: they go through the schema, as every client does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from asyncpg import Connection

from db.batch import Batches
from db.bus import Bus
from db.engine import Database
from db.hub import Hub
from db.uow import UnitOfWork
from resolvers.ephemera import Ephemera
from resolvers.sending import Sending
from tests.support.inside import World
from tests.support.moments import QUICK


@pytest.fixture
async def world(database: Database, hub: Hub, bus: Bus) -> AsyncIterator[World]:
    """A server's inside on a fresh database."""

    def wake() -> None:
        hub.poke()
        bus.poke()

    made = World(UnitOfWork(database, wake), hub, bus)
    made.sending = Sending(Batches(database), made.clock, wake)
    await made.sending.start()
    made.ephemera = Ephemera(database, bus, hub, made.clock, times=QUICK, typing_every=0.05)
    await made.ephemera.start()
    yield made
    await made.ephemera.stop()
    await made.sending.stop()


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement sent from now on, in order; not those of the hub, which looks when it wants."""
    seen: list[str] = []

    def watch(name: str) -> None:
        original = getattr(Connection, name)

        async def spy(self: Connection, query: str, *args: Any, **more: Any) -> Any:
            task = asyncio.current_task()
            if task is None or task.get_name() != "hub":
                seen.append(query)
            return await original(self, query, *args, **more)

        monkeypatch.setattr(Connection, name, spy)

    for name in ("execute", "executemany", "fetch", "fetchrow", "fetchval"):
        watch(name)
    return seen
