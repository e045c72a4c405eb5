"""The three roots, composed of the features' parts, and the schema itself."""

from __future__ import annotations

import strawberry
from strawberry.schema.config import StrawberryConfig

from schema.conversations import Account, Conversation, ConversationMutation, ConversationQuery
from schema.epochs import EpochMutation
from schema.errors import DirectExistsError, EpochDueError, InputError, RateLimitedError, StaleEpochError
from schema.events import ComplaintEvent, EnvelopeEvent, EpochEvent, MemberLinkEvent, RosterEvent
from schema.identity import IdentityMutation, IdentityQuery
from schema.messages import MessageMutation, MessageSubscription
from schema.node import NodeQuery
from schema.scalars import SCALARS


@strawberry.type(description="Everything that can be asked. Without a session only the public fields answer.")
class Query(IdentityQuery, ConversationQuery, NodeQuery):
    """The query root."""


@strawberry.type(
    description="Everything that can be changed. Each field takes one input and answers with its own payload; "
    "expected failures are data in `errors`, and then nothing was changed."
)
class Mutation(IdentityMutation, ConversationMutation, EpochMutation, MessageMutation):
    """The mutation root."""


@strawberry.type(description="Everything that can be followed live, resuming without a gap.")
class Subscription(MessageSubscription):
    """The subscription root."""


schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[
        Account,
        Conversation,
        InputError,
        StaleEpochError,
        EpochDueError,
        RateLimitedError,
        DirectExistsError,
        EnvelopeEvent,
        RosterEvent,
        EpochEvent,
        ComplaintEvent,
        MemberLinkEvent,
    ],
    config=StrawberryConfig(scalar_map=SCALARS),
)
