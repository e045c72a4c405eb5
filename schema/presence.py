"""Presence in the schema: saying what a device is doing, and seeing who is there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from resolvers.errors import Refusal
from resolvers.presence import MOST, follow_presence, get_presences, set_presence
from resolvers.presence_kinds import PresenceState, Shown
from schema.context import Info
from schema.enums import describe
from schema.errors import UserError, user_errors
from schema.loaders import loader
from schema.members import Member
from schema.node import decode_id

describe(
    PresenceState,
    "PresenceState",
    "Whether somebody is there.",
    {
        PresenceState.OFFLINE: "Not there, or not shown to the viewer.",
        PresenceState.AWAY: "Connected, but not in use.",
        PresenceState.ONLINE: "Connected and in use.",
    },
)


@strawberry.type(
    description="Whether a member is there: the best of the devices' states. Shown to members who share a space."
)
class Presence:
    """One member's presence as the viewer is shown it."""

    state: PresenceState = strawberry.field(
        description="OFFLINE also for strangers, and for members who hide their presence."
    )
    last_seen_at: datetime | None = strawberry.field(
        description="When the member was last online, to the minute. Null while ONLINE, where it is not known, for "
        "strangers, for members who hide their presence, and for viewers who hide their own."
    )

    @classmethod
    def of(cls, shown: Shown) -> Presence:
        """The GraphQL object of what is shown."""
        return cls(state=shown.state, last_seen_at=shown.seen)


@strawberry.type(description="A member and the member's presence.")
class MemberPresence:
    """One entry of an update."""

    member: Member = strawberry.field(description="The member.")
    presence: Presence = strawberry.field(description="The presence from now on.")


@strawberry.type(description="Presences: all that were asked for at first, afterwards those that have changed.")
class PresenceUpdate:
    """One update."""

    presences: list[MemberPresence] = strawberry.field(description="Each member at most once, 200 at most.")


@strawberry.input(description="What setPresence takes.")
class SetPresenceInput:
    """The state."""

    state: PresenceState = strawberry.field(description="What this device is doing.")


@strawberry.type(description="What setPresence answers.")
class SetPresencePayload:
    """Nothing but errors."""

    errors: list[UserError] = strawberry.field(description="Why nothing was changed; empty on success.")


async def load_presence(info: Info, member: UUID) -> Presence:
    """A member's presence through the operation's loader."""
    return Presence.of(await loader(info.context, "presence", get_presences).load(member))


@strawberry.type
class PresenceMutation:
    """The field of `Mutation` on presence."""

    @strawberry.mutation(
        description="Say what this device is doing. It holds as long as a socket of this session is open, and for 30 "
        "seconds after; a program without a socket repeats it more often than that."
    )
    async def set_presence(
        self, info: Info, input: Annotated[SetPresenceInput, strawberry.argument(description="The state.")]
    ) -> SetPresencePayload:
        """Call the use case, map the result."""
        try:
            await set_presence(info.context, input.state)
        except Refusal as refusal:
            return SetPresencePayload(errors=user_errors(refusal))
        return SetPresencePayload(errors=[])


@strawberry.type
class PresenceSubscription:
    """The field of `Subscription` on presence."""

    @strawberry.subscription(
        description="The presence of these members: first of all of them, then what changes, at most once a second. "
        "Not resumed: subscribe again, and the first update has everything."
    )
    async def presence(
        self,
        info: Info,
        member_ids: Annotated[
            list[strawberry.ID], strawberry.argument(description=f"The members' ids, {MOST} at most.")
        ],
    ) -> AsyncIterator[PresenceUpdate]:
        """The full state, then differences. Raises Refusal INVALID beyond 200, NotFound."""
        async for shown in follow_presence(info.context, [decode_id("Member", id_) for id_ in member_ids]):
            presences = [MemberPresence(member=Member.of(row), presence=Presence.of(of)) for row, of in shown]
            yield PresenceUpdate(presences=presences)
