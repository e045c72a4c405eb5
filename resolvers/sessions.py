"""Sessions: made at sign-in and sign-up, renewed by use, ended by their member."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from db.queries import sessions as queries
from db.queries.sessions import SessionEnd as SessionEnd
from db.queries.sessions import SessionRow as SessionRow
from db.uow import Transaction
from resolvers.context import Ctx, EndReason, NewCookie, Viewer
from resolvers.errors import Code, NotFound, Refusal
from resolvers.identity_kinds import SessionKind
from resolvers.members import cursor_id
from resolvers.paging import Page, Slice, slice_of
from resolvers.reading import reading
from resolvers.tokens import hash_token

LIFETIME = timedelta(days=30)
MAX_LABEL = 120


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session just made. `token` is shown once, and to a browser not at all."""

    viewer: Viewer
    token: str | None


def check_label(text: str, path: tuple[str, ...]) -> str:
    """A session's or device's name, trimmed. Raises Refusal INVALID."""
    label = " ".join(text.split())
    if len(label) > MAX_LABEL or not label.isprintable():
        raise Refusal(Code.INVALID, f"A name may have up to {MAX_LABEL} printable characters.", path)
    return label


def check_kind(ctx: Ctx, kind: SessionKind) -> None:
    """Raises Refusal INVALID for a cookie where none can be set: over a socket."""
    if kind is SessionKind.COOKIE and not ctx.may_set_cookie:
        raise Refusal(Code.INVALID, "A cookie can be set over HTTP alone.", ("input", "session"))


async def open_session(
    ctx: Ctx, tx: Transaction, member: UUID, device: UUID | None, kind: SessionKind, label: str
) -> NewSession:
    """Make a session within a transaction of the auth role; when it commits, the context is the new member's."""
    now = ctx.clock()
    raw = secrets.token_bytes(32)
    row = SessionRow(uuid4(), member, device, kind.value, label, now, now, now + LIFETIME)
    await queries.add_session(tx, row, hash_token(raw))
    token = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    viewer = Viewer(member=member, device=device, session=row.id)

    def enter() -> None:
        ctx.viewer = viewer
        ctx.loaders.clear()
        if kind is SessionKind.COOKIE:
            ctx.new_cookie = NewCookie(token, int(LIFETIME.total_seconds()))

    tx.on_commit(enter)
    return NewSession(viewer, token if kind is SessionKind.BEARER else None)


async def find_session(tx: Transaction, token_hash: bytes, now: datetime) -> SessionRow | None:
    """The living session of a token, for the edge's authentication (auth role)."""
    return await queries.session_by_token(tx, token_hash, now)


async def find_end(tx: Transaction, token_hash: bytes) -> SessionEnd | None:
    """The link that ended the device of a token's session, and with it the session, for the edge (auth role)."""
    return await queries.end_of(tx, token_hash)


async def renew_session(tx: Transaction, session: SessionRow, now: datetime) -> SessionRow:
    """Slide a session's end, as it is used (auth role)."""
    await renew_sessions(tx, [session.id], now)
    return replace(session, last_seen_at=now, expires_at=now + LIFETIME)


async def find_living(tx: Transaction, ids: Sequence[UUID], now: datetime) -> dict[UUID, tuple[datetime, UUID | None]]:
    """Which of these sessions still live, for the edge's open sockets: when last seen, and their device (auth role)."""
    return await queries.living_sessions(tx, ids, now)


async def find_reasons(tx: Transaction, ids: Sequence[UUID]) -> dict[UUID, EndReason]:
    """Why these sessions, which live no more, have ended (auth role)."""
    known = await queries.ends_of(tx, ids)
    return {id: _reason(*known.get(id, (True, False))) for id in ids}


def _reason(is_revoked: bool, is_by_device: bool) -> EndReason:
    if is_by_device:
        return EndReason.DEVICE
    return EndReason.REVOKED if is_revoked else EndReason.EXPIRED


async def renew_sessions(tx: Transaction, ids: Sequence[UUID], now: datetime) -> None:
    """Slide the ends of sessions that are in use (auth role)."""
    await queries.extend_sessions(tx, ids, now, now + LIFETIME)


async def list_sessions(ctx: Ctx, page: Page) -> Slice[SessionRow]:
    """The viewer's living sessions, newest first. Raises Unauthenticated, Refusal INVALID."""
    viewer = ctx.require_viewer()
    async with reading(ctx) as tx:
        rows = await queries.sessions_of(
            tx,
            viewer.member,
            ctx.clock(),
            cursor_id(page.after),
            cursor_id(page.before),
            page.limit + 1,
            backward=page.backward,
        )
    return slice_of(page, rows)


async def get_sessions(ctx: Ctx, ids: Sequence[UUID]) -> dict[bytes, SessionRow]:
    """The viewer's living sessions by raw id. Raises Unauthenticated."""
    viewer = ctx.require_viewer()
    async with reading(ctx) as tx:
        rows = await queries.sessions_by_id(tx, viewer.member, ids, ctx.clock())
    return {row.id.bytes: row for row in rows}


async def sign_out(ctx: Ctx) -> bool:
    """End this session; False when there was none."""
    if ctx.viewer is None:
        return False
    try:
        await revoke_session(ctx, ctx.viewer.session)
    except NotFound:
        return False
    return True


async def revoke_session(ctx: Ctx, session: UUID) -> SessionRow:
    """End one of the viewer's sessions, and its sockets. Raises Unauthenticated, NotFound."""
    viewer = ctx.require_viewer()
    async with ctx.uow.write(viewer.member) as tx:
        row = await queries.end_session(tx, viewer.member, session, ctx.clock())
        if row is None:
            raise NotFound(path=("input", "sessionId"))
        tx.on_commit(lambda: ctx.sessions_ended([row.id], EndReason.REVOKED))
    if row.id == viewer.session and row.kind == SessionKind.COOKIE:
        ctx.new_cookie = NewCookie("", 0)
    return row
