"""Markers in the schema: how far members have read and received, as sealed envelopes."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, cast
from uuid import UUID

import strawberry

from resolvers.context import Ctx
from resolvers.errors import Refusal
from resolvers.kinds import MarkerScope, SpaceType
from resolvers.markers import MarkerRow, SetMarker, get_own_markers, list_receipts, set_marker
from schema.context import Info
from schema.errors import UserError, user_errors
from schema.loaders import forget, loader
from schema.members import Member, load_member
from schema.node import decode_id
from schema.scalars import Base64Bytes
from schema.spaces import space_stub

if TYPE_CHECKING:
    from schema.conversations import Conversation


@strawberry.type(
    description="A member's sealed position in a conversation. One per member, conversation and scope: each version "
    "takes the place of the one before."
)
class Marker:
    """A row as its readers get it."""

    row: strawberry.Private[MarkerRow]
    scope: MarkerScope = strawberry.field(description="Whose eyes it is for.")
    version: int = strawberry.field(description="Counts up by one with each replacement, from 1.")
    envelope: Base64Bytes | None = strawberry.field(
        description="E([header, syn, ct, signature]) of kind 5 as it was sent; its header names the member. Sealed in "
        "the member's account space (OWN) or in the conversation (RECEIPT); null once it has expired."
    )
    accepted_at: datetime = strawberry.field(description="When the server accepted this version.")

    @strawberry.field(description="The conversation in which the position is.", metadata={"shared": True})
    def conversation(self) -> Annotated[Conversation, strawberry.lazy("schema.conversations")]:
        """The conversation by its id; anything more of it is loaded when asked for."""
        return cast("Conversation", space_stub(self.row.space, SpaceType.GROUP))

    @strawberry.field(description="Whose position it is.")
    async def member(self, info: Info) -> Member:
        """The member."""
        return await load_member(info.context, self.row.member)

    @classmethod
    def of(cls, row: MarkerRow) -> Marker:
        """The GraphQL object of a row."""
        envelope = None if row.envelope is None else Base64Bytes(row.envelope)
        return cls(
            row=row, scope=MarkerScope(row.scope), version=row.version, envelope=envelope, accepted_at=row.accepted_at
        )


@strawberry.input(description="What setMarker takes.")
class SetMarkerInput:
    """The sealed position and what it replaces."""

    conversation_id: strawberry.ID = strawberry.field(description="The conversation in which the position is.")
    scope: MarkerScope = strawberry.field(description="Whose eyes it is for.")
    version: int = strawberry.field(description="The version that it takes the place of; 0 for the first.")
    envelope: Base64Bytes = strawberry.field(
        description="E([header, syn, ct, signature]) of kind 5 by e2ee.md section 7, 1 KiB at most. OWN: sealed in the "
        "account space, content {0: conversation, 1: seq up to which it is read}. RECEIPT: sealed in the conversation, "
        "content {0: seq up to which it is delivered, 1: seq up to which it is read}; either may be missing."
    )


@strawberry.type(description="What setMarker answers.")
class SetMarkerPayload:
    """What is stored now, or why not."""

    marker: Marker | None = strawberry.field(description="The marker that is stored.")
    errors: list[UserError] = strawberry.field(description="Why nothing was changed; empty on success.")


@strawberry.type
class MarkerMutation:
    """The fields of `Mutation` about markers."""

    @strawberry.mutation(
        description="Say, sealed, how far the viewer has read or received in a conversation. It is no entry of the "
        "log: it takes the place of the version that it names, and where another is stored that one comes back. "
        "Receipts are taken in conversations of at most 50 members, broadcast channels excepted."
    )
    async def set_marker(
        self, info: Info, input: Annotated[SetMarkerInput, strawberry.argument(description="The marker.")]
    ) -> SetMarkerPayload:
        """Decode, call the use case, map the result."""
        forget(info.context)
        try:
            space = decode_id("Conversation", input.conversation_id)
            row = await set_marker(info.context, SetMarker(space, input.scope, input.version, input.envelope))
        except Refusal as refusal:
            return SetMarkerPayload(marker=None, errors=user_errors(refusal))
        return SetMarkerPayload(marker=Marker.of(row), errors=[])


async def load_receipts(ctx: Ctx, space: UUID) -> list[Marker]:
    """A conversation's receipts through the operation's loader. Raises Unauthenticated."""
    return [Marker.of(row) for row in await loader(ctx, "receipts", list_receipts).load(space)]


async def load_own_marker(ctx: Ctx, space: UUID) -> Marker | None:
    """The viewer's own marker through the operation's loader. Raises Unauthenticated."""
    row = await loader(ctx, "own_marker", get_own_markers).load(space)
    return None if row is None else Marker.of(row)
