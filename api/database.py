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


@asynccontextmanager
async def open_database(settings: Settings, *, share: bool = False) -> AsyncIterator[Database]:
    """The migrated database. `share`: use the embedded server of a Circle that runs on this data folder, if one does.

    Raises EmbeddedError, MigrationError or DatabaseUnavailable with a plain sentence.
    """
    async with open_server(settings, share=share) as dsn:
        direct = settings.database_direct_url or dsn
        await migrate(direct)
        database = Database(dsn, direct_dsn=direct, own_logins=settings.embedded)
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
    postgres = EmbeddedPostgres(settings.data_dir)
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
