"""Migrations, and what the catalogue must say of every table."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import asyncpg
import cbor2
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection as SyncConnection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import SQLModel

import db.models
from db.engine import Connection, Database
from db.migrate import ROLES, MigrationError, _config, _make_roles, current, migrate, newest
from db.migrations import TABLES
from db.uow import UnitOfWork
from tests.support.database import Maker, Server


async def test_a_second_run_and_two_at_once_change_nothing(dsn: str) -> None:
    assert set(await asyncio.gather(migrate(dsn), migrate(dsn), migrate(dsn))) == {newest()}


async def test_an_empty_database_is_brought_up_by_two_nodes_at_once(postgres: Server) -> None:
    async with postgres.fresh("template1") as dsn:
        connection = await asyncpg.connect(dsn)
        assert await current(connection) is None
        assert set(await asyncio.gather(migrate(dsn), migrate(dsn))) == {newest()}
        assert await current(connection) == newest()
        await connection.close()


async def test_no_database_is_said_in_a_sentence() -> None:
    with pytest.raises(MigrationError, match="can't be reached"):
        await migrate("postgresql://nobody@127.0.0.1:1/none")


async def test_the_models_and_the_migrated_tables_are_the_same(dsn: str) -> None:
    assert set(SQLModel.metadata.tables) == set(TABLES) == {t.__tablename__ for t in _tables()}

    async def connect() -> Connection:
        return await asyncpg.connect(dsn)

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect)
    async with engine.connect() as connection:
        assert await connection.run_sync(_differences) == []
    await engine.dispose()


def _tables() -> list[Any]:
    return [t for t in vars(db.models).values() if isinstance(t, type) and issubclass(t, SQLModel)]


def _differences(connection: SyncConnection) -> list[Any]:
    options = {"include_name": lambda name, kind, _: (kind, name) != ("table", "alembic_version")}
    found = compare_metadata(MigrationContext.configure(connection, opts=options), SQLModel.metadata)
    return list(found)


async def test_every_table_is_forced_owned_by_the_owner_and_has_policies(admin: Connection) -> None:
    tables = await admin.fetch(
        "SELECT c.relname, c.relowner::regrole::text AS owner, c.relrowsecurity, c.relforcerowsecurity,"
        " (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid) AS policies"
        " FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'f', 'm')"
    )
    assert {t["relname"] for t in tables} == {*TABLES, "alembic_version"}
    for table in tables:
        assert table["relrowsecurity"], table
        assert table["relforcerowsecurity"], table
        assert table["owner"] == "circle_owner", table
        assert table["policies"] > 0, table


async def test_only_the_owner_and_the_guard_own_anything_and_nobody_bypasses(admin: Connection) -> None:
    owners = await admin.fetch(
        "SELECT DISTINCT relowner::regrole::text AS role FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " UNION SELECT proowner::regrole::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
    )
    assert {r["role"] for r in owners} == {"circle_owner", "circle_guard"}
    views = await admin.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'v'"
        " AND relowner = 'circle_guard'::regrole AND reloptions @> '{security_barrier=true}'"
    )
    assert {r["relname"] for r in views} == {"own_stay", "peer", "sender_stay"}
    roles = await admin.fetch("SELECT * FROM pg_roles WHERE rolname LIKE 'circle\\__%'")
    assert len(roles) == 7
    for role in roles:
        powers = ("rolsuper", "rolbypassrls", "rolcreaterole", "rolcreatedb", "rolreplication")
        assert not any(role[power] for power in powers), role
    assert not await admin.fetchval("SELECT rolinherit FROM pg_roles WHERE rolname = 'circle_owner'")
    assert (
        await admin.fetchval("SELECT count(*) FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace")
        == 0
    )
    assert not await admin.fetchval("SELECT has_schema_privilege('circle_app', 'public', 'CREATE')")
    assert not await admin.fetchval("SELECT has_schema_privilege('circle_guard', 'public', 'CREATE')")


async def test_no_policy_asks_its_own_table_and_all_ask_the_viewer_cheaply(admin: Connection) -> None:
    policies = await admin.fetch("SELECT tablename, policyname, roles, qual, with_check FROM pg_policies")
    for policy in policies:
        text = f"{policy['qual'] or ''} {policy['with_check'] or ''}"
        assert policy["roles"] != ["public"], policy
        assert not re.search(rf"FROM \(?{policy['tablename']}\b", text), policy
        for setting in re.finditer(r"current_setting", text):
            assert "SELECT (NULLIF(" in text[: setting.start()][-30:], policy


async def test_what_was_stored_before_the_second_revision_is_told_apart_after_it(postgres: Server) -> None:
    """Envelopes learn their epoch and class from their own headers; seals of before still have their key."""
    header = cbor2.dumps({0: 1, 1: bytes(16), 2: 300, 3: bytes(32), 8: [0, bytes(32)], 9: 1, 10: None, 11: 4, 12: 0})
    async with postgres.fresh("template1") as dsn:
        admin = await asyncpg.connect(dsn)
        try:
            await _make_roles(admin)
            await _upgrade_to(dsn, "0001")
            make = Maker(admin)
            anna = await make.member("anna")
            space = await make.space(anna)
            seq = await make.event(space, actor=anna, body=cbor2.dumps([header, b"", b"", b""]))
            await admin.execute("UPDATE event SET body = NULL WHERE seq < $1 AND kind = 1", seq)
            await admin.execute("INSERT INTO epoch VALUES ($1, 1, '', '', '', '', $2, now())", space, anna)
            await admin.execute("INSERT INTO epoch_seal VALUES ($1, 1, $2, 1, '')", space, anna)
            assert await migrate(dsn) == newest()
            rows = await admin.fetch("SELECT seq, epoch, lifetime FROM event ORDER BY seq")
            assert [tuple(row) for row in rows] == [(1, None, None), (seq, 300, 4)]
            assert await admin.fetchval("SELECT created_at IS NOT NULL FROM member_key WHERE member_id = $1", anna)
            assert await admin.fetchval("SELECT relforcerowsecurity FROM pg_class WHERE relname = 'event'")
            with pytest.raises(asyncpg.ForeignKeyViolationError):
                await admin.execute("UPDATE member_chain SET key_generation = 2 WHERE member_id = $1", anna)
        finally:
            await admin.close()


async def _upgrade_to(dsn: str, revision: str) -> None:
    async def connect() -> Connection:
        return await asyncpg.connect(dsn, server_settings={"role": "circle_owner"})

    def run(connection: SyncConnection) -> None:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect)
    async with engine.begin() as connection:
        await connection.run_sync(run)
    await engine.dispose()


async def test_a_login_that_is_no_superuser_can_migrate_and_serve(postgres: Server) -> None:
    """A real server's login: owns the database and is a member of roles that an administrator has made."""
    async with postgres.connected("postgres") as admin:
        await admin.execute("CREATE ROLE plain LOGIN")
        await admin.execute("CREATE DATABASE plain OWNER plain")
        await postgres.let_in("plain")
    dsn = postgres.embedded.dsn_for("plain").replace("circle@", "plain@")
    try:
        with pytest.raises(MigrationError, match="administrator"):
            await migrate(dsn)
        async with postgres.connected("postgres") as admin:
            await admin.execute(f"GRANT {', '.join(ROLES)} TO plain")
        assert await migrate(dsn) == newest()
        database = Database(dsn)
        await database.open()
        async with UnitOfWork(database).auth() as tx:
            assert await tx.raw.fetchval("SELECT count(*) FROM member") == 0
        await database.close()
    finally:
        async with postgres.connected("postgres") as admin:
            await admin.execute("DROP DATABASE plain WITH (FORCE)")
            await admin.execute("DROP ROLE plain")
