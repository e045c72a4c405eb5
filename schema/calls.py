"""Call signals in the schema: sending, and following."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, cast

import strawberry

from resolvers.calls import Signal, follow_signals, send_signal
from resolvers.errors import Refusal
from resolvers.kinds import SpaceType
from schema.context import Info
from schema.conversations import Conversation
from schema.errors import UserError, user_errors
from schema.node import decode_id
from schema.scalars import Base64Bytes
from schema.spaces import space_stub


@strawberry.type(description="A sealed signal of a call (kind 7 of e2ee.md section 7). Passed on once, never kept.")
class CallSignal:
    """One signal."""

    conversation: Conversation = strawberry.field(description="The conversation that it was sent in.")
    envelope: Base64Bytes = strawberry.field(description="E([header, syn, ct, signature]) as it was sent.")
    accepted_at: datetime = strawberry.field(description="When the server accepted it.")

    @classmethod
    def of(cls, signal: Signal) -> CallSignal:
        """The GraphQL object, without any query."""
        conversation = cast("Conversation", space_stub(signal.space, SpaceType.GROUP))
        return cls(conversation=conversation, envelope=Base64Bytes(signal.envelope), accepted_at=signal.accepted_at)


@strawberry.input(description="What sendSignal takes.")
class SendSignalInput:
    """The sealed envelope."""

    envelope: Base64Bytes = strawberry.field(
        description="E([header, syn, ct, signature]) of kind 7 and lifetime class 1, 97 KiB at most; it names the "
        "conversation."
    )


@strawberry.type(description="What sendSignal answers.")
class SendSignalPayload:
    """When it was passed on, or why not."""

    accepted_at: datetime | None = strawberry.field(description="When the server accepted it.")
    errors: list[UserError] = strawberry.field(description="Why it was not passed on; empty on success.")


@strawberry.type
class CallMutation:
    """The field of `Mutation` on signals."""

    @strawberry.mutation(
        description="Pass a sealed signal on to the members of a conversation who are connected. It is checked as "
        "sendMessage checks, and never stored. Older than 60 seconds: INVALID; sent before: ID_CONFLICT."
    )
    async def send_signal(
        self, info: Info, input: Annotated[SendSignalInput, strawberry.argument(description="The signal.")]
    ) -> SendSignalPayload:
        """Call the use case, map the result."""
        try:
            accepted_at = await send_signal(info.context, input.envelope)
        except Refusal as refusal:
            return SendSignalPayload(accepted_at=None, errors=user_errors(refusal))
        return SendSignalPayload(accepted_at=accepted_at, errors=[])


@strawberry.type
class CallSubscription:
    """The field of `Subscription` on signals."""

    @strawberry.subscription(
        description="Signals of calls, from now on, the own ones of this session's device excepted. What a client is "
        "too slow for is lost."
    )
    async def call_signals(
        self,
        info: Info,
        conversation_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="One conversation; null: all of the viewer's.")
        ] = None,
    ) -> AsyncIterator[CallSignal]:
        """Live alone."""
        space = None if conversation_id is None else decode_id("Conversation", conversation_id)
        async for signal in follow_signals(info.context, space):
            yield CallSignal.of(signal)
