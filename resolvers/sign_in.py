"""Signing in: a handle and what a password derives, for a session."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from uuid import UUID

from db.queries import identity as queries
from db.queries.identity import CredentialRow
from db.uow import Transaction
from resolvers.attempts import SIGN_IN_ADDRESS, SIGN_IN_HANDLE, forget_tries, give_back, source, take_try
from resolvers.context import Ctx
from resolvers.errors import Code, Refusal
from resolvers.identity_kinds import SessionKind
from resolvers.passwords import check_auth_key, clean_handle, verifier_of
from resolvers.sessions import NewSession, check_kind, check_label, open_session

# Whom an unknown handle is checked against, so that knowing and not knowing a handle are the same work.
_NOBODY = CredentialRow(UUID(int=0), b"", bytes(32))


@dataclass(frozen=True, slots=True)
class SignIn:
    """`device` is the raw id of a device whose keys this client holds."""

    handle: str
    auth_key: bytes
    device: bytes | None
    kind: SessionKind
    label: str


async def sign_in(ctx: Ctx, command: SignIn) -> NewSession:
    """Open a session. Every try counts until one succeeds, for known and unknown handles alike.

    Raises Refusal HANDLE_INVALID, INVALID, WRONG_PASSWORD, STALE_DEVICE (not an active device of this member),
    RateLimited.
    """
    handle = clean_handle(command.handle)
    check_auth_key(command.auth_key)
    check_kind(ctx, command.kind)
    label = check_label(command.label, ("input", "label"))
    address = source(ctx)
    await take_try(ctx, SIGN_IN_ADDRESS, address)
    await take_try(ctx, SIGN_IN_HANDLE, handle)
    async with ctx.uow.auth() as tx:
        credential = await queries.credential_of(tx, handle) or _NOBODY
        given = verifier_of(ctx.server_key, credential.member, command.auth_key)
        if not hmac.compare_digest(given, credential.verifier) or credential is _NOBODY:
            raise Refusal(Code.WRONG_PASSWORD, "Handle and password do not fit together.", ("input", "authKey"))
        device = await _own_device(tx, command.device, credential.member)
        session = await open_session(ctx, tx, credential.member, device, command.kind, label)
        if device is not None:
            await queries.touch_device(tx, device, ctx.clock())
    await forget_tries(ctx, SIGN_IN_HANDLE, handle)
    await give_back(ctx, SIGN_IN_ADDRESS, address)
    return session


async def _own_device(tx: Transaction, raw: bytes | None, member: UUID) -> UUID | None:
    if raw is None:
        return None
    refusal = Refusal(Code.STALE_DEVICE, "This device is not an active device of this account.", ("input", "device"))
    if len(raw) != 16:
        raise refusal
    if not await queries.device_is_active(tx, member, UUID(bytes=raw)):
        raise refusal
    return UUID(bytes=raw)
