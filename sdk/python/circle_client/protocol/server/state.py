"""The server's rows, as plain values: what the checks of section 13 are made against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from circle_client.protocol.errors import DueReason, Layer, Refuser
from circle_client.protocol.log import EPOCH_AGE, EPOCH_ENVELOPES
from circle_client.protocol.roster import Seat
from circle_client.protocol.structures import Head, Signed

refuse = Refuser(Layer.SERVER)


@dataclass(frozen=True, slots=True)
class Asker:
    """Who is signed in, and the device that the session signs as."""

    member: bytes
    device: bytes | None


@dataclass(frozen=True, slots=True)
class SpaceState:
    """A space's row under its lock. `epoch` is [0, Z32] before the first; `due` what was marked since the newest."""

    space: bytes
    lifetime: int
    head: Head
    epoch: Head
    epoch_accepted_at: int | None
    epoch_envelopes: int
    due: DueReason | None = None


@dataclass(frozen=True, slots=True)
class SenderState:
    """The sender's rows: `dk` of the asking device if active, number of the chain's head, present ID, roster seat."""

    dk: bytes | None
    n: int
    identity: bytes
    seat: Seat | None


@dataclass(frozen=True, slots=True)
class RecipientState:
    """A roster member's rows: chain head, present ID, newest generation and its #MK."""

    head: Head
    identity: bytes
    generation: int
    key_hash: bytes


@dataclass(frozen=True, slots=True)
class EpochInput:
    """An epoch as sent: `recipients` is E(list), `seals` in its order."""

    announcement: Signed
    recipients: bytes
    seals: Sequence[bytes]


def due_reason(space: SpaceState, now: int) -> DueReason | None:
    """Why the next epoch is due at `now` (milliseconds), None while envelopes are taken (section 6)."""
    if space.epoch.n == 0 or space.epoch_accepted_at is None:
        return DueReason.FIRST
    if space.due is not None:
        return space.due
    if space.epoch_envelopes >= EPOCH_ENVELOPES:
        return DueReason.COUNT
    if now - space.epoch_accepted_at >= EPOCH_AGE:
        return DueReason.AGE
    return None
