"""Messages: a sealed envelope is checked and appended (e2ee.md sections 7 and 13). The hot path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast
from uuid import UUID

from db.log import append, find
from db.queries import conversations as spaces
from db.queries import messages as queries
from db.queries.conversations import SpaceState
from db.transaction import Transaction
from resolvers.arrivals import ENVELOPE, check_arrival, entry_of, envelope_of, first_result
from resolvers.context import Ctx
from resolvers.errors import Code, NotFound, Refusal
from resolvers.events import LogEvent
from resolvers.kinds import EventKind, SpaceType
from resolvers.limits import take_send
from resolvers.protocol import (
    Asker,
    Envelope,
    EnvelopeKind,
    Role,
    Seat,
    SenderState,
    Verdict,
    check_envelope,
    decode_envelope,
    next_hash,
    refusing,
)
from resolvers.sending import Alone
from resolvers.signing import Signer, asker_of, milliseconds, protocol_space


@dataclass(frozen=True, slots=True)
class SendMessage:
    """E([header, syn, ct, signature]) as received."""

    envelope: bytes


async def send_message(ctx: Ctx, command: SendMessage) -> LogEvent:
    """Append an envelope to the log of the conversation that it names. The same bytes again give the first result.

    Raises Refusal MALFORMED, STALE_DEVICE, ID_CONFLICT, FORBIDDEN, FORKED_LOG, StaleEpoch, EpochDue, NotFound,
    Unauthenticated, in the order of e2ee.md section 13; RateLimited; Busy.
    """
    asker = asker_of(ctx)
    take_send(ctx)
    envelope = envelope_of(asker, command.envelope)
    try:
        return await ctx.sending.send(asker, envelope)
    except Alone:
        return await send_alone(ctx, asker, envelope)


async def send_alone(ctx: Ctx, asker: Asker, envelope: Envelope) -> LogEvent:
    """A send in a transaction of its own, under the sender's own policies. Raises as `send_message`.

    Three round trips between BEGIN and COMMIT: lock, everything to check against, append.
    """
    header = envelope.header
    space, member, ref = UUID(bytes=header.space), UUID(bytes=header.member), header.ref
    async with ctx.uow.write(member) as tx:
        locked = await spaces.lock_space(tx, space)
        if locked is None:
            return await _sent_before(tx, space, envelope)
        found = await queries.arrival(
            tx, space, member, UUID(bytes=header.device), UUID(bytes=header.id), header.seen.n,
            None if ref is None else UUID(bytes=ref),
        )  # fmt: skip
        if check_arrival(envelope, asker, locked, found, ctx.clock()) is Verdict.KNOWN:
            return first_result(locked, found)
        return await _append(ctx, tx, locked, envelope)


async def _sent_before(tx: Transaction, space: UUID, envelope: Envelope) -> LogEvent:
    """The first result for a sender who has left since; the space is out of sight, what happened in the stay is not."""
    row = await find(tx, space, UUID(bytes=envelope.header.id))
    if row is None or row.item != envelope.item:
        raise NotFound(path=ENVELOPE)
    return LogEvent.of(row, SpaceType.GROUP)


async def accept_state(ctx: Ctx, tx: Transaction, locked: SpaceState, signer: Signer, data: bytes) -> LogEvent:
    """The first envelope of a conversation that this transaction makes: its title and picture.

    Raises as `send_message`; FORBIDDEN for another kind, or another space's.
    """
    path = ("input", "state")
    with refusing(*path):
        envelope = decode_envelope(data)
        if envelope.header.kind != EnvelopeKind.STATE:
            raise Refusal(Code.FORBIDDEN, "A conversation begins with its title.", path)
        chain = signer.chain
        seat = await spaces.own_seat(tx, locked.id, UUID(bytes=chain.member))
        sender = SenderState(
            chain.devices[cast("bytes", signer.asker.device)],
            chain.n,
            chain.identity,
            None if seat is None else Seat(seat[1], Role(seat[0])),
        )
        # Nobody can have seen less than the whole of a log that begins here.
        seen = locked.head_hash if envelope.header.seen.n == locked.head_seq else None
        check_envelope(
            envelope, signer.asker, protocol_space(locked), sender, None, None, seen, milliseconds(ctx.clock())
        )
    return await _append(ctx, tx, locked, envelope)


async def _append(ctx: Ctx, tx: Transaction, locked: SpaceState, envelope: Envelope) -> LogEvent:
    done = await append(tx, entry_of(locked.id, envelope, ctx.clock()), next_hash)
    if envelope.header.kind == EnvelopeKind.STATE:
        await queries.set_state(tx, locked.id, done.seq)
    return LogEvent(
        locked.id, locked.type, done.seq, EventKind.ENVELOPE, envelope.item, done.log_hash, envelope.data,
        done.accepted_at,
    )  # fmt: skip
