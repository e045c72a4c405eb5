"""The markers' part in the hub's fuzz: upserts of many members, also committed in the reverse of their order, and
what a client must end with."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from uuid import UUID, uuid4

from asyncpg import Record

from db.cursor import Snapshot
from db.log import LogRow
from db.models import EventKind, MarkerScope
from db.queries.markers import MarkerRow, NewMarker, find, put
from db.transaction import Transaction
from db.uow import UnitOfWork

Key = tuple[UUID, UUID, int]
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Abort(Exception):
    """A transaction that changes its mind."""


@dataclass
class Marks:
    """A client's side: the newest version of each marker, and whatever was wrong with what came."""

    member: UUID
    newest: dict[Key, MarkerRow] = field(default_factory=dict)
    away: set[UUID] = field(default_factory=set)
    stats: Counter[str] = field(default_factory=Counter)

    def apply(self, entry: LogRow | MarkerRow) -> None:
        """What came next in the stream."""
        if isinstance(entry, LogRow):
            if entry.kind == EventKind.ROSTER and entry.subject == self.member:
                self.away ^= {entry.space}  # the fuzz lets in and out by turns
            return
        key = (entry.space, entry.member, entry.scope)
        before = 0 if key not in self.newest else self.newest[key].version
        self.stats["markers"] += 1
        self.stats["markers doubled"] += entry.version == before
        self.stats["markers going back"] += entry.version < before
        self.stats["markers after a removal"] += entry.space in self.away
        self.stats["markers for others"] += entry.scope == MarkerScope.OWN and entry.member != self.member
        self.newest[key] = entry

    def judge(self, rows: Iterable[Record], joined: dict[UUID, int], start: Snapshot) -> None:
        """Against what is shown now; `joined`: where the member's present stays began. The envelope says which head
        its writer saw: whoever had come in by then must have heard of it."""
        for row in rows:
            key = (row["space_id"], row["member_id"], row["scope"])
            meant = row["scope"] == MarkerScope.RECEIPT or row["member_id"] == self.member
            if start.sees(row["xid"]) or not meant or row["space_id"] not in joined:
                continue
            if joined[row["space_id"]] <= int.from_bytes(row["envelope"][:8], "big"):
                mine = self.newest.get(key)
                self.stats["markers behind"] += mine is None or mine.version != row["version"]
                self.stats["markers judged"] += 1


SHOWN = """SELECT m.* FROM marker m JOIN membership s
ON s.member_id = m.member_id AND s.space_id = m.space_id AND s.joined_seq = m.joined_seq AND s.left_seq IS NULL"""


class Marking:
    """The writers' side. Rows are taken in the order of space, member and scope, so that nobody waits in a circle."""

    def __init__(
        self, uow: UnitOfWork, dice: random.Random, members: list[UUID], spaces: list[UUID],
        nap: Callable[[float], Awaitable[None]],
    ) -> None:  # fmt: skip
        self._uow, self._random, self._nap = uow, dice, nap
        self._members, self._spaces = sorted(members), sorted(spaces)
        self.stats: Counter[str] = Counter()

    async def once(self) -> None:
        """One member marks a few conversations, or several members one, committing the other way round."""
        if self._random.random() < 0.3:
            await self.reversed(self._random.choice(self._spaces), partial(self._nap, 0.2))
            return
        member = self._random.choice(self._members)
        async with self._uow.write(member) as tx:
            if self._random.random() < 0.4:  # an xid long before its rows
                await tx.raw.fetchval("SELECT pg_current_xact_id()")
                await self._nap(0.6)
            for space in sorted(self._random.sample(self._spaces, self._random.choice([1, 1, 3]))):
                for scope in (MarkerScope.OWN, MarkerScope.RECEIPT):
                    if self._random.random() < 0.6:
                        await self._put(tx, space, member, scope)
            await self._nap(0.05)
            if self._random.random() < 0.15:
                raise Abort

    async def last(self, between: Callable[[], Awaitable[None]]) -> None:
        """The last word in each conversation: what is missed now, nothing mends."""
        for space in self._spaces:
            await self.reversed(space, between)

    async def reversed(self, space: UUID, between: Callable[[], Awaitable[None]]) -> None:
        """All members mark a conversation, each in a transaction that commits before those that began earlier."""
        async with AsyncExitStack() as stack:
            for member in self._members:
                tx = await stack.enter_async_context(self._uow.write(member))
                await self._put(tx, space, member, MarkerScope.RECEIPT)
                stack.push_async_callback(between)
        self.stats["reversed"] += 1

    async def _put(self, tx: Transaction, space: UUID, member: UUID, scope: MarkerScope) -> None:
        head = await tx.raw.fetchval("SELECT head_seq FROM space WHERE id = $1", space)
        if head is None:
            return  # not a member now
        stored = await find(tx, space, member, scope)
        version = 0 if stored is None else stored.version
        envelope = head.to_bytes(8, "big") + uuid4().bytes
        done = await put(tx, NewMarker(space, member, scope, version, envelope, NOW, None, 1, 0))
        self.stats["upserts" if done is not None else "conflicts"] += 1
