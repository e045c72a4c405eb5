"""The hub: backlog, caught up, live; membership; lost readers; cursors."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest

from db.bus import Bus
from db.cursor import Cursor, Snapshot
from db.embedded import EmbeddedPostgres
from db.engine import Connection, Database
from db.hub import CaughtUp, Delivery, Hub, Resync, SlowConsumer
from db.hub.reader import Reader
from db.hub.subscription import Subscription
from db.log import LogRow
from db.migrate import migrate
from db.models import MarkerScope, SpaceType
from db.queries.markers import NewMarker, put
from db.uow import UnitOfWork
from tests.conftest import SERVER_KEY
from tests.support.database import Maker

Stream = AsyncGenerator[Delivery | CaughtUp, None]


async def take(stream: Stream, count: int) -> list[Delivery | CaughtUp]:
    async with asyncio.timeout(10):
        return [await anext(stream) for _ in range(count)]


def at(item: Delivery | CaughtUp) -> tuple[UUID, int]:
    assert isinstance(item, Delivery)
    return item.entry.space, item.entry.seq


async def now(hub: Hub, member: UUID, space: UUID | None = None) -> Cursor:
    async with aclosing(hub.subscribe(member, None, space)) as stream:
        (item,) = await take(stream, 1)
    assert isinstance(item, CaughtUp)
    return item.cursor


async def test_without_a_cursor_the_first_item_is_now_then_live(hub: Hub, make: Maker) -> None:
    anna, ben, cleo = [await make.member() for _ in range(3)]
    ours, theirs = await make.space(anna, ben), await make.space(cleo)
    async with aclosing(hub.subscribe(ben, None)) as stream:
        assert isinstance((await take(stream, 1))[0], CaughtUp)
        await make.event(theirs)
        await make.event(ours, actor=anna, body=b"hello")
        hub.poke()
        (got,) = await take(stream, 1)
        assert at(got) == (ours, 2)
        assert isinstance(got, Delivery)
        assert isinstance(got.entry, LogRow)
        assert got.entry.body == b"hello"


async def test_it_looks_by_itself_when_no_poke_comes(hub: Hub, make: Maker) -> None:
    anna = await make.member()
    space = await make.space(anna)
    async with aclosing(hub.subscribe(anna, None)) as stream:
        await take(stream, 1)
        await make.event(space)
        assert at((await take(stream, 1))[0]) == (space, 2)


async def test_a_cursor_resumes_behind_every_item(hub: Hub, make: Maker) -> None:
    anna = await make.member()
    spaces = [await make.space(anna) for _ in range(3)]
    start = await now(hub, anna)
    wanted = [(s, await make.event(s)) for _ in range(4) for s in sorted(spaces)]
    async with aclosing(hub.subscribe(anna, start)) as stream:
        items = await take(stream, 13)
    assert isinstance(items[-1], CaughtUp)
    assert sorted(at(i) for i in items[:-1]) == sorted(wanted)
    for stop, item in enumerate(items[:-1]):
        sealed = hub.seal(item.cursor)
        async with aclosing(hub.subscribe(anna, hub.open(sealed))) as stream:
            rest = await take(stream, 13 - stop - 1)
        assert [at(i) for i in rest[:-1]] == [at(i) for i in items[stop + 1 : -1]]
        assert isinstance(rest[-1], CaughtUp)


async def test_the_account_log_comes_first(hub: Hub, make: Maker) -> None:
    anna = await make.member()
    group = await make.space(anna, id=UUID(int=1))
    account = await make.space(anna, type=SpaceType.ACCOUNT, id=UUID(int=2**128 - 1))
    start = await now(hub, anna)
    for space in (group, account, group):
        await make.event(space)
    async with aclosing(hub.subscribe(anna, start)) as stream:
        assert [at(i) for i in await take(stream, 3)] == [(account, 2), (group, 2), (group, 3)]


async def test_one_space_alone(hub: Hub, make: Maker) -> None:
    anna = await make.member()
    one, other = await make.space(anna), await make.space(anna)
    start = await now(hub, anna)
    for space in (one, other, one):
        await make.event(space)
    async with aclosing(hub.subscribe(anna, start, one)) as stream:
        items = await take(stream, 3)
        assert [at(i) for i in items[:2]] == [(one, 2), (one, 3)]
        await make.event(other)
        await make.event(one)
        hub.poke()
        (live,) = await take(stream, 1)
        assert at(live) == (one, 4)
    for narrow in (items[0].cursor, live.cursor):
        with pytest.raises(Resync):
            await anext(hub.subscribe(anna, narrow))
        with pytest.raises(Resync):
            await anext(hub.subscribe(anna, narrow, other))


async def test_a_removed_member_hears_of_it_and_nothing_after(hub: Hub, make: Maker) -> None:
    anna, ben = await make.member(), await make.member()
    space, other = await make.space(anna, ben), await make.space(ben)
    start = await now(hub, ben)
    async with aclosing(hub.subscribe(ben, None)) as live:
        await take(live, 1)
        await make.event(space)
        gone = await make.leave(space, ben)
        await make.event(space)
        hub.poke()
        assert [at(i) for i in await take(live, 2)] == [(space, 2), (space, gone)]
        await make.event(space)
        await make.event(other)
        hub.poke()
        assert at((await take(live, 1))[0]) == (other, 2)
        back = await make.join(space, ben)
        await make.event(space)
        hub.poke()
        assert [at(i) for i in await take(live, 2)] == [(space, back), (space, back + 1)]
    async with aclosing(hub.subscribe(ben, start)) as stream:
        got = {at(i) for i in (await take(stream, 6))[:-1]}
    assert got == {(space, 2), (space, gone), (other, 2), (space, back), (space, back + 1)}


async def test_markers_committed_in_the_reverse_of_their_order_all_come(
    hub: Hub, make: Maker, database: Database
) -> None:
    """The later transaction is seen first; a cursor from between has the earlier one still to come, once."""
    anna, ben = await make.member(), await make.member()
    spaces = [await make.space(anna, ben) for _ in range(2)]
    uow = UnitOfWork(database)
    async with aclosing(hub.subscribe(ben, None)) as stream:
        await take(stream, 1)
        async with uow.write(anna) as early:
            await early.raw.execute("SELECT pg_current_xact_id()")
            async with uow.write(anna) as late:
                await put(late, NewMarker(spaces[1], anna, MarkerScope.RECEIPT, 0, b"late", None, None, 1, 0))
            hub.poke()
            (first,) = await take(stream, 1)
            await put(early, NewMarker(spaces[0], anna, MarkerScope.RECEIPT, 0, b"early", None, None, 1, 0))
        hub.poke()
        (second,) = await take(stream, 1)
    assert [item.entry.space for item in (first, second) if isinstance(item, Delivery)] == spaces[::-1]
    async with aclosing(hub.subscribe(ben, hub.open(hub.seal(first.cursor)))) as stream:
        again, done = await take(stream, 2)
    assert isinstance(again, Delivery)
    assert again.entry.space == spaces[0]
    assert isinstance(done, CaughtUp)


async def test_a_newcomer_hears_from_the_own_add_on(hub: Hub, make: Maker) -> None:
    anna, ben = await make.member(), await make.member()
    space = await make.space(anna, history=1)
    await make.event(space)
    async with aclosing(hub.subscribe(ben, None)) as stream:
        await take(stream, 1)
        joined = await make.join(space, ben)
        hub.poke()
        assert at((await take(stream, 1))[0]) == (space, joined)


async def test_a_long_backlog_comes_in_pages(hub: Hub, make: Maker) -> None:
    anna = await make.member()
    spaces = [await make.space(anna) for _ in range(2)]
    start = await now(hub, anna)
    for _ in range(130):
        for space in spaces:
            await make.event(space)
    async with aclosing(hub.subscribe(anna, start)) as stream:
        items = await take(stream, 261)
    assert [at(i) for i in items[:-1]] == [(s, q) for s in sorted(spaces) for q in range(2, 132)]


async def test_streams_survive_a_lost_reader(hub: Hub, make: Maker, admin: Connection) -> None:
    anna = await make.member()
    space = await make.space(anna)
    async with aclosing(hub.subscribe(anna, None)) as stream:
        await take(stream, 1)
        for round in range(3):
            await admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name = 'circle_hub'"
            )
            await make.event(space)
            assert at((await take(stream, 1))[0]) == (space, 2 + round)


async def test_a_reader_lost_before_the_first_word_puts_no_row_before_it(
    hub: Hub, make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever comes without a cursor loads the state when caught up: what came before that would seem known."""
    anna = await make.member()
    space = await make.space(anna)
    admit, losses = Reader._admit, 2

    async def admit_and_die(
        self: Reader, newcomers: list[Subscription], watched: Sequence[UUID], now: Snapshot
    ) -> None:
        nonlocal losses
        dies = bool(newcomers and losses)
        if dies:
            losses -= 1
            await make.event(space)  # behind this look's snapshot
        await admit(self, newcomers, watched, now)
        if dies:
            self._roll.end()  # before those who were let in have had their turn
            raise ConnectionError("the reader's connection is gone")

    monkeypatch.setattr(Reader, "_admit", admit_and_die)
    async with aclosing(hub.subscribe(anna, None)) as stream:
        first, *rows = await take(stream, 3)
    assert isinstance(first, CaughtUp)
    assert [at(row) for row in rows] == [(space, 2), (space, 3)]
    assert losses == 0


async def test_another_life_is_a_resync(hub: Hub, make: Maker, admin: Connection) -> None:
    anna = await make.member()
    await make.space(anna)
    start = await now(hub, anna)
    async with aclosing(hub.subscribe(anna, None)) as live:
        await take(live, 1)
        await admin.execute("UPDATE log_life SET id = gen_random_uuid()")
        with pytest.raises(Resync):
            await take(live, 1)
    with pytest.raises(Resync):
        await anext(hub.subscribe(anna, start))


async def test_a_snapshot_from_the_future_is_a_resync(hub: Hub, make: Maker) -> None:
    anna = await make.member()
    start = await now(hub, anna)
    future = Cursor(start.life, Snapshot(start.base.xmax + 1000, start.base.xmax + 1000))
    with pytest.raises(Resync):
        await anext(hub.subscribe(anna, future))


async def test_who_does_not_keep_up_is_told_where_to_go_on(database: Database, bus: Bus, make: Maker) -> None:
    hub = Hub(database, bus, SERVER_KEY, queue=5)
    await hub.start()
    anna = await make.member()
    space = await make.space(anna)
    stream = hub.subscribe(anna, None)
    await take(stream, 1)
    await make.event(space)
    hub.poke()
    (first,) = await take(stream, 1)
    for _ in range(8):
        await make.event(space)
    hub.poke()
    await asyncio.sleep(0.3)
    with pytest.raises(SlowConsumer) as slow:
        await take(stream, 8)
    assert slow.value.cursor == first.cursor
    async with aclosing(hub.subscribe(anna, slow.value.cursor)) as again:
        assert [at(i)[1] for i in await take(again, 8)] == list(range(3, 11))
    await hub.stop()


async def test_stopping_finishes_streams(database: Database, bus: Bus, make: Maker) -> None:
    hub = Hub(database, bus, SERVER_KEY)
    await hub.start()
    anna = await make.member()
    stream = hub.subscribe(anna, None)
    await take(stream, 1)
    rest = asyncio.create_task(_all(stream))
    await asyncio.sleep(0.05)
    await hub.stop()
    assert await asyncio.wait_for(rest, 5) == []
    assert [i async for i in hub.subscribe(uuid4(), None)] == []


async def _all(stream: Stream) -> list[Delivery | CaughtUp]:
    return [item async for item in stream]


async def test_the_bus_pokes_it(hub: Hub, bus: Bus, make: Maker) -> None:
    anna = await make.member()
    space = await make.space(anna)
    async with aclosing(hub.subscribe(anna, None)) as stream:
        await take(stream, 1)
        await make.event(space)
        bus.poke()
        assert at((await take(stream, 1))[0]) == (space, 2)


async def test_a_stream_that_leaves_while_another_of_its_member_enters_takes_nothing_along(
    hub: Hub, make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader asks for the newcomer's stays; meanwhile the member's only other stream goes."""
    anna = await make.member()
    one, other = await make.space(anna), await make.space(anna)
    first = hub.subscribe(anna, None)
    await take(first, 1)
    admit = Reader._admit

    async def slowly(self: Reader, newcomers: list[Subscription], watched: Sequence[UUID], now: Snapshot) -> None:
        if newcomers:
            await first.aclose()
        await admit(self, newcomers, watched, now)

    monkeypatch.setattr(Reader, "_admit", slowly)
    async with aclosing(hub.subscribe(anna, None)) as second:
        await take(second, 1)
        for space in (one, other):
            await make.event(space)
        hub.poke()
        assert {at(i) for i in await take(second, 2)} == {(one, 2), (other, 2)}


async def test_a_stream_cancelled_while_it_waits_to_be_let_in_harms_nobody(hub: Hub, make: Maker) -> None:
    anna, ben = await make.member(), await make.member()
    space = await make.space(anna, ben)
    async with aclosing(hub.subscribe(anna, None)) as stream:
        await take(stream, 1)
        for _ in range(20):
            waiting = asyncio.create_task(take(hub.subscribe(ben, None), 1))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            waiting.cancel()
            with suppress(asyncio.CancelledError):
                await waiting
        assert hub.alive
        await make.event(space)
        hub.poke()
        assert at((await take(stream, 1))[0]) == (space, 2)
        assert hub.alive


async def test_a_crash_of_the_database_is_another_life(tmp_path: Path) -> None:
    """PostgreSQL may hand out transaction ids twice after a crash: no cursor from before may be resumed."""
    server = EmbeddedPostgres(tmp_path)
    await server.start()
    await migrate(server.dsn)
    database = Database(server.dsn, own_logins=True)
    await database.open()
    bus = Bus("memory://")
    hub = Hub(database, bus, SERVER_KEY)
    await hub.start()
    member = uuid4()
    before = await now(hub, member)
    async with aclosing(hub.subscribe(member, None)) as stream:
        await take(stream, 1)
        connection = await asyncpg.connect(server.dsn)
        os.kill(await connection.fetchval("SELECT pg_backend_pid()"), signal.SIGKILL)
        with pytest.raises(Resync):
            async with asyncio.timeout(30):
                await anext(stream)
        connection.terminate()
    with pytest.raises(Resync):
        await anext(hub.subscribe(member, before))
    after = await now(hub, member)
    assert after.life != before.life
    await hub.stop()
    await database.close()
    await server.stop()
