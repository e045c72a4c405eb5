"""The whole database's state, to show that a refusal changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from db.engine import Connection
from db.hub.sql import ENSURE_LIFE

TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname"


async def dump(admin: Connection) -> dict[str, list[str]]:
    """Every row of every table as text, by table. `admin` is a superuser's connection: no policy hides a row."""
    await admin.execute(ENSURE_LIFE)  # as the hub does by itself at its first look, which may come later than this
    names = [record["relname"] for record in await admin.fetch(TABLES)]
    return {name: sorted(record[0] for record in await admin.fetch(f"SELECT t::text FROM {name} t")) for name in names}


@asynccontextmanager
async def unchanged(admin: Connection) -> AsyncIterator[None]:
    """Fails when the block changes any row of any table."""
    before = await dump(admin)
    yield
    after = await dump(admin)
    changed = [name for name in after if after[name] != before[name]]
    assert not changed, f"changed: {changed}"
