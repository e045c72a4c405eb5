"""Epochs: announced when due, complained of, granted to those who lack them (e2ee.md section 6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID

from db.errors import KeysMoved
from db.queries import conversations as spaces
from db.queries import epochs as queries
from db.queries.conversations import SpaceState
from db.queries.epochs import EpochRow as EpochRow
from db.queries.epochs import GrantRow as GrantRow
from db.transaction import Transaction
from resolvers.access import access_conversation
from resolvers.context import Ctx
from resolvers.errors import Code, DueReason, NotFound, RateLimited, Refusal
from resolvers.events import LogEvent
from resolvers.kinds import EventKind, HistoryPolicy
from resolvers.pages import Asked, Stretch, by_id, list_pages
from resolvers.paging import Slice, bounds
from resolvers.protocol import (
    EpochInput,
    Head,
    Recipient,
    RecipientState,
    Role,
    Seat,
    check_announcement,
    check_complaint,
    check_grant,
    check_signed,
    decode_announcement,
    decode_complaint,
    decode_recipients,
    pack_entry,
    refusing,
    sha256,
)
from resolvers.reading import reading
from resolvers.signing import (
    Signer,
    append_signed,
    first_result,
    get_signer,
    milliseconds,
    protocol_space,
    recipients_of,
    roster_of,
)

HOUR = 3600
MOST_COMPLAINTS = 60
MAX_GRANTS = 100
MAX_GRANT = 1024 * 1024
GRANTS_A_DAY = 50


@dataclass(frozen=True, slots=True)
class EpochParts:
    """An epoch as sent: `recipients` is E(list), `seals` in its order."""

    announcement: bytes
    signature: bytes
    recipients: bytes
    seals: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class AnnounceEpoch:
    """The epoch to announce."""

    epoch: EpochParts


@dataclass(frozen=True, slots=True)
class Complain:
    """The signed complaint."""

    body: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class GrantEpochs:
    """A sealed list of epochs for one member; `generation` is that of the member's key it is sealed to."""

    space: UUID
    member: UUID
    generation: int
    box: bytes


async def announce_epoch(ctx: Ctx, command: AnnounceEpoch) -> LogEvent:
    """Make an announcement the conversation's current epoch. The same announcement again gives the first result.

    Raises Refusal MALFORMED, STALE_DEVICE, EPOCH_CONFLICT, EPOCH_NOT_DUE, RECIPIENTS_CHANGED, FORBIDDEN (e2ee.md
    section 13, row 'announcement'), NotFound, Unauthenticated.
    """
    viewer = ctx.require_viewer()
    with refusing("input", "epoch", "announcement"):
        announcement = decode_announcement(command.epoch.announcement)
    creator, space = announcement.creator, UUID(bytes=announcement.space)
    async with ctx.uow.write(viewer.member) as tx:
        locked = await spaces.lock_space(tx, space)
        signer = await get_signer(ctx, tx, creator.member, creator.device)
        if locked is None:
            raise NotFound(path=("input", "epoch", "announcement"))
        again = await first_result(tx, space, locked.type, announcement.hash)
        return again or await accept_epoch(ctx, tx, locked, signer, command.epoch)


async def accept_epoch(ctx: Ctx, tx: Transaction, locked: SpaceState, signer: Signer, parts: EpochParts) -> LogEvent:
    """Check an epoch against a locked space and store it. Raises as `announce_epoch`."""
    signed = check_signed(parts.announcement, parts.signature, "input", "epoch", "signature")
    seats = await spaces.seats(tx, locked.id)
    sent = EpochInput(signed, parts.recipients, parts.seals)
    with refusing("input", "epoch"):
        announcement, rows = check_announcement(
            sent,
            signer.asker,
            signer.chain,
            protocol_space(locked),
            roster_of(locked, seats),
            recipients_of(seats),
            milliseconds(ctx.clock()),
        )
    body = pack_entry(signed.body, signed.signature)
    entry = await append_signed(ctx, tx, locked.id, locked.type, EventKind.EPOCH, announcement.hash, body)
    sealed = [(UUID(bytes=r.member), r.generation, seal) for r, seal in zip(rows, parts.seals, strict=True)]
    creator = UUID(bytes=announcement.creator.member)
    new = queries.NewEpoch(
        announcement.epoch, announcement.hash, signed.body, signed.signature, parts.recipients, creator,
        entry.accepted_at, sealed,
    )  # fmt: skip
    try:
        await queries.insert_epoch(tx, locked.id, new)
    except KeysMoved:
        message = "A member's chain or key has moved on."
        raise Refusal(Code.RECIPIENTS_CHANGED, message, ("input", "epoch")) from None
    return entry


async def complain(ctx: Ctx, command: Complain) -> LogEvent:
    """Record that the viewer's seal of an epoch does not open; the next epoch is due then. One per epoch and hour, and
    60 in a conversation: as the server cannot tell whether a seal opens, nobody may make epochs due without end.

    Raises Refusal MALFORMED, STALE_DEVICE, STALE_EPOCH (an unknown epoch), FORBIDDEN, RateLimited, NotFound,
    Unauthenticated. The same complaint again gives the first result.
    """
    viewer, now = ctx.require_viewer(), milliseconds(ctx.clock())
    signed = check_signed(command.body, command.signature, "input", "complaint", "signature")
    with refusing("input", "complaint", "body"):
        complaint = decode_complaint(signed.body)
    space = UUID(bytes=complaint.space)
    async with ctx.uow.write(viewer.member) as tx:
        locked = await spaces.lock_space(tx, space)
        signer = await get_signer(ctx, tx, complaint.signer.member, complaint.signer.device)
        if locked is None:
            raise NotFound(path=("input", "complaint", "body"))
        again = await first_result(tx, space, locked.type, complaint.hash)
        if again is not None:
            return again
        found = await queries.epochs_at(tx, viewer.member, [(space, complaint.epoch.n)])
        hour = now // (HOUR * 1000)
        earlier = await queries.complained_of(tx, space, viewer.member, hour)
        row = _own_row(found[0], viewer.member) if found else None
        with refusing("input", "complaint", space=space, epoch=locked.epoch):
            # The hour is looked at last, and told with the seconds to wait.
            check_complaint(
                signed, signer.asker, signer.chain, space.bytes, found[0].hash if found else None, row, False
            )
        if complaint.epoch.n in earlier:
            raise RateLimited(HOUR - now // 1000 % HOUR, "One complaint per epoch and hour is enough.")
        if len(earlier) >= MOST_COMPLAINTS:
            raise RateLimited(HOUR - now // 1000 % HOUR, "You have complained often enough in this hour.")
        new = queries.NewComplaint(
            complaint.epoch.n, viewer.member, hour, complaint.seal_hash, signed.body, signed.signature
        )
        await queries.insert_complaint(tx, space, new)
        await queries.mark_due(tx, space, DueReason.COMPLAINT)
        body = pack_entry(signed.body, signed.signature)
        return await append_signed(ctx, tx, space, locked.type, EventKind.COMPLAINT, complaint.hash, body)


def _own_row(epoch: EpochRow, member: UUID) -> Recipient | None:
    return next((row for row in decode_recipients(epoch.recipients) if row.member == member.bytes), None)


async def grant_epochs(ctx: Ctx, command: GrantEpochs) -> GrantRow:
    """Hand sealed keys of epochs to a member who complained, or whom the viewer added where history is shared.

    The same grant again gives the first result. Raises Refusal INVALID, MALFORMED, FORBIDDEN, GENERATION_CONFLICT,
    RateLimited, NotFound, Unauthenticated.
    """
    viewer, now = ctx.require_viewer().member, ctx.clock()
    if command.generation < 1:
        raise Refusal(Code.INVALID, "Generations count from 1.", ("input", "generation"))
    if len(command.box) > MAX_GRANT:
        raise Refusal(Code.MALFORMED, "A grant has at most 1 MiB.", ("input", "grant"))
    place = b"".join((command.space.bytes, command.member.bytes, viewer.bytes, command.generation.to_bytes(8, "big")))
    id = UUID(bytes=sha256(place + command.box)[:16])
    async with ctx.uow.write(viewer) as tx:
        if await spaces.lock_space(tx, command.space) is None:
            raise NotFound(path=("input", "conversationId"))
        row = await access_conversation(ctx, tx, command.space)
        again = await queries.find_grant(tx, id)
        if again is not None:
            return again
        chain = (await spaces.chains(tx, [command.member])).get(command.member)
        seat = await spaces.own_seat(tx, command.space, command.member)
        if chain is None or seat is None:
            raise NotFound(path=("input", "memberId"))
        taker = RecipientState(Head(chain.n, chain.hash), chain.identity, chain.key_generation, chain.key_hash)
        with refusing("input", "grant"):
            check_grant(
                command.box, Seat(row.identity, Role(row.role)), Seat(seat[1], Role(seat[0])), taker, command.generation
            )
        await _check_entitled(tx, command, viewer, shared=row.history == HistoryPolicy.SHARED)
        if (
            await queries.recent_grants(tx, command.space, command.member, viewer, now - timedelta(days=1))
            >= GRANTS_A_DAY
        ):
            raise RateLimited(HOUR, "This member was given keys often enough today.")
        grant = GrantRow(id, command.space, command.member, viewer, command.generation, command.box, now)
        try:
            await queries.insert_grant(tx, grant)
        except KeysMoved:
            message = "The member has a newer key; seal the grant to that."
            raise Refusal(Code.GENERATION_CONFLICT, message, ("input", "grant")) from None
        return grant


async def _check_entitled(tx: Transaction, command: GrantEpochs, giver: UUID, *, shared: bool) -> None:
    """e2ee.md section 6: by any holder to a complainer, or by the adder to a newcomer where history is shared."""
    complained, adder = await queries.grant_reasons(tx, command.space, command.member)
    if not complained and not (shared and adder == giver):
        raise Refusal(
            Code.FORBIDDEN,
            "Keys are given to members who complained, or by whoever added them where history is shared.",
            ("input", "memberId"),
        )


async def get_epochs(ctx: Ctx, places: list[tuple[UUID, int]]) -> list[EpochRow | None]:
    """Epochs by (space, number), in order; None where there is none for the viewer. Raises Unauthenticated."""
    viewer = ctx.require_viewer().member
    async with reading(ctx) as tx:
        found = {(row.space, row.number): row for row in await queries.epochs_at(tx, viewer, places)}
    return [found.get(place) for place in places]


async def list_epochs_of(ctx: Ctx, asked: list[Asked]) -> list[Slice[EpochRow] | Refusal]:
    """A page of each space's epochs, ascending; in its place NotFound, or INVALID for a broken cursor.

    Raises Unauthenticated.
    """
    viewer = ctx.require_viewer().member

    async def fetch(
        tx: Transaction, stretches: Sequence[Stretch[int]], limit: int, *, backward: bool
    ) -> list[list[EpochRow]]:
        return await queries.epoch_pages(tx, viewer, by_id(stretches), limit, backward=backward)

    return await list_pages(ctx, asked, partial(bounds, low=0), fetch)


async def get_grants(ctx: Ctx, ids: list[UUID]) -> Sequence[list[GrantRow]]:
    """The newest 100 grants to the viewer in each of these spaces, in order. Raises Unauthenticated."""
    viewer = ctx.require_viewer().member
    async with reading(ctx) as tx:
        rows = await queries.grants_to(tx, viewer, ids, MAX_GRANTS)
    return [[row for row in rows if row.space == space] for space in ids]
