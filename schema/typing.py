"""Typing in the schema: telling, and following."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, cast

import strawberry

from resolvers.errors import Refusal
from resolvers.kinds import SpaceType
from resolvers.typing import Typed, follow_typing, set_typing
from schema.context import Info
from schema.conversations import Conversation
from schema.errors import UserError, user_errors
from schema.members import Member
from schema.node import decode_id
from schema.spaces import space_stub


@strawberry.type(description="Somebody types in a conversation, or has stopped.")
class TypingEvent:
    """One event. Never replayed."""

    conversation: Conversation = strawberry.field(description="Where it is typed.")
    member: Member = strawberry.field(description="Who; never the viewer.")
    until: datetime | None = strawberry.field(
        description="Show it until then unless another event comes; null: the member has stopped."
    )

    @classmethod
    def of(cls, typed: Typed) -> TypingEvent:
        """The GraphQL object, without any query."""
        conversation = cast("Conversation", space_stub(typed.space, SpaceType.GROUP))
        return cls(conversation=conversation, member=Member.of(typed.member), until=typed.until)


@strawberry.input(description="What setTyping takes.")
class SetTypingInput:
    """Where, and whether."""

    conversation_id: strawberry.ID = strawberry.field(description="The conversation's id.")
    typing: bool = strawberry.field(description="True while the member types, false once that has stopped.")


@strawberry.type(description="What setTyping answers.")
class SetTypingPayload:
    """Nothing but errors."""

    errors: list[UserError] = strawberry.field(description="Why nobody was told; empty on success.")


@strawberry.type
class TypingMutation:
    """The field of `Mutation` on typing."""

    @strawberry.mutation(
        description="Tell the other members of a conversation that the viewer types. Repeat it every few seconds while "
        "it goes on: it is told at most every 3 seconds and holds for 6. For writers."
    )
    async def set_typing(
        self, info: Info, input: Annotated[SetTypingInput, strawberry.argument(description="Where, and whether.")]
    ) -> SetTypingPayload:
        """Decode, call the use case, map the result."""
        try:
            await set_typing(info.context, decode_id("Conversation", input.conversation_id), typing=input.typing)
        except Refusal as refusal:
            return SetTypingPayload(errors=user_errors(refusal))
        return SetTypingPayload(errors=[])


@strawberry.type
class TypingSubscription:
    """The field of `Subscription` on typing."""

    @strawberry.subscription(description="Who else types, from now on. Events that a client is too slow for are lost.")
    async def typing(
        self,
        info: Info,
        conversation_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="One conversation; null: all of the viewer's.")
        ] = None,
    ) -> AsyncIterator[TypingEvent]:
        """Live alone."""
        space = None if conversation_id is None else decode_id("Conversation", conversation_id)
        async for typed in follow_typing(info.context, space):
            yield TypingEvent.of(typed)
