"""People with the Python SDK on a server of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from circle_client import Circle

from tests.support.sdk import Party, party
from tests.support.server import running


@pytest.fixture
async def people(tmp_path: Path, dsn: str) -> AsyncIterator[Party]:
    async with running(tmp_path, dsn) as server, party(server.url, server.set_up_token, tmp_path) as found:
        yield found


@pytest.fixture
async def ada(people: Party) -> Circle:
    return await people.come("ada")


@pytest.fixture
async def bob(people: Party, ada: Circle) -> Circle:
    return await people.come("bob")


@pytest.fixture
async def eve(people: Party, bob: Circle) -> Circle:
    return await people.come("eve")
