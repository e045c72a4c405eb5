"""Awkward writers against resuming readers, through the real units of work, log, policies and hubs.

Nothing may be lost, doubled, out of order or outside a stay, wherever a stream is cut; of markers the newest state must
have come, and never an older one after it. Two deliberately wrong hubs
must be caught, or the harness proves nothing.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import asyncpg
import pytest

import db.hub.hub
from db.bus import Bus
from db.cursor import Cursor, Snapshot
from db.engine import Database
from db.errors import Busy
from db.hub import CaughtUp, Delivery, Hub, Live, Sink, SlowConsumer
from db.hub.subscription import Subscription
from db.log import Entry, LogRow, append, lock_spaces
from db.models import EventKind
from db.transaction import Transaction
from db.uow import UnitOfWork
from tests.conftest import SERVER_KEY
from tests.db.marker_fuzz import SHOWN, Abort, Marking, Marks
from tests.support.database import Maker, log_hash

SPACES, MEMBERS, CLIENTS, WRITERS, MARKERS = 6, 4, 2, 10, 3


@dataclass
class Client:
    """One device: keeps its sealed cursor together with what it applied."""

    member: UUID
    cursor: str = ""
    start: Snapshot = field(default_factory=lambda: Snapshot(0, 0))
    got: dict[tuple[UUID, int], UUID] = field(default_factory=dict)
    order: list[tuple[UUID, int]] = field(default_factory=list)
    doubled: int = 0
    marks: Marks = field(init=False)

    def __post_init__(self) -> None:
        self.marks = Marks(self.member)

    def apply(self, hub: Hub, item: Delivery | CaughtUp) -> None:
        if isinstance(item, Delivery):
            self.marks.apply(item.entry)
        if isinstance(item, Delivery) and isinstance(item.entry, LogRow):
            key = (item.entry.space, item.entry.seq)
            self.doubled += key in self.got
            self.got[key] = item.entry.id
            self.order.append(key)
        self.cursor = hub.seal(item.cursor)


class Pouring:
    """What a socket's sink does; now and then there is no room, or the socket closes."""

    def __init__(self, fuzz: Fuzz, client: Client, hub: Hub) -> None:
        self.fuzz, self.client, self.hub = fuzz, client, hub

    def live(self, live: Live) -> bool:
        return self._take(Delivery(live.entry, live.space_type, live.cursor), "poured")

    async def missed(self, page: Sequence[Delivery]) -> bool:
        await asyncio.sleep(0)
        return all(self._take(delivery, "missed and poured") for delivery in page)

    def _take(self, delivery: Delivery, what: str) -> bool:
        if self.fuzz.random.random() < 0.02:
            return False
        self.client.apply(self.hub, delivery)
        self.fuzz.stats[what] += 1
        return True


class Fuzz:
    def __init__(self, dsn: str, make: Maker, seed: int) -> None:
        self.random, self.make, self.dsn = random.Random(seed), make, dsn
        self.stats: Counter[str] = Counter()
        self.writing = self.reading = True
        self.database = Database(dsn, pool_size=WRITERS + MARKERS * (MEMBERS + 1))
        self.uow = UnitOfWork(self.database, self.poke_perhaps)
        self.hubs = [self.hub(), self.hub()]

    def hub(self) -> Hub:
        return Hub(self.database, Bus("memory://"), SERVER_KEY, interval=0.3, queue=40)

    def poke_perhaps(self) -> None:
        for hub in self.hubs:
            if self.random.random() < 0.6:  # four pokes in ten are lost
                hub.poke()

    async def run(self, seconds: float) -> Counter[str]:
        await self.database.open()
        self.owner = await self.make.member()
        members = [await self.make.member() for _ in range(MEMBERS)]
        self.spaces = [await self.make.space(self.owner, *members) for _ in range(SPACES)]
        self.members = members
        for hub in self.hubs:
            await hub.start()
        self.clients = [Client(m) for m in [*members, self.owner] for _ in range(CLIENTS)]
        for client in self.clients:
            async with aclosing(self.hubs[0].subscribe(client.member, None)) as stream:
                item = await anext(stream)
            client.apply(self.hubs[0], item)
            client.start = item.cursor.base
        self.marking = Marking(self.uow, self.random, [*members, self.owner], self.spaces, self.nap)
        writers = [asyncio.create_task(self.write()) for _ in range(WRITERS)]
        writers += [asyncio.create_task(self.mark()) for _ in range(MARKERS)]
        readers = [asyncio.create_task(self.read(c)) for c in self.clients]
        breaker = asyncio.create_task(self.break_things())
        done, _ = await asyncio.wait([*writers, *readers, breaker], timeout=seconds, return_when="FIRST_EXCEPTION")
        for task in done:
            task.result()
        self.writing = False
        await asyncio.gather(*writers, breaker)
        await self.marking.last(self.look)
        self.reading = False
        await asyncio.gather(*readers)
        for client in self.clients:
            await self.drain(client)
        await self.judge()
        for hub in self.hubs:
            await hub.stop()
        await self.database.close()
        return self.stats

    async def look(self) -> None:
        """All hubs have looked."""
        for hub in self.hubs:
            hub.poke()
        await asyncio.sleep(0.03)

    async def nap(self, most: float) -> None:
        await asyncio.sleep(self.random.choice([0, 0, 0.2, 1]) * self.random.random() * most)

    async def write(self) -> None:
        while self.writing:
            with suppress(Abort, Busy):
                async with self.uow.write(self.owner) as tx:
                    await self.one_transaction(tx)
            await self.nap(0.05)

    async def mark(self) -> None:
        while self.writing:
            with suppress(Abort, Busy):
                await self.marking.once()
            await self.nap(0.1)

    async def one_transaction(self, tx: Transaction) -> None:
        if self.random.random() < 0.4:  # an xid long before its rows
            await tx.raw.fetchval("SELECT pg_current_xact_id()")
            await self.nap(0.6)
        spaces = self.random.sample(self.spaces, self.random.choice([1, 1, 1, 3]))
        await lock_spaces(tx, spaces)
        for space in spaces:
            for _ in range(self.random.choice([1, 1, 1, 8])):
                await self.append(tx, space)
            if self.random.random() < 0.15:
                await self.change_roster(tx, space)
            if self.random.random() < 0.1:
                with suppress(Abort):
                    await self.undone(tx, space)
        await self.nap(0.05)
        self.stats["transactions"] += 1
        if self.random.random() < 0.15:
            raise Abort

    async def undone(self, tx: Transaction, space: UUID) -> None:
        async with tx.savepoint():
            await self.append(tx, space)
            raise Abort

    async def append(self, tx: Transaction, space: UUID, subject: UUID | None = None) -> int:
        id = uuid4()
        kind = EventKind.ENVELOPE if subject is None else EventKind.ROSTER
        done = await append(tx, Entry(space, id, kind, id.bytes * 2, b"x", self.owner, subject), log_hash)
        return done.seq

    async def change_roster(self, tx: Transaction, space: UUID) -> None:
        member = self.random.choice(self.members)
        present = await tx.raw.fetchval(
            "SELECT 1 FROM membership WHERE member_id = $1 AND space_id = $2 AND left_seq IS NULL", member, space
        )
        seq = await self.append(tx, space, member)
        change = (
            "UPDATE membership SET left_seq = $3 WHERE member_id = $1 AND space_id = $2 AND left_seq IS NULL"
            if present
            else "INSERT INTO membership VALUES ($1, $2, $3)"
        )
        await tx.raw.execute(change, member, space, seq)
        if self.random.random() < 0.5:
            await self.append(tx, space)

    async def read(self, client: Client) -> None:
        while self.reading:
            hub = self.random.choice(self.hubs)
            left, slow = self.random.choice([1, 2, 5, 30, 10**6]), self.random.random() < 0.2
            with suppress(TimeoutError, StopAsyncIteration, SlowConsumer):
                sink = self.random.choice([None, Pouring(self, client, hub)])
                async with aclosing(hub.subscribe(client.member, hub.open(client.cursor), sink=sink)) as stream:
                    async with asyncio.timeout(self.random.uniform(0.02, 2)):  # cut anywhere, also inside a query
                        await self.follow(client, hub, stream, left, slow)
            self.stats["connections"] += 1
            await self.nap(0.6)

    async def follow(
        self, client: Client, hub: Hub, stream: AsyncGenerator[Delivery | CaughtUp, None], left: int, slow: bool
    ) -> None:
        while left > 0:
            client.apply(hub, await anext(stream))
            left -= 1
            if slow:
                await asyncio.sleep(0.03)

    async def break_things(self) -> None:
        async with aclosing_connection(self.dsn) as admin:
            while self.writing:
                await asyncio.sleep(self.random.uniform(0.2, 1.2))
                if self.random.random() < 0.5:
                    at = self.random.randrange(len(self.hubs))
                    old, self.hubs[at] = self.hubs[at], self.hub()
                    await old.stop()
                    await self.hubs[at].start()
                    self.stats["hubs replaced"] += 1
                else:
                    await admin.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE datname = current_database() AND application_name = 'circle_hub'"
                    )
                    self.stats["readers killed"] += 1

    async def drain(self, client: Client) -> None:
        hub = self.hubs[0]
        async with aclosing(hub.subscribe(client.member, hub.open(client.cursor))) as stream:
            async for item in stream:
                client.apply(hub, item)
                if isinstance(item, CaughtUp):
                    return

    async def judge(self) -> None:
        rows = await self.make.admin.fetch("SELECT space_id, seq, xid, id FROM event ORDER BY space_id, seq")
        stays = await self.make.admin.fetch("SELECT * FROM membership")
        truth = {(r["space_id"], r["seq"]): r["id"] for r in rows}
        for space in self.spaces:
            seqs = [q for s, q in truth if s == space]
            assert seqs == list(range(1, len(seqs) + 1))
        shown = await self.make.admin.fetch(SHOWN)
        self.stats += self.marking.stats
        for client in self.clients:
            present = {s["space_id"]: s["joined_seq"] for s in stays if (s[0], s["left_seq"]) == (client.member, None)}
            client.marks.judge(shown, present, client.start)
            self.stats.update(client.marks.stats)
            own = [
                (s["space_id"], s["joined_seq"], s["left_seq"] or 2**62)
                for s in stays
                if s["member_id"] == client.member
            ]
            wanted = {
                (r["space_id"], r["seq"])
                for r in rows
                if not client.start.sees(r["xid"]) and any(s == r["space_id"] and a <= r["seq"] <= z for s, a, z in own)
            }
            self.stats["deliveries"] += len(client.order)
            self.stats["lost"] += len(wanted - set(client.got))
            self.stats["outside a stay"] += len(set(client.got) - wanted)
            self.stats["doubled"] += client.doubled
            self.stats["out of order"] += disorder(client.order)
            assert all(truth[key] == id for key, id in client.got.items())


def disorder(order: Iterable[tuple[UUID, int]]) -> int:
    last: dict[UUID, int] = {}
    wrong = 0
    for space, seq in order:
        wrong += seq <= last.get(space, 0)
        last[space] = max(seq, last.get(space, 0))
    return wrong


class aclosing_connection:  # noqa: N801  (reads like contextlib.aclosing)
    def __init__(self, dsn: str) -> None:
        self.dsn = dsn

    async def __aenter__(self) -> asyncpg.Connection[asyncpg.Record]:
        self.connection = await asyncpg.connect(self.dsn)
        return self.connection

    async def __aexit__(self, *_: object) -> None:
        await self.connection.close()


FAULTS = (
    "lost",
    "outside a stay",
    "doubled",
    "out of order",
    "markers behind",
    "markers doubled",
    "markers going back",
    "markers after a removal",
    "markers for others",
)


async def found_by(dsn: str, make: Maker, *faults: str) -> Counter[str]:
    """Short runs until all these faults have shown: on a slow machine one may not come to each."""
    stats = Counter[str]()
    for seed in range(5):
        stats += await Fuzz(dsn, make, seed).run(4)
        if all(stats[fault] for fault in faults):
            break
    return stats


async def test_nothing_is_lost_doubled_or_out_of_order(dsn: str, make: Maker) -> None:
    stats = await Fuzz(dsn, make, seed=20261123).run(10)
    assert stats["deliveries"] > 500
    assert stats["poured"] > 50
    assert stats["missed and poured"] > 50
    assert stats["hubs replaced"] + stats["readers killed"] > 3
    assert stats["reversed"] > 5
    assert stats["markers judged"] > 50
    assert {fault: stats[fault] for fault in FAULTS if stats[fault]} == {}


async def test_a_hub_with_a_high_water_mark_is_caught(dsn: str, make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A snapshot that forgets which transactions were open, as 'the highest xid seen' does."""
    monkeypatch.setattr(Snapshot, "of", classmethod(lambda cls, value: cls(value[1], value[1])))
    stats = await found_by(dsn, make, "lost", "markers behind")
    assert stats["lost"] > 0
    assert stats["markers behind"] > 0


async def test_a_hub_that_does_not_skip_the_backlog_is_caught(
    dsn: str, make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Live rows right after the backlog, without asking what the backlog had."""

    async def wrong(seat: Subscription, cursor: Cursor, sink: Sink | None) -> AsyncGenerator[Delivery, None]:
        while True:
            live = await seat.get()
            yield Delivery(live.entry, live.space_type, live.cursor)

    monkeypatch.setattr(db.hub.hub, "_live", wrong)
    stats = await found_by(dsn, make, "doubled")
    assert stats["doubled"] > 0
    assert stats["markers doubled"] + stats["markers going back"] > 0
