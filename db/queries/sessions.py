"""Queries on sessions. Tokens come and are stored as SHA-256."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db.uow import Transaction

_COLUMNS = "id, member_id, device_id, kind, label, created_at, last_seen_at, expires_at"


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A living session."""

    id: UUID
    member: UUID
    device: UUID | None
    kind: int
    label: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SessionEnd:
    """The link of the member's chain that ended a session's device: device.revoke, or identity.reset."""

    body: bytes
    signature: bytes
    cosignature: bytes | None


async def end_of(tx: Transaction, token_hash: bytes) -> SessionEnd | None:
    """The link by which a token's session ended; None if it lives or ended otherwise."""
    row = await tx.raw.fetchrow(
        """
        SELECT l.body, l.signature, l.cosignature FROM session s
        JOIN member_link l ON l.member_id = s.member_id AND l.n = s.ended_by_link
        WHERE s.token_hash = $1
        """,
        token_hash,
    )
    return None if row is None else SessionEnd(*row)


async def session_by_token(tx: Transaction, token_hash: bytes, now: datetime) -> SessionRow | None:
    """The living session of a token. A session ends with its device."""
    row = await tx.raw.fetchrow(
        f"""
        SELECT {_COLUMNS} FROM session s WHERE token_hash = $1 AND revoked_at IS NULL AND expires_at > $2
          AND (device_id IS NULL OR EXISTS (SELECT FROM device d WHERE d.id = s.device_id AND d.active))
        """,  # noqa: S608 - own constant
        token_hash,
        now,
    )
    return None if row is None else SessionRow(*row)


async def living_sessions(
    tx: Transaction, ids: Sequence[UUID], now: datetime
) -> dict[UUID, tuple[datetime, UUID | None]]:
    """Which of these sessions live, when they were last seen, and as which device they sign."""
    rows = await tx.raw.fetch(
        """
        SELECT id, last_seen_at, device_id FROM session s WHERE id = ANY($1) AND revoked_at IS NULL AND expires_at > $2
          AND (device_id IS NULL OR EXISTS (SELECT FROM device d WHERE d.id = s.device_id AND d.active))
        """,
        ids,
        now,
    )
    return {row[0]: (row[1], row[2]) for row in rows}


async def ends_of(tx: Transaction, ids: Sequence[UUID]) -> dict[UUID, tuple[bool, bool]]:
    """Whether sessions were revoked, and whether by the end of their device."""
    rows = await tx.raw.fetch(
        "SELECT id, revoked_at IS NOT NULL, ended_by_link IS NOT NULL FROM session WHERE id = ANY($1)", ids
    )
    return {row[0]: (row[1], row[2]) for row in rows}


async def add_session(tx: Transaction, session: SessionRow, token_hash: bytes) -> None:
    """Store a new session."""
    await tx.raw.execute(
        f"INSERT INTO session ({_COLUMNS}, token_hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",  # noqa: S608
        session.id,
        session.member,
        session.device,
        session.kind,
        session.label,
        session.created_at,
        session.last_seen_at,
        session.expires_at,
        token_hash,
    )


async def extend_sessions(tx: Transaction, ids: Sequence[UUID], now: datetime, expires_at: datetime) -> None:
    """Note that sessions were used, and move their end."""
    await tx.raw.execute(
        "UPDATE session SET last_seen_at = $2, expires_at = $3 WHERE id = ANY($1) AND revoked_at IS NULL",
        ids,
        now,
        expires_at,
    )


async def end_session(tx: Transaction, member: UUID, session: UUID, now: datetime) -> SessionRow | None:
    """Revoke a member's living session; None when there is none by that id."""
    row = await tx.raw.fetchrow(
        f"""
        UPDATE session SET revoked_at = $3 WHERE id = $1 AND member_id = $2 AND revoked_at IS NULL
        RETURNING {_COLUMNS}
        """,  # noqa: S608 - own constant
        session,
        member,
        now,
    )
    return None if row is None else SessionRow(*row)


async def sessions_of(
    tx: Transaction,
    member: UUID,
    now: datetime,
    after: UUID | None,
    before: UUID | None,
    limit: int,
    *,
    backward: bool,
) -> list[SessionRow]:
    """A member's living sessions, newest first, beyond the sessions that the cursors name."""
    order = "ASC" if backward else "DESC"
    rows = await tx.raw.fetch(
        f"""
        SELECT {_COLUMNS} FROM session
        WHERE member_id = $1 AND revoked_at IS NULL AND expires_at > $2
          AND ($3::uuid IS NULL OR (created_at, id) < (SELECT created_at, id FROM session WHERE id = $3))
          AND ($4::uuid IS NULL OR (created_at, id) > (SELECT created_at, id FROM session WHERE id = $4))
        ORDER BY created_at {order}, id {order} LIMIT $5
        """,  # noqa: S608 - own constants
        member,
        now,
        after,
        before,
        limit,
    )
    return [SessionRow(*row) for row in rows]


async def sessions_by_id(tx: Transaction, member: UUID, ids: Sequence[UUID], now: datetime) -> list[SessionRow]:
    """Living sessions of a member by id, in no order."""
    rows = await tx.raw.fetch(
        f"""
        SELECT {_COLUMNS} FROM session
        WHERE member_id = $1 AND id = ANY($2) AND revoked_at IS NULL AND expires_at > $3
        """,  # noqa: S608 - own constant
        member,
        ids,
        now,
    )
    return [SessionRow(*row) for row in rows]
