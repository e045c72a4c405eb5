"""Spaces and their rosters: what use cases read of them, under lock and without."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db.queries.windows import Window, columns, fetch_windows
from db.transaction import Transaction


@dataclass(frozen=True, slots=True)
class SpaceRow:
    """A space as the viewer sees it. `role`, `identity`: the viewer's own; `joined_seq`: where the present stay began,
    `first_seq`: where the first one did."""

    id: UUID
    type: int
    created_at: datetime
    head_seq: int
    head_hash: bytes
    roster_n: int
    roster_hash: bytes
    lifetime: int
    history: int
    epoch: int
    epoch_hash: bytes
    epoch_accepted_at: datetime | None
    epoch_envelopes: int
    epoch_due: str | None
    state_seq: int | None
    role: int
    identity: bytes
    joined_seq: int
    first_seq: int


@dataclass(frozen=True, slots=True)
class SpaceState:
    """A locked space: true until the transaction ends."""

    id: UUID
    type: int
    head_seq: int
    head_hash: bytes
    floor_seq: int
    roster_n: int
    roster_hash: bytes
    lifetime: int
    history: int
    epoch: int
    epoch_hash: bytes
    epoch_accepted_at: datetime | None
    epoch_envelopes: int
    epoch_due: str | None


@dataclass(frozen=True, slots=True)
class SeatRow:
    """A member's place in a roster, and the head of that member's chain."""

    member: UUID
    identity: bytes
    role: int
    chain_n: int
    chain_hash: bytes
    chain_identity: bytes
    key_generation: int
    key_hash: bytes


@dataclass(frozen=True, slots=True)
class ChainRow:
    """The head of a member's chain and the newest generation of the member's key."""

    member: UUID
    n: int
    hash: bytes
    identity: bytes
    key_generation: int
    key_hash: bytes


@dataclass(frozen=True, slots=True)
class SignerRow:
    """The viewer's device and the head of the viewer's chain."""

    dk: bytes
    n: int
    hash: bytes
    identity: bytes


@dataclass(frozen=True, slots=True)
class RosterLinkRow:
    """A link of a roster chain."""

    number: int
    hash: bytes
    body: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class MemberPlace:
    """A member's place in a conversation, for display."""

    member: UUID
    role: int
    identity: bytes
    joined_seq: int


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """A line of the list of conversations."""

    space: UUID
    type: int
    active_at: datetime


_SPACES = """
SELECT s.id, s.type, s.created_at, s.head_seq, s.head_hash, s.roster_n, s.roster_hash, s.lifetime, s.history, s.epoch,
  s.epoch_hash, s.epoch_accepted_at, s.epoch_envelopes, s.epoch_due, s.state_seq, r.role, r.identity,
  m.joined_seq, m.first_seq
FROM roster_member r
JOIN space s ON s.id = r.space_id
CROSS JOIN LATERAL (
  SELECT max(joined_seq) AS joined_seq, min(joined_seq) AS first_seq FROM membership
  WHERE member_id = r.member_id AND space_id = r.space_id) m
WHERE r.member_id = $1 AND r.space_id = ANY($2::uuid[])"""


async def spaces(tx: Transaction, member: UUID, ids: Iterable[UUID]) -> list[SpaceRow]:
    """The spaces among `ids` in whose roster the member is now."""
    return [SpaceRow(*r) for r in await tx.raw.fetch(_SPACES, member, list(ids))]


SPACE_STATE = """id, type, head_seq, head_hash, floor_seq, roster_n, roster_hash, lifetime, history, epoch, epoch_hash,
  epoch_accepted_at, epoch_envelopes, epoch_due"""
"""The columns of a SpaceState."""

_LOCK = f"SELECT {SPACE_STATE} FROM space WHERE id = $1 FOR NO KEY UPDATE"  # noqa: S608  (constants)


async def lock_space(tx: Transaction, space: UUID) -> SpaceState | None:
    """Lock a space until commit and read it; None where the viewer may change nothing. What is read afterwards is
    true until the commit, so ask for everything else in later statements. The log may be appended to (db.log)."""
    record = await tx.raw.fetchrow(_LOCK, space)
    if record is None:
        return None
    tx.heads[space] = (record["head_seq"], record["head_hash"])
    return SpaceState(*record)


_SIGNER = """
SELECT d.dk, c.n, c.hash, c.identity FROM device d JOIN member_chain c ON c.member_id = d.member_id
WHERE d.id = $2 AND d.member_id = $1 AND d.active"""


async def signer(tx: Transaction, member: UUID, device: UUID) -> SignerRow | None:
    """The member's active device of that id; None where there is none."""
    record = await tx.raw.fetchrow(_SIGNER, member, device)
    return None if record is None else SignerRow(*record)


_CHAINS = """
SELECT member_id, n, hash, identity, key_generation, key_hash FROM member_chain WHERE member_id = ANY($1::uuid[])"""


async def chains(tx: Transaction, members: Iterable[UUID]) -> dict[UUID, ChainRow]:
    """The heads of these members' chains; who does not exist is left out."""
    return {r["member_id"]: ChainRow(*r) for r in await tx.raw.fetch(_CHAINS, list(members))}


_SEATS = """
SELECT r.member_id, r.identity, r.role, c.n, c.hash, c.identity, c.key_generation, c.key_hash
FROM roster_member r JOIN member_chain c ON c.member_id = r.member_id
WHERE r.space_id = $1 ORDER BY r.member_id"""


async def seats(tx: Transaction, space: UUID) -> list[SeatRow]:
    """The whole roster, ascending by member, with everybody's chain head."""
    return [SeatRow(*r) for r in await tx.raw.fetch(_SEATS, space)]


async def own_seat(tx: Transaction, space: UUID, member: UUID) -> tuple[int, bytes] | None:
    """The member's role and ID in the roster; None for strangers."""
    record = await tx.raw.fetchrow(
        "SELECT role, identity FROM roster_member WHERE space_id = $1 AND member_id = $2", space, member
    )
    return None if record is None else (record["role"], record["identity"])


async def direct_between(tx: Transaction, direct_key: bytes) -> UUID | None:
    """The direct conversation of two members, if there is one that the viewer may see."""
    found: UUID | None = await tx.raw.fetchval("SELECT id FROM space WHERE direct_key = $1", direct_key)
    return found


_LINKS = """
SELECT w.place, l.n, l.hash, l.body, l.signature
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) WITH ORDINALITY AS w (space, above, below, place)
CROSS JOIN LATERAL (
  SELECT * FROM roster_link l WHERE l.space_id = w.space AND l.n > w.above AND l.n < w.below
  ORDER BY l.n {order} LIMIT $4) l
ORDER BY w.place, l.n {order}"""


async def roster_links(
    tx: Transaction, windows: Sequence[Window[int]], limit: int, *, backward: bool
) -> list[list[RosterLinkRow]]:
    """Links with above < n < below of each window, in the order of reading."""
    query = _LINKS.format(order="DESC" if backward else "ASC")
    found = await fetch_windows(tx, query, columns(windows), limit)
    return [[RosterLinkRow(*r) for r in rows] for rows in found]


async def first_link(tx: Transaction, space: UUID) -> RosterLinkRow | None:
    """Link 0 of a space that the viewer may see."""
    record = await tx.raw.fetchrow(
        "SELECT n, hash, body, signature FROM roster_link WHERE space_id = $1 AND n = 0", space
    )
    return None if record is None else RosterLinkRow(*record)


_PLACES = """
SELECT w.place, r.member_id, r.role, r.identity,
  (SELECT max(m.joined_seq) FROM membership m WHERE m.member_id = r.member_id AND m.space_id = w.space)
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) WITH ORDINALITY AS w (space, above, below, place)
CROSS JOIN LATERAL (
  SELECT * FROM roster_member r
  WHERE r.space_id = w.space AND (w.above IS NULL OR r.member_id > w.above)
    AND (w.below IS NULL OR r.member_id < w.below)
  ORDER BY r.member_id {order} LIMIT $4) r
ORDER BY w.place, r.member_id {order}"""


async def places(
    tx: Transaction, windows: Sequence[Window[UUID | None]], limit: int, *, backward: bool
) -> list[list[MemberPlace]]:
    """Of each window `limit` members between two ids, in the order of reading; None is no bound."""
    query = _PLACES.format(order="DESC" if backward else "ASC")
    found = await fetch_windows(tx, query, columns(windows), limit)
    return [[MemberPlace(*r) for r in rows] for rows in found]


_CONVERSATIONS = """
SELECT * FROM (
  SELECT s.id, s.type, coalesce(e.accepted_at, s.created_at) AS active_at
  FROM roster_member r
  JOIN space s ON s.id = r.space_id AND s.type < 3
  LEFT JOIN event e ON e.space_id = s.id AND e.seq = s.head_seq
  WHERE r.member_id = $1) c
WHERE ($2::timestamptz IS NULL OR (c.active_at, c.id) < ($2, $3::uuid))
  AND ($4::timestamptz IS NULL OR (c.active_at, c.id) > ($4, $5::uuid))
ORDER BY c.active_at {order}, c.id {order} LIMIT $6"""

Place = tuple[datetime, UUID]


async def conversations(
    tx: Transaction, member: UUID, after: Place | None, before: Place | None, limit: int, *, backward: bool
) -> list[ConversationRow]:
    """The member's conversations, newest activity first (the other way round when backward)."""
    query = _CONVERSATIONS.format(order="ASC" if backward else "DESC")
    records = await tx.raw.fetch(query, member, *(after or (None, None)), *(before or (None, None)), limit)
    return [ConversationRow(*r) for r in records]
