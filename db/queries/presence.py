"""Privacy settings and last-seen times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db.engine import Connection
from db.transaction import Transaction


@dataclass(frozen=True, slots=True)
class PeerRow:
    """A member as the viewer may see their presence: `near` shares a space with the viewer, or is the viewer.

    `shown`: does not hide (of the viewer always true). `dated`: last-seen times are for the viewer, who hides nothing
    oneself; `seen`: one of them, None where there is none.
    """

    member: UUID
    near: bool
    shown: bool
    dated: bool
    seen: datetime | None


async def privacy(tx: Transaction, member: UUID) -> tuple[bool, bool, bool] | None:
    """A viewer's own settings: presence, read receipts, delivery receipts; None where nothing was ever changed."""
    row = await tx.raw.fetchrow(
        "SELECT presence, read_receipts, delivery_receipts FROM privacy WHERE member_id = $1", member
    )
    return None if row is None else (row[0], row[1], row[2])


async def set_privacy(
    tx: Transaction, member: UUID, presence: bool | None, read: bool | None, delivery: bool | None
) -> tuple[bool, bool, bool]:
    """Change what is not None; the settings afterwards."""
    row = await tx.raw.fetchrow(
        """
        INSERT INTO privacy AS p (member_id, presence, read_receipts, delivery_receipts)
        VALUES ($1, coalesce($2::boolean, true), coalesce($3::boolean, true), coalesce($4::boolean, true))
        ON CONFLICT (member_id) DO UPDATE SET
          presence = coalesce($2::boolean, p.presence),
          read_receipts = coalesce($3::boolean, p.read_receipts),
          delivery_receipts = coalesce($4::boolean, p.delivery_receipts)
        RETURNING presence, read_receipts, delivery_receipts
        """,
        member,
        presence,
        read,
        delivery,
    )
    assert row is not None  # noqa: S101  (an upsert always returns its row)
    return row[0], row[1], row[2]


_PEERS = """
SELECT w.id, w.id = $1 OR p.shown IS NOT NULL, w.id = $1 OR coalesce(p.shown, false),
  w.id = $1 OR NOT EXISTS (SELECT 1 FROM privacy v WHERE v.member_id = $1 AND NOT v.presence), l.seen_at
FROM unnest($2::uuid[]) AS w (id)
LEFT JOIN (SELECT member_id, bool_and(shown) AS shown FROM peer WHERE member_id = ANY($2::uuid[]) GROUP BY 1) p
  ON p.member_id = w.id
LEFT JOIN last_seen l ON l.member_id = w.id"""


async def peers(tx: Transaction, viewer: UUID, members: Sequence[UUID]) -> dict[UUID, PeerRow]:
    """What the viewer may see of these members."""
    return {r[0]: PeerRow(*r) for r in await tx.raw.fetch(_PEERS, viewer, list(members))}


async def hidden(connection: Connection, members: Sequence[UUID]) -> set[UUID]:
    """Those of these members who hide their presence (role circle_hub)."""
    rows = await connection.fetch(
        "SELECT member_id FROM privacy WHERE member_id = ANY($1::uuid[]) AND NOT presence", list(members)
    )
    return {r[0] for r in rows}


async def write_seen(connection: Connection, seen: Mapping[UUID, datetime]) -> None:
    """Keep when these members were last seen, unless a later minute is kept already (role circle_hub)."""
    # In one order everywhere: two nodes that write the same members' rows must not wait for each other.
    members = sorted(seen)
    await connection.execute(
        """
        INSERT INTO last_seen AS l (member_id, seen_at) SELECT * FROM unnest($1::uuid[], $2::timestamptz[])
        ON CONFLICT (member_id) DO UPDATE SET seen_at = excluded.seen_at WHERE l.seen_at < excluded.seen_at
        """,
        members,
        [seen[member] for member in members],
    )
