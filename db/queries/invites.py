"""Queries on invites. Tokens come and are stored as SHA-256."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db.uow import Transaction

_COLUMNS = "id, token_hash, role, inviter_id, created_at, expires_at, used_at, used_by, mac, revoked_at"


@dataclass(frozen=True, slots=True)
class InviteRow:
    """An invite; without an inviter it was made on the server's command line, or is the set-up link."""

    id: UUID
    token_hash: bytes
    role: int
    inviter: UUID | None
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    used_by: UUID | None
    mac: bytes | None
    revoked_at: datetime | None


async def invite_by_token(tx: Transaction, token_hash: bytes, *, lock: bool = False) -> InviteRow | None:
    """The invite of a token; `lock` keeps others from using it until this transaction ends."""
    end = " FOR UPDATE" if lock else ""
    row = await tx.raw.fetchrow(f"SELECT {_COLUMNS} FROM invite WHERE token_hash = $1{end}", token_hash)  # noqa: S608
    return None if row is None else InviteRow(*row)


async def add_invite(tx: Transaction, invite: InviteRow) -> bool:
    """Store a new invite; False when there is one of that token already."""
    done = await tx.raw.execute(
        f"""
        INSERT INTO invite ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ON CONFLICT (token_hash) DO NOTHING
        """,  # noqa: S608 - own constant
        invite.id,
        invite.token_hash,
        invite.role,
        invite.inviter,
        invite.created_at,
        invite.expires_at,
        invite.used_at,
        invite.used_by,
        invite.mac,
        invite.revoked_at,
    )
    return bool(done == "INSERT 0 1")


async def use_invite(tx: Transaction, invite: UUID, member: UUID, mac: bytes | None, now: datetime) -> None:
    """Note who used an invite."""
    await tx.raw.execute(
        "UPDATE invite SET used_at = $4, used_by = $2, mac = $3 WHERE id = $1", invite, member, mac, now
    )


async def end_invite(tx: Transaction, invite: UUID, inviter: UUID, now: datetime) -> InviteRow | None:
    """Revoke an unused invite of an inviter; None when there is none by that id."""
    row = await tx.raw.fetchrow(
        f"""
        UPDATE invite SET revoked_at = coalesce(revoked_at, $3)
        WHERE id = $1 AND inviter_id = $2 AND used_at IS NULL RETURNING {_COLUMNS}
        """,  # noqa: S608 - own constant
        invite,
        inviter,
        now,
    )
    return None if row is None else InviteRow(*row)


async def end_set_up_invites(tx: Transaction, now: datetime) -> None:
    """Revoke the open set-up links: unused invites to own the server that nobody in it made."""
    await tx.raw.execute(
        "UPDATE invite SET revoked_at = $1 WHERE role = 2 AND inviter_id IS NULL AND used_at IS NULL"
        " AND revoked_at IS NULL",
        now,
    )


async def invites_of(
    tx: Transaction, inviter: UUID, after: UUID | None, before: UUID | None, limit: int, *, backward: bool
) -> list[InviteRow]:
    """An inviter's invites, newest first, beyond the invites that the cursors name."""
    order = "ASC" if backward else "DESC"
    rows = await tx.raw.fetch(
        f"""
        SELECT {_COLUMNS} FROM invite
        WHERE inviter_id = $1
          AND ($2::uuid IS NULL OR (created_at, id) < (SELECT created_at, id FROM invite WHERE id = $2))
          AND ($3::uuid IS NULL OR (created_at, id) > (SELECT created_at, id FROM invite WHERE id = $3))
        ORDER BY created_at {order}, id {order} LIMIT $4
        """,  # noqa: S608 - own constants
        inviter,
        after,
        before,
        limit,
    )
    return [InviteRow(*row) for row in rows]


async def invites_by_id(tx: Transaction, inviter: UUID, ids: Sequence[UUID]) -> list[InviteRow]:
    """Invites of an inviter by id, in no order."""
    rows = await tx.raw.fetch(
        f"SELECT {_COLUMNS} FROM invite WHERE inviter_id = $1 AND id = ANY($2)",  # noqa: S608 - own constant
        inviter,
        ids,
    )
    return [InviteRow(*row) for row in rows]
