"""Spaces and their rosters: what use cases write of them, in a transaction that holds the space's lock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db.queries.conversations import RosterLinkRow
from db.transaction import Transaction


@dataclass(frozen=True, slots=True)
class NewSpace:
    """A space to be made, with its first roster."""

    id: UUID
    type: int
    direct_key: bytes | None
    created_at: datetime
    lifetime: int
    history: int
    roster_hash: bytes
    members: Sequence[tuple[UUID, bytes, int]]


async def insert_space(tx: Transaction, new: NewSpace) -> bool:
    """Make a space, its roster and everybody's stay from seq 1 on. False where id or pair are taken: nothing is made.

    Waits for whoever is making the same space just now.
    """
    status = await tx.raw.execute(
        "INSERT INTO space (id, type, direct_key, created_at, head_seq, head_hash, last_xid, floor_seq, roster_n, "
        "roster_hash, lifetime, history, epoch, epoch_hash, epoch_envelopes, epoch_due) "
        "VALUES ($1, $2, $3, $4, 0, $8, pg_current_xact_id(), 0, 0, $5, $6, $7, 0, $8, 0, 'FIRST') "
        "ON CONFLICT DO NOTHING",
        new.id, new.type, new.direct_key, new.created_at, new.roster_hash, new.lifetime, new.history, bytes(32),
    )  # fmt: skip
    if status != "INSERT 0 1":
        return False
    ids = [m[0] for m in new.members]
    # Stays first: the other tables' policies ask for the maker's own.
    await tx.raw.execute(
        "INSERT INTO membership (member_id, space_id, joined_seq) SELECT m, $1, 1 FROM unnest($2::uuid[]) m",
        new.id, ids,
    )  # fmt: skip
    await tx.raw.execute(
        "INSERT INTO roster_member (space_id, member_id, identity, role) "
        "SELECT $1, i.m, i.identity, i.role FROM unnest($2::uuid[], $3::bytea[], $4::smallint[]) "
        "AS i(m, identity, role)",
        new.id, ids, [m[1] for m in new.members], [m[2] for m in new.members],
    )  # fmt: skip
    return True


async def insert_link(tx: Transaction, space: UUID, link: RosterLinkRow) -> None:
    """Store a roster link."""
    await tx.raw.execute(
        "INSERT INTO roster_link (space_id, n, hash, body, signature) VALUES ($1, $2, $3, $4, $5)",
        space, link.number, link.hash, link.body, link.signature,
    )  # fmt: skip


async def move_roster(tx: Transaction, space: UUID, n: int, digest: bytes, lifetime: int, history: int) -> None:
    """Set a locked space's roster head and policy; a changed roster makes the next epoch due."""
    await tx.raw.execute(
        "UPDATE space SET roster_n = $2, roster_hash = $3, lifetime = $4, history = $5, "
        "epoch_due = coalesce(epoch_due, 'ROSTER') WHERE id = $1",
        space, n, digest, lifetime, history,
    )  # fmt: skip


async def put_seat(tx: Transaction, space: UUID, member: UUID, identity: bytes, role: int) -> None:
    """Put a member into a locked space's roster, or change ID and role of one who is there."""
    status = await tx.raw.execute(
        "UPDATE roster_member SET identity = $3, role = $4 WHERE space_id = $1 AND member_id = $2",
        space, member, identity, role,
    )  # fmt: skip
    if status == "UPDATE 0":
        await tx.raw.execute(
            "INSERT INTO roster_member (space_id, member_id, identity, role) VALUES ($1, $2, $3, $4)",
            space, member, identity, role,
        )  # fmt: skip


async def begin_stay(tx: Transaction, space: UUID, member: UUID, seq: int) -> None:
    """A stay begins with the entry `seq`."""
    await tx.raw.execute(
        "INSERT INTO membership (member_id, space_id, joined_seq) VALUES ($1, $2, $3)", member, space, seq
    )


async def end_stay(tx: Transaction, space: UUID, member: UUID, seq: int) -> None:
    """The place in the roster is gone and the present stay ends with the entry `seq`. The last thing a transaction
    does in a space: who leaves loses sight of it with this."""
    await tx.raw.execute("DELETE FROM roster_member WHERE space_id = $1 AND member_id = $2", space, member)
    await tx.raw.execute(
        "UPDATE membership SET left_seq = $3 WHERE member_id = $1 AND space_id = $2 AND left_seq IS NULL",
        member, space, seq,
    )  # fmt: skip
