"""Many senders' envelopes in one transaction: lock and read what to check against, append (docs/decisions/0100)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from db.batch import Batch
from db.log import Entry
from db.queries.conversations import SPACE_STATE, SpaceState
from db.queries.messages import Arrival


@dataclass(frozen=True, slots=True)
class Arriving:
    """What to look up for an envelope; see `Arrival`."""

    space: UUID
    member: UUID
    device: UUID
    id: UUID
    seen: int
    ref: UUID | None


# As the single send asks (db.queries.messages), once for all; each sender is shown what that sender may read. `+ 0`
# keeps that from being taken for a range to scan: what is looked for has a unique index.
#
# One statement locks the spaces and looks, and so looks at what was committed before it had the locks. But what a lock
# finds is the newest row of a space: where its head is not the one that the statement saw, the log has grown between.
ARRIVE = f"""
WITH locked AS (
  SELECT {SPACE_STATE} FROM space WHERE id = ANY ($7::uuid[]) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED)
SELECT t.space_id, z.head_seq, l.*, d.dk, c.n, c.identity, r.role, r.identity, k.seq, k.kind, k.item, k.log_hash,
  k.body, k.accepted_at, s.log_hash, f.kind, f.actor_id, f.body
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::bigint[], $6::uuid[])
  WITH ORDINALITY AS w (space, member, device, id, seen, ref, place)
LEFT JOIN sender_stay t ON t.space_id = w.space AND t.member_id = w.member
LEFT JOIN locked l ON l.id = t.space_id
LEFT JOIN space z ON z.id = t.space_id
LEFT JOIN device d ON d.id = w.device AND d.member_id = w.member AND d.active
LEFT JOIN member_chain c ON c.member_id = w.member
LEFT JOIN roster_member r ON r.space_id = w.space AND r.member_id = w.member
LEFT JOIN event k ON k.space_id = t.space_id AND k.id = w.id AND k.seq + 0 >= t.from_seq
LEFT JOIN event s ON s.space_id = t.space_id AND s.seq = w.seen AND s.seq + 0 >= t.from_seq
LEFT JOIN event f ON f.space_id = t.space_id AND f.id = w.ref AND f.seq + 0 >= t.from_seq
ORDER BY w.place"""  # noqa: S608  (constants)
_STATE = 2 + len(fields(SpaceState))

Found = tuple[SpaceState | None, Arrival]


async def arrive(batch: Batch, wanted: Sequence[Arriving]) -> list[Found | None]:
    """Lock the spaces that are arrived in until commit, and read what each envelope is checked against.

    None where its sender has no seat in the space. No state where the space is another transaction's just now, or was a
    moment ago: one busy space must not hold up the others.
    """
    records = await batch.fetch(
        ARRIVE,
        [w.space for w in wanted],
        [w.member for w in wanted],
        [w.device for w in wanted],
        [w.id for w in wanted],
        [w.seen for w in wanted],
        [w.ref for w in wanted],
        sorted({w.space for w in wanted}),
    )
    return [None if r[0] is None else (_state(r), Arrival(*r[_STATE:])) for r in records]


def _state(record: Record) -> SpaceState | None:
    state = SpaceState(*record[2:_STATE])
    return state if state.id is not None and state.head_seq == record[1] else None


@dataclass(frozen=True, slots=True)
class Placed:
    """An entry with its place in its space's log, as the batch worked it out; `is_state`: an envelope of kind 8."""

    entry: Entry
    seq: int
    log_hash: bytes
    is_state: bool


@dataclass(slots=True)
class _Growth:
    before: int
    last: Placed
    count: int
    state: int | None


_APPEND = """
WITH head AS (
  UPDATE space s SET head_seq = h.seq, head_hash = h.hash, last_id = h.id, last_xid = pg_current_xact_id(),
    epoch_envelopes = s.epoch_envelopes + h.count, state_seq = coalesce(h.state, s.state_seq)
  FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bytea[], $5::uuid[], $6::int[], $7::bigint[])
    AS h (space, before, seq, hash, id, count, state)
  WHERE s.id = h.space AND s.head_seq = h.before RETURNING s.id)
INSERT INTO event (space_id, seq, id, kind, actor_id, item, log_hash, body, accepted_at, expires_at, epoch, lifetime)
SELECT e.space, e.seq, e.id, 1, e.actor, e.item, e.hash, e.body,
  coalesce(e.accepted_at, date_trunc('milliseconds', clock_timestamp())), e.expires_at, e.epoch, e.lifetime
FROM unnest($8::uuid[], $9::bigint[], $10::uuid[], $11::uuid[], $12::bytea[], $13::bytea[], $14::bytea[],
    $15::timestamptz[], $16::timestamptz[], $17::int[], $18::int[])
  AS e (space, seq, id, actor, item, hash, body, accepted_at, expires_at, epoch, lifetime)
JOIN head ON head.id = e.space
ORDER BY e.space, e.seq
RETURNING space_id, seq, accepted_at"""


class HeadMoved(Exception):
    """A bug: a space's head is not where the batch, which holds its lock, has read it."""


async def append(batch: Batch, placed: Sequence[Placed]) -> dict[tuple[UUID, int], datetime]:
    """Append to locked spaces, each one's entries in seq order from its head on; when each was accepted.

    Raises HeadMoved, asyncpg.UniqueViolationError where a space has an id already.
    """
    growths: dict[UUID, _Growth] = {}
    for one in placed:
        growth = growths.get(one.entry.space)
        state = one.seq if one.is_state else None
        if growth is None:
            growths[one.entry.space] = _Growth(one.seq - 1, one, 1, state)
        else:
            growth.last, growth.count, growth.state = one, growth.count + 1, state or growth.state
    entries = [one.entry for one in placed]
    records = await batch.fetch(
        _APPEND,
        list(growths),
        [g.before for g in growths.values()],
        [g.last.seq for g in growths.values()],
        [g.last.log_hash for g in growths.values()],
        [g.last.entry.id for g in growths.values()],
        [g.count for g in growths.values()],
        [g.state for g in growths.values()],
        [e.space for e in entries],
        [one.seq for one in placed],
        [e.id for e in entries],
        [e.actor for e in entries],
        [e.item for e in entries],
        [one.log_hash for one in placed],
        [e.body for e in entries],
        [e.accepted_at for e in entries],
        [e.expires_at for e in entries],
        [e.epoch for e in entries],
        [e.lifetime for e in entries],
    )
    if len(records) != len(placed):
        raise HeadMoved
    return {(r[0], r[1]): r[2] for r in records}
