"""Units of work: one transaction per GraphQL operation, opened with its viewer and ended by the edge, never inside."""

from __future__ import annotations

import inspect
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from uuid import UUID

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from db.ending import finish
from db.engine import Connection, Database
from db.errors import Busy, DatabaseUnavailable
from db.outage import LOST, outages
from db.transaction import Transaction

logger = logging.getLogger(__name__)

Callback = Callable[[], Awaitable[None] | None]
_WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

__all__ = ["Transaction", "UnitOfWork"]


class UnitOfWork:
    """The port through which use cases reach the database."""

    def __init__(self, database: Database, on_append: Callable[[], None] | None = None) -> None:
        """`on_append` is called after each commit that appended to a log (the app lets it poke hub and bus)."""
        self._database, self._on_append = database, on_append

    def write(self, viewer_member: UUID | None) -> AbstractAsyncContextManager[Transaction]:
        """READ COMMITTED in the role circle_app; commits on exit, rolls back if the block raises.

        `viewer_member` None: policies show no row. Raises Busy when no connection is free in time,
        DatabaseUnavailable when there is none to be had, or it was lost on the way.
        """
        return self._transaction(self._database.app, _WRITE, viewer_member)

    def read(self, viewer_member: UUID | None) -> AbstractAsyncContextManager[Transaction]:
        """REPEATABLE READ READ ONLY in the role circle_app: every query sees one moment. Raises Busy."""
        return self._transaction(self._database.app, _READ, viewer_member)

    def auth(self) -> AbstractAsyncContextManager[Transaction]:
        """Like `write`, in the role circle_auth: what happens before a viewer is known. Raises Busy."""
        return self._transaction(self._database.auth, _WRITE, None)

    @asynccontextmanager
    async def _transaction(self, engine: AsyncEngine, begin: str, viewer: UUID | None) -> AsyncIterator[Transaction]:
        # One round trip for both. A UUID's hex digits hold nothing that SQL could mistake.
        connection, driver = await _begin(
            engine, f"{begin}; SET LOCAL circle.member = '{viewer.hex if viewer else ''}'"
        )
        tx, ended = Transaction(connection, driver, viewer), False
        try:
            yield tx
            await tx.flush()
            ended = True
            # To its end, whatever happens meanwhile: a commit is never left half-known, nor unannounced.
            await finish(self._commit(connection, driver, tx))
        finally:
            if not ended:
                await finish(_give_up(connection, tx))

    async def _commit(self, connection: AsyncConnection, driver: Connection, tx: Transaction) -> None:
        try:
            await tx.lock.close()
            with outages(driver):
                await driver.execute("COMMIT")
        finally:
            await _give_back(connection)
        await self._after(tx)

    async def _after(self, tx: Transaction) -> None:
        if tx.appended and self._on_append is not None:
            self._on_append()
        for callback in tx.callbacks:
            try:
                result = callback()
                if inspect.isawaitable(result):
                    await result
            except Exception:
                logger.exception("A callback after commit failed; the commit stands.")


async def _begin(engine: AsyncEngine, statement: str) -> tuple[AsyncConnection, Connection]:
    """A connection with the transaction begun. One that died in the pool is replaced: nothing has happened on it yet.

    Raises Busy, DatabaseUnavailable.
    """
    while True:
        try:
            connection = await engine.connect()
        except PoolTimeout as error:
            raise Busy from error
        except (DBAPIError, *LOST) as error:  # what SQLAlchemy asks of a new connection found it gone
            raise DatabaseUnavailable("The connection to the database was lost.") from error
        try:
            driver = (await connection.get_raw_connection()).driver_connection
            assert isinstance(driver, asyncpg.Connection)  # noqa: S101  (None only once the connection is closed)
            await driver.execute(statement)
        except LOST:
            await connection.invalidate()
            await connection.close()
        except BaseException:
            await finish(_give_back(connection))
            raise
        else:
            return connection, driver


async def _give_up(connection: AsyncConnection, tx: Transaction) -> None:
    """End a transaction that is not to be committed. Others' queries on it end first, and none begins: fields of a
    query that was broken off may still be at work, and the connection is somebody else's next."""
    try:
        await tx.lock.close()
    finally:
        await _give_back(connection)


async def _give_back(connection: AsyncConnection) -> None:
    """Return a connection without any transaction in it to the pool, or end it."""
    try:
        driver = (await connection.get_raw_connection()).driver_connection
        if driver is not None and not driver.is_closed() and driver.is_in_transaction():
            await driver.execute("ROLLBACK")
    except Exception:
        await connection.invalidate()
    finally:
        await connection.close()
