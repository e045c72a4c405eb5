"""Messages: a sealed envelope is checked and appended (e2ee.md sections 7 and 13). The hot path."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from db.log import Entry, append, find
from db.queries import conversations as spaces
from db.queries import messages as queries
from db.queries.conversations import SpaceState
from db.queries.messages import Arrival
from db.transaction import Transaction
from resolvers.context import Ctx
from resolvers.errors import Code, NotFound, Refusal
from resolvers.events import LogEvent
from resolvers.kinds import EventKind, SpaceType
from resolvers.protocol import (
    LIFETIMES,
    Envelope,
    EnvelopeKind,
    Known,
    Ref,
    Role,
    Seat,
    SenderState,
    Verdict,
    check_envelope,
    decode_envelope,
    next_hash,
    refusing,
)
from resolvers.signing import Signer, asker_of, milliseconds, protocol_space

ENVELOPE = ("input", "envelope")


@dataclass(frozen=True, slots=True)
class SendMessage:
    """E([header, syn, ct, signature]) as received."""

    envelope: bytes


async def send_message(ctx: Ctx, command: SendMessage) -> LogEvent:
    """Append an envelope to the log of the conversation that it names. The same bytes again give the first result.

    Three round trips between BEGIN and COMMIT: lock, everything to check against, append.
    Raises Refusal MALFORMED, STALE_DEVICE, ID_CONFLICT, FORBIDDEN, FORKED_LOG, StaleEpoch, EpochDue, NotFound,
    Unauthenticated, in the order of e2ee.md section 13.
    """
    asker = asker_of(ctx)
    with refusing(*ENVELOPE):
        envelope = decode_envelope(command.envelope)
    header = envelope.header
    if (header.member, header.device) != (asker.member, asker.device):
        raise Refusal(Code.STALE_DEVICE, "The signing device is not this session's, or no longer active.", ENVELOPE)
    space, member, ref = UUID(bytes=header.space), UUID(bytes=header.member), header.ref
    async with ctx.uow.write(member) as tx:
        locked = await spaces.lock_space(tx, space)
        if locked is None:
            return await _sent_before(tx, space, envelope)
        found = await queries.arrival(
            tx, space, member, UUID(bytes=header.device), UUID(bytes=header.id), header.seen.n,
            None if ref is None else UUID(bytes=ref),
        )  # fmt: skip
        known = None if found.known_item is None else Known(found.known_body, found.known_item)
        with refusing(*ENVELOPE, space=space, epoch=locked.epoch):
            verdict = check_envelope(
                envelope, asker, protocol_space(locked), _sender(found), known, _ref(found), found.seen_hash,
                milliseconds(ctx.clock()),
            )  # fmt: skip
        if verdict is Verdict.KNOWN:
            return _first(locked, found)
        return await _append(ctx, tx, locked, envelope)


async def _sent_before(tx: Transaction, space: UUID, envelope: Envelope) -> LogEvent:
    """The first result for a sender who has left since; the space is out of sight, what happened in the stay is not."""
    row = await find(tx, space, UUID(bytes=envelope.header.id))
    if row is None or row.item != envelope.item:
        raise NotFound(path=ENVELOPE)
    return LogEvent.of(row, SpaceType.GROUP)


def _sender(found: Arrival) -> SenderState:
    seat = None
    if found.role is not None and found.identity is not None:
        seat = Seat(found.identity, Role(found.role))
    return SenderState(found.dk, found.chain_n or 0, found.chain_identity or b"", seat)


def _ref(found: Arrival) -> Ref | None:
    # What expired is gone: nothing can be about it any more.
    if found.ref_kind != EventKind.ENVELOPE or found.ref_body is None or found.ref_actor is None:
        return None
    header = decode_envelope(found.ref_body).header
    return Ref(header.kind, found.ref_actor.bytes, header.b)


def _first(locked: SpaceState, found: Arrival) -> LogEvent:
    return LogEvent(
        locked.id,
        locked.type,
        cast("int", found.known_seq),
        EventKind.ENVELOPE,
        cast("bytes", found.known_item),
        cast("bytes", found.known_hash),
        found.known_body,
        cast("datetime", found.known_at),
    )


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
    header, lifetime = envelope.header, LIFETIMES[envelope.header.b]
    # Lifetimes count from acceptance: what expires is stamped here, everything else by the database.
    accepted_at = None if lifetime is None else ctx.clock()
    expires_at = None if accepted_at is None else accepted_at + timedelta(milliseconds=lifetime or 0)
    entry = Entry(
        locked.id, UUID(bytes=header.id), EventKind.ENVELOPE, envelope.item, envelope.data,
        actor=UUID(bytes=header.member), expires_at=expires_at, accepted_at=accepted_at, epoch=header.epoch.n,
        lifetime=header.b,
    )  # fmt: skip
    done = await append(tx, entry, next_hash)
    if header.kind == EnvelopeKind.STATE:
        await queries.set_state(tx, locked.id, done.seq)
    return LogEvent(
        locked.id, locked.type, done.seq, EventKind.ENVELOPE, envelope.item, done.log_hash, envelope.data,
        done.accepted_at,
    )  # fmt: skip
