"""Markers: a member's sealed position in a conversation, one row per member, conversation and scope, replaced in place.

The row carries the transaction of its last upsert, so that the hub delivers it by the log's rule (docs/decisions/0104).
A marker is shown while its member's stay lasts in which it was set, and until it expires.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from db.models.kinds import MarkerScope
from db.queries.conversations import SpaceState
from db.queries.messages import Arrival
from db.transaction import Transaction


@dataclass(frozen=True, slots=True)
class MarkerRow:
    """A marker as stored. `space`: the conversation; `xid`: the transaction of the last upsert. `envelope` is None once
    it has expired."""

    space: UUID
    member: UUID
    scope: int
    version: int
    xid: int
    envelope: bytes | None
    accepted_at: datetime

    @property
    def seq(self) -> int:
        """The row's fixed place in a cursor, in the order of member and scope."""
        return self.member.int << 1 | self.scope


def place_at(seq: int) -> tuple[UUID, int]:
    """Member and scope at that place."""
    return UUID(int=seq >> 1), seq & 1


COLUMNS = "m.space_id, m.member_id, m.scope, m.version, m.xid, m.envelope, m.accepted_at"

# Whoever is not there now has left what was set in an earlier stay behind.
SHOWN = """
JOIN membership author ON author.member_id = m.member_id AND author.space_id = m.space_id
  AND author.joined_seq = m.joined_seq AND author.left_seq IS NULL"""


def marker(record: Record) -> MarkerRow:
    """The first columns of a record that begins like COLUMNS."""
    return MarkerRow(*record[:7])


_RECEIPTS = f"""
SELECT {COLUMNS} FROM marker m {SHOWN}
WHERE m.scope = 1 AND m.space_id = ANY($1::uuid[]) AND m.envelope IS NOT NULL
ORDER BY m.space_id, m.member_id"""  # noqa: S608  (constants)


async def receipts(tx: Transaction, spaces: Sequence[UUID]) -> list[MarkerRow]:
    """The receipts in these conversations, as far as the viewer is in them."""
    return [marker(r) for r in await tx.raw.fetch(_RECEIPTS, spaces)]


_OWN = f"""
SELECT {COLUMNS} FROM marker m {SHOWN}
WHERE m.scope = 0 AND m.member_id = $1 AND m.space_id = ANY($2::uuid[]) AND m.envelope IS NOT NULL"""  # noqa: S608


async def own_markers(tx: Transaction, member: UUID, spaces: Sequence[UUID]) -> list[MarkerRow]:
    """The member's own markers in these conversations."""
    return [marker(r) for r in await tx.raw.fetch(_OWN, member, spaces)]


@dataclass(frozen=True, slots=True)
class Standing:
    """What a marker is checked against. `type`, `members`: of the conversation, the latter counted up to the limit;
    `space`: that of the envelope, None where the viewer is not in it; `stored`: what is there."""

    type: int
    members: int
    space: SpaceState | None
    arrival: Arrival
    stored: MarkerRow | None


# One row if the viewer is in the conversation. Nothing is locked: a marker is as good as one that came a moment ago.
_STANDING = f"""
SELECT (SELECT count(*) FROM (SELECT 1 FROM roster_member r WHERE r.space_id = c.id LIMIT $7) found), c.type,
  p.id, p.type, p.head_seq, p.head_hash, p.floor_seq, p.roster_n, p.roster_hash, p.lifetime, p.history, p.epoch,
  p.epoch_hash, p.epoch_accepted_at, p.epoch_envelopes, p.epoch_due,
  d.dk, h.n, h.identity, r.role, r.identity, s.log_hash, {COLUMNS}
FROM space c
LEFT JOIN space p ON p.id = $4
LEFT JOIN device d ON d.id = $5 AND d.member_id = $2 AND d.active
LEFT JOIN member_chain h ON h.member_id = $2
LEFT JOIN roster_member r ON r.space_id = $4 AND r.member_id = $2
LEFT JOIN event s ON s.space_id = $4 AND s.seq = $6
LEFT JOIN marker m ON m.space_id = $1 AND m.member_id = $2 AND m.scope = $3
WHERE c.id = $1 AND c.type < 3"""  # noqa: S608  (constants)


async def standing(
    tx: Transaction, conversation: UUID, member: UUID, scope: MarkerScope, space: UUID, device: UUID, seen: int,
    limit: int,
) -> Standing | None:  # fmt: skip
    """What a marker of this member's device, sealed in `space`, is checked against; None where the viewer is not in
    the conversation. Members are counted up to `limit`."""
    record = await tx.raw.fetchrow(_STANDING, conversation, member, int(scope), space, device, seen, limit)
    if record is None:
        return None
    values = tuple(record)
    dk, chain_n, chain_identity, role, identity, seen_hash = values[16:22]
    arrival = Arrival(
        dk, chain_n, chain_identity, role, identity, None, None, None, None, None, None, seen_hash, None, None, None
    )
    found = None if values[2] is None else SpaceState(*values[2:16])
    return Standing(values[1], values[0], found, arrival, None if values[22] is None else MarkerRow(*values[22:29]))


_PUT = f"""
INSERT INTO marker AS m (space_id, member_id, scope, joined_seq, version, envelope, accepted_at, expires_at, epoch,
  lifetime)
SELECT v.space_id, $2, $3, v.joined_seq, $4::int + 1, $5,
  coalesce($6, date_trunc('milliseconds', clock_timestamp())), $7, $8, $9
FROM own_stay v WHERE v.space_id = $1 AND v.left_seq IS NULL
ON CONFLICT (space_id, member_id, scope) DO UPDATE SET joined_seq = excluded.joined_seq, version = excluded.version,
  xid = pg_current_xact_id(), envelope = excluded.envelope, accepted_at = excluded.accepted_at,
  expires_at = excluded.expires_at, epoch = excluded.epoch, lifetime = excluded.lifetime
WHERE m.version = $4
RETURNING {COLUMNS}"""  # noqa: S608  (constants)


@dataclass(frozen=True, slots=True)
class NewMarker:
    """What is to be stored in the place of `version`. `accepted_at` None: the database's clock."""

    space: UUID
    member: UUID
    scope: MarkerScope
    version: int
    envelope: bytes
    accepted_at: datetime | None
    expires_at: datetime | None
    epoch: int
    lifetime: int


async def put(tx: Transaction, new: NewMarker) -> MarkerRow | None:
    """Store a marker of the viewer's, if the version that it replaces is the one there (none at all: any); None if not,
    or if the viewer has left the conversation. Waits for whoever is replacing the same row."""
    record = await tx.raw.fetchrow(
        _PUT, new.space, new.member, int(new.scope), new.version, new.envelope, new.accepted_at, new.expires_at,
        new.epoch, new.lifetime,
    )  # fmt: skip
    if record is None:
        return None
    tx.appended.add(new.space)
    return marker(record)


async def find(tx: Transaction, space: UUID, member: UUID, scope: MarkerScope) -> MarkerRow | None:
    """The member's stored marker, whatever became of its envelope and of the stay."""
    record = await tx.raw.fetchrow(
        f"SELECT {COLUMNS} FROM marker m WHERE m.space_id = $1 AND m.member_id = $2 AND m.scope = $3",  # noqa: S608
        space, member, int(scope),
    )  # fmt: skip
    return None if record is None else marker(record)
