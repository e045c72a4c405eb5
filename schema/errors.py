"""Expected failures as data: the `UserError` interface, its typed members, and how refusals become them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, cast
from uuid import UUID

import strawberry

from resolvers.errors import (
    Code,
    DirectExists,
    DueReason,
    EpochDue,
    MarkerConflict,
    RateLimited,
    Refusal,
    RewrapIncomplete,
    StaleEpoch,
)
from resolvers.markers import MarkerRow
from schema import enums as enums  # the descriptions of Code and DueReason are set there
from schema.context import Info
from schema.node import load_node
from schema.scalars import Base64Bytes

if TYPE_CHECKING:
    from schema.conversations import Conversation
    from schema.epochs import Epoch
    from schema.markers import Marker
    from schema.rotation import MissingWrap

MAX_MISSING = 1_000


@strawberry.interface(description="An expected failure of a mutation; nothing was changed.")
class UserError:
    """What every expected failure tells."""

    message: str = strawberry.field(description="A plain sentence for a person.")
    path: list[str] = strawberry.field(
        description="The input field concerned, from the outermost; empty for the whole."
    )
    code: Code = strawberry.field(description="The stable code to act on.")


@strawberry.type(description="A failure that its code says all about.")
class InputError(UserError):
    """Code and sentence suffice."""


@strawberry.type(description="The envelope was sealed under another epoch than the current one: seal again.")
class StaleEpochError(UserError):
    """Carries the epoch to seal under."""

    space: strawberry.Private[UUID]
    number: strawberry.Private[int]

    @strawberry.field(description="The current epoch, with the viewer's own seal.")
    async def current(self, info: Info) -> Annotated[Epoch, strawberry.lazy("schema.epochs")] | None:
        """The epoch as the viewer sees it."""
        from schema.epochs import load_epoch

        return await load_epoch(info.context, self.space, self.number)


@strawberry.type(description="A new epoch must be announced before the conversation takes envelopes again.")
class EpochDueError(UserError):
    """Carries the reason."""

    reason: DueReason = strawberry.field(description="Why the next epoch is due.")


@strawberry.type(description="Too many tries.")
class RateLimitedError(UserError):
    """Carries the wait."""

    retry_after: int = strawberry.field(description="Seconds to wait before trying again, at least 1.")


@strawberry.type(description="The two members have a direct conversation already.")
class DirectExistsError(UserError):
    """Carries the conversation that exists."""

    space: strawberry.Private[UUID]

    @strawberry.field(description="The direct conversation that exists.")
    async def conversation(self, info: Info) -> Annotated[Conversation, strawberry.lazy("schema.conversations")]:
        """The conversation as the viewer sees it."""
        return cast("Conversation", await load_node(info.context, "Conversation", self.space))


@strawberry.type(description="Another marker is stored than the one that was to be replaced.")
class MarkerConflictError(UserError):
    """Carries what is stored."""

    row: strawberry.Private[MarkerRow]

    @strawberry.field(description="The stored marker: open it, take the higher numbers, and replace this version.")
    def current(self) -> Annotated[Marker, strawberry.lazy("schema.markers")]:
        """The marker as the viewer sees it."""
        from schema.markers import Marker

        return Marker.of(self.row)


@strawberry.type(description="The rotation leaves keys behind, or a device or the recovery key without a box.")
class RewrapIncompleteError(UserError):
    """Carries what is missing."""

    branches: strawberry.Private[Sequence[tuple[UUID, int, int]]]
    missing_boxes: list[Base64Bytes] = strawberry.field(
        description="Devices without a box, zeros for the recovery key; 21 at most."
    )

    @strawberry.field(description="Branches without a wrap: the first 1,000; Viewer.rotationRequires has them all.")
    def missing(self) -> list[Annotated[MissingWrap, strawberry.lazy("schema.rotation")]]:
        """The branches as the viewer sees them."""
        from schema.rotation import MissingWrap

        return [MissingWrap.of(branch) for branch in self.branches[:MAX_MISSING]]


def user_errors(refusal: Refusal) -> list[UserError]:
    """The payload's `errors` for a refusal."""
    message, path, code = refusal.message, list(refusal.path), refusal.code
    if isinstance(refusal, StaleEpoch):
        return [StaleEpochError(message=message, path=path, code=code, space=refusal.space, number=refusal.current)]
    if isinstance(refusal, EpochDue):
        return [EpochDueError(message=message, path=path, code=code, reason=refusal.reason)]
    if isinstance(refusal, RateLimited):
        return [RateLimitedError(message=message, path=path, code=code, retry_after=refusal.retry_after)]
    if isinstance(refusal, DirectExists):
        return [DirectExistsError(message=message, path=path, code=code, space=refusal.space)]
    if isinstance(refusal, MarkerConflict):
        return [MarkerConflictError(message=message, path=path, code=code, row=refusal.current)]
    if isinstance(refusal, RewrapIncomplete):
        boxes = [Base64Bytes(device) for device in refusal.boxes]
        return [
            RewrapIncompleteError(message=message, path=path, code=code, branches=refusal.branches, missing_boxes=boxes)
        ]
    return [InputError(message=message, path=path, code=code)]
