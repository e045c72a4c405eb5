"""Sends in batches: whatever comes together ends as if each had come alone, in the order in which it came."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

import pytest
from circle_client.protocol.contents import message, reaction
from circle_client.protocol.envelope import Envelope, Kind, decode_envelope
from circle_client.protocol.roster import Role
from circle_client.protocol.structures import Head
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.batch import Batches
from db.engine import Connection, Database
from db.errors import Busy
from resolvers.errors import Refusal
from resolvers.events import LogEvent
from resolvers.messages import SendMessage, send_alone, send_message
from resolvers.sending import Sending
from resolvers.signing import asker_of
from tests.support import scenes
from tests.support.actors import Actor
from tests.support.inside import World
from tests.support.rooms import Room

KINDS = ("good", "again", "other", "about", "stale", "forked", "reader", "stranger", "seen", "thief", "spoiled")
Plan = list[tuple[str, int, int]]


@dataclass
class Side:
    """One of two like rooms; `made` are the envelopes so far."""

    room: Room
    people: tuple[Actor, Actor, Actor, Actor]
    made: list[Envelope] = field(default_factory=list)

    def envelope(self, kind: str, who: int, which: int) -> tuple[Actor, Envelope]:
        """What a step of a plan sends, and who does."""
        ada, bob, reader, stranger = self.people
        by, room = (ada, bob)[who], self.room
        old = self.made[which % len(self.made)] if self.made else None
        about = None if old is None else old.header.id
        match kind:
            case "again" if old is not None:
                by, made = next(p for p in self.people if p.member == old.header.member), old
            case "other" if old is not None:
                made = room.make_envelope(by, message("other"), id=old.header.id)
            case "about" if about is not None:
                made = room.make_envelope(by, reaction("x"), Kind.REACTION, ref=about)
            case "stale":
                made = room.make_envelope(by, epoch=Head(7, room.epoch.hash))
            case "forked":
                made = room.make_envelope(by, seen=Head(room.head.n, bytes(32)))
            case "seen":
                made = room.make_envelope(by, seen=Head(0, bytes(32)))
            case "reader":
                by, made = reader, room.make_envelope(reader)
            case "stranger":
                by, made = stranger, room.make_envelope(stranger)
            case "thief":
                made = room.make_envelope(by, n=99)
            case "spoiled":
                data = bytearray(room.make_envelope(by).data)
                data[-1] ^= 1
                made = decode_envelope(bytes(data))
            case _:
                made = room.make_envelope(by, message(f"{which}"))
        self.made.append(made)
        return by, made


def shape(side: Side, outcome: LogEvent | BaseException) -> object:
    """What can be compared across rooms: where it went, or why not."""
    if isinstance(outcome, Refusal):
        return outcome.code
    assert isinstance(outcome, LogEvent), outcome
    assert outcome.space == UUID(bytes=side.room.space)
    return outcome.seq


async def _log(admin: Connection, room: Room) -> list[tuple[int, bytes, bytes]]:
    rows = await admin.fetch(
        "SELECT seq, item, log_hash FROM event WHERE space_id = $1 ORDER BY seq", UUID(bytes=room.space)
    )
    return [tuple(row) for row in rows]


async def together(world: World, jobs: list[tuple[Actor, Envelope]]) -> list[LogEvent | BaseException]:
    """All at once, in this order."""
    sends = [send_message(world.ctx(by), SendMessage(envelope.data)) for by, envelope in jobs]
    return await asyncio.gather(*sends, return_exceptions=True)


async def alone(world: World, by: Actor, envelope: Envelope) -> LogEvent | BaseException:
    """In a transaction of its own."""
    ctx = world.ctx(by)
    try:
        return await send_alone(ctx, asker_of(ctx), decode_envelope(envelope.data))
    except Refusal as refusal:
        return refusal


steps = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 1), st.integers(0, 9)), min_size=1, max_size=14)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(plan=steps)
async def test_a_batch_ends_as_one_by_one_would(world: World, admin: Connection, people: People, plan: Plan) -> None:
    both = [Side(await people.room(), people.all) for _ in range(2)]
    batched, single = both
    jobs = [batched.envelope(*step) for step in plan]
    in_batch = [shape(batched, outcome) for outcome in await together(world, jobs)]
    one_by_one = []
    for step in plan:
        one_by_one.append(shape(single, await alone(world, *single.envelope(*step))))
    assert in_batch == one_by_one
    logs = [await _log(admin, side.room) for side in both]
    assert len(logs[0]) == len(logs[1])
    for side, log in zip(both, logs, strict=True):
        room, places = side.room, {envelope.item: n for n, envelope in enumerate(side.made)}
        head = room.head
        for seq, item, log_hash in log[head.n :]:
            assert item in places
            room.grew(item)
            assert (seq, log_hash) == (room.head.n, room.head.hash)
        row = await admin.fetchrow(
            "SELECT head_seq, head_hash, epoch_envelopes FROM space WHERE id = $1", UUID(bytes=room.space)
        )
        assert row is not None
        assert (row[0], row[1]) == (room.head.n, room.head.hash)
        assert row[2] == room.head.n - 2  # all but the roster's link and the epoch


@dataclass
class People:
    """Two writers, a reader, a stranger, and rooms of them."""

    world: World
    all: tuple[Actor, Actor, Actor, Actor]

    async def room(self) -> Room:
        """A fresh conversation."""
        ada, bob, reader, stranger = self.all
        roles = {bob: Role.WRITER, reader: Role.READER}
        return await scenes.create(self.world, ada, roles, known=[stranger])


@pytest.fixture
async def people(world: World) -> People:
    ada, bob, rea, eve = [await world.join(name) for name in ("ada", "bob", "rea", "eve")]
    return People(world, (ada, bob, rea, eve))


async def test_ten_thousand_sends_are_thrown_away_and_retried(world: World, admin: Connection, people: People) -> None:
    """Ten thousand sends whose first answer nobody hears: ten thousand rows."""
    rooms = [await people.room() for _ in range(4)]  # an epoch takes 5,000 at most
    ada, bob, *_ = people.all
    jobs = [(by, room.make_envelope(by, message(f"{n}"))) for n in range(1_250) for room in rooms for by in (ada, bob)]
    assert len(jobs) == 10_000
    for start in range(0, len(jobs), 500):
        part = jobs[start : start + 500]
        thrown_away = await together(world, part)
        assert await together(world, part) == thrown_away
    spaces = [UUID(bytes=room.space) for room in rooms]
    rows = await admin.fetch("SELECT item FROM event WHERE space_id = ANY($1) AND kind = 1", spaces)
    assert {envelope.item for _, envelope in jobs} <= {row["item"] for row in rows}
    assert len(rows) == 10_000 + len(rooms)  # and each room's title


async def test_a_busy_space_holds_up_no_other(
    world: World, admin: Connection, people: People, database: Database
) -> None:
    busy, free = await people.room(), await people.room()
    ada, bob, *_ = people.all
    async with admin.transaction():
        await admin.fetch("SELECT 1 FROM space WHERE id = $1 FOR UPDATE", UUID(bytes=busy.space))
        waiting = [asyncio.create_task(one(world, busy, by, n)) for n, by in enumerate((ada, bob, ada))]
        for n in range(3):
            assert isinstance(await one(world, free, bob, n), LogEvent)
        assert not any(task.done() for task in waiting)
    seqs = [(await task).seq for task in waiting]
    assert seqs == [busy.head.n + 1, busy.head.n + 2, busy.head.n + 3]


async def test_what_another_node_commits_between_look_and_lock_is_noticed(
    world: World, people: People, database: Database, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same envelopes at two nodes, as after a lost answer: each is placed once, and no batch fails for that."""
    from db.queries import batch

    slow = batch.ARRIVE.replace("FROM space WHERE", "FROM (SELECT pg_sleep(0.01)) AS slow, space WHERE")
    slow = slow.replace("FOR NO KEY UPDATE SKIP", "FOR NO KEY UPDATE OF space SKIP")
    monkeypatch.setattr(batch, "ARRIVE", slow)
    assert "OF space SKIP" in slow
    assert "pg_sleep" in slow
    room = await people.room()
    ada, *_ = people.all
    nodes = (world.sending, Sending(Batches(database), world.clock, world.hub.poke))
    await nodes[1].start()

    async def send(node: Sending, made: Envelope, after: float) -> int:
        await asyncio.sleep(after)
        ctx = world.ctx(ada)
        ctx.sending = node
        return (await send_message(ctx, SendMessage(made.data))).seq

    for number in range(60):
        made, late = room.make_envelope(ada), number % 20 / 1000
        one, other = await asyncio.gather(send(nodes[0], made, 0), send(nodes[1], made, late))
        assert one == other == room.head.n + 1 + number
    await nodes[1].stop()
    assert [record.message for record in caplog.records if "batch" in record.message] == []


async def one(world: World, room: Room, by: Actor, n: int) -> LogEvent:
    """A send."""
    return await send_message(world.ctx(by), SendMessage(room.make_envelope(by, message(f"{n}")).data))


async def test_an_unforeseen_failure_takes_no_other_along(
    world: World, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The batch fails as a whole; each of its sends is then made alone."""
    from db.queries import batch

    original: Callable[..., object] = batch.append
    calls = 0

    async def fails(*args: object) -> object:
        nonlocal calls
        calls += 1
        raise LookupError("unforeseen")

    room = await people.room()
    ada, bob, *_ = people.all
    monkeypatch.setattr(batch, "append", fails)
    outcomes = await together(world, [(by, room.make_envelope(by)) for by in (ada, bob)])
    assert {shape(Side(room, people.all), outcome) for outcome in outcomes} == {room.head.n + 1, room.head.n + 2}
    assert calls == 1
    assert original is not batch.append


async def test_what_comes_after_the_end_is_told_to_come_again(world: World, people: People) -> None:
    room = await people.room()
    ada, *_ = people.all
    envelopes = [room.make_envelope(ada) for _ in range(20)]
    sends = asyncio.gather(*(send_message(world.ctx(ada), SendMessage(e.data)) for e in envelopes))
    await asyncio.sleep(0)
    await world.sending.stop()
    assert sorted(event.seq for event in await sends) == list(range(room.head.n + 1, room.head.n + 21))
    with pytest.raises(Busy):
        await send_message(world.ctx(ada), SendMessage(room.make_envelope(ada).data))


async def test_the_role_of_batches_can_do_nothing_else(world: World, people: People, database: Database) -> None:
    """A batch of strangers sees nothing of a room, and a batch of its members sees no other table."""
    room = await people.room()
    ada, _, _, eve = people.all
    connection = await database.connect("circle_send")
    try:
        for actor, sees in ((eve, 0), (ada, 1)):
            async with connection.transaction():
                await connection.execute(f"SET LOCAL circle.senders = '{{{actor.id.hex}}}'")
                space = UUID(bytes=room.space)
                assert await connection.fetchval("SELECT count(*) FROM space WHERE id = $1", space) == sees
                assert (await connection.fetchval("SELECT count(*) FROM event WHERE space_id = $1", space) > 0) == sees
                seats = "SELECT count(*) FROM roster_member WHERE space_id = $1 AND member_id <> $2"
                assert await connection.fetchval(seats, space, actor.id) == 0
        for table in ("member", "session", "epoch_seal", "member_box", "membership", "credential"):
            with pytest.raises(Exception, match="permission denied"):
                await connection.fetch(f"SELECT 1 FROM {table}")
        assert await connection.fetchval("SELECT count(*) FROM space") == 0
    finally:
        await connection.close()
