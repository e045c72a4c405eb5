"""Fixtures for every test that needs a database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from db.bus import Bus
from db.engine import Connection, Database
from db.hub import Hub
from db.uow import UnitOfWork
from tests.support.database import Maker, Server, quick_folder, run

SERVER_KEY = bytes(range(32))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """The test run's PostgreSQL server, with a migrated template database."""
    with quick_folder() as folder:
        server = Server(folder)
        run(server.start())
        yield server
        run(server.stop())


@pytest.fixture
async def dsn(postgres: Server) -> AsyncIterator[str]:
    """The URL (superuser) of a fresh, migrated database."""
    async with postgres.fresh() as url:
        yield url


@pytest.fixture
async def admin(dsn: str) -> AsyncIterator[Connection]:
    """A superuser's connection to the test's database: policies do not hold for it."""
    connection = await asyncpg.connect(dsn)
    yield connection
    await connection.close()


@pytest.fixture
def make(admin: Connection) -> Maker:
    """Puts members, spaces and events in place."""
    return Maker(admin)


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    """The app's own connections to the test's database."""
    database = Database(dsn, own_logins=True)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def uow(database: Database) -> UnitOfWork:
    """Units of work on the test's database."""
    return UnitOfWork(database)


@pytest.fixture
async def bus() -> AsyncIterator[Bus]:
    """A running bus within this process."""
    bus = Bus("memory://")
    await bus.start()
    yield bus
    await bus.stop()


@pytest.fixture
async def hub(database: Database, bus: Bus) -> AsyncIterator[Hub]:
    """A running hub on the test's database."""
    hub = Hub(database, bus, SERVER_KEY)
    await hub.start()
    yield hub
    await hub.stop()
