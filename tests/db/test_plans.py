"""Hot queries stay on their indexes with the policies on: a sequential scan of the log is a fault."""

from __future__ import annotations

import re
from uuid import UUID, uuid4

import pytest

from db import log
from db.engine import Connection, Database
from db.hub import reader, sql
from db.queries import batch, markers, messages
from tests.support.database import Maker

SPACES, EVENTS = 40, 500


@pytest.fixture
async def crowd(admin: Connection, make: Maker) -> tuple[UUID, UUID]:
    """A member with twenty spaces among forty of five hundred events each."""
    anna, ben = await make.member(), await make.member()
    spaces = [await make.space(anna if n % 2 else ben) for n in range(SPACES)]
    await admin.execute(
        "INSERT INTO event (space_id, seq, id, kind, item, log_hash, body, accepted_at)"
        " SELECT s, n, gen_random_uuid(), 1, '\\x00', '\\x00', '\\x00', now()"
        " FROM unnest($1::uuid[]) s, generate_series(2, $2) n",
        spaces,
        EVENTS,
    )
    await admin.execute("UPDATE space SET head_seq = $1, last_xid = pg_current_xact_id()", EVENTS)
    await admin.execute(
        "INSERT INTO member (id, handle, display_name, role, created_at)"
        " SELECT gen_random_uuid(), 'one' || n, '', 0, now() FROM generate_series(1, 50) n"
    )
    await admin.execute(
        "INSERT INTO membership (member_id, space_id, joined_seq)"
        " SELECT m.id, s, 1 FROM member m, unnest($1::uuid[]) s WHERE m.handle LIKE 'one%'",
        spaces,
    )
    await admin.execute(
        "INSERT INTO marker (space_id, member_id, scope, joined_seq, version, envelope, accepted_at, epoch, lifetime)"
        " SELECT space_id, member_id, c, joined_seq, 1, '', now(), 1, 0 FROM membership, generate_series(0, 1) c"
    )
    await admin.execute("VACUUM ANALYZE")
    return anna, spaces[1]


async def plan(connection: Connection, query: str, *args: object) -> str:
    """The plan as executed, also in its generic form: that is what a long-lived prepared statement gets."""
    await connection.execute("SET plan_cache_mode = force_generic_plan")
    rows = await connection.fetch(f"EXPLAIN (ANALYZE, TIMING OFF) {query}", *args)
    return "\n".join(r[0] for r in rows)


def rows_read(text: str, table: str) -> int:
    """Rows that the executed plan's scans found in the table."""
    found = re.findall(rf"(?:on {table} .*|on {table}_\w+ .*)\(actual rows=([\d.]+) loops=(\d+)\)", text)
    assert found, text
    return round(sum(float(rows) * int(loops) for rows, loops in found))


async def test_reading_and_resuming_use_the_logs_indexes(database: Database, crowd: tuple[UUID, UUID]) -> None:
    anna, space = crowd
    app = await database.connect("circle_app")
    await app.execute(f"BEGIN; SET LOCAL circle.member = '{anna}'")
    now = await app.fetchval("SELECT pg_current_snapshot()")
    old = (3, 3, ())
    some = await app.fetchval("SELECT id FROM event WHERE space_id = $1 AND seq = 7", space)
    plans = {
        "nothing missed": await plan(app, sql.STRETCHES, now, 0, UUID(int=0), 0, None),
        "everything missed": await plan(app, sql.STRETCHES, old, 0, UUID(int=0), 0, None),
        "one space": await plan(app, sql.STRETCHES, old, 1, space, 250, space),
        "a page": await plan(app, sql.BACKLOG, [space], [1], [250], [350], now),
        "no marker": await plan(app, sql.MISSED_MARKERS, now, now, UUID(int=0), UUID(int=0), 0, None, 1000, anna),
        "all markers": await plan(app, sql.MISSED_MARKERS, old, now, UUID(int=0), UUID(int=0), 0, None, 1000, anna),
        "own markers": await plan(app, markers._OWN, anna, [space]),
        "receipts": await plan(app, markers._RECEIPTS, [space]),
        "page": await plan(app, log.SELECT + " WHERE space_id = $1 AND seq > $2 ORDER BY seq LIMIT $3", space, 9, 50),
        "pages": await plan(
            app, messages._PAGE.format(order="ASC"), [space] * 2, [250, 7], [10**6, 10**6], [True, False], anna, 51
        ),
        "pages from the end": await plan(
            app, messages._PAGE.format(order="DESC"), [space] * 2, [0, 7], [10**6, 10**6], [True, False], anna, 51
        ),
        "find": await plan(app, log.SELECT + " WHERE space_id = $1 AND id = $2", space, some),
        "lock": await plan(
            app, "SELECT id FROM space WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE", [space, uuid4()]
        ),
    }
    for name, text in plans.items():
        assert "Seq Scan on event" not in text, (name, text)
        assert "Seq Scan on marker" not in text, (name, text)
    assert "never executed" in plans["nothing missed"]
    for pages in ("pages", "pages from the end"):
        assert "event_pkey" in plans[pages], plans[pages]
        assert rows_read(plans[pages], "event") <= 2 * 51, plans[pages]
    assert rows_read(plans["a page"], "event") <= 200, plans["a page"]  # a hundred, in index and table
    for index in ("marker_receipt", "marker_own"):
        assert index in plans["no marker"], plans["no marker"]
    assert rows_read(plans["no marker"], "marker") == 0
    await app.close()


async def look(hub: Connection, snapshot: tuple[int, int, tuple[int, ...]], glance: bool) -> str:
    """The plan of a look as the reader gets it: made once, and run."""
    name, query, types, more = f"look_{uuid4().hex}", sql.LOOK, "pg_snapshot", ""
    if glance:
        query, types, more = reader.GLANCE, "pg_snapshot, bigint", ", 201"
    await hub.execute(f"PREPARE {name} ({types}) AS {query}")
    xmin, xmax, xip = snapshot
    at = f"{xmin}:{xmax}:{','.join(map(str, xip))}"
    rows = await hub.fetch(f"EXPLAIN (ANALYZE, TIMING OFF) EXECUTE {name} ('{at}'{more})")
    return "\n".join(r[0] for r in rows)


@pytest.mark.parametrize("glance", [False, True])
async def test_a_look_reads_only_what_is_new(
    database: Database, crowd: tuple[UUID, UUID], make: Maker, glance: bool
) -> None:
    anna, space = crowd
    hub = await database.connect("circle_hub")
    before = await hub.fetchval("SELECT pg_current_snapshot()")
    await make.event(space)
    text = await look(hub, before, glance)
    assert "Seq Scan on event" not in text, text
    assert "Seq Scan on marker" not in text, text
    assert "Seq Scan on space" not in text, text
    assert "Hash" not in text, text  # or it would read all of some table
    for index in ("event_xid", "marker_xid"):
        assert index in text, text
    assert rows_read(text, "marker") == 0  # nothing new there: one look at an index
    await make.marker(space, anna, 1)
    assert rows_read(await look(hub, before, glance), "marker") == 1
    xid = await hub.fetchval("SELECT xid FROM marker ORDER BY xid DESC LIMIT 1")
    assert rows_read(await look(hub, (xid, xid + 1, (xid,)), glance), "marker") == 1  # of one that was open
    await hub.close()


async def test_a_batch_looks_envelopes_up_one_by_one(database: Database, crowd: tuple[UUID, UUID]) -> None:
    """Not by walking through the log: however much of it a sender may read."""
    anna, space = crowd
    sender = await database.connect("circle_send")
    await sender.execute(f"BEGIN; SET LOCAL circle.senders = '{{{anna}}}'")
    some = await sender.fetchval("SELECT id FROM event WHERE space_id = $1 AND seq = 7", space)
    text = await plan(sender, batch.ARRIVE, [space], [anna], [uuid4()], [some], [9], [some], [space])
    assert text.count("event_space_id_id_key") == 2, text  # the id, and the reference
    assert "event_pkey" in text
    assert "Seq Scan on event" not in text
    await sender.close()
