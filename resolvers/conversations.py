"""Conversations: made, listed, and their rosters changed (e2ee.md section 5)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from db.queries import conversations as queries
from db.queries import rosters
from db.queries.conversations import ConversationRow as ConversationRow
from db.queries.conversations import MemberPlace as MemberPlace
from db.queries.conversations import RosterLinkRow
from db.queries.conversations import SpaceRow as SpaceRow
from db.queries.rosters import NewSpace
from db.transaction import Transaction
from resolvers.access import access_space, access_spaces
from resolvers.context import Ctx
from resolvers.epochs import EpochParts, accept_epoch
from resolvers.errors import Code, DirectExists, NotFound, Refusal
from resolvers.events import LogEvent
from resolvers.kinds import EventKind
from resolvers.messages import accept_state
from resolvers.pages import Asked, Stretch, by_id, list_pages
from resolvers.paging import Page, Slice, bounds, key_at, position, slice_of
from resolvers.protocol import (
    NO_EPOCH,
    Head,
    Roster,
    RosterKind,
    RosterLink,
    Signed,
    SpaceType,
    check_roster_link,
    check_signed,
    decode_roster_link,
    pack_entry,
    refusing,
)
from resolvers.reading import reading
from resolvers.signing import append_signed, first_result, get_signer, roster_of

TYPES = (SpaceType.DIRECT, SpaceType.GROUP, SpaceType.BROADCAST)
LINK = ("input", "link")


@dataclass(frozen=True, slots=True)
class CreateConversation:
    """Link 0 of the roster chain, epoch 1, and optionally the sealed title and picture."""

    link: bytes
    signature: bytes
    epoch: EpochParts
    state: bytes | None


@dataclass(frozen=True, slots=True)
class ChangeRoster:
    """The next link of a roster chain."""

    link: bytes
    signature: bytes


async def create_conversation(ctx: Ctx, command: CreateConversation) -> ConversationRow:
    """Make a conversation: seq 1 is its roster, 2 its first epoch, 3 its state; all or nothing. The same link again
    gives the first result.

    Raises Refusal MALFORMED, STALE_DEVICE, CHAIN_CONFLICT, FORBIDDEN, NOT_FOUND (a member), ID_TAKEN, those of
    `announce_epoch` and `send_message`, DirectExists, Unauthenticated.
    """
    viewer = ctx.require_viewer().member
    signed, link = _decode(command.link, command.signature)
    space = UUID(bytes=link.space)
    async with ctx.uow.write(viewer) as tx:
        signer = await get_signer(ctx, tx, link.signer.member, link.signer.device)
        again = await _made_before(ctx, tx, space, link)
        if again is not None:
            return again
        chains = await queries.chains(tx, [UUID(bytes=member) for member, _ in link.seats])
        identities = {member.bytes: chain.identity for member, chain in chains.items()}
        with refusing(*LINK):
            _, roster = check_roster_link(signed, signer.asker, signer.chain, None, NO_EPOCH, identities.get)
        if roster.type not in TYPES:
            raise Refusal(Code.FORBIDDEN, "This is not a conversation.", LINK)
        if not await _insert(ctx, tx, space, roster):
            return await _taken(ctx, tx, space, link, roster)
        locked = await _locked(tx, space)
        body = pack_entry(signed.body, signed.signature)
        await append_signed(ctx, tx, space, locked.type, EventKind.ROSTER, link.hash, body)
        await rosters.insert_link(tx, space, RosterLinkRow(0, link.hash, signed.body, signed.signature))
        last = await accept_epoch(ctx, tx, locked, signer, command.epoch)
        if command.state is not None:
            last = await accept_state(ctx, tx, await _locked(tx, space), signer, command.state)
        return ConversationRow(space, locked.type, last.accepted_at)


def _decode(body: bytes, signature: bytes) -> tuple[Signed, RosterLink]:
    signed = check_signed(body, signature, *LINK, "signature")
    with refusing(*LINK, "body"):
        return signed, decode_roster_link(body)


async def _locked(tx: Transaction, space: UUID) -> queries.SpaceState:
    locked = await queries.lock_space(tx, space)
    if locked is None:
        raise LookupError("a space that this transaction made is not visible to it")
    return locked


async def _made_before(ctx: Ctx, tx: Transaction, space: UUID, link: RosterLink) -> ConversationRow | None:
    first = await queries.first_link(tx, space)
    if first is None:
        return None
    if first.hash != link.hash:
        raise Refusal(Code.ID_TAKEN, "This id is in use.", LINK)
    row = await access_space(ctx, tx, space)
    return ConversationRow(space, row.type, row.created_at)


def _direct_key(roster: Roster) -> bytes | None:
    # Lower id first, so that a pair has one key whoever begins.
    return b"".join(sorted(roster.seats)) if roster.type == SpaceType.DIRECT else None


async def _insert(ctx: Ctx, tx: Transaction, space: UUID, roster: Roster) -> bool:
    members = [(UUID(bytes=member), seat.identity, int(seat.role)) for member, seat in roster.seats.items()]
    policy = roster.policy
    new = NewSpace(
        space, int(roster.type), _direct_key(roster), ctx.clock(), policy.lifetime, int(policy.shared), roster.hash,
        members,
    )  # fmt: skip
    return await rosters.insert_space(tx, new)


async def _taken(ctx: Ctx, tx: Transaction, space: UUID, link: RosterLink, roster: Roster) -> ConversationRow:
    """Why a space could not be made: by the same request a moment ago, then its result; the pair's; a foreign id."""
    again = await _made_before(ctx, tx, space, link)
    if again is not None:
        return again
    direct_key = _direct_key(roster)
    exists = None if direct_key is None else await queries.direct_between(tx, direct_key)
    if exists is not None:
        raise DirectExists(exists)
    raise Refusal(Code.ID_TAKEN, "This id is in use.", LINK)


async def change_roster(ctx: Ctx, command: ChangeRoster) -> LogEvent:
    """Append a link to a conversation's roster chain and do what it says: add, remove, leave, role, policy. The next
    epoch is due then. The same link again gives the first result, also to someone who left with it.

    Raises Refusal MALFORMED, STALE_DEVICE, CHAIN_CONFLICT, FORBIDDEN (e2ee.md section 13, row 'roster link'),
    NOT_FOUND (conversation or member), Unauthenticated.
    """
    viewer = ctx.require_viewer().member
    signed, link = _decode(command.link, command.signature)
    space = UUID(bytes=link.space)
    async with ctx.uow.write(viewer) as tx:
        locked = await queries.lock_space(tx, space)
        signer = await get_signer(ctx, tx, link.signer.member, link.signer.device)
        again = await first_result(tx, space, SpaceType.GROUP if locked is None else locked.type, link.hash)
        if again is not None:
            return again
        if locked is None:
            raise NotFound(path=LINK)
        roster = roster_of(locked, await queries.seats(tx, space))
        chains = await queries.chains(tx, [] if link.member is None else [UUID(bytes=link.member)])
        identities = {member.bytes: chain.identity for member, chain in chains.items()}
        with refusing(*LINK):
            epoch = Head(locked.epoch, locked.epoch_hash)
            _, after = check_roster_link(signed, signer.asker, signer.chain, roster, epoch, identities.get)
        return await _apply(ctx, tx, locked, signed, link, roster, after)


async def _apply(
    ctx: Ctx, tx: Transaction, locked: queries.SpaceState, signed: Signed, link: RosterLink, before: Roster,
    after: Roster,
) -> LogEvent:  # fmt: skip
    space, body = locked.id, pack_entry(signed.body, signed.signature)
    member = None if link.member is None else UUID(bytes=link.member)
    subject = member if link.kind in (RosterKind.ADD, RosterKind.REMOVE) else None
    entry = await append_signed(ctx, tx, space, locked.type, EventKind.ROSTER, link.hash, body, subject)
    await rosters.insert_link(tx, space, RosterLinkRow(link.n, link.hash, signed.body, signed.signature))
    policy = after.policy
    await rosters.move_roster(tx, space, link.n, link.hash, policy.lifetime, int(policy.shared))
    if member is not None and link.kind == RosterKind.REMOVE:
        await rosters.end_stay(tx, space, member, entry.seq)
    elif member is not None:
        seat = after.seats[member.bytes]
        if member.bytes not in before.seats:
            await rosters.begin_stay(tx, space, member, entry.seq)
        await rosters.put_seat(tx, space, member, seat.identity, int(seat.role))
    return entry


# ---- reading


async def get_spaces(ctx: Ctx, ids: list[UUID]) -> list[SpaceRow | None]:
    """Spaces by id, in order; None where the viewer is in no such roster. Raises Unauthenticated."""
    async with reading(ctx) as tx:
        found = await access_spaces(ctx, tx, ids)
    return [found.get(space) for space in ids]


async def list_roster_links_of(ctx: Ctx, asked: list[Asked]) -> list[Slice[RosterLinkRow] | Refusal]:
    """A page of each space's roster chain, ascending; in its place NotFound, or INVALID for a broken cursor.

    Raises Unauthenticated.
    """

    async def fetch(
        tx: Transaction, stretches: Sequence[Stretch[int]], limit: int, *, backward: bool
    ) -> list[list[RosterLinkRow]]:
        return await queries.roster_links(tx, by_id(stretches), limit, backward=backward)

    return await list_pages(ctx, asked, bounds, fetch)


async def list_members_of(ctx: Ctx, asked: list[Asked]) -> list[Slice[MemberPlace] | Refusal]:
    """A page of each conversation's roster, in the order of ids; in its place NotFound, or INVALID for a broken cursor.

    Raises Unauthenticated.
    """

    async def fetch(
        tx: Transaction, stretches: Sequence[Stretch[UUID | None]], limit: int, *, backward: bool
    ) -> list[list[MemberPlace]]:
        return await queries.places(tx, by_id(stretches), limit, backward=backward)

    return await list_pages(ctx, asked, _member_bounds, fetch)


def _member_bounds(page: Page) -> tuple[UUID | None, UUID | None]:
    after, before = (None if at is None else UUID(bytes=key_at(at, 16)) for at in (page.after, page.before))
    return after, before


def member_cursor(row: MemberPlace) -> str:
    """The position of a member in a roster."""
    return position(row.member.bytes)


async def list_conversations(ctx: Ctx, page: Page) -> Slice[ConversationRow]:
    """The viewer's conversations, newest activity first. Raises Unauthenticated, Refusal INVALID."""
    viewer = ctx.require_viewer().member
    after = None if page.after is None else _place_at(page.after)
    before = None if page.before is None else _place_at(page.before)
    async with reading(ctx) as tx:
        rows = await queries.conversations(tx, viewer, after, before, page.limit + 1, backward=page.backward)
    return slice_of(page, rows)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def conversation_cursor(row: ConversationRow) -> str:
    """The position of a conversation in the list by activity."""
    return position(struct.pack(">q", (row.active_at - _EPOCH) // timedelta(microseconds=1)) + row.space.bytes)


def _place_at(cursor: str) -> queries.Place:
    key = key_at(cursor, 24)
    try:
        return _EPOCH + timedelta(microseconds=struct.unpack(">q", key[:8])[0]), UUID(bytes=key[8:])
    except OverflowError:
        raise Refusal(Code.INVALID, "This cursor does not belong to this list.", ("after",)) from None
