"""Refusals of the protocol core: one exception, stable codes, and the layer that refused."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Code(StrEnum):
    """Stable codes. The first block has the values of the API's `ErrorCode`; the second is known to clients alone."""

    MALFORMED = "MALFORMED"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    STALE_DEVICE = "STALE_DEVICE"
    CHAIN_CONFLICT = "CHAIN_CONFLICT"
    GENERATION_CONFLICT = "GENERATION_CONFLICT"
    REWRAP_INCOMPLETE = "REWRAP_INCOMPLETE"
    RATE_LIMITED = "RATE_LIMITED"
    EPOCH_CONFLICT = "EPOCH_CONFLICT"
    EPOCH_NOT_DUE = "EPOCH_NOT_DUE"
    RECIPIENTS_CHANGED = "RECIPIENTS_CHANGED"
    ID_CONFLICT = "ID_CONFLICT"
    STALE_EPOCH = "STALE_EPOCH"
    EPOCH_DUE = "EPOCH_DUE"
    FORKED_LOG = "FORKED_LOG"

    BAD_SEAL = "BAD_SEAL"  # a seal or box that does not open, or holds what it must not: complain
    SEAL_MISMATCH = "SEAL_MISMATCH"  # not the listed seal: the server's doing, raise the alarm
    BAD_COMMIT = "BAD_COMMIT"  # a branch that is not the announced one
    FORK = "FORK"  # contradicts what was seen before: stop sending, keep the evidence
    REPLAYED = "REPLAYED"  # an item that came before
    UNREADABLE = "UNREADABLE"  # an envelope or wrap that does not open
    BAD_WORDS = "BAD_WORDS"
    BAD_INVITE = "BAD_INVITE"
    BAD_LINK = "BAD_LINK"  # a linking request or answer that was not made with this code, or for this request
    WEAK_PARAMETERS = "WEAK_PARAMETERS"


class Layer(StrEnum):
    """Who refused; `sdk/vectors/invalid.json` names the layer of each case."""

    CBOR = "cbor"
    ED25519 = "ed25519"
    SEAL = "seal"
    MEMBER = "member"
    ROSTER = "roster"
    EPOCH = "epoch"
    ENVELOPE = "envelope"
    LOG = "log"
    WRAP = "wrap"
    GRANT = "grant"
    LINK = "link"
    DERIVATION = "derivation"
    SERVER = "server"


class DueReason(StrEnum):
    """Why a space needs its next epoch (e2ee.md section 6); same values as the API's `EpochDueReason`."""

    FIRST = "FIRST"
    ROSTER = "ROSTER"
    MEMBER_CHAIN = "MEMBER_CHAIN"
    AGE = "AGE"
    COUNT = "COUNT"
    COMPLAINT = "COMPLAINT"


class ProtocolError(Exception):
    """A refusal: `code` is stable, `message` a plain sentence, `layer` who refused.

    `reason` is set with EPOCH_DUE; `missing` with REWRAP_INCOMPLETE: what the rotation left out.
    """

    def __init__(
        self,
        code: Code,
        message: str,
        layer: Layer,
        *,
        reason: DueReason | None = None,
        missing: tuple[object, ...] = (),
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.layer = code, message, layer
        self.reason, self.missing = reason, missing


@dataclass(frozen=True, slots=True)
class Refuser:
    """Makes the errors of one layer: `raise refuse(Code.FORBIDDEN, "...")`."""

    layer: Layer

    def __call__(
        self, code: Code, message: str, *, reason: DueReason | None = None, missing: tuple[object, ...] = ()
    ) -> ProtocolError:
        """A ProtocolError of this layer; the caller raises it."""
        return ProtocolError(code, message, self.layer, reason=reason, missing=missing)
