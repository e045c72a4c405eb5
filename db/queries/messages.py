"""Envelopes on their way in, and the log on its way out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from db.log import LogRow
from db.queries.windows import Window, columns, fetch_windows
from db.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Arrival:
    """What an envelope is checked against, besides its locked space. Fields are None where there is no such row.

    `dk`: the sending device, if active; `chain_*`: the sender's chain; `role`, `identity`: the seat in the roster;
    `known`: the log's entry with the same id; `seen_hash`: l at the seq that the sender saw; `ref_*`: the envelope
    that this one is about.
    """

    dk: bytes | None
    chain_n: int | None
    chain_identity: bytes | None
    role: int | None
    identity: bytes | None
    known_seq: int | None
    known_kind: int | None
    known_item: bytes | None
    known_hash: bytes | None
    known_body: bytes | None
    known_at: object
    seen_hash: bytes | None
    ref_kind: int | None
    ref_actor: UUID | None
    ref_body: bytes | None


# One row whatever exists: everything that section 13 asks for in one round trip, read after the lock.
_ARRIVAL = """
SELECT d.dk, c.n, c.identity, r.role, r.identity, k.seq, k.kind, k.item, k.log_hash, k.body, k.accepted_at,
  s.log_hash, f.kind, f.actor_id, f.body
FROM (SELECT 1) one
LEFT JOIN device d ON d.id = $3 AND d.member_id = $2 AND d.active
LEFT JOIN member_chain c ON c.member_id = $2
LEFT JOIN roster_member r ON r.space_id = $1 AND r.member_id = $2
LEFT JOIN event k ON k.space_id = $1 AND k.id = $4
LEFT JOIN event s ON s.space_id = $1 AND s.seq = $5
LEFT JOIN event f ON f.space_id = $1 AND f.id = $6"""


async def arrival(
    tx: Transaction, space: UUID, member: UUID, device: UUID, id: UUID, seen: int, ref: UUID | None
) -> Arrival:
    """Everything an envelope of this id, sender, `seen` and ref is checked against."""
    record = await tx.raw.fetchrow(_ARRIVAL, space, member, device, id, seen, ref)
    if record is None:
        raise LookupError("a SELECT over one row gave none")
    return Arrival(*record)


async def set_state(tx: Transaction, space: UUID, seq: int) -> None:
    """The locked space's newest envelope of kind 8."""
    await tx.raw.execute("UPDATE space SET state_seq = $2 WHERE id = $1", space, seq)


_COLUMNS = """e.space_id, e.seq, e.xid, e.id, e.kind, e.actor_id, e.subject_id, e.item, e.log_hash, e.body,
  e.accepted_at, e.expires_at"""
_OWN_STAY = """EXISTS (
  SELECT 1 FROM membership m WHERE m.member_id = {viewer} AND m.space_id = e.space_id
    AND e.seq >= m.joined_seq AND (m.left_seq IS NULL OR e.seq <= m.left_seq))"""
_SHARED = """(s.history = 1 AND EXISTS (
  SELECT 1 FROM roster_member r WHERE r.member_id = $1 AND r.space_id = e.space_id))"""
_PAGE = f"""
SELECT w.place, {_COLUMNS}
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::boolean[]) WITH ORDINALITY
  AS w (space, above, below, shared, place)
CROSS JOIN LATERAL (
  SELECT * FROM event e
  WHERE e.space_id = w.space AND e.seq > w.above AND e.seq < w.below AND (w.shared OR {_OWN_STAY.format(viewer="$5")})
  ORDER BY e.seq {{order}} LIMIT $6) e
ORDER BY w.place, e.seq {{order}}"""  # noqa: S608  (constants)
_AT = f"""
SELECT {_COLUMNS}, s.type FROM event e JOIN space s ON s.id = e.space_id
WHERE (e.space_id, e.seq) IN (SELECT * FROM unnest($2::uuid[], $3::bigint[]))
  AND ({_OWN_STAY.format(viewer="$1")} OR {_SHARED})"""  # noqa: S608  (constants)


async def event_pages(
    tx: Transaction, viewer: UUID, windows: Sequence[Window[int]], shared: list[bool], limit: int, *, backward: bool
) -> list[list[LogRow]]:
    """Entries with above < seq < below of each window, in the order of reading: those of the viewer's stays, all where
    the window's history is shared."""
    query = _PAGE.format(order="DESC" if backward else "ASC")
    found = await fetch_windows(tx, query, [*columns(windows), shared], viewer, limit)
    return [[LogRow(*r) for r in rows] for rows in found]


async def events_at(tx: Transaction, viewer: UUID, places: Iterable[tuple[UUID, int]]) -> list[tuple[LogRow, int]]:
    """These entries (space, seq), as far as the viewer may read them, with their spaces' types."""
    wanted = list(places)
    records = await tx.raw.fetch(_AT, viewer, [w[0] for w in wanted], [w[1] for w in wanted])
    return [(LogRow(*r[:12]), r[12]) for r in records]
