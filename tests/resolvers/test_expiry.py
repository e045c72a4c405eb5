"""What the server deletes, and when: ciphertext, wraps, ids, old stubs; nothing before its time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from circle_client.protocol.roster import Policy

from db.engine import Connection, Database
from db.queries import expiry as queries
from resolvers.expiry import raise_floors, sweep
from tests.support.actors import Actor, b64
from tests.support.devices import Newcomer, turn_all
from tests.support.inside import World
from tests.support.rooms import Room
from tests.support.scenes import change, create, send


@pytest.fixture
async def job(database: Database) -> AsyncIterator[Connection]:
    connection = await database.connect("circle_job")
    yield connection
    await connection.close()


@pytest.fixture
async def anna(world: World) -> Actor:
    return await world.join("anna")


async def run(world: World, job: Connection) -> int:
    return await sweep(job, world.clock(), lambda: False)


async def stored(admin: Connection, room: Room) -> list[asyncpg.Record]:
    return await admin.fetch(
        "SELECT seq, id, item, body, epoch, lifetime, kind FROM event WHERE space_id = $1 ORDER BY seq",
        UUID(bytes=room.space),
    )


LOG = """query($id: ID!) { node(id: $id) { ... on Conversation { events(first: 50) { nodes {
  seq item logHash ... on EnvelopeEvent { envelope } } } } } }"""


async def log(world: World, room: Room, actor: Actor) -> list[Any]:
    found: list[Any] = (await world.ask(LOG, {"id": world.id_of(room)}, actor))["node"]["events"]["nodes"]
    return found


LIFE = [timedelta(hours=1), timedelta(hours=8), *(timedelta(days=d) for d in (1, 7, 30, 90))]


@pytest.mark.parametrize("b", range(1, 7))
async def test_a_row_is_emptied_on_time_and_not_before(
    world: World, anna: Actor, job: Connection, admin: Connection, b: int
) -> None:
    room = await create(world, anna, [], policy=Policy(b, shared=True), title=None)
    await send(world, room, anna, room.make_envelope(anna, b=b))
    before = (await log(world, room, anna))[-1]
    world.moved += LIFE[b - 1] - timedelta(seconds=10)
    await run(world, job)
    row = (await stored(admin, room))[-1]
    assert (row["body"] is None, row["epoch"], row["lifetime"]) == (False, 1, b)
    world.moved += timedelta(seconds=11)
    await run(world, job)
    assert (await stored(admin, room))[-1]["body"] is None
    after = (await log(world, room, anna))[-1]
    assert after == before | {"envelope": None}


async def test_what_does_not_expire_stays(world: World, anna: Actor, job: Connection, admin: Connection) -> None:
    room = await create(world, anna, [])
    await send(world, room, anna)
    world.moved += timedelta(days=4000)
    await run(world, job)
    assert await raise_floors(job, world.clock(), lambda: False) == 0
    assert all(row["body"] is not None for row in await stored(admin, room))


async def test_many_rows_go_in_batches_and_a_stop_is_heard_between_them(
    world: World, anna: Actor, job: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "BATCH", 2)
    room = await create(world, anna, [], policy=Policy(1, shared=True), title=None)
    for _ in range(5):
        await send(world, room, anna, room.make_envelope(anna, b=1))
    world.moved += timedelta(hours=2)
    answers = iter([False, True])
    assert await sweep(job, world.clock(), lambda: next(answers, True)) == 2
    assert await run(world, job) == 3


async def test_a_row_that_someone_holds_is_left_for_the_next_time(
    world: World, anna: Actor, job: Connection, admin: Connection
) -> None:
    room = await create(world, anna, [], policy=Policy(1, shared=True), title=None)
    await send(world, room, anna, room.make_envelope(anna, b=1))
    world.moved += timedelta(hours=2)
    async with admin.transaction():
        await admin.execute("SELECT FROM event WHERE body IS NOT NULL FOR UPDATE")
        assert await run(world, job) == 0
    assert await run(world, job) == 1


async def test_ids_are_kept_for_retries_and_then_become_a_hash(
    world: World, anna: Actor, job: Connection, admin: Connection
) -> None:
    room = await create(world, anna, [], policy=Policy(1, shared=True), title=None)
    envelope = room.make_envelope(anna, b=1)
    sent = await send(world, room, anna, envelope)
    world.moved += timedelta(days=13)
    await run(world, job)
    row = (await stored(admin, room))[-1]
    assert (row["id"], row["body"]) == (UUID(bytes=envelope.header.id), None)
    again = await world.mutate("sendMessage", {"envelope": b64(envelope.data)}, anna)
    assert again == sent
    world.moved += timedelta(days=2, hours=1)
    await run(world, job)
    row = (await stored(admin, room))[-1]
    assert row["id"] == UUID(bytes=envelope.item[:16])
    assert (await world.refusal("sendMessage", {"envelope": b64(envelope.data)}, anna))["code"] == "MALFORMED"
    assert await run(world, job) == 0


async def test_the_floor_rises_over_old_stubs_and_the_log_goes_on(
    world: World, anna: Actor, job: Connection, admin: Connection
) -> None:
    room = await create(world, anna, [], policy=Policy(1, shared=True), title=None)
    for _ in range(3):
        await send(world, room, anna, room.make_envelope(anna, b=1))
    await change(world, room, anna, room.make_policy(anna, Policy(0, shared=True)))
    await send(world, room, anna)
    await send(world, room, anna, room.make_envelope(anna, b=1))
    world.moved += timedelta(days=100)
    await run(world, job)
    assert await raise_floors(job, world.clock(), lambda: False) == 0
    world.moved += timedelta(days=100)
    await run(world, job)
    assert await raise_floors(job, world.clock(), lambda: False) == 5
    rows = await stored(admin, room)
    space = await admin.fetchrow("SELECT floor_seq, head_seq FROM space WHERE id = $1", UUID(bytes=room.space))
    assert space is not None
    assert [row["seq"] for row in rows] == list(range(space["floor_seq"] + 1, space["head_seq"] + 1))
    assert space["floor_seq"] == 5
    assert await raise_floors(job, world.clock(), lambda: False) == 0
    world.moved = timedelta()
    await send(world, room, anna)
    assert [event["seq"] for event in await log(world, room, anna)] == [6, 7, 8, 9, 10]


async def test_wraps_go_with_their_branch(world: World, anna: Actor, job: Connection, admin: Connection) -> None:
    room = await create(world, anna, [], policy=Policy(6, shared=True), title=None)
    for b in (1, 3, 6):
        await send(world, room, anna, room.make_envelope(anna, b=b))
    made = await turn_all(world, anna, rooms=[room])
    await world.mutate("rotateMemberKey", made.input, anna)
    made.took()

    async def living() -> list[int]:
        await run(world, job)
        return [r["branch"] for r in await admin.fetch("SELECT branch FROM member_wrap ORDER BY branch")]

    assert await living() == [0, 1, 2, 3, 4, 5, 6]
    await change(world, room, anna, room.make_policy(anna, Policy(5, shared=True)))  # closes the epoch
    assert await living() == [0, 1, 2, 3, 4, 5, 6]
    world.moved += timedelta(hours=1, minutes=1)
    assert await living() == [0, 2, 3, 4, 5, 6]
    world.moved += timedelta(hours=23)
    assert await living() == [0, 4, 5, 6]
    world.moved += timedelta(days=89)
    assert await living() == [0]


async def test_a_closed_epochs_wraps_have_their_time_from_the_start(
    world: World, anna: Actor, job: Connection, admin: Connection
) -> None:
    room = await create(world, anna, [], policy=Policy(3, shared=True), title=None)
    await send(world, room, anna, room.make_envelope(anna, b=3))
    world.moved += timedelta(hours=23, minutes=50)
    made = await turn_all(world, anna, rooms=[room])
    world.moved += timedelta(minutes=9)
    await world.mutate("rotateMemberKey", made.input, anna)
    made.took()
    world.moved += timedelta(hours=1)
    await run(world, job)
    assert await admin.fetchval("SELECT count(*) FROM member_wrap WHERE branch = 3 AND erase_at IS NOT NULL") == 1
    world.moved += timedelta(hours=24)
    await run(world, job)
    assert await admin.fetchval("SELECT array_agg(branch ORDER BY branch) FROM member_wrap") == [0, 4, 5, 6]


async def test_offers_past_their_time_go(world: World, anna: Actor, job: Connection, admin: Connection) -> None:
    newcomer = await Newcomer.of(world, anna)
    await world.mutate("offerDevice", newcomer.offer_input(), newcomer.bare)
    await run(world, job)
    assert await admin.fetchval("SELECT count(*) FROM device_offer") == 1
    world.moved += timedelta(minutes=6)
    await run(world, job)
    assert await admin.fetchval("SELECT count(*) FROM device_offer") == 0


async def test_one_node_at_a_time(database: Database, job: Connection) -> None:
    other = await database.connect("circle_job")
    assert await queries.take_lock(job)
    assert not await queries.take_lock(other)
    await job.close()
    for _ in range(50):
        if await queries.take_lock(other):
            break
    else:
        raise AssertionError("the lock did not go with its connection")
    await other.close()


@pytest.mark.parametrize(
    "what",
    ["SELECT seal FROM epoch_seal", "SELECT wrap FROM member_wrap", "SELECT announcement FROM epoch",
     "SELECT * FROM member", "UPDATE event SET body = 'x'::bytea, item = ''", "DELETE FROM space",
     "UPDATE space SET head_seq = 0", "SELECT request FROM device_offer"],
)  # fmt: skip
async def test_the_job_may_do_nothing_else(job: Connection, what: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await job.execute(what)
