"""Following what is told once and not kept: typing and call signals (docs/decisions/0103)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from uuid import UUID

from db.ephemeral import Told, Topic
from resolvers.access import access_conversation
from resolvers.context import Ctx
from resolvers.reading import reading


async def follow_told(
    ctx: Ctx, topic: Topic, space: UUID | None, wants: Callable[[Told], bool]
) -> AsyncGenerator[Told, None]:
    """What is told of this topic from now on, in one conversation or in all of the viewer's, as far as `wants` says.

    Raises NotFound, Unauthenticated.
    """
    viewer, told = ctx.require_viewer(), ctx.require_ephemera().told
    if space is not None:
        async with reading(ctx) as tx:
            await access_conversation(ctx, tx, space)
    listener, end = told.listen(
        viewer.member, lambda one: one.topic == topic and (space is None or one.space == space) and wants(one)
    )
    try:
        while True:
            yield await told.next(listener)
    finally:
        end()
