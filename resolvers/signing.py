"""What signed requests are checked against: the viewer's device and chain, a locked space, its roster."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db.log import Entry, append, find
from db.queries import conversations as queries
from db.queries.conversations import SeatRow, SpaceRow, SpaceState
from db.transaction import Transaction
from resolvers.context import Ctx
from resolvers.errors import Code, DueReason, Refusal
from resolvers.events import LogEvent
from resolvers.kinds import EventKind
from resolvers.protocol import (
    Asker,
    Head,
    MemberState,
    Policy,
    ProtocolSpace,
    RecipientState,
    Role,
    Roster,
    Seat,
    SpaceType,
    due_at,
    due_mark,
    next_hash,
)


@dataclass(frozen=True, slots=True)
class Signer:
    """The viewer as a signer: who asks, and the head of the viewer's chain with the asking device's key."""

    asker: Asker
    chain: MemberState


def asker_of(ctx: Ctx) -> Asker:
    """Who asks, in the protocol's terms. Raises Unauthenticated."""
    viewer = ctx.require_viewer()
    return Asker(viewer.member.bytes, None if viewer.device is None else viewer.device.bytes)


async def get_signer(ctx: Ctx, tx: Transaction, member: bytes, device: bytes) -> Signer:
    """The viewer as the signer that a body names. Raises Refusal STALE_DEVICE unless it is this session's device and
    still active (e2ee.md section 13, row 'any')."""
    asker = asker_of(ctx)
    row = None
    if (member, device) == (asker.member, asker.device):
        row = await queries.signer(tx, UUID(bytes=member), UUID(bytes=device))
    if row is None:
        raise Refusal(Code.STALE_DEVICE, "The signing device is not this session's, or no longer active.")
    chain = MemberState(
        member=member, n=row.n, hash=row.hash, identity=row.identity, rs=b"", rx=b"", rx_n=0, devices={device: row.dk}
    )
    return Signer(asker, chain)


def protocol_space(space: SpaceState | SpaceRow) -> ProtocolSpace:
    """A space in the protocol's terms; for checks it must be locked."""
    accepted = space.epoch_accepted_at
    return ProtocolSpace(
        space=space.id.bytes,
        lifetime=space.lifetime,
        head=Head(space.head_seq, space.head_hash),
        epoch=Head(space.epoch, space.epoch_hash),
        epoch_accepted_at=None if accepted is None else milliseconds(accepted),
        epoch_envelopes=space.epoch_envelopes,
        due=due_mark(space.epoch_due),
    )


def roster_of(space: SpaceState, seats: list[SeatRow]) -> Roster:
    """A locked space's roster in the protocol's terms."""
    return Roster(
        space=space.id.bytes,
        type=SpaceType(space.type),
        n=space.roster_n,
        hash=space.roster_hash,
        policy=Policy(space.lifetime, bool(space.history)),
        seats={seat.member.bytes: Seat(seat.identity, Role(seat.role)) for seat in seats},
    )


def recipients_of(seats: list[SeatRow]) -> dict[bytes, RecipientState]:
    """What an epoch's list is held against: every roster member's chain and key."""
    return {
        seat.member.bytes: RecipientState(
            Head(seat.chain_n, seat.chain_hash), seat.chain_identity, seat.key_generation, seat.key_hash
        )
        for seat in seats
    }


def milliseconds(time: datetime) -> int:
    """A time as the protocol counts it."""
    return int(time.timestamp() * 1000)


def entry_id(item: bytes) -> UUID:
    """The log id of everything that is no envelope: the first 16 bytes of its item."""
    return UUID(bytes=item[:16])


async def first_result(tx: Transaction, space: UUID, space_type: int, item: bytes) -> LogEvent | None:
    """The log's entry of a structure that was accepted before: a retry is answered with it."""
    row = await find(tx, space, entry_id(item))
    return None if row is None or row.item != item else LogEvent.of(row, space_type)


async def append_signed(
    ctx: Ctx, tx: Transaction, space: UUID, space_type: int, kind: EventKind, item: bytes, body: bytes,
    subject: UUID | None = None,
) -> LogEvent:  # fmt: skip
    """Append a structure that the viewer signed to a locked space's log."""
    actor = ctx.require_viewer().member
    entry = Entry(space, entry_id(item), kind, item, body, actor=actor, subject=subject)
    done = await append(tx, entry, next_hash)
    return LogEvent(space, space_type, done.seq, int(kind), item, done.log_hash, body, done.accepted_at)


def due_of(space: SpaceRow, now: datetime) -> DueReason | None:
    """Why a space's next epoch is due at `now`; None while envelopes are taken."""
    return due_at(protocol_space(space), milliseconds(now))
