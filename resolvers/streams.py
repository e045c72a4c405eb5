"""Following the log live: the hub's items as the surface needs them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from db.cursor import Cursor
from db.hub import CaughtUp, Delivery, Resync, SlowConsumer
from db.queries.conversations import space_types
from resolvers.access import access_conversation
from resolvers.context import Ctx
from resolvers.events import LogEvent
from resolvers.kinds import SpaceType
from resolvers.reading import reading

MAX_TYPES = 100_000
_types: OrderedDict[UUID, int] = OrderedDict()


@dataclass(frozen=True, slots=True)
class Delivered:
    """An entry, and the cursor behind it."""

    event: LogEvent
    cursor: str


@dataclass(frozen=True, slots=True)
class Done:
    """The backlog is done."""

    cursor: str


@dataclass(frozen=True, slots=True)
class MustResync:
    """The cursor is of no use; the stream ends."""

    message: str


StreamEntry: TypeAlias = "Delivered | Done | MustResync"


async def follow_everything(ctx: Ctx, after: str | None) -> AsyncIterator[StreamEntry]:
    """The logs of all the viewer's spaces from the cursor on: backlog, Done, live. Raises Unauthenticated."""
    ctx.require_viewer()
    async for entry in _follow(ctx, None, after):
        yield entry


async def follow_conversation(ctx: Ctx, space: UUID, after: str | None) -> AsyncIterator[StreamEntry]:
    """One conversation's log from the cursor on. Raises NotFound, Unauthenticated."""
    async with reading(ctx) as tx:
        await access_conversation(ctx, tx, space)
    async for entry in _follow(ctx, space, after):
        yield entry


async def _follow(ctx: Ctx, space: UUID | None, after: str | None) -> AsyncIterator[StreamEntry]:
    try:
        cursor: Cursor | None = None if after is None else ctx.hub.open(after)
        async with aclosing(ctx.hub.subscribe(ctx.require_viewer().member, cursor, space)) as items:
            async for item in items:
                yield await _entry(ctx, item)
    except SlowConsumer:
        return  # whoever could not keep up has the cursor of the last entry, and resumes from there
    except Resync:
        yield MustResync("This position is no longer of use. Load everything afresh, then follow from now on.")


async def _entry(ctx: Ctx, item: Delivery | CaughtUp) -> StreamEntry:
    if isinstance(item, CaughtUp):
        return Done(ctx.hub.seal(item.cursor))
    space_type = await _type_of(ctx, item.entry.space)
    return Delivered(LogEvent.of(item.entry, space_type), ctx.hub.seal(item.cursor))


async def _type_of(ctx: Ctx, space: UUID) -> int:
    """A space's type, which never changes: asked for once per process and space."""
    known = _types.get(space)
    if known is not None:
        return known
    async with reading(ctx) as tx:
        found = (await space_types(tx, [space])).get(space)
    if found is None:
        return SpaceType.GROUP  # one's own removal: the space is out of sight, and nobody is removed from an account
    _types[space] = found
    if len(_types) > MAX_TYPES:
        _types.popitem(last=False)
    return found
