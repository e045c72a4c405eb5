"""Row-level security: what each viewer sees of every table is exactly what it may see, and the check has teeth."""

from __future__ import annotations

from uuid import UUID

import asyncpg
import pytest

from db.engine import Connection, Database
from db.migrations import TABLES
from tests.support.world import World, make_world

DIRECTORY = ("member", "device", "member_chain", "member_link", "member_key", "log_life")
PRESENT = "space_id IN (SELECT space_id FROM membership WHERE member_id = $1 AND left_seq IS NULL)"

# What a viewer ($1) may see, told independently of the policies.
MAY_SEE = {
    **dict.fromkeys(DIRECTORY, "$1::uuid IS NOT NULL"),
    "credential": "false AND $1::uuid IS NULL",
    "attempt": "false AND $1::uuid IS NULL",
    "session": "member_id = $1",
    "invite": "inviter_id = $1",
    "member_box": "member_id = $1",
    "space": "id IN (SELECT space_id FROM membership WHERE member_id = $1 AND left_seq IS NULL)",
    "membership": f"member_id = $1 OR {PRESENT}",
    "roster_link": PRESENT,
    "roster_member": PRESENT,
    "epoch": f"{PRESENT} OR (space_id, n) IN (SELECT space_id, n FROM epoch_seal WHERE member_id = $1)"
    " OR (space_id, n) IN (SELECT space_id, epoch FROM member_wrap WHERE member_id = $1)",
    "epoch_seal": "member_id = $1",
    "complaint": f"{PRESENT} OR member_id = $1",
    "device_offer": "member_id = $1",
    "member_wrap": "member_id = $1",
    "archive_wrap": "member_id = $1",
    "epoch_grant": "member_id = $1 OR giver_id = $1",
    "event": "EXISTS (SELECT 1 FROM membership m WHERE m.space_id = event.space_id AND m.member_id = $1"
    " AND seq >= joined_seq AND (left_seq IS NULL OR seq <= left_seq))",
    "privacy": "member_id = $1",
    "last_seen": "member_id = $1 OR ("
    " NOT EXISTS (SELECT 1 FROM privacy p WHERE p.member_id IN ($1, last_seen.member_id) AND NOT p.presence)"
    " AND EXISTS (SELECT 1 FROM membership a JOIN membership b USING (space_id) WHERE a.member_id = $1"
    " AND b.member_id = last_seen.member_id AND a.left_seq IS NULL AND b.left_seq IS NULL))",
    "marker": f"member_id = $1 OR (scope = 1 AND {PRESENT})",
    "alembic_version": "false AND $1::uuid IS NULL",
}


async def seen(connection: Connection, table: str, viewer: UUID | None) -> set[str]:
    """The rows that circle_app shows, by their place in the table."""
    async with connection.transaction():
        await connection.execute("SELECT set_config('circle.member', $1, true)", str(viewer or ""))
        try:
            return {r[0] for r in await connection.fetch(f"SELECT ctid::text FROM {table}")}
        except asyncpg.InsufficientPrivilegeError:
            return set()


async def allowed(admin: Connection, table: str, viewer: UUID | None) -> set[str]:
    return {r[0] for r in await admin.fetch(f"SELECT ctid::text FROM {table} WHERE {MAY_SEE[table]}", viewer)}


async def foreign_rows(admin: Connection, database: Database, viewer: UUID | None) -> dict[str, int]:
    """The check: per table, how many rows circle_app shows to the viewer beyond what it may see."""
    app = await database.connect("circle_app")
    try:
        return {t: len(await seen(app, t, viewer) - await allowed(admin, t, viewer)) for t in MAY_SEE}
    finally:
        await app.close()


@pytest.fixture
async def world(admin: Connection) -> World:
    return await make_world(admin)


def test_every_table_is_covered() -> None:
    assert set(MAY_SEE) == {*TABLES, "alembic_version"}


@pytest.mark.parametrize("who", ["anna", "ben", "cleo", "dora", None])
async def test_each_viewer_sees_exactly_its_rows(
    admin: Connection, database: Database, world: World, who: str | None
) -> None:
    viewer: UUID | None = getattr(world, who) if who else None
    assert set((await foreign_rows(admin, database, viewer)).values()) == {0}
    app = await database.connect("circle_app")
    for table in MAY_SEE:
        assert await seen(app, table, viewer) == await allowed(admin, table, viewer), table
        assert await admin.fetchval(f"SELECT count(*) FROM {table}") > 0, table
    await app.close()


async def test_the_same_check_finds_foreign_rows_without_policies(
    admin: Connection, database: Database, world: World
) -> None:
    for table in MAY_SEE:
        await admin.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        await admin.execute(f"GRANT SELECT ON {table} TO circle_app")
    for_ben = await foreign_rows(admin, database, world.ben)
    assert {t for t, n in for_ben.items() if n == 0} == set(DIRECTORY)
    for_nobody = await foreign_rows(admin, database, None)
    assert all(for_nobody.values())


@pytest.mark.parametrize("hiding", ["anna", "ben"])
async def test_who_hides_is_seen_by_nobody_and_sees_nobody(
    admin: Connection, database: Database, world: World, hiding: str
) -> None:
    app = await database.connect("circle_app")
    assert len(await seen(app, "last_seen", world.ben)) == 2
    await admin.execute("UPDATE privacy SET presence = false WHERE member_id = $1", getattr(world, hiding))
    for viewer in (world.anna, world.ben):
        assert await seen(app, "last_seen", viewer) == await allowed(admin, "last_seen", viewer)
        assert len(await seen(app, "last_seen", viewer)) == 1
    await app.close()


async def test_a_removed_member_sees_nothing_that_followed(admin: Connection, database: Database, world: World) -> None:
    app = await database.connect("circle_app")
    async with app.transaction():
        await app.execute("SELECT set_config('circle.member', $1, true)", str(world.dora))
        newest = await app.fetchval("SELECT max(seq) FROM event WHERE space_id = $1", world.ours)
        assert newest == world.dora_left
        for table in ("space", "roster_link", "roster_member", "complaint"):
            column = "id" if table == "space" else "space_id"
            assert await app.fetchval(f"SELECT count(*) FROM {table} WHERE {column} = $1", world.ours) == 0
        # What the own seal opens stays in sight: a rotation must carry it over.
        assert await app.fetchval("SELECT max(n) FROM epoch WHERE space_id = $1", world.ours) == 1
        assert await app.fetchval("SELECT max(n) FROM epoch_seal WHERE space_id = $1", world.ours) == 1
    await app.close()
    assert await admin.fetchval("SELECT head_seq FROM space WHERE id = $1", world.ours) > world.dora_left


async def test_shared_history_opens_what_came_before_a_lasting_stay(
    admin: Connection, database: Database, world: World
) -> None:
    head = await admin.fetchval("SELECT head_seq FROM space WHERE id = $1", world.ours)
    await admin.execute(
        "UPDATE membership SET joined_seq = $2 WHERE member_id = $1 AND space_id = $3", world.ben, head, world.ours
    )
    app = await database.connect("circle_app")

    async def oldest(viewer: UUID) -> int | None:
        async with app.transaction():
            await app.execute("SELECT set_config('circle.member', $1, true)", str(viewer))
            value: int | None = await app.fetchval("SELECT min(seq) FROM event WHERE space_id = $1", world.ours)
            return value

    assert await oldest(world.ben) == head
    await admin.execute("UPDATE space SET history = 1 WHERE id = $1", world.ours)
    await admin.execute(
        "UPDATE membership SET joined_seq = 2 WHERE member_id = $1 AND space_id = $2", world.dora, world.ours
    )
    assert await oldest(world.ben) == 1
    assert await oldest(world.dora) == 2
    assert await oldest(world.cleo) is None
    await app.close()


async def test_hub_and_auth_see_what_their_work_needs_and_no_more(database: Database, world: World) -> None:
    reads = {
        "circle_hub": {"event", "space", "membership", "log_life", "privacy", "last_seen", "marker", "alembic_version"},
        "circle_auth": {
            "member",
            "credential",
            "session",
            "invite",
            "attempt",
            "device",
            "member_chain",
            "member_link",
            "member_key",
            "space",
            "event",
        },
    }
    for role, tables in reads.items():
        connection = await database.connect(role)  # type: ignore[arg-type]
        assert {t for t in MAY_SEE if await seen(connection, t, None)} == tables
        await connection.close()
    auth = await database.connect("circle_auth")
    assert {r["type"] for r in await auth.fetch("SELECT DISTINCT type FROM space")} == {4}
    assert await auth.fetchval("SELECT max(seq) FROM event") == 1
    await auth.close()


HEAD = "SELECT head_seq FROM space WHERE id = '{theirs}'"
MARKER = "INSERT INTO marker (space_id, member_id, scope, joined_seq, version, accepted_at, epoch, lifetime)"
FORBIDDEN = {
    "letting oneself into a foreign space": "INSERT INTO membership VALUES ('{ben}', '{theirs}', 100)",
    "letting oneself in again, earlier": "INSERT INTO membership VALUES ('{ben}', '{ours}', 1, NULL)",
    "a stay that began in the past": "INSERT INTO membership VALUES ('{cleo}', '{ours}', 1)",
    "coming back by oneself": "INSERT INTO membership VALUES ('{dora}', '{ours}', 100)",
    "an account": "INSERT INTO space VALUES (gen_random_uuid(), 4, NULL, now(), 0, '', '0', NULL, 0, 0, '',"
    " 0, 0, 0, '', NULL, 0)",
    "an event in a foreign space": "INSERT INTO event (space_id, seq, id, kind, item, log_hash, accepted_at)"
    " VALUES ('{theirs}', 99, gen_random_uuid(), 1, '', '', now())",
    "an event in another's name": "INSERT INTO event (space_id, seq, id, kind, actor_id, item, log_hash, accepted_at)"
    " VALUES ('{ours}', 99, gen_random_uuid(), 1, '{anna}', '', '', now())",
    "a roster link": "INSERT INTO roster_link VALUES ('{theirs}', 9, '', '', '')",
    "a place on a roster": "INSERT INTO roster_member VALUES ('{theirs}', '{ben}', '', 3)",
    "an epoch of a foreign space": "INSERT INTO epoch VALUES ('{theirs}', 9, '', '', '', '', '{ben}', now())",
    "an epoch in another's name": "INSERT INTO epoch VALUES ('{ours}', 9, '', '', '', '', '{anna}', now())",
    "a seal": "INSERT INTO epoch_seal VALUES ('{theirs}', 1, '{ben}', 1, '')",
    "a complaint in another's name": "INSERT INTO complaint VALUES ('{ours}', 1, '{anna}', 9, '', '', '')",
    "a grant from another": "INSERT INTO epoch_grant"
    " VALUES (gen_random_uuid(), '{ours}', '{ben}', '{anna}', 1, '', now())",
    "another's link": "INSERT INTO member_link VALUES ('{anna}', 9, 0, '', '', '', NULL)",
    "another's key": "INSERT INTO member_key VALUES ('{anna}', 9, '', '', '', '')",
    "another's box": "INSERT INTO member_box VALUES ('{anna}', 9, '{anna}', '')",
    "another's device": "INSERT INTO device"
    " VALUES (gen_random_uuid(), '{anna}', 'x', '', true, now(), NULL, 1, '', '', '')",
    "another's offer": "INSERT INTO device_offer SELECT '{anna}', 'x', id, '', '', '', now(), now() FROM session"
    " WHERE member_id = '{ben}'",
    "another's wrap": "INSERT INTO member_wrap VALUES ('{anna}', '{ours}', 1, 1, 1, '')",
    "another's archive": "INSERT INTO archive_wrap VALUES ('{anna}', 9, '')",
    "a rewritten wrap": "UPDATE member_wrap SET wrap = ''",
    "another's invite": "INSERT INTO invite VALUES (gen_random_uuid(), 'x', 2, '{anna}', now(), now())",
    "a session": "INSERT INTO session VALUES (gen_random_uuid(), '{ben}', NULL, 'x', 0, '', now(), now(), now())",
    "a member": "INSERT INTO member VALUES (gen_random_uuid(), 'x', 'x', 0, now())",
    "a higher role": "UPDATE member SET role = 2 WHERE id = '{ben}'",
    "another handle": "UPDATE member SET handle = 'anna2' WHERE id = '{ben}'",
    "a rewritten event": "UPDATE event SET body = ''",
    "a deleted event": "DELETE FROM event",
    "a deleted stay": "DELETE FROM membership",
    "a stay moved": "UPDATE membership SET joined_seq = 1",
    "a deleted space": "DELETE FROM space",
    "a password": "UPDATE credential SET verifier = ''",
    "another life": "UPDATE log_life SET id = gen_random_uuid()",
    "a longer session": "UPDATE session SET expires_at = 'infinity'",
    "a used invite made fresh": "UPDATE invite SET used_at = NULL",
    "leaving later than now": "UPDATE membership SET left_seq = 1000000"
    " WHERE member_id = '{ben}' AND space_id = '{ours}'",
    "another's settings": "INSERT INTO privacy VALUES ('{anna}', true, true, true)",
    "being seen": "UPDATE last_seen SET seen_at = now()",
    "having been seen": "INSERT INTO last_seen VALUES ('{ben}', now())",
    "another's marker": f"{MARKER} VALUES ('{{ours}}', '{{anna}}', 1, 1, 1, now(), 1, 0)"
    " ON CONFLICT (space_id, member_id, scope) DO UPDATE SET version = 9",
    "a marker in a foreign space": f"{MARKER} VALUES ('{{theirs}}', '{{ben}}', 1, 1, 1, now(), 1, 0)",
    "a marker after leaving": "UPDATE marker SET version = 2 WHERE member_id = '{dora}'",
    "a marker's other member": "UPDATE marker SET member_id = '{anna}'",
    "a deleted marker": "DELETE FROM marker",
    "another role": "SET ROLE circle_owner",
    "no role": "SET ROLE NONE; DELETE FROM member",
    "another login": "SET SESSION AUTHORIZATION circle",
}


@pytest.mark.parametrize("what", FORBIDDEN)
async def test_forbidden_writes_are_refused(database: Database, world: World, what: str) -> None:
    viewer = world.dora if "dora" in FORBIDDEN[what] else world.ben
    app = await database.connect("circle_app")
    try:
        await app.execute(f"BEGIN; SET LOCAL circle.member = '{viewer}'")
        with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.CheckViolationError)):
            await app.execute(FORBIDDEN[what].format(**vars(world)))
    finally:
        await app.close()


UNTOUCHED = {
    "a foreign space": "UPDATE space SET epoch_due = 'AGE' WHERE id = '{theirs}'",
    "a stay that ended": "UPDATE membership SET left_seq = 3 WHERE member_id = '{dora}'",
    "a foreign stay": "UPDATE membership SET left_seq = 9 WHERE space_id = '{theirs}'",
    "another's name": "UPDATE member SET display_name = 'x' WHERE id = '{anna}'",
    "another's device": "UPDATE device SET active = false WHERE member_id = '{anna}'",
    "another's chain": "UPDATE member_chain SET n = 9 WHERE member_id = '{anna}'",
    "another's session": "UPDATE session SET revoked_at = now() WHERE member_id = '{anna}'",
    "another's offer": "DELETE FROM device_offer WHERE member_id = '{anna}'",
    "another's wrap": "DELETE FROM member_wrap WHERE member_id = '{anna}'",
    "another's archive": "DELETE FROM archive_wrap WHERE member_id = '{anna}'",
    "another's grant": "DELETE FROM epoch_grant WHERE member_id <> '{ben}'",
    "another's invite": "UPDATE invite SET revoked_at = now() WHERE inviter_id = '{anna}'",
    "another's box": "DELETE FROM member_box WHERE member_id = '{anna}'",
    "another's seal": "DELETE FROM epoch_seal WHERE member_id = '{anna}'",
    "another's privacy": "UPDATE privacy SET presence = false WHERE member_id = '{anna}'",
    "another's marker": "UPDATE marker SET version = 9 WHERE member_id = '{anna}'",
    "a foreign roster": "DELETE FROM roster_member WHERE space_id = '{theirs}'",
}


@pytest.mark.parametrize("what", UNTOUCHED)
async def test_foreign_rows_are_not_touched(database: Database, world: World, what: str) -> None:
    app = await database.connect("circle_app")
    await app.execute(f"BEGIN; SET LOCAL circle.member = '{world.ben}'")
    assert (await app.execute(UNTOUCHED[what].format(**vars(world)))).endswith(" 0")
    await app.close()


async def test_a_space_without_a_log_is_never_committed(database: Database, world: World) -> None:
    app = await database.connect("circle_app")
    await app.execute(f"BEGIN; SET LOCAL circle.member = '{world.ben}'")
    await app.execute(FORBIDDEN["an account"].replace(", 4, NULL", ", 1, NULL"))
    assert await app.fetchval("SELECT count(*) FROM space WHERE head_seq = 0") == 1
    with pytest.raises(asyncpg.CheckViolationError):
        await app.execute("COMMIT")
    await app.close()
