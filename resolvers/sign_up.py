"""Signing up: everything that makes an account, verified and stored in one transaction (e2ee.md sections 4, 5, 13)."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from uuid import UUID

from db.log import Entry, append, lock_spaces
from db.models.kinds import EventKind
from db.queries import invites as invite_queries
from db.queries import sign_up as queries
from db.queries.identity import CredentialRow, MemberRow
from db.queries.invites import InviteRow
from db.transaction import Transaction
from resolvers.attempts import INVITE_ADDRESS, give_back, source, take_try
from resolvers.chains import DeviceLabel, check_device_label
from resolvers.context import Ctx
from resolvers.errors import Code, RateLimited, Refusal
from resolvers.identity_kinds import SessionKind
from resolvers.invites import take_invite
from resolvers.passwords import check_auth_key, clean_handle, salt_of, verifier_of
from resolvers.protocol import Signed, SignedUp, SignUp, check_sign_up, next_hash, pack_entry, refusing
from resolvers.sessions import NewSession, check_kind, open_session
from resolvers.sign_in import SignIn, sign_in
from resolvers.tokens import hash_token

MAX_NAME = 80
MAC_BYTES = 32


@dataclass(frozen=True, slots=True)
class SignUpCommand:
    """What a newcomer sends. `proof` holds the signed structures and the boxes."""

    invite: bytes
    mac: bytes | None
    handle: str
    display_name: str
    auth_key: bytes
    proof: SignUp
    device_name: str
    kind: SessionKind
    platform: str | None = None


async def sign_up(ctx: Ctx, command: SignUpCommand) -> NewSession:
    """Make a member with a device, a chain, a key and an account space, and sign in; all or nothing.

    The same again, by someone whose answer was lost, gives the same account with a session of its own.

    Raises Refusal: HANDLE_INVALID, INVALID; RateLimited, INVITE_UNKNOWN, INVITE_USED, INVITE_EXPIRED; MALFORMED,
    CHAIN_CONFLICT, GENERATION_CONFLICT, FORBIDDEN, REWRAP_INCOMPLETE, STALE_DEVICE of the signed structures;
    HANDLE_TAKEN, ID_TAKEN.
    """
    handle = clean_handle(command.handle)
    name = check_display_name(command.display_name)
    check_auth_key(command.auth_key)
    check_kind(ctx, command.kind)
    label = check_device_label(command.device_name, command.platform)
    await take_try(ctx, INVITE_ADDRESS, source(ctx))
    try:
        async with ctx.uow.auth() as tx:
            now = ctx.clock()
            # The invite first: strangers shall not make the server verify signatures.
            invite = await take_invite(tx, command.invite, now)
            _check_mac(invite, command.mac)
            with refusing("input"):
                accepted = check_sign_up(command.proof)
            member = MemberRow(UUID(bytes=accepted.state.member), handle, name, invite.role, now)
            await _store_member(ctx, tx, member, command, accepted, label)
            await _store_account(tx, ctx, accepted, command.proof.account)
            await invite_queries.use_invite(tx, invite.id, member.id, command.mac, now)
            device = UUID(bytes=accepted.device)
            session = await open_session(ctx, tx, member.id, device, command.kind, label.name)
    except Refusal as refusal:
        if refusal.code is not Code.INVITE_UNKNOWN:
            await give_back(ctx, INVITE_ADDRESS, source(ctx))
        if refusal.code is Code.INVITE_USED:
            return await _answer_again(ctx, command, handle, label.name, refusal)
        raise
    await give_back(ctx, INVITE_ADDRESS, source(ctx))
    return session


async def _answer_again(
    ctx: Ctx, command: SignUpCommand, handle: str, device_name: str, refusal: Refusal
) -> NewSession:
    """Whoever sends what made this invite's account, and knows its password, lost the answer. Else raises `refusal`.

    The signed structures are no secret, so the password decides, and it is tried as at sign-in: counted, and compared
    in constant time. So this tells nobody more than signing in does.
    """
    proof = command.proof
    same = queries.Made(
        token_hash=hash_token(command.invite),
        mac=command.mac,
        handle=handle,
        link=(proof.identity.body, proof.identity.signature, proof.identity.cosignature),
        seal=(proof.device_seal.body, proof.device_seal.signature),
        key=(proof.member_key.body, proof.member_key.signature),
    )
    async with ctx.uow.auth() as tx:
        device = await queries.device_of_made(tx, same)
    if device is None:
        raise refusal
    try:
        return await sign_in(ctx, SignIn(handle, command.auth_key, device.bytes, command.kind, device_name))
    except RateLimited:
        raise
    except Refusal:
        raise refusal from None


def check_display_name(text: str) -> str:
    """The name as people will read it. Raises Refusal INVALID."""
    name = " ".join(unicodedata.normalize("NFC", text).split()) if len(text) <= 4 * MAX_NAME else ""
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        message = f"A display name has 1 to {MAX_NAME} printable characters."
        raise Refusal(Code.INVALID, message, ("input", "displayName"))
    return name


def _check_mac(invite: InviteRow, mac: bytes | None) -> None:
    # Only the inviter can check its value. That it is there tells a forgotten one from a link that has no secret.
    if invite.inviter is not None and (mac is None or len(mac) != MAC_BYTES):
        raise Refusal(Code.INVALID, "This invite asks for a mac of 32 bytes.", ("input", "mac"))
    if invite.inviter is None and mac is not None:
        raise Refusal(Code.INVALID, "This invite takes no mac.", ("input", "mac"))


async def _store_member(
    ctx: Ctx, tx: Transaction, member: MemberRow, command: SignUpCommand, accepted: SignedUp, label: DeviceLabel
) -> None:
    state, proof = accepted.state, command.proof
    if await queries.handle_is_taken(tx, member.handle):
        raise Refusal(Code.HANDLE_TAKEN, "Someone here has this handle already.", ("input", "handle"))
    if not await queries.add_member(tx, member):
        # Lost to someone else a moment ago, or the random id is taken; told apart by looking again.
        if await queries.handle_is_taken(tx, member.handle):
            raise Refusal(Code.HANDLE_TAKEN, "Someone here has this handle already.", ("input", "handle"))
        raise Refusal(Code.ID_TAKEN, "This member id is in use.", ("input", "identity"))
    verifier = verifier_of(ctx.server_key, member.id, command.auth_key)
    salt = salt_of(ctx.server_key, member.handle)
    await queries.add_credential(tx, CredentialRow(member.id, salt, verifier), member.created_at)
    dk = state.devices[accepted.device]
    if await queries.device_key_is_taken(tx, dk):
        raise Refusal(Code.FORBIDDEN, "The device's key is in another chain.", ("input", "identity"))
    device = queries.NewDevice(
        id=UUID(bytes=accepted.device),
        member=member.id,
        dk=dk,
        name=label.name,
        platform=label.platform,
        sk=accepted.device_seal.key,
        seal=proof.device_seal.body,
        seal_signature=proof.device_seal.signature,
    )
    if not await queries.add_device(tx, device, member.created_at):
        raise Refusal(Code.ID_TAKEN, "This device id is in use.", ("input", "identity"))
    chain = queries.NewChain(
        member=member.id,
        hash=state.hash,
        body=proof.identity.body,
        signature=proof.identity.signature,
        cosignature=proof.identity.cosignature,
        identity=state.identity,
        rs=state.rs,
        rx=state.rx,
        key=accepted.member_key.key,
        key_hash=accepted.member_key.key_hash,
        key_body=proof.member_key.body,
        key_signature=proof.member_key.signature,
        boxes=[(UUID(bytes=holder), box) for holder, box in proof.boxes],
    )
    await queries.add_chain(tx, chain)


async def _store_account(tx: Transaction, ctx: Ctx, accepted: SignedUp, signed: Signed) -> None:
    roster, link = accepted.account, accepted.account_link
    space, member = UUID(bytes=roster.space), UUID(bytes=accepted.state.member)
    account = queries.NewAccount(
        id=space,
        member=member,
        identity=accepted.state.identity,
        lifetime=roster.policy.lifetime,
        history=int(roster.policy.shared),
        hash=link.hash,
        body=signed.body,
        signature=signed.signature,
    )
    if not await queries.add_account(tx, account, ctx.clock()):
        raise Refusal(Code.ID_TAKEN, "This space id is in use.", ("input", "account"))
    await lock_spaces(tx, [space])
    entry = Entry(
        space=space,
        id=UUID(bytes=link.hash[:16]),
        kind=EventKind.ROSTER,
        item=link.hash,
        body=pack_entry(signed.body, signed.signature),
        actor=member,
    )
    await append(tx, entry, next_hash)
