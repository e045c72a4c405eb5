"""The server's check of an envelope: the hot path. One strict decode (before), one signature, no replay."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from circle_client.protocol.branches import HOUR
from circle_client.protocol.envelope import Envelope, Kind, id_time
from circle_client.protocol.errors import Code
from circle_client.protocol.primitives import Z32
from circle_client.protocol.rules import Ref, check_rules
from circle_client.protocol.server.state import Asker, SenderState, SpaceState, due_reason, refuse

OLDEST_ID = 14 * 24 * HOUR
NEWEST_ID = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Known:
    """The log's entry with the same id in the same space; `data` is None once the ciphertext has expired."""

    data: bytes | None
    item: bytes


class Verdict(Enum):
    """What the server does next."""

    NEW = "new"
    KNOWN = "known"  # a retry: answer with the first result


def check_envelope(
    envelope: Envelope,
    asker: Asker,
    space: SpaceState,
    sender: SenderState,
    known: Known | None,
    ref: Ref | None,
    seen_hash: bytes | None,
    now: int,
) -> Verdict:
    """Section 13's row for envelopes, in its order; `envelope` comes from `decode_envelope`.

    `ref`: the envelope that `header.ref` names in this space, None where there is none. `seen_hash`: l at
    `header.seen.n`, None where the log has none such (beyond the head, below the floor).
    Raises MALFORMED for an id outside its time, STALE_DEVICE, ID_CONFLICT, FORBIDDEN, STALE_EPOCH, EPOCH_DUE with its
    reason, FORKED_LOG.
    """
    _check_asker(envelope, asker, sender, now)
    if known is not None:
        if known.item == envelope.item and known.data in (None, envelope.data):
            return Verdict.KNOWN
        raise refuse(Code.ID_CONFLICT, "Another message has this id.")
    _check_permission(envelope, space, sender, ref, signal=False)
    _check_current(envelope, space, sender, seen_hash, now)
    return Verdict.NEW


def check_signal(
    envelope: Envelope, asker: Asker, space: SpaceState, sender: SenderState, seen_hash: bytes | None, now: int
) -> None:
    """The same for a signal, which is passed on and not kept: no id can be known. Whether it is too old by its own
    time, or was passed on before, the caller asks.

    Raises as `check_envelope`.
    """
    _check_asker(envelope, asker, sender, now)
    _check_permission(envelope, space, sender, None, signal=True)
    _check_current(envelope, space, sender, seen_hash, now)


def _check_asker(envelope: Envelope, asker: Asker, sender: SenderState, now: int) -> None:
    header = envelope.header
    if not now - OLDEST_ID <= id_time(header.id) <= now + NEWEST_ID:
        raise refuse(Code.MALFORMED, "The message's id is too old, or the device's clock is wrong.")
    if (header.member, header.device) != (asker.member, asker.device) or sender.dk is None:
        raise refuse(Code.STALE_DEVICE, "The signing device is not this session's, or no longer active.")


def _check_current(
    envelope: Envelope, space: SpaceState, sender: SenderState, seen_hash: bytes | None, now: int
) -> None:
    header = envelope.header
    if header.n != sender.n:
        raise refuse(Code.STALE_DEVICE, "The device does not know its member's newest link.")
    if header.epoch != space.epoch:
        raise refuse(Code.STALE_EPOCH, "The conversation's keys have moved on; seal again under the current ones.")
    reason = due_reason(space, now)
    if reason is not None:
        raise refuse(Code.EPOCH_DUE, "The conversation needs new keys before anything more is sent.", reason=reason)
    if header.seen.n > space.head.n or header.seen.hash != (seen_hash if header.seen.n else Z32):
        raise refuse(Code.FORKED_LOG, "What the device saw of the conversation is not what the server holds.")


def _check_permission(
    envelope: Envelope, space: SpaceState, sender: SenderState, ref: Ref | None, *, signal: bool
) -> None:
    header, seat = envelope.header, sender.seat
    if header.space != space.space or seat is None or seat.identity != sender.identity or sender.dk is None:
        raise refuse(Code.FORBIDDEN, "The sender is not in the roster with their present identity.")
    if (header.kind == Kind.SIGNAL) is not signal:
        raise refuse(Code.FORBIDDEN, "This is no signal." if signal else "Signals are not kept in the log.")
    check_rules(header, seat.role, space.lifetime, ref)
    envelope.verify(sender.dk)
