"""A line to the database falls silent without closing: nobody waits for ever, and all goes on once it is mended."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest

from db.bus import Bus
from db.engine import Database
from db.errors import DatabaseUnavailable
from db.hub import CaughtUp, Delivery, Hub
from db.uow import UnitOfWork
from tests.conftest import SERVER_KEY
from tests.support.database import Maker
from tests.support.proxy import Proxy, proxy


def through(wire: Proxy, dsn: str) -> str:
    """The same database behind the proxy."""
    parts = urlsplit(dsn)
    return f"postgresql://{parts.username}@127.0.0.1:{wire.port}{parts.path}"


def socket_of(dsn: str) -> Path:
    asked = parse_qs(urlsplit(dsn).query)
    return Path(asked["host"][0]) / f".s.PGSQL.{asked['port'][0]}"


async def test_a_reader_that_hears_nothing_is_replaced_and_streams_go_on(dsn: str, make: Maker) -> None:
    async with proxy(socket_of(dsn)) as wire:
        database, bus = Database(through(wire, dsn), patience=0.3), Bus("memory://")
        hub = Hub(database, bus, SERVER_KEY, interval=0.1)
        await database.open()
        await hub.start()
        owner = await make.member()
        space = await make.space(owner)
        async with aclosing(hub.subscribe(owner, None)) as stream:
            assert isinstance(await anext(stream), CaughtUp)
            wire.silent = True
            async with asyncio.timeout(20):
                while hub.alive:  # noqa: ASYNC110  (a plain flag)
                    await asyncio.sleep(0.02)
            seq = await make.event(space, actor=owner)
            wire.heal()
            wire.cut()
            async with asyncio.timeout(30):
                item = await anext(stream)
            assert isinstance(item, Delivery)
            assert item.entry.seq == seq
        await hub.stop()
        await database.close()


async def test_a_question_that_is_never_answered_fails_and_the_next_finds_another_line(dsn: str) -> None:
    async with proxy(socket_of(dsn)) as wire:
        database = Database(through(wire, dsn), patience=0.3)
        await database.open()
        uow = UnitOfWork(database)

        async def ask() -> None:
            async with asyncio.timeout(20), uow.write(uuid4()) as tx:
                wire.silent = True
                await tx.raw.fetchval("SELECT 1")

        with pytest.raises(DatabaseUnavailable):
            await ask()
        wire.heal()
        wire.cut()
        async with asyncio.timeout(20), uow.write(uuid4()) as tx:
            assert await tx.raw.fetchval("SELECT 1") == 1
        await database.close()
