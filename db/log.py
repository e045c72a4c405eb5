"""The durable log's writing side: lock the spaces, look for the id, check, append, commit (docs/decisions/0030)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from db.models.kinds import EventKind
from db.transaction import Transaction

LogHash = Callable[[bytes, int, bytes], bytes]
"""(l before, seq, item) -> l: H('log', [l_(seq-1), seq, item]) of e2ee.md section 2."""


class NotLocked(Exception):
    """A bug: something was to be appended to a space whose row this transaction had not locked."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where a space's log stands: the newest seq and its log hash (0 and Z32 before the first)."""

    seq: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be appended; `id` is unique within the space. `accepted_at` None: the database's clock.

    `epoch`, `lifetime`: an envelope's epoch and its lifetime class b.
    """

    space: UUID
    id: UUID
    kind: EventKind
    item: bytes
    body: bytes | None
    actor: UUID | None = None
    subject: UUID | None = None
    expires_at: datetime | None = None
    accepted_at: datetime | None = None
    epoch: int | None = None
    lifetime: int | None = None


@dataclass(frozen=True, slots=True)
class Appended:
    """Where the entry now is."""

    seq: int
    log_hash: bytes
    accepted_at: datetime


@dataclass(frozen=True, slots=True)
class LogRow:
    """A row of the log as stored. `body` is None once it has expired. `xid` is the transaction that appended it."""

    space: UUID
    seq: int
    xid: int
    id: UUID
    kind: int
    actor: UUID | None
    subject: UUID | None
    item: bytes
    log_hash: bytes
    body: bytes | None
    accepted_at: datetime
    expires_at: datetime | None


SELECT = """
SELECT space_id, seq, xid, id, kind, actor_id, subject_id, item, log_hash, body, accepted_at, expires_at FROM event"""


def row(record: Record) -> LogRow:
    """The first twelve columns of a record that begins like SELECT."""
    return LogRow(*record[:12])


async def lock_spaces(tx: Transaction, ids: Iterable[UUID]) -> dict[UUID, Head]:
    """Lock the spaces' rows in id order (no deadlock) until commit; returns the heads of those the viewer may change.

    Missing and forbidden spaces are left out alike. Lock all spaces of an operation in one call, before anything
    else is read: what is read afterwards is then true until the commit.
    """
    await tx.flush()
    records = await tx.raw.fetch(
        "SELECT id, head_seq, head_hash FROM space WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE",
        sorted(set(ids)),
    )
    heads = {r["id"]: Head(r["head_seq"], r["head_hash"]) for r in records}
    tx.heads.update({id: (head.seq, head.hash) for id, head in heads.items()})
    return heads


async def find(tx: Transaction, space: UUID, id: UUID) -> LogRow | None:
    """The row that holds this id, if the space has it: look here after locking and before any check (a retry)."""
    record = await tx.raw.fetchrow(SELECT + " WHERE space_id = $1 AND id = $2", space, id)
    return None if record is None else row(record)


_APPEND = """
WITH head AS (
  UPDATE space SET head_seq = $2, head_hash = $3, last_id = $4, last_xid = pg_current_xact_id(),
    epoch_envelopes = epoch_envelopes + CASE WHEN $5 = 1 THEN 1 ELSE 0 END  -- what makes an epoch due by count
  WHERE id = $1 AND head_seq = $2::bigint - 1 RETURNING id)
INSERT INTO event (space_id, seq, id, kind, actor_id, subject_id, item, log_hash, body, accepted_at, expires_at,
  epoch, lifetime)
SELECT id, $2, $4, $5, $6, $7, $8, $3, $9, coalesce($10, date_trunc('milliseconds', clock_timestamp())), $11, $12, $13
FROM head
RETURNING accepted_at"""


async def append(tx: Transaction, entry: Entry, log_hash: LogHash) -> Appended:
    """Append to a space that `lock_spaces` of this transaction has locked: seq = head + 1, so seq is contiguous.

    Raises NotLocked (a bug) if it has not, asyncpg.UniqueViolationError if the space has the id: call `find` first.
    """
    async with tx.lock:
        before = tx.heads.get(entry.space)
        if before is None:
            raise NotLocked("A space must be locked before anything is appended to its log.")
        await tx.flush()
        seq = before[0] + 1
        new = log_hash(before[1], seq, entry.item)
        accepted_at = await tx.raw.fetchval(
            _APPEND,
            entry.space,
            seq,
            new,
            entry.id,
            int(entry.kind),
            entry.actor,
            entry.subject,
            entry.item,
            entry.body,
            entry.accepted_at,
            entry.expires_at,
            entry.epoch,
            entry.lifetime,
        )
        if accepted_at is None:
            raise NotLocked("The space's head moved under its lock.")
        tx.heads[entry.space] = (seq, new)
        tx.appended.add(entry.space)
        return Appended(seq, new, accepted_at)


async def page(
    tx: Transaction, space: UUID, *, limit: int, after_seq: int | None = None, before_seq: int | None = None
) -> list[LogRow]:
    """Up to `limit` rows, always ascending by seq, of what the viewer may see of the space.

    `after_seq`: the first ones above it; otherwise the last ones, below `before_seq` if given.
    """
    if after_seq is not None:
        records = await tx.raw.fetch(
            SELECT + " WHERE space_id = $1 AND seq > $2 AND ($3::bigint IS NULL OR seq < $3) ORDER BY seq LIMIT $4",
            space,
            after_seq,
            before_seq,
            limit,
        )
        return [row(r) for r in records]
    records = await tx.raw.fetch(
        SELECT + " WHERE space_id = $1 AND ($2::bigint IS NULL OR seq < $2) ORDER BY seq DESC LIMIT $3",
        space,
        before_seq,
        limit,
    )
    return [row(r) for r in reversed(records)]
