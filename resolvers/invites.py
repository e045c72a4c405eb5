"""Invites: single-use links with an end, made by admins, by the command line, or at the first start."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from db.queries import identity as member_queries
from db.queries import invites as queries
from db.queries.identity import MemberRow
from db.queries.invites import InviteRow as InviteRow
from db.uow import Transaction, UnitOfWork
from resolvers.attempts import INVITE_ADDRESS, give_back, source, take_try
from resolvers.context import Ctx
from resolvers.errors import Code, NotFound, Refusal
from resolvers.identity_kinds import ServerRole
from resolvers.members import cursor_id, get_member
from resolvers.paging import Page, Slice, slice_of
from resolvers.reading import reading
from resolvers.tokens import hash_token

TOKEN_BYTES, HASH_BYTES = 16, 32
MAX_HOURS = 720
SET_UP_LIFETIME = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class InvitePreview:
    """What a holder of an invite's token may see before signing up."""

    role: ServerRole
    inviter: MemberRow | None
    expires_at: datetime


async def get_invite_preview(ctx: Ctx, token: bytes) -> InvitePreview | None:
    """The open invite of a token, None when there is none. Public; raises RateLimited after many wrong tokens."""
    await take_try(ctx, INVITE_ADDRESS, source(ctx))
    async with ctx.uow.auth() as tx:
        invite = await queries.invite_by_token(tx, hash_token(token))
        if invite is None:
            return None
        usable = await _refusal(tx, invite, ctx.clock()) is None
        inviters = await member_queries.members_by_id(tx, [invite.inviter]) if invite.inviter else []
    await give_back(ctx, INVITE_ADDRESS, source(ctx))
    if not usable:
        return None
    return InvitePreview(ServerRole(invite.role), inviters[0] if inviters else None, invite.expires_at)


async def take_invite(tx: Transaction, token: bytes, now: datetime) -> InviteRow:
    """Lock the invite of a token for use. Raises Refusal INVITE_UNKNOWN, INVITE_USED, INVITE_EXPIRED."""
    path = ("input", "invite")
    invite = await queries.invite_by_token(tx, hash_token(token), lock=True) if len(token) == TOKEN_BYTES else None
    if invite is None:
        raise Refusal(Code.INVITE_UNKNOWN, "This invite is not known here. Ask for a new one.", path)
    refusal = await _refusal(tx, invite, now)
    if refusal is not None:
        raise refusal
    return invite


async def _refusal(tx: Transaction, invite: InviteRow, now: datetime) -> Refusal | None:
    path = ("input", "invite")
    if invite.used_at is not None:
        return Refusal(Code.INVITE_USED, "This invite was used already. Ask for a new one.", path)
    if invite.revoked_at is not None:
        return Refusal(Code.INVITE_EXPIRED, "This invite was taken back. Ask for a new one.", path)
    if invite.expires_at <= now:
        return Refusal(Code.INVITE_EXPIRED, "This invite is past its time. Ask for a new one.", path)
    if invite.inviter is None and invite.role == ServerRole.OWNER and await member_queries.has_owner(tx):
        return Refusal(Code.INVITE_USED, "This server has been set up already.", path)
    return None


async def create_invite(ctx: Ctx, token_hash: bytes, hours: int, role: ServerRole) -> InviteRow:
    """Store an invite whose token only its maker knows.

    Raises Unauthenticated; Refusal INVALID for a wrong hash or time, FORBIDDEN for members and for a role not below
    the viewer's own, ID_TAKEN for a token in use.
    """
    viewer = ctx.require_viewer()
    if len(token_hash) != HASH_BYTES:
        raise Refusal(Code.INVALID, "tokenHash must be 32 bytes, the SHA-256 of the token.", ("input", "tokenHash"))
    if not 1 <= hours <= MAX_HOURS:
        raise Refusal(Code.INVALID, f"An invite lives 1 to {MAX_HOURS} hours.", ("input", "expiresInHours"))
    own = ServerRole((await get_member(ctx, viewer.member)).role)
    if own < ServerRole.ADMIN:
        raise Refusal(Code.FORBIDDEN, "Only the owner and admins of this server can invite.")
    if role >= own:
        raise Refusal(Code.FORBIDDEN, "You can invite only to roles below your own.", ("input", "role"))
    invite = new_invite(token_hash, role, viewer.member, ctx.clock(), timedelta(hours=hours))
    async with ctx.uow.write(viewer.member) as tx:
        if not await queries.add_invite(tx, invite):
            raise Refusal(Code.ID_TAKEN, "There is an invite of this token already.", ("input", "tokenHash"))
    return invite


async def revoke_invite(ctx: Ctx, invite: UUID) -> InviteRow:
    """Take back one of the viewer's unused invites. Raises Unauthenticated, NotFound."""
    viewer = ctx.require_viewer()
    async with ctx.uow.write(viewer.member) as tx:
        row = await queries.end_invite(tx, invite, viewer.member, ctx.clock())
    if row is None:
        raise NotFound(path=("input", "inviteId"))
    return row


async def list_invites(ctx: Ctx, page: Page) -> Slice[InviteRow]:
    """The viewer's invites, newest first. Raises Unauthenticated, Refusal INVALID."""
    viewer = ctx.require_viewer()
    async with reading(ctx) as tx:
        rows = await queries.invites_of(
            tx,
            viewer.member,
            cursor_id(page.after),
            cursor_id(page.before),
            page.limit + 1,
            backward=page.backward,
        )
    return slice_of(page, rows)


async def get_invites(ctx: Ctx, ids: Sequence[UUID]) -> dict[bytes, InviteRow]:
    """The viewer's invites by raw id. Raises Unauthenticated."""
    viewer = ctx.require_viewer()
    async with reading(ctx) as tx:
        return {row.id.bytes: row for row in await queries.invites_by_id(tx, viewer.member, ids)}


def new_invite(
    token_hash: bytes, role: ServerRole, inviter: UUID | None, now: datetime, lifetime: timedelta
) -> InviteRow:
    """A fresh invite, not yet stored."""
    return InviteRow(uuid4(), token_hash, role.value, inviter, now, now + lifetime, None, None, None, None)


async def make_operator_invite(uow: UnitOfWork, role: ServerRole, lifetime: timedelta, now: datetime) -> str:
    """An invite by whoever runs the server; returns the fragment of its join link: the token alone."""
    token = secrets.token_bytes(TOKEN_BYTES)
    async with uow.auth() as tx:
        await queries.add_invite(tx, new_invite(hash_token(token), role, None, now, lifetime))
    return fragment_of(token)


async def renew_set_up_link(uow: UnitOfWork, now: datetime) -> str | None:
    """While there is no owner: replace the set-up link; returns the fragment of the new one, None with an owner."""
    token = secrets.token_bytes(TOKEN_BYTES)
    async with uow.auth() as tx:
        if await member_queries.has_owner(tx):
            return None
        await queries.end_set_up_invites(tx, now)
        await queries.add_invite(tx, new_invite(hash_token(token), ServerRole.OWNER, None, now, SET_UP_LIFETIME))
    return fragment_of(token)


def fragment_of(token: bytes) -> str:
    """The fragment of a join link that holds nothing but its token."""
    return base64.urlsafe_b64encode(token).decode().rstrip("=")
