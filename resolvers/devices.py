"""Devices: linked, recovered, renamed, given new seals (e2ee.md section 8)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import cast
from uuid import UUID

from db.queries import devices as queries
from db.queries.conversations import signer as find_signer
from db.queries.devices import ChainState
from db.queries.devices import OfferRow as OfferRow
from db.queries.identity import BoxRow, DeviceRow
from db.transaction import Transaction
from resolvers.chains import (
    DeviceLabel,
    check_device_label,
    is_taken,
    member_state,
    read_link,
    store_device,
    store_link,
    was_accepted,
)
from resolvers.context import Ctx, Viewer
from resolvers.errors import Code, NotFound, RateLimited, Refusal
from resolvers.protocol import (
    BOX,
    LINK_MAC,
    RECOVERY,
    LinkRequest,
    MemberLink,
    Signed,
    SignedMemberLink,
    check_link_answer,
    check_member_link,
    check_request_seal,
    check_xwing_key,
    decode_device_seal,
    decode_link_answer,
    decode_link_request,
    refusing,
    verify_device_seal,
)
from resolvers.reading import reading
from resolvers.sessions import check_label
from resolvers.signing import asker_of

OFFER_LIFETIME = timedelta(minutes=5)
MAX_OFFERS = 10
LINK_ID = 16


@dataclass(frozen=True, slots=True)
class OfferDevice:
    """A new device's request to be let in; `mac` is for the device that holds k, the server can't check it."""

    link_id: bytes
    request: bytes
    mac: bytes
    device_name: str
    platform: str | None = None


@dataclass(frozen=True, slots=True)
class AnswerDevice:
    """A linked device's answer: device.add, the seal of the request, the box, and the answer with its MAC.

    `generation`: that of the secret in the box, where the client says it.
    """

    link_id: bytes
    link: SignedMemberLink
    device_seal: Signed
    box: bytes
    answer: bytes
    mac: bytes
    generation: int | None = None


@dataclass(frozen=True, slots=True)
class RecoverDevice:
    """device.add signed by RS, with the new device's seal and its box; `generation` as in AnswerDevice."""

    link: SignedMemberLink
    device_seal: Signed
    device_name: str
    box: bytes
    generation: int | None = None
    platform: str | None = None


async def offer_device(ctx: Ctx, command: OfferDevice) -> OfferRow:
    """Keep a new device's request for five minutes. The same request again gives the first result.

    Raises Refusal INVALID (the name), MALFORMED, FORBIDDEN (the session has a device; another member's request; a known
    device or key; a wrong seal), ID_CONFLICT (the link id holds another request), RateLimited, Unauthenticated.
    """
    viewer = ctx.require_viewer()
    label = check_device_label(command.device_name, command.platform)
    request = _read_request(command)
    if viewer.device is not None or request.member != viewer.member.bytes:
        raise Refusal(Code.FORBIDDEN, "A client without a device asks for itself.", ("input", "request"))
    async with ctx.uow.write(viewer.member) as tx:
        # The chain's lock holds the member's offers and answers to each other.
        await queries.lock_chain(tx, viewer.member)
        now = ctx.clock()
        others = await queries.open_offers(tx, viewer.member, now)
        known = await queries.find_offer(tx, viewer.member, command.link_id)
        if known is not None:
            if (known.request, known.mac, known.session) == (command.request, command.mac, viewer.session):
                return known
            raise Refusal(Code.ID_CONFLICT, "Another request has this link id.", ("input", "linkId"))
        if await queries.is_known(tx, UUID(bytes=request.device), request.dk):
            raise Refusal(Code.FORBIDDEN, "The device or its key is known already.", ("input", "request"))
        if others >= MAX_OFFERS:
            raise RateLimited(int(OFFER_LIFETIME.total_seconds()), "Too many devices ask at once. Wait a few minutes.")
        offer = OfferRow(
            viewer.member, command.link_id, viewer.session, command.request, command.mac, label.name, label.platform,
            now, now + OFFER_LIFETIME, None, None,
        )  # fmt: skip
        await queries.add_offer(tx, offer)
        return offer


def _read_request(command: OfferDevice) -> LinkRequest:
    if len(command.link_id) != LINK_ID:
        raise Refusal(Code.MALFORMED, "A link id has 16 bytes.", ("input", "linkId"))
    if len(command.mac) != LINK_MAC:
        raise Refusal(Code.MALFORMED, "A MAC has 32 bytes.", ("input", "mac"))
    with refusing("input", "request"):
        request = decode_link_request(command.request)
        check_request_seal(request)
    return request


async def get_device_offer(ctx: Ctx, link_id: bytes) -> OfferRow | None:
    """The viewer's offer of that link id; None once its time is over. Raises Unauthenticated."""
    viewer = ctx.require_viewer().member
    async with reading(ctx) as tx:
        row = await queries.find_offer(tx, viewer, link_id)
    return row if row is not None and row.expires_at > ctx.clock() else None


async def answer_device(ctx: Ctx, command: AnswerDevice) -> DeviceRow:
    """Let the device of an offer in: it joins the chain, has its box, and its session signs as it from then on. An
    offer is answered once; the same link again gives the first result.

    Raises Refusal MALFORMED, STALE_DEVICE, CHAIN_CONFLICT, GENERATION_CONFLICT, FORBIDDEN (not the device that asked;
    20 devices), ID_CONFLICT (answered already), NotFound (no such offer, or too late), Unauthenticated.
    """
    viewer = ctx.require_viewer()
    link = read_link(command.link)
    if len(command.mac) != LINK_MAC or len(command.box) != BOX:
        raise Refusal(Code.MALFORMED, "The box or the MAC has another size.", ("input", "box"))
    with refusing("input", "answer"):
        answer = decode_link_answer(command.answer)
    if answer.box != command.box:
        raise Refusal(Code.MALFORMED, "The answer holds another box.", ("input", "answer"))
    async with ctx.uow.write(viewer.member) as tx:
        chain = await queries.lock_chain(tx, viewer.member)
        if await was_accepted(tx, viewer.member, link):
            return await _device_of(tx, link)
        offer = await queries.find_offer(tx, viewer.member, command.link_id)
        if offer is None:
            raise NotFound("No device asks under this code (any more).", ("input", "linkId"))
        with refusing("input", "linkId"):
            check_link_answer(
                decode_link_request(offer.request), link, command.device_seal, answered=offer.answer is not None,
                late=offer.expires_at <= ctx.clock(),
            )  # fmt: skip
        label = DeviceLabel(offer.device_name, offer.platform)
        device = await _let_in(ctx, tx, chain, command, label)
        await queries.answer_offer(tx, viewer.member, offer.link_id, command.answer, command.mac)
        if not await queries.give_device(tx, viewer.member, offer.session, device.id):
            raise NotFound("The device that asked has signed out.", ("input", "linkId"))
        tx.on_commit(lambda: ctx.session_signs_as(offer.session, device.id))
        return device


async def recover_device(ctx: Ctx, command: RecoverDevice) -> DeviceRow:
    """Let the viewer's own new device in, by device.add signed with the recovery key; the session signs as it from
    then on. The same link again gives the first result.

    Raises Refusal INVALID (the name), MALFORMED, STALE_DEVICE, CHAIN_CONFLICT, GENERATION_CONFLICT, FORBIDDEN (the
    session has a device; another recovery key), Unauthenticated.
    """
    viewer = ctx.require_viewer()
    label, link = check_device_label(command.device_name, command.platform), read_link(command.link)
    if len(command.box) != BOX:
        raise Refusal(Code.MALFORMED, "A box has 1,168 bytes.", ("input", "box"))
    async with ctx.uow.write(viewer.member) as tx:
        chain = await queries.lock_chain(tx, viewer.member)
        if await was_accepted(tx, viewer.member, link):
            return await _device_of(tx, link)
        if viewer.device is not None or link.signer != RECOVERY:
            raise Refusal(Code.FORBIDDEN, "The recovery key signs for a client without a device.", ("input", "link"))
        device = await _let_in(ctx, tx, chain, command, label)
        if not await queries.give_device(tx, viewer.member, viewer.session, device.id):
            raise NotFound("This session has ended.")
        tx.on_commit(lambda: _enter(ctx, viewer, device.id))
        return device


def _enter(ctx: Ctx, viewer: Viewer, device: UUID) -> None:
    ctx.viewer = replace(viewer, device=device)
    ctx.session_signs_as(viewer.session, device)


async def _device_of(tx: Transaction, link: MemberLink) -> DeviceRow:
    row = None
    if link.device is not None:
        row = await queries.find_device(tx, UUID(bytes=link.member), UUID(bytes=link.device))
    if row is None:
        raise Refusal(Code.FORBIDDEN, "The link adds no device.", ("input", "link"))
    return row


async def _let_in(
    ctx: Ctx, tx: Transaction, chain: ChainState, command: AnswerDevice | RecoverDevice, label: DeviceLabel
) -> DeviceRow:
    """Check device.add against the locked chain; store device, link and box."""
    with refusing("input", "link"):
        taken = await is_taken(tx, read_link(command.link))
        link, after, seal = check_member_link(
            command.link, asker_of(ctx), member_state(chain), taken=taken, has_rotation=False,
            device_seal=command.device_seal,
        )  # fmt: skip
    if seal is None or seal.generation != 1:
        raise Refusal(Code.FORBIDDEN, "A device's first seal has the generation 1.", ("input", "deviceSeal"))
    if command.generation not in (None, chain.key_generation):
        raise Refusal(Code.GENERATION_CONFLICT, "The member key in the box is not the newest.", ("input", "box"))
    device = await store_device(tx, link, seal, command.device_seal, label, ctx.clock())
    await store_link(tx, link, after, command.link)
    await queries.add_box(tx, chain.member, chain.key_generation, device, command.box)
    return await _device_of(tx, link)


async def rename_device(ctx: Ctx, device: UUID, name: str) -> DeviceRow:
    """Give one of the viewer's active devices another name. Raises Refusal INVALID, NotFound, Unauthenticated."""
    viewer = ctx.require_viewer().member
    clean = check_label(name, ("input", "name"))
    if not clean:
        raise Refusal(Code.INVALID, "The device needs a name.", ("input", "name"))
    async with ctx.uow.write(viewer) as tx:
        row = await queries.rename(tx, viewer, device, clean)
    if row is None:
        raise NotFound(path=("input", "deviceId"))
    return row


async def publish_device_seal(ctx: Ctx, seal: Signed, generation: int | None = None) -> DeviceRow:
    """Replace the seal of the session's device by that of generation k + 1. The same seal again gives the first result.

    `generation`: of the newest member key that the device holds, where it says so. With SK k it destroys what opens
    the boxes sealed to k, so one that it has not opened yet must not have come meanwhile.
    Raises Refusal MALFORMED, STALE_DEVICE, FORBIDDEN, GENERATION_CONFLICT (not the next seal; a newer member key),
    Unauthenticated.
    """
    viewer, path = ctx.require_viewer(), ("input", "deviceSeal")
    with refusing(*path):
        named = decode_device_seal(seal.body)
        check_xwing_key(named.key)
    async with ctx.uow.write(viewer.member) as tx:
        device = viewer.device
        row = None if device is None else await find_signer(tx, viewer.member, device)
        if row is None or named.device != cast("UUID", device).bytes:
            raise Refusal(Code.STALE_DEVICE, "The seal is not of this session's device, or it was revoked.", path)
        with refusing(*path):
            verify_device_seal(seal, viewer.member.bytes, named.device, row.dk)
        chain = await queries.lock_chain(tx, viewer.member)
        known = await queries.find_device(tx, viewer.member, UUID(bytes=named.device))
        if known is not None and known.seal == seal.body:
            return known
        if generation not in (None, chain.key_generation):
            message = "The member's key was replaced meanwhile: take it before this seal."
            raise Refusal(Code.GENERATION_CONFLICT, message, ("input", "generation"))
        done = await queries.put_seal(
            tx, UUID(bytes=named.device), named.generation, named.key, seal.body, seal.signature
        )
        if done is None:
            raise Refusal(Code.GENERATION_CONFLICT, "The seal does not follow the device's newest one.", path)
        return done


async def get_recovery_box(ctx: Ctx) -> BoxRow | None:
    """The newest box of the viewer's key for the recovery key. Raises Unauthenticated."""
    viewer = ctx.require_viewer().member
    async with reading(ctx) as tx:
        return await queries.recovery_box(tx, viewer)
