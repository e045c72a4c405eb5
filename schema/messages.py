"""Messages in the schema: sending, and following live."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, TypeAlias, cast

import strawberry

from resolvers.errors import Refusal
from resolvers.messages import SendMessage, send_message
from resolvers.streams import Delivered, Done, Marked, StreamEntry, follow_conversation, follow_everything
from schema.connection import After
from schema.context import Info
from schema.errors import UserError, user_errors
from schema.events import EnvelopeEvent, Event, event_of
from schema.loaders import forget
from schema.markers import Marker
from schema.node import decode_id
from schema.scalars import Base64Bytes, Cursor


@strawberry.input(description="What sendMessage takes.")
class SendMessageInput:
    """The sealed envelope."""

    envelope: Base64Bytes = strawberry.field(
        description="E([header, syn, ct, signature]) by e2ee.md section 7, 97 KiB at most; it names the conversation."
    )


@strawberry.type(description="What sendMessage answers.")
class SendMessagePayload:
    """The log's entry, or why not."""

    event: EnvelopeEvent | None = strawberry.field(description="The entry in the conversation's log.")
    errors: list[UserError] = strawberry.field(description="Why nothing was changed; empty on success.")


@strawberry.type
class MessageMutation:
    """The fields of `Mutation` about messages."""

    @strawberry.mutation(
        description="Append a sealed envelope to a conversation's log. The same bytes again give the first result."
    )
    async def send_message(
        self, info: Info, input: Annotated[SendMessageInput, strawberry.argument(description="The envelope.")]
    ) -> SendMessagePayload:
        """Decode, call the use case, map the result."""
        forget(info.context)
        try:
            entry = await send_message(info.context, SendMessage(input.envelope))
        except Refusal as refusal:
            return SendMessagePayload(event=None, errors=user_errors(refusal))
        return SendMessagePayload(event=cast("EnvelopeEvent", event_of(entry)), errors=[])


@strawberry.type(description="One log entry, and where to resume behind it.")
class EventDelivery:
    """An entry with its cursor."""

    cursor: Cursor = strawberry.field(description="Subscribe with it as `after` to get what follows this entry.")
    event: Event = strawberry.field(description="The entry.")


@strawberry.type(
    description="A marker that was set or replaced, in its newest state, and where to resume behind it. Comes in "
    "events, and in messages for receipts of the conversation."
)
class MarkerDelivery:
    """A marker with its cursor."""

    cursor: Cursor = strawberry.field(description="Subscribe with it as `after` to get what follows this marker.")
    marker: Marker = strawberry.field(description="The marker.")


@strawberry.type(description="The backlog is done, what follows is live. Without `after` it comes first and means now.")
class CaughtUp:
    """The end of the backlog."""

    cursor: Cursor = strawberry.field(description="Subscribe with it as `after` to get what follows.")


@strawberry.type(description="The cursor is of no use any more: load state afresh, then subscribe without `after`.")
class ResyncRequired:
    """The stream ends after this."""

    message: str = strawberry.field(description="A plain sentence on why.")


StreamItem = Annotated[
    EventDelivery | MarkerDelivery | CaughtUp | ResyncRequired,
    strawberry.union("StreamItem", description="What a stream of durable events brings."),
]
Item: TypeAlias = EventDelivery | MarkerDelivery | CaughtUp | ResyncRequired


def stream_item(entry: StreamEntry) -> Item:
    """The GraphQL object of a stream's entry, without any query."""
    if isinstance(entry, Marked):
        return MarkerDelivery(cursor=Cursor(entry.cursor), marker=Marker.of(entry.marker))
    if isinstance(entry, Delivered):
        return EventDelivery(cursor=Cursor(entry.cursor), event=event_of(entry.event))
    if isinstance(entry, Done):
        return CaughtUp(cursor=Cursor(entry.cursor))
    return ResyncRequired(message=entry.message)


@strawberry.type
class MessageSubscription:
    """The fields of `Subscription` on the durable log."""

    @strawberry.subscription(
        description="Everything durable in all spaces of the viewer, in the order of each space's log, without a gap. "
        "When the stream ends, subscribe again with the last cursor."
    )
    async def events(self, info: Info, after: After = None) -> AsyncIterator[StreamItem]:
        """The backlog behind `after`, CaughtUp, then live."""
        async for entry in follow_everything(info.context, after):
            yield stream_item(entry)

    @strawberry.subscription(
        description="The log of one conversation, in order and without a gap. When the stream ends, subscribe again "
        "with the last cursor."
    )
    async def messages(
        self,
        info: Info,
        conversation_id: Annotated[strawberry.ID, strawberry.argument(description="The conversation's id.")],
        after: After = None,
    ) -> AsyncIterator[StreamItem]:
        """The backlog behind `after`, CaughtUp, then live."""
        space = decode_id("Conversation", conversation_id)
        async for entry in follow_conversation(info.context, space, after):
            yield stream_item(entry)
