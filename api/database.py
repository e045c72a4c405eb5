"""Opening the database for the server and for the command line: the embedded one, or the one that is named."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from api.settings import Settings
from db.embedded import EmbeddedError, EmbeddedPostgres
from db.embedded.server import dsn_of
from db.engine import Database, answers
from db.migrate import migrate

CONNECTIONS_PER_PROCESS = 20
"""All that one process opens at most (db/engine.py), and some."""


@asynccontextmanager
async def open_database(settings: Settings, *, share: bool = False) -> AsyncIterator[Database]:
    """The migrated database. `share`: use the embedded server of a Circle that runs on this data folder, if one does.

    Raises EmbeddedError, MigrationError or DatabaseUnavailable with a plain sentence.
    """
    async with open_server(settings, share=share) as dsn:
        await migrate(settings.database_direct_url or dsn)
        async with _opened(settings, dsn) as database:
            yield database


@asynccontextmanager
async def join_database(settings: Settings) -> AsyncIterator[Database]:
    """The database that this process's parent keeps and has migrated. Raises DatabaseUnavailable."""
    async with _opened(settings, dsn_of(settings.data_dir) if settings.embedded else settings.database_url) as database:
        yield database


@asynccontextmanager
async def _opened(settings: Settings, dsn: str) -> AsyncIterator[Database]:
    database = Database(dsn, direct_dsn=settings.database_direct_url or dsn, own_logins=settings.embedded)
    try:
        await database.open()
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def open_server(settings: Settings, *, share: bool = False) -> AsyncIterator[str]:
    """The URL of a PostgreSQL server that runs; the embedded one is started, kept and stopped. Raises EmbeddedError."""
    if not settings.embedded:
        yield settings.database_url
        return
    if share and await answers(dsn_of(settings.data_dir)):
        yield dsn_of(settings.data_dir)
        return
    # Started here, in the main thread: on Linux the server ends with the thread that started it.
    connections = str(max(60, CONNECTIONS_PER_PROCESS * settings.workers + 10))
    postgres = EmbeddedPostgres(settings.data_dir, settings={"max_connections": connections})
    try:
        await postgres.start()
    except OSError as error:
        folder = settings.data_dir.resolve()
        raise EmbeddedError(f"The data folder {folder} cannot be used: {error.strerror or error}.") from None
    keeper = asyncio.create_task(postgres.keep())
    try:
        yield postgres.dsn
    finally:
        keeper.cancel()
        with suppress(asyncio.CancelledError):
            await keeper
        await postgres.stop()
