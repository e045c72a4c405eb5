"""The three roots, composed of the features' parts, the schema itself, and its text."""

from __future__ import annotations

import strawberry
from graphql import GraphQLArgument, GraphQLInputField, GraphQLSchema, Undefined
from strawberry.schema.config import StrawberryConfig

from schema.calls import CallMutation, CallSubscription
from schema.conversations import Account, Conversation, ConversationMutation, ConversationQuery
from schema.devices import DeviceMutation
from schema.epochs import EpochMutation
from schema.errors import (
    DirectExistsError,
    EpochDueError,
    InputError,
    MarkerConflictError,
    RateLimitedError,
    RewrapIncompleteError,
    StaleEpochError,
)
from schema.events import ComplaintEvent, EnvelopeEvent, EpochEvent, MemberLinkEvent, RosterEvent
from schema.identity import IdentityMutation, IdentityQuery
from schema.markers import MarkerMutation
from schema.messages import MessageMutation, MessageSubscription
from schema.node import NodeQuery
from schema.presence import PresenceMutation, PresenceSubscription
from schema.privacy import PrivacyMutation
from schema.rotation import RotationMutation
from schema.scalars import SCALARS
from schema.typing import TypingMutation, TypingSubscription


@strawberry.type(description="Everything that can be asked. Without a session only the public fields answer.")
class Query(IdentityQuery, ConversationQuery, NodeQuery):
    """The query root."""


@strawberry.type(
    description="Everything that can be changed. Each field takes one input and answers with its own payload; "
    "expected failures are data in `errors`, and then nothing was changed."
)
class Mutation(
    IdentityMutation,
    DeviceMutation,
    RotationMutation,
    ConversationMutation,
    EpochMutation,
    MessageMutation,
    MarkerMutation,
    TypingMutation,
    PresenceMutation,
    CallMutation,
    PrivacyMutation,
):
    """The mutation root."""


@strawberry.type(
    description="Everything that can be followed live: the durable without a gap; typing, presence and call signals "
    "as they come."
)
class Subscription(MessageSubscription, TypingSubscription, PresenceSubscription, CallSubscription):
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
        MarkerConflictError,
        RewrapIncompleteError,
        EnvelopeEvent,
        RosterEvent,
        EpochEvent,
        ComplaintEvent,
        MemberLinkEvent,
    ],
    config=StrawberryConfig(scalar_map=SCALARS),
)


def _leave_out_null_defaults(core: GraphQLSchema) -> None:
    """An optional argument has no default: omitted and null are different (design.md section 4).

    Strawberry makes Python's `= None` a default of null. Without it, what is omitted stays out of the call, and Python
    fills in its own None.
    """
    places: list[GraphQLArgument | GraphQLInputField] = []
    for type_ in core.type_map.values():
        for field in getattr(type_, "fields", {}).values():
            places += [field] if isinstance(field, GraphQLInputField) else field.args.values()
    for place in places:
        if place.default_value is None:
            place.default_value = Undefined


# Strawberry has no public door to the graphql-core schema; its own transports read it the same way.
_leave_out_null_defaults(schema._schema)

MARK = "# Written by `make schema` from schema/*.py. Do not edit.\n\n"


def sdl() -> str:
    """The text of schema.graphql."""
    return MARK + schema.as_str() + "\n"
