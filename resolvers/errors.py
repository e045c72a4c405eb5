"""Refusals: the expected failures of the use cases, each a plain sentence with a stable code."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from db.queries.markers import MarkerRow


class Code(StrEnum):
    """Stable codes of refusals; the GraphQL enum `ErrorCode` has the same members."""

    INVALID = "INVALID"
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
    DIRECT_EXISTS = "DIRECT_EXISTS"
    MARKER_CONFLICT = "MARKER_CONFLICT"
    TOO_MANY_MEMBERS = "TOO_MANY_MEMBERS"
    WRONG_PASSWORD = "WRONG_PASSWORD"  # noqa: S105 - the name of a refusal
    INVITE_UNKNOWN = "INVITE_UNKNOWN"
    INVITE_USED = "INVITE_USED"
    INVITE_EXPIRED = "INVITE_EXPIRED"
    HANDLE_TAKEN = "HANDLE_TAKEN"
    HANDLE_INVALID = "HANDLE_INVALID"
    ID_TAKEN = "ID_TAKEN"


class DueReason(StrEnum):
    """Why a space's next epoch must be made before anything more is sent (e2ee.md section 6)."""

    FIRST = "FIRST"
    ROSTER = "ROSTER"
    MEMBER_CHAIN = "MEMBER_CHAIN"
    AGE = "AGE"
    COUNT = "COUNT"
    COMPLAINT = "COMPLAINT"


class Refusal(Exception):
    """An expected failure: `message` is fit for a person, `path` names the input field, nothing was changed."""

    def __init__(self, code: Code, message: str, path: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.code, self.message, self.path = code, message, path


class NotFound(Refusal):
    """Missing and forbidden are told alike."""

    def __init__(self, message: str = "There is nothing here by that id.", path: tuple[str, ...] = ()) -> None:
        super().__init__(Code.NOT_FOUND, message, path)


class StaleEpoch(Refusal):
    """The envelope was sealed under an epoch that is not the space's current one."""

    def __init__(self, space: UUID, current: int) -> None:
        super().__init__(Code.STALE_EPOCH, "The conversation's keys have moved on; seal again under the current ones.")
        self.space, self.current = space, current


class EpochDue(Refusal):
    """A new epoch must be announced before the space takes envelopes again."""

    def __init__(self, space: UUID, reason: DueReason) -> None:
        super().__init__(Code.EPOCH_DUE, "The conversation needs new keys before anything more is sent.")
        self.space, self.reason = space, reason


class RateLimited(Refusal):
    """Too many tries; `retry_after` is in seconds, at least 1."""

    def __init__(self, retry_after: int, message: str = "Too many tries. Please wait a little and try again.") -> None:
        super().__init__(Code.RATE_LIMITED, message)
        self.retry_after = max(1, retry_after)


class DirectExists(Refusal):
    """These two members have a direct conversation already."""

    def __init__(self, space: UUID) -> None:
        super().__init__(Code.DIRECT_EXISTS, "You already have a direct conversation with this person.")
        self.space = space


class MarkerConflict(Refusal):
    """Another marker is stored than the one to be replaced."""

    def __init__(self, current: MarkerRow) -> None:
        super().__init__(
            Code.MARKER_CONFLICT,
            "Another of your devices has marked this conversation meanwhile.",
            ("input", "version"),
        )
        self.current = current


class RewrapIncomplete(Refusal):
    """A rotation lacks wraps of `branches` (space, epoch, b), or boxes for `boxes` (devices; Z16: recovery key)."""

    def __init__(
        self,
        message: str,
        path: tuple[str, ...],
        branches: Sequence[tuple[UUID, int, int]] = (),
        boxes: Sequence[bytes] = (),
    ) -> None:
        super().__init__(Code.REWRAP_INCOMPLETE, message, path)
        self.branches, self.boxes = branches, boxes


class Unauthenticated(Exception):
    """The operation needs a signed-in member; becomes a top-level error with code UNAUTHENTICATED."""
