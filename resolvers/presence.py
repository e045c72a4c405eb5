"""Presence: what a device says it is doing, and what others are shown of it (docs/decisions/0102)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from uuid import UUID

from db.presence.states import NOTHING
from resolvers.context import Ctx
from resolvers.errors import Code, Refusal
from resolvers.presence_kinds import PresenceState as PresenceState
from resolvers.presence_kinds import Shown as Shown

MOST = 200
"""Members that one subscription asks for."""


async def set_presence(ctx: Ctx, state: PresenceState) -> None:
    """Say what this session's device is doing. It holds while its socket lives, and a grace after.

    Raises RateLimited, Unauthenticated.
    """
    ctx.require_viewer()


async def get_presences(ctx: Ctx, members: Sequence[UUID]) -> list[Shown]:
    """What the viewer is shown of these members, in the order asked. Raises Unauthenticated."""
    ctx.require_viewer()
    return [NOTHING for _ in members]


async def follow_presence(ctx: Ctx, members: Sequence[UUID]) -> AsyncIterator[dict[UUID, Shown]]:
    """First all that were asked for, then what differs, at most once a second; ends never.

    Raises Refusal INVALID for more than 200, Unauthenticated.
    """
    ctx.require_viewer()
    if len(members) > MOST:
        raise Refusal(Code.INVALID, f"Ask for at most {MOST} members.", ("memberIds",))
    yield dict(zip(members, await get_presences(ctx, members), strict=True))
