"""Hot queries stay on their indexes with the policies on: a sequential scan of the log is a fault."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from db import log
from db.engine import Connection, Database
from db.hub import sql
from db.queries import batch
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
    await admin.execute("VACUUM ANALYZE")
    return anna, spaces[1]


async def plan(connection: Connection, query: str, *args: object) -> str:
    """The plan as executed, also in its generic form: that is what a long-lived prepared statement gets."""
    await connection.execute("SET plan_cache_mode = force_generic_plan")
    rows = await connection.fetch(f"EXPLAIN (ANALYZE, TIMING OFF) {query}", *args)
    return "\n".join(r[0] for r in rows)


async def test_reading_and_resuming_use_the_logs_indexes(database: Database, crowd: tuple[UUID, UUID]) -> None:
    anna, space = crowd
    app = await database.connect("circle_app")
    await app.execute(f"BEGIN; SET LOCAL circle.member = '{anna}'")
    now = await app.fetchval("SELECT pg_current_snapshot()")
    old = (3, 3, ())
    some = await app.fetchval("SELECT id FROM event WHERE space_id = $1 AND seq = 7", space)
    plans = {
        "nothing missed": await plan(app, sql.BACKLOG, now, now, 0, UUID(int=0), 0, None, 100),
        "everything missed": await plan(app, sql.BACKLOG, old, now, 0, UUID(int=0), 0, None, 100),
        "one space": await plan(app, sql.BACKLOG, old, now, 1, space, 250, space, 100),
        "page": await plan(app, log.SELECT + " WHERE space_id = $1 AND seq > $2 ORDER BY seq LIMIT $3", space, 9, 50),
        "find": await plan(app, log.SELECT + " WHERE space_id = $1 AND id = $2", space, some),
        "lock": await plan(
            app, "SELECT id FROM space WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE", [space, uuid4()]
        ),
    }
    for name, text in plans.items():
        assert "Seq Scan on event" not in text, (name, text)
    assert "never executed" in plans["nothing missed"]
    await app.close()


async def test_a_look_reads_only_what_is_new(database: Database, crowd: tuple[UUID, UUID], make: Maker) -> None:
    _, space = crowd
    hub = await database.connect("circle_hub")
    before = await hub.fetchval("SELECT pg_current_snapshot()")
    await make.event(space)
    text = await plan(hub, sql.LOOK, before)
    assert "Seq Scan on event" not in text, text
    assert "event_xid" in text
    await hub.close()


async def test_a_batch_looks_envelopes_up_one_by_one(database: Database, crowd: tuple[UUID, UUID]) -> None:
    """Not by walking through the log: however much of it a sender may read."""
    anna, space = crowd
    sender = await database.connect("circle_send")
    await sender.execute(f"BEGIN; SET LOCAL circle.senders = '{{{anna}}}'")
    some = await sender.fetchval("SELECT id FROM event WHERE space_id = $1 AND seq = 7", space)
    text = await plan(sender, batch.ARRIVALS, [space], [anna], [uuid4()], [some], [9], [some])
    assert text.count("event_space_id_id_key") == 2, text  # the id, and the reference
    assert "event_pkey" in text
    assert "Seq Scan on event" not in text
    await sender.close()
