"""A clock for a whole world: server process, database, Python clients and the driver's clients move together.

Nothing is waited for in tests about hours and days: the clock is put forward, everywhere at once, and never back.
"""

from __future__ import annotations

import time as real
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest
from circle_client import clock as client
from circle_client.engine import sync

# In front of pg_catalog's own, for everything that connects to this database from now on.
_IN_DATABASE = """
CREATE TABLE world_clock (past interval NOT NULL);
INSERT INTO world_clock VALUES ('0');
CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE SECURITY DEFINER
  AS 'SELECT pg_catalog.clock_timestamp() + past FROM public.world_clock';
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, pg_catalog', current_database()); END $$;
"""


class WorldClock:
    """The offset from the real time, in milliseconds; the server process reads it from `path`."""

    def __init__(self, path: Path, dsn: str) -> None:
        self.path, self._dsn = path, dsn
        self.offset = 0
        self._tell(0)

    async def install(self, patch: pytest.MonkeyPatch) -> None:
        """Put the clock into the database, before the server connects, and under the Python clients."""
        await self._execute(_IN_DATABASE)
        patch.setattr(sync, "_HOUSEKEEPING", 2.0)  # nobody waits half a minute for what the clock makes due at once
        patch.setattr(client, "time", SimpleNamespace(time_ns=lambda: real.time_ns() + self.offset * 1_000_000))

    async def advance(self, seconds: float) -> None:
        """Put the clock forward. The driver is told by whoever holds it."""
        offset = self.offset + int(seconds * 1000)
        # The server first: it takes what a client made a day ago, but nothing that was made tomorrow.
        self._tell(offset)
        await self._execute("UPDATE world_clock SET past = $1", timedelta(milliseconds=offset))
        self.offset = offset

    def _tell(self, offset: int) -> None:
        # In one step: a reader that found the file empty would be back at the beginning of time.
        new = self.path.with_suffix(".new")
        new.write_text(str(offset))
        new.replace(self.path)

    def now(self) -> datetime:
        """What it shows."""
        return datetime.now(UTC) + timedelta(milliseconds=self.offset)

    async def _execute(self, query: str, *arguments: Any) -> None:
        connection = await asyncpg.connect(self._dsn)
        try:
            await connection.execute(query, *arguments)
        finally:
            await connection.close()
