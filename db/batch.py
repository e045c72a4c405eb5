"""The batcher's own connection: one transaction for many senders, in a role that can do nothing but that."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID

from asyncpg import Record

from db.engine import Connection, Database
from db.outage import outages

_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL circle.senders = '{%s}'"
_CLOSE_SECONDS = 2.0


class Batch:
    """A running transaction of the role circle_send."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def fetch(self, query: str, *args: Any) -> list[Record]:
        """All rows. Raises what asyncpg raises, and DatabaseUnavailable where the database itself is in trouble."""
        with outages(self._connection):
            return await self._connection.fetch(query, *args)


class Batches:
    """Keeps one connection, made when it is first needed and anew when it was lost. For one task alone."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Connection | None = None

    @asynccontextmanager
    async def batch(self, senders: Iterable[UUID]) -> AsyncIterator[Batch]:
        """A transaction under the policies of these members; commits on exit, rolls back if the block raises.

        Raises DatabaseUnavailable; after a lost connection nobody knows whether the COMMIT took effect.
        """
        # A UUID's hex digits hold nothing that SQL could mistake.
        begin = _BEGIN % ",".join(sorted({sender.hex for sender in senders}))
        connection = await self._begin(begin)
        is_over = False
        try:
            yield Batch(connection)
            with outages(connection):
                await connection.execute("COMMIT")
            is_over = True
        finally:
            if not is_over:
                await self._undo(connection)

    async def close(self) -> None:
        """End the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                await connection.close(timeout=_CLOSE_SECONDS)

    async def _begin(self, statement: str) -> Connection:
        kept = self._connection
        if kept is not None and not kept.is_closed():
            try:
                await kept.execute(statement)
            except Exception:  # died while nobody looked: nothing has happened on it yet
                kept.terminate()
            else:
                return kept
        self._connection = fresh = await self._database.connect("circle_send", direct=False)
        with outages(fresh):
            await fresh.execute(statement)
        return fresh

    async def _undo(self, connection: Connection) -> None:
        try:
            await connection.execute("ROLLBACK")
        except Exception:
            connection.terminate()
