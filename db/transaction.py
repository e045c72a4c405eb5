"""A running transaction: SQLAlchemy's session and the plain driver over one connection, safe to share between tasks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any
from uuid import UUID

from asyncpg import Record
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from db.engine import Connection
from db.outage import outages
from db.turn import Turn

Callback = Callable[[], Awaitable[None] | None]


class Raw:
    """The asyncpg connection of this transaction; arguments and results are asyncpg's own. Waits for its turn.

    Raises what asyncpg raises, and DatabaseUnavailable where the database itself is in trouble.
    """

    def __init__(self, connection: Connection, lock: Turn) -> None:
        self._connection, self._lock = connection, lock

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        async with self._lock:
            with outages(self._connection):
                yield

    async def execute(self, query: str, *args: object) -> str:
        """Run a statement; returns its status line."""
        async with self._turn():
            return await self._connection.execute(query, *args)

    async def executemany(self, query: str, args: Iterable[Sequence[object]]) -> None:
        """Run a statement once per row of arguments, in one go."""
        async with self._turn():
            await self._connection.executemany(query, args)

    async def fetch(self, query: str, *args: object) -> list[Record]:
        """All rows."""
        async with self._turn():
            return await self._connection.fetch(query, *args)

    async def fetchrow(self, query: str, *args: object) -> Record | None:
        """The first row, or None."""
        async with self._turn():
            return await self._connection.fetchrow(query, *args)

    async def fetchval(self, query: str, *args: object) -> Any:
        """The first column of the first row, or None."""
        async with self._turn():
            return await self._connection.fetchval(query, *args)


class Transaction:
    """What queries are given. Use cases never commit: the unit of work does, when the block ends without an exception.

    `session` and `raw` are two views of the same transaction, and each waits for its turn on the connection, so that
    concurrent resolvers may share it. `raw` does not see what the session has not flushed: `await tx.flush()` first.
    `async with tx.lock:` keeps other tasks out for several queries.
    """

    def __init__(self, connection: AsyncConnection, driver: Connection, viewer: UUID | None) -> None:
        self.viewer = viewer
        self.lock = Turn()
        self.raw = Raw(driver, self.lock)
        self.session: AsyncSession = _TurnSession(connection, self.lock)
        self.callbacks: list[Callback] = []
        self.heads: dict[UUID, tuple[int, bytes]] = {}
        """Locked spaces and where their logs stand: db.log keeps it."""
        self.appended: set[UUID] = set()
        """Spaces whose log has grown (db.log keeps it) or in which a marker was set: the hub is told to look."""

    def on_commit(self, callback: Callback) -> None:
        """Call (and await, if it returns an awaitable) after the commit; never called if there is none."""
        self.callbacks.append(callback)

    async def flush(self) -> None:
        """Send what the session holds back, so that `raw` sees it."""
        await self.session.flush()

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Undo the block's changes, and those alone, if it raises (e.g. UniqueViolationError); re-raises."""
        async with self.lock:
            heads, appended = dict(self.heads), set(self.appended)
            try:
                async with self.session.begin_nested():
                    await self.session.connection()  # sends the SAVEPOINT now, for `raw` too
                    yield
            except BaseException:
                self.heads, self.appended = heads, appended
                raise


class _TurnSession(AsyncSession):
    """An AsyncSession whose queries wait for their turn on the transaction's one connection."""

    def __init__(self, connection: AsyncConnection, lock: Turn) -> None:
        super().__init__(bind=connection, expire_on_commit=False)
        self.turn = lock


def _in_turn(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @wraps(method)
    async def guarded(self: _TurnSession, *args: Any, **kwargs: Any) -> Any:
        async with self.turn:
            return await method(self, *args, **kwargs)

    return guarded


for _name in ("execute", "scalar", "scalars", "get", "get_one", "refresh", "flush", "delete", "merge", "run_sync"):
    setattr(_TurnSession, _name, _in_turn(getattr(AsyncSession, _name)))
