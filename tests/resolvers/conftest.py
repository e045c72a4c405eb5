"""Fixtures for tests of the use cases: they go through the schema, as every client does."""

from __future__ import annotations

import pytest

from db.bus import Bus
from db.engine import Database
from db.hub import Hub
from db.uow import UnitOfWork
from tests.support.world import World


@pytest.fixture
def world(database: Database, hub: Hub, bus: Bus) -> World:
    """A server's inside on a fresh database."""

    def wake() -> None:
        hub.poke()
        bus.poke()

    return World(UnitOfWork(database, wake), hub, bus)
