"""What expiry deletes, in batches that wait for nobody (e2ee.md section 9). For a connection in the role circle_job.

Each function is one transaction and returns how many rows it changed: fewer than BATCH means that none is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from db.engine import Connection

BATCH = 1_000
_LOCK = 0x4369726A6F62  # "Cirjob": one node at a time does this


async def take_lock(connection: Connection) -> bool:
    """Whether this connection is the one that does the job now; it keeps the lock until it is closed."""
    taken: bool = await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK)
    return taken


_EMPTY = """
WITH due AS (
  SELECT space_id, seq FROM event WHERE expires_at <= $1 AND body IS NOT NULL
  ORDER BY expires_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED)
UPDATE event e SET body = NULL FROM due WHERE e.space_id = due.space_id AND e.seq = due.seq"""


async def empty_bodies(connection: Connection, now: datetime) -> int:
    """Take the ciphertext out of what has expired; seq, id and item stay."""
    return _count(await connection.execute(_EMPTY, now, BATCH))


_EMPTY_MARKERS = """
WITH due AS (
  SELECT space_id, member_id, scope FROM marker WHERE expires_at <= $1
  ORDER BY expires_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED)
UPDATE marker m SET envelope = NULL, expires_at = NULL
FROM due WHERE m.space_id = due.space_id AND m.member_id = due.member_id AND m.scope = due.scope"""


async def empty_markers(connection: Connection, now: datetime) -> int:
    """Take the ciphertext out of markers that have expired; their versions stay."""
    return _count(await connection.execute(_EMPTY_MARKERS, now, BATCH))


_FORGET = """
WITH old AS (
  SELECT space_id, seq FROM event WHERE expires_at IS NOT NULL AND body IS NULL AND accepted_at < $1
  ORDER BY accepted_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED)
UPDATE event e SET id = encode(substring(e.item FOR 16), 'hex')::uuid, expires_at = NULL
FROM old WHERE e.space_id = old.space_id AND e.seq = old.seq"""


async def forget_ids(connection: Connection, before: datetime) -> int:
    """Put a hash, the item's first 16 bytes, in the place of the ids of stubs accepted before then."""
    return _count(await connection.execute(_FORGET, before, BATCH))


_CLOSE = """
WITH closed AS (
  SELECT o.space_id, o.epoch, c.at FROM (
    SELECT DISTINCT space_id, epoch FROM member_wrap WHERE branch > 0 AND erase_at IS NULL) o
  JOIN epoch e ON e.space_id = o.space_id AND e.n = o.epoch
  CROSS JOIN LATERAL (SELECT least(e.accepted_at + $2::interval, (
    SELECT x.accepted_at FROM epoch x WHERE x.space_id = e.space_id AND x.n = e.n + 1)) AS at) c
  WHERE c.at <= $1)
UPDATE member_wrap w SET erase_at = closed.at + ($3::interval[])[w.branch]
FROM closed WHERE w.space_id = closed.space_id AND w.epoch = closed.epoch AND w.branch > 0 AND w.erase_at IS NULL"""


async def note_closings(
    connection: Connection, now: datetime, open_for: timedelta, lifetimes: Sequence[timedelta]
) -> int:
    """Note when the wraps of epochs go that have closed since they were stored. `lifetimes`: of the classes 1 to 6."""
    return _count(await connection.execute(_CLOSE, now, open_for, list(lifetimes)))


_ERASE = """
WITH due AS (
  SELECT member_id, space_id, epoch, branch FROM member_wrap WHERE erase_at <= $1
  ORDER BY erase_at LIMIT $2 FOR UPDATE SKIP LOCKED)
DELETE FROM member_wrap w USING due
WHERE w.member_id = due.member_id AND w.space_id = due.space_id AND w.epoch = due.epoch AND w.branch = due.branch"""


async def erase_wraps(connection: Connection, now: datetime) -> int:
    """Delete the wraps of branches whose time is over."""
    return _count(await connection.execute(_ERASE, now, BATCH))


async def drop_offers(connection: Connection, now: datetime) -> int:
    """Delete linking requests whose time is over."""
    return _count(await connection.execute("DELETE FROM device_offer WHERE expires_at <= $1", now))


_LOW = """
SELECT s.id FROM space s JOIN event e ON e.space_id = s.id AND e.seq = s.floor_seq + 1
WHERE e.accepted_at < $1 AND s.floor_seq + 1 < s.head_seq
  AND (e.kind > 1 OR (e.body IS NULL AND e.expires_at IS NULL))"""

# The row that must stay: the first that is young, or an envelope that is no finished stub; the head in any case. What
# is no envelope is kept in tables of its own. The floor comes to rest on a stub: for the rest alone nothing is gained.
_FLOOR = """
SELECT max(seq) FROM event WHERE space_id = $1 AND seq > $2 AND kind = 1 AND seq < (
  SELECT min(seq) FROM event
  WHERE space_id = $1 AND seq > $2
    AND (seq = $4 OR accepted_at >= $3 OR (kind = 1 AND (body IS NOT NULL OR expires_at IS NOT NULL))))"""


async def low_floors(connection: Connection, before: datetime) -> list[UUID]:
    """Spaces whose floor may rise over rows accepted before then."""
    return [r["id"] for r in await connection.fetch(_LOW, before)]


async def raise_floor(connection: Connection, space: UUID, before: datetime) -> int:
    """Raise a space's floor over old stubs and delete what lies below it; 0 if someone is writing there just now."""
    async with connection.transaction():
        row = await connection.fetchrow(
            "SELECT floor_seq, head_seq FROM space WHERE id = $1 FOR NO KEY UPDATE SKIP LOCKED", space
        )
        if row is None:
            return 0
        floor = await connection.fetchval(_FLOOR, space, row["floor_seq"], before, row["head_seq"])
        if floor is None:
            return 0
        await connection.execute("UPDATE space SET floor_seq = $2 WHERE id = $1", space, floor)
        return _count(await connection.execute("DELETE FROM event WHERE space_id = $1 AND seq <= $2", space, floor))


def _count(status: str) -> int:
    return int(status.rsplit(" ", 1)[1])
