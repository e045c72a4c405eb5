"""A world for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.scenario.world import World, world
from tests.support.driver import driver


@pytest.fixture
async def us(tmp_path: Path, dsn: str) -> AsyncIterator[World]:
    """Four members with a device each: ada and cem begin with the Python SDK, ben and dan with the TypeScript SDK."""
    async with driver() as node, world(tmp_path, dsn, node) as one:
        yield one
