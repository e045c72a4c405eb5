"""Typing: who is writing just now. Told once, never kept (docs/decisions/0103)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db.ephemeral import Told
from db.queries.identity import MemberRow
from resolvers.access import access_conversation
from resolvers.context import Ctx
from resolvers.kinds import SpaceRole
from resolvers.members import get_member
from resolvers.reading import reading
from resolvers.told import follow_told
from resolvers.typing_throttle import unpack_typing


@dataclass(frozen=True, slots=True)
class Typed:
    """Somebody types until `until`, or has stopped (None)."""

    space: UUID
    member: MemberRow
    until: datetime | None


async def set_typing(ctx: Ctx, space: UUID, *, typing: bool) -> None:
    """Tell the others of a conversation that the viewer types, or has stopped.

    Raises NotFound, Refusal FORBIDDEN for who may not write, RateLimited, Unauthenticated.
    """
    viewer, ephemera = ctx.require_viewer(), ctx.require_ephemera()
    ephemera.typing_rate.take(viewer.member)
    async with reading(ctx) as tx:
        row = await access_conversation(ctx, tx, space, SpaceRole.WRITER)
    who = await get_member(ctx, viewer.member)
    told = Told("typing", space, row.head_seq, viewer.member, viewer.session, "")
    ephemera.typing.set(told, who, typing=typing)


async def follow_typing(ctx: Ctx, space: UUID | None) -> AsyncIterator[Typed]:
    """Who else types from now on, in one conversation or in all of the viewer's. Raises NotFound, Unauthenticated."""
    own = ctx.require_viewer().member
    async with aclosing(follow_told(ctx, "typing", space, lambda told: told.member != own)) as heard:
        async for told in heard:
            until, who = unpack_typing(told.body)
            if until is None or until > ctx.clock():
                yield Typed(told.space, who, until)
