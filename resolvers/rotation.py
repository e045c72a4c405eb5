"""Rotations of a member's key, with or without a link of kind 2, 3 or 4 (e2ee.md sections 4, 8 and 13)."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import cast
from uuid import UUID

from db.errors import KeysMoved
from db.log import Entry, append, lock_spaces
from db.queries import devices
from db.queries import rotation as queries
from db.queries.devices import ChainState
from db.queries.identity import MemberKeyRow as MemberKeyRow
from db.queries.rotation import ArchiveRow as ArchiveRow
from db.queries.rotation import Branch as Branch
from db.queries.rotation import Opened
from db.queries.rotation import SealedEpoch as SealedEpoch
from db.queries.rotation import WrapRow as WrapRow
from db.transaction import Transaction
from resolvers.chains import check_device_label, is_taken, member_state, read_link, store_device, store_link
from resolvers.context import Ctx, EndReason
from resolvers.errors import Code, DueReason, NotFound, Refusal, RewrapIncomplete
from resolvers.kinds import EventKind
from resolvers.paging import Page, Slice, bounds, key_at, position, slice_of
from resolvers.protocol import (
    LIFETIMES,
    DeviceSeal,
    LinkKind,
    MemberKey,
    MemberLink,
    MemberState,
    Rotation,
    Signed,
    SignedMemberLink,
    check_member_link,
    check_rotation,
    decode_device_seal,
    decode_member_key,
    next_hash,
    pack_entry,
    refusing,
)
from resolvers.reading import reading
from resolvers.signing import asker_of, entry_id, milliseconds

MAX_WRAPS = 20_000
MAX_BOXES = 21
MAX_GRANTS = 10_000
TRIES = 3
STALE_SEAL = timedelta(days=45)
BRANCH_LIFETIMES = [timedelta(milliseconds=life) for life in LIFETIMES if life is not None]
NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class RotateMemberKey:
    """A rotation as sent. `link`: device.revoke, recovery or identity.reset; `device_seal`, `device_name`, `platform`
    with the reset alone; `boxes`: (device or Z16, box). Where the client says so: `grants`, those that the wraps carry
    over, and `seals`, k of the device seals that the boxes are sealed to."""

    link: SignedMemberLink | None
    device_seal: Signed | None
    device_name: str | None
    member_key: Signed
    boxes: tuple[tuple[bytes, bytes], ...]
    archive: bytes | None
    wraps: Mapping[Branch, bytes]
    grants: frozenset[UUID] | None = None
    seals: Mapping[bytes, int] = field(default_factory=dict)
    platform: str | None = None


@dataclass(frozen=True, slots=True)
class _Checked:
    """A rotation's own link, if it has one, and the chain after it."""

    state: MemberState
    link: MemberLink | None = None
    seal: DeviceSeal | None = None

    @property
    def resets(self) -> bool:
        return self.link is not None and self.link.kind == LinkKind.RESET


async def rotate_member_key(ctx: Ctx, command: RotateMemberKey) -> MemberKeyRow:
    """Replace the viewer's key, and do what the link says: end a device with its sessions, replace the recovery key, or
    reset the identity with a new device for this session. All of the member's spaces are locked meanwhile; the link
    enters their logs and makes their epochs due. The same member key again gives the first result.

    Raises Refusal INVALID (the name), MALFORMED, STALE_DEVICE, CHAIN_CONFLICT, FORBIDDEN, GENERATION_CONFLICT,
    RewrapIncomplete, RATE_LIMITED (e2ee.md section 13), NotFound (a wrap of an unknown epoch), Unauthenticated.
    """
    with refusing("input", "memberKey"):
        key = decode_member_key(command.member_key.body)
    for _ in range(TRIES):
        try:
            return await _rotate(ctx, command, key)
        except KeysMoved:
            # The viewer was only just let into a space, and maybe sealed to under the old key: now it is in sight.
            continue
    raise Refusal(Code.GENERATION_CONFLICT, "New keys keep coming in. Load them and try again.", ("input", "memberKey"))


async def _rotate(ctx: Ctx, command: RotateMemberKey, key: MemberKey) -> MemberKeyRow:
    viewer = ctx.require_viewer()
    async with ctx.uow.write(viewer.member) as tx:
        spaces = await queries.own_spaces(tx, viewer.member)
        await lock_spaces(tx, spaces)
        chain = await devices.lock_chain(tx, viewer.member)
        # Let into another space before the chain was locked: its log has to tell of the link, too. One that comes from
        # here on is sealed to the new key, for the old one's seals wait for the chain and are then refused.
        if not (await queries.own_spaces(tx, viewer.member)).keys() <= spaces.keys():
            raise KeysMoved
        known = await queries.find_key(tx, viewer.member, key.generation)
        sent = command.member_key
        if known is not None and (known.body, known.signature) == (sent.body, sent.signature):
            return known
        checked = await _check_link(ctx, tx, command, chain)
        opened = await queries.opened_by(tx, viewer.member)
        await _check_key(ctx, tx, command, chain, checked)
        if command.grants is not None and not checked.resets and not command.grants >= set(opened.grants):
            message = "Keys were granted to you meanwhile. Load them and carry them over too."
            raise RewrapIncomplete(message, ("input", "grants"))
        if checked.link is not None:
            await _apply_link(ctx, tx, command, chain, checked)
        return await _store(ctx, tx, command, chain, checked, key, opened)


async def _check_link(ctx: Ctx, tx: Transaction, command: RotateMemberKey, chain: ChainState) -> _Checked:
    asker, state = asker_of(ctx), member_state(chain)
    checked = _Checked(state)
    if command.link is not None:
        read = read_link(command.link)
        with refusing("input", "link"):
            link, after, seal = check_member_link(
                command.link, asker, state, taken=await is_taken(tx, read), has_rotation=True,
                device_seal=command.device_seal,
            )  # fmt: skip
        checked = _Checked(after, link, seal)
        if seal is not None and seal.generation != 1:
            raise Refusal(Code.FORBIDDEN, "A device's first seal has the generation 1.", ("input", "deviceSeal"))
    elif command.device_seal is not None:
        raise Refusal(Code.FORBIDDEN, "A device seal comes with a reset alone.", ("input", "deviceSeal"))
    if not checked.resets and asker.device is None:
        raise Refusal(Code.STALE_DEVICE, "This session has no device to sign with.", ("input", "memberKey"))
    if checked.resets != (command.device_name is not None):
        raise Refusal(Code.INVALID, "A reset, and that alone, names a new device.", ("input", "deviceName"))
    return checked


async def _check_key(
    ctx: Ctx, tx: Transaction, command: RotateMemberKey, chain: ChainState, checked: _Checked
) -> None:  # fmt: skip
    now, member = ctx.clock(), chain.member
    missing = [] if checked.resets else await queries.required(tx, member, now)
    wraps = {(space.bytes, epoch, b): wrap for (space, epoch, b), wrap in command.wraps.items()}
    oldest = milliseconds(now - STALE_SEAL)
    with refusing("input", "memberKey"):
        stale = frozenset(
            id.bytes
            for id, _, active, seal in chain.devices
            if active and id.bytes in checked.state.devices and decode_device_seal(seal).time < oldest
        )
        check_rotation(
            Rotation(command.member_key, command.boxes, command.archive, wraps),
            asker_of(ctx),
            checked.state,
            chain.key_generation,
            frozenset((space.bytes, epoch, b) for space, epoch, b in missing),
            stale_seals=stale,
            today=await queries.rotations_since(tx, member, now - timedelta(days=1)),
            resets=checked.resets,
        )
    newest = {id.bytes: decode_device_seal(seal).generation for id, _, active, seal in chain.devices if active}
    replaced = sorted(id for id, k in command.seals.items() if k != newest.get(id, k))
    if replaced:
        message = "A device has published a new seal meanwhile. Load it and seal to that."
        raise RewrapIncomplete(message, ("input", "boxes"), boxes=replaced)
    places = {(space, epoch) for space, epoch, _ in command.wraps}
    if len(await queries.sealed_epochs(tx, member, places)) != len(places):
        raise NotFound("A wrap is of an epoch that does not exist.", ("input", "wraps"))


async def _apply_link(
    ctx: Ctx, tx: Transaction, command: RotateMemberKey, chain: ChainState, checked: _Checked
) -> None:  # fmt: skip
    """Store the link, enter it into the logs, end devices; a reset's new device becomes this session's."""
    viewer = ctx.require_viewer()
    member, link, signed = viewer.member, cast("MemberLink", checked.link), cast("SignedMemberLink", command.link)
    if checked.seal is not None and command.device_seal is not None:
        label = check_device_label(command.device_name or "", command.platform)
        device = await store_device(tx, link, checked.seal, command.device_seal, label, ctx.clock())
    await store_link(tx, link, checked.state, signed)
    # Only a recipient's links are of a space's log: who was reset is none until someone adds the new ID.
    present = await queries.own_spaces(tx, member)
    spaces = [space for space, id in present.items() if id == chain.identity and space in tx.heads]
    body = pack_entry(signed.body, signed.signature, signed.cosignature)
    for space in sorted(spaces):
        entry = Entry(space, entry_id(link.hash), EventKind.MEMBER_LINK, link.hash, body, actor=member)
        await append(tx, entry, next_hash)
    await queries.mark_all_due(tx, spaces, DueReason.MEMBER_CHAIN)
    ended = [id for id, _, active, _ in chain.devices if active and id.bytes not in checked.state.devices]
    keep = viewer.session if checked.resets else NOBODY
    sessions = await devices.end_devices(tx, member, ended, link.n, ctx.clock(), keep)
    tx.on_commit(lambda: ctx.sessions_ended(sessions, EndReason.DEVICE))
    if checked.resets:
        if not await devices.give_device(tx, member, viewer.session, device):
            raise NotFound("This session has ended.")

        def enter() -> None:
            ctx.viewer = replace(viewer, device=device)
            ctx.session_signs_as(viewer.session, device)

        tx.on_commit(enter)


async def _store(
    ctx: Ctx, tx: Transaction, command: RotateMemberKey, chain: ChainState, checked: _Checked, key: MemberKey,
    opened: Opened,
) -> MemberKeyRow:  # fmt: skip
    member, signed, now = chain.member, command.member_key, ctx.clock()
    if checked.resets:
        await queries.drop_wraps(tx, member)
    else:
        await queries.replace_wraps(tx, member, key.generation, command.wraps, BRANCH_LIFETIMES, now)
        await queries.add_archive(tx, member, chain.key_generation, cast("bytes", command.archive))
    new = queries.NewKey(member, key.generation, key.key, key.key_hash, signed.body, signed.signature, now)
    return await queries.put_key(tx, new, [(UUID(bytes=holder), box) for holder, box in command.boxes], opened)


# ---- reading


async def get_key_pages(ctx: Ctx, places: list[tuple[UUID, Page]]) -> list[Slice[MemberKeyRow]]:
    """Pages of members' keys, ascending by generation, in the order asked; one query for each different page.

    Raises Unauthenticated, Refusal INVALID for a broken cursor.
    """
    found: dict[tuple[UUID, Page], Slice[MemberKeyRow]] = {}
    async with reading(ctx) as tx:
        for page in dict.fromkeys(page for _, page in places):
            above, below = bounds(page)
            members = [member for member, asked in places if asked == page]
            rows = await queries.key_pages(tx, members, above, below, page.limit + 1, backward=page.backward)
            found |= {(member, page): slice_of(page, keys) for member, keys in rows.items()}
    return [found[place] for place in places]


async def get_sealed_epochs(ctx: Ctx, places: list[tuple[UUID, int]]) -> list[SealedEpoch | None]:
    """Epochs by (space, number), in order, also of spaces that the viewer has left; None out of sight.

    Raises Unauthenticated.
    """
    viewer = ctx.require_viewer().member
    async with reading(ctx) as tx:
        found = {(row.space, row.epoch): row for row in await queries.sealed_epochs(tx, viewer, places)}
    return [found.get(place) for place in places]


async def list_wraps(ctx: Ctx, page: Page) -> Slice[WrapRow]:
    """The viewer's wraps, ascending by space, epoch, branch. Raises Unauthenticated, Refusal INVALID."""
    viewer, after, before = ctx.require_viewer().member, _branch_at(page.after), _branch_at(page.before)
    async with reading(ctx) as tx:
        rows = await queries.wrap_page(tx, viewer, after, before, page.limit + 1, backward=page.backward)
    return slice_of(page, rows)


async def list_archive(ctx: Ctx, page: Page) -> Slice[ArchiveRow]:
    """The viewer's archive keys, ascending by generation. Raises Unauthenticated, Refusal INVALID."""
    viewer, (above, below) = ctx.require_viewer().member, bounds(page)
    async with reading(ctx) as tx:
        rows = await queries.archive_page(tx, viewer, above, below, page.limit + 1, backward=page.backward)
    return slice_of(page, rows)


async def list_required(ctx: Ctx, page: Page) -> Slice[Branch]:
    """What a rotation made now must wrap, by space, epoch, branch. Raises Unauthenticated, Refusal INVALID."""
    viewer, after, before = ctx.require_viewer().member, _branch_at(page.after), _branch_at(page.before)
    async with reading(ctx) as tx:
        rows = await queries.required(
            tx, viewer, ctx.clock(), after, before, page.limit + 1, backward=page.backward
        )  # fmt: skip
    return slice_of(page, rows)


_BRANCH = struct.Struct(">qB")


def branch_cursor(branch: Branch) -> str:
    """The position of a branch in a list of branches."""
    space, epoch, b = branch
    return position(space.bytes + _BRANCH.pack(epoch, b))


def _branch_at(cursor: str | None) -> Branch | None:
    if cursor is None:
        return None
    key = key_at(cursor, 16 + _BRANCH.size)
    epoch, b = _BRANCH.unpack(key[16:])
    return UUID(bytes=key[:16]), epoch, b
