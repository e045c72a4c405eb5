"""An envelope against all that section 13 of e2ee.md holds it against; the same for one send and for many."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from db.log import Entry
from db.queries.conversations import SpaceRow, SpaceState
from db.queries.messages import Arrival
from resolvers.errors import Code, Refusal
from resolvers.events import LogEvent
from resolvers.kinds import EventKind
from resolvers.protocol import (
    LIFETIMES,
    Asker,
    Envelope,
    Known,
    Ref,
    Role,
    Seat,
    SenderState,
    Verdict,
    check_envelope,
    check_signal,
    decode_envelope,
    refusing,
)
from resolvers.signing import milliseconds, protocol_space

ENVELOPE = ("input", "envelope")


def envelope_of(asker: Asker, data: bytes) -> Envelope:
    """The envelope that a session sends. Raises Refusal MALFORMED, STALE_DEVICE where another signed."""
    with refusing(*ENVELOPE):
        envelope = decode_envelope(data)
    if (envelope.header.member, envelope.header.device) != (asker.member, asker.device):
        raise Refusal(Code.STALE_DEVICE, "The signing device is not this session's, or no longer active.", ENVELOPE)
    return envelope


def check_arrival(envelope: Envelope, asker: Asker, space: SpaceState, found: Arrival, now: datetime) -> Verdict:
    """Whether the locked space takes the envelope, or has it already.

    Raises Refusal MALFORMED, STALE_DEVICE, ID_CONFLICT, FORBIDDEN, FORKED_LOG, StaleEpoch, EpochDue.
    """
    known = None if found.known_item is None else Known(found.known_body, found.known_item)
    with refusing(*ENVELOPE, space=space.id, epoch=space.epoch):
        return check_envelope(
            envelope, asker, protocol_space(space), _sender(found), known, _ref(found), found.seen_hash,
            milliseconds(now),
        )  # fmt: skip


def check_signal_arrival(envelope: Envelope, asker: Asker, space: SpaceRow, found: Arrival, now: datetime) -> None:
    """Whether a signal may be passed on in the space, as it is at this moment.

    Raises Refusal MALFORMED, STALE_DEVICE, FORBIDDEN, FORKED_LOG, StaleEpoch, EpochDue.
    """
    with refusing(*ENVELOPE, space=space.id, epoch=space.epoch):
        check_signal(envelope, asker, protocol_space(space), _sender(found), found.seen_hash, milliseconds(now))


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


def first_result(space: SpaceState, found: Arrival) -> LogEvent:
    """The log's entry of an envelope that was accepted before."""
    return LogEvent(
        space.id,
        space.type,
        cast("int", found.known_seq),
        EventKind.ENVELOPE,
        cast("bytes", found.known_item),
        cast("bytes", found.known_hash),
        found.known_body,
        cast("datetime", found.known_at),
    )


def entry_of(space: UUID, envelope: Envelope, now: datetime) -> Entry:
    """What the log keeps of an accepted envelope."""
    header, lifetime = envelope.header, LIFETIMES[envelope.header.b]
    # Lifetimes count from acceptance: what expires is stamped here, everything else by the database.
    accepted_at = None if lifetime is None else now
    expires_at = None if accepted_at is None else accepted_at + timedelta(milliseconds=lifetime or 0)
    return Entry(
        space, UUID(bytes=header.id), EventKind.ENVELOPE, envelope.item, envelope.data,
        actor=UUID(bytes=header.member), expires_at=expires_at, accepted_at=accepted_at, epoch=header.epoch.n,
        lifetime=header.b,
    )  # fmt: skip
