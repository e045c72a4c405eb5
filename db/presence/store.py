"""The database's side of presence: who hides, and when members were last seen. One connection, kept and rebuilt."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

from db.engine import Connection, Database
from db.queries.presence import hidden, write_seen

PATIENCE = 5.0
"""Seconds for one question."""


class Store:
    """For one task at a time (a lock sees to it); role circle_hub."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Connection | None = None
        self._lock = asyncio.Lock()

    async def hidden(self, members: Sequence[UUID]) -> set[UUID]:
        """Those of these members who hide their presence. Raises whatever the connection raises."""
        async with self._lock, asyncio.timeout(PATIENCE):
            return await hidden(await self._open(), members)

    async def write_seen(self, minutes: Mapping[UUID, int]) -> None:
        """Keep in which minute these members were last online. Raises whatever the connection raises."""
        async with self._lock, asyncio.timeout(PATIENCE):
            await write_seen(await self._open(), {member: moment(minute) for member, minute in minutes.items()})

    async def close(self) -> None:
        """End the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):  # it may be gone already
                await connection.close(timeout=1)

    async def _open(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._database.connect("circle_hub", direct=False)
        return self._connection


def moment(minute: int) -> datetime:
    """A minute since 1970 as a time."""
    return datetime.fromtimestamp(minute * 60, UTC)
