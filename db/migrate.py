"""Bring a database to the newest shape: roles first (with the login's rights), then Alembic as circle_owner."""

from __future__ import annotations

from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection as SyncConnection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from db.engine import Connection

_LOCK = 0x436972636C65  # "Circle": one migration at a time in a database, whichever node asks first

ROLES = ("circle_owner", "circle_app", "circle_auth", "circle_hub", "circle_job", "circle_send", "circle_guard")


class MigrationError(Exception):
    """The database can't be migrated; the message is one plain sentence."""


async def migrate(dsn: str) -> str:
    """Migrate to the newest revision and return its name; two nodes doing it at once take turns.

    `dsn`: a login that is superuser, or may make roles, or finds the six roles made and itself in them.
    Raises MigrationError.
    """
    try:
        connection = await asyncpg.connect(dsn, timeout=10)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise MigrationError(f"The database can't be reached to migrate it ({type(error).__name__}).") from error
    try:
        await connection.execute("SET lock_timeout = '120s'")
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        await _make_roles(connection)
        return await _upgrade(dsn)
    except asyncpg.LockNotAvailableError as error:
        raise MigrationError("Another node is migrating the database and does not finish.") from error
    finally:
        await connection.close()  # the lock goes with it


def newest() -> str:
    """The newest revision that this release knows."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None  # noqa: S101  (there is always a first revision)
    return head


async def current(connection: Connection) -> str | None:
    """The database's revision, read as circle_hub or owner; None before the first migration."""
    if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
        return None
    revision: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
    return revision


async def _make_roles(connection: Connection) -> None:
    """The roles that are missing, and this login's way into them. They log in nowhere and bypass nothing.

    circle_owner is NOINHERIT: it may become circle_guard, whose policies would otherwise hold for it too.
    """
    try:
        have = {
            r["rolname"] for r in await connection.fetch("SELECT rolname FROM pg_roles WHERE rolname = ANY($1)", ROLES)
        }
        for role in ROLES:
            if role not in have:
                inherit = "NOINHERIT" if role == "circle_owner" else "INHERIT"
                try:
                    await connection.execute(f"CREATE ROLE {role} NOLOGIN NOSUPERUSER NOBYPASSRLS {inherit}")
                except (asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
                    continue  # another database of this server was quicker
        superuser = await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        if not superuser:
            for role in ROLES:
                if not await connection.fetchval("SELECT pg_has_role(current_user, $1, 'MEMBER')", role):
                    await connection.execute(f"GRANT {role} TO CURRENT_USER")
        if not await connection.fetchval("SELECT pg_has_role('circle_owner', 'circle_guard', 'MEMBER')"):
            await connection.execute("GRANT circle_guard TO circle_owner")
        await connection.execute(
            "GRANT USAGE ON SCHEMA public TO circle_app, circle_auth, circle_hub, circle_job, circle_send, circle_guard"
        )
        await connection.execute("GRANT USAGE, CREATE ON SCHEMA public TO circle_owner WITH GRANT OPTION")
    except asyncpg.InsufficientPrivilegeError as error:
        raise MigrationError(
            "The database login may not make Circle's roles: let an administrator make "
            f"{', '.join(ROLES)} and grant them to it, and make it owner of the database."
        ) from error


async def _upgrade(dsn: str) -> str:
    async def connect() -> Connection:
        return await asyncpg.connect(dsn, timeout=10, server_settings={"role": "circle_owner", "lock_timeout": "10s"})

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(_run)
    finally:
        await engine.dispose()


def _run(connection: SyncConnection) -> str:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    revision = MigrationContext.configure(connection).get_current_revision()
    assert revision is not None  # noqa: S101  (upgrade has just set it)
    return revision


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
