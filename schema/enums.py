"""The GraphQL enums shared by features: the use cases' own enums, described."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

import strawberry

from resolvers.errors import Code, DueReason
from resolvers.kinds import ConversationType, HistoryPolicy, MarkerScope, SpaceRole


def describe(cls: type[Enum], name: str, description: str, values: Mapping[Enum, str]) -> None:
    """Make `cls` the GraphQL enum `name`. Raises KeyError when a member has no description."""
    strawberry.enum(cls, name=name, description=description)
    for value in cls.__strawberry_definition__.values:  # type: ignore[attr-defined]  # set by strawberry.enum
        value.description = values[cls[value.name]]


describe(
    Code,
    "ErrorCode",
    "Why a mutation was refused. Codes are stable; messages are for people.",
    {
        Code.INVALID: "An input is outside its stated bounds.",
        Code.MALFORMED: "Signed bytes are not what the protocol prescribes.",
        Code.FORBIDDEN: "The viewer may not do this, or a signature is wrong.",
        Code.NOT_FOUND: "There is nothing by that id that the viewer may see.",
        Code.STALE_DEVICE: "The signer is not this session's device, or that device is no longer active.",
        Code.CHAIN_CONFLICT: "A chain has moved on: load it and sign again.",
        Code.GENERATION_CONFLICT: "The member's key has another newest generation.",
        Code.REWRAP_INCOMPLETE: "A rotation lacks keys that it must carry over.",
        Code.RATE_LIMITED: "Too many tries; wait and try again.",
        Code.EPOCH_CONFLICT: "The announced epoch does not follow the current one.",
        Code.EPOCH_NOT_DUE: "The conversation needs no new epoch now.",
        Code.RECIPIENTS_CHANGED: "The list of recipients is not the current one: load members and seal again.",
        Code.ID_CONFLICT: "This id was used for something else.",
        Code.STALE_EPOCH: "Sealed under an epoch that is not the current one.",
        Code.EPOCH_DUE: "A new epoch must be announced first.",
        Code.FORKED_LOG: "What the client saw is not this server's log.",
        Code.DIRECT_EXISTS: "The two members have a direct conversation already.",
        Code.MARKER_CONFLICT: "Another marker is stored than the one to be replaced: open it and try again.",
        Code.TOO_MANY_MEMBERS: "The conversation has too many members for this.",
        Code.WRONG_PASSWORD: "Handle and password do not fit together.",
        Code.INVITE_UNKNOWN: "No such invite.",
        Code.INVITE_USED: "The invite was used already.",
        Code.INVITE_EXPIRED: "The invite is past its time or was revoked.",
        Code.HANDLE_TAKEN: "Someone has this handle.",
        Code.HANDLE_INVALID: "A handle has 2 to 32 of a-z, 0-9, point, hyphen, underscore, and starts with a-z or 0-9.",
        Code.ID_TAKEN: "An id chosen by the client is in use.",
    },
)
describe(
    DueReason,
    "EpochDueReason",
    "Why the next epoch must be announced before anything more is sent.",
    {
        DueReason.FIRST: "There is none yet.",
        DueReason.ROSTER: "The roster changed.",
        DueReason.MEMBER_CHAIN: "A member's devices or recovery key changed.",
        DueReason.AGE: "The current one is older than 24 hours.",
        DueReason.COUNT: "The current one has carried 5,000 envelopes.",
        DueReason.COMPLAINT: "A member could not open its seal.",
    },
)
describe(
    SpaceRole,
    "SpaceRole",
    "What a member may do in a conversation; a later role includes the earlier ones.",
    {
        SpaceRole.READER: "Reads, reacts and sends receipts.",
        SpaceRole.WRITER: "Also writes.",
        SpaceRole.ADMIN: "Also adds and removes members, sets title, picture and policy, deletes.",
        SpaceRole.OWNER: "Also changes roles.",
    },
)
describe(
    ConversationType,
    "ConversationType",
    "The kinds of conversation.",
    {
        ConversationType.DIRECT: "Exactly two members, both owners.",
        ConversationType.GROUP: "Up to 1,000 members who write.",
        ConversationType.BROADCAST: "A channel: writers write, readers read.",
    },
)
describe(
    HistoryPolicy,
    "HistoryPolicy",
    "What a member who joins may read.",
    {
        HistoryPolicy.JOINING: "What comes after joining.",
        HistoryPolicy.SHARED: "Also what came before, as far as keys are granted.",
    },
)
describe(
    MarkerScope,
    "MarkerScope",
    "Whose eyes a marker is for.",
    {
        MarkerScope.OWN: "The member's own devices: how far the member has read.",
        MarkerScope.RECEIPT: "All members of the conversation: how far the member has received and read.",
    },
)
