"""Following the log live: the hub's items as the surface needs them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from db.cursor import Cursor
from db.hub import CaughtUp, Delivery, Hub, Live, Resync, SlowConsumer
from db.log import LogRow
from db.queries.markers import MarkerRow
from resolvers.access import access_conversation
from resolvers.context import Ctx
from resolvers.events import LogEvent
from resolvers.kinds import SpaceType
from resolvers.reading import reading


@dataclass(frozen=True, slots=True)
class Delivered:
    """An entry, and the cursor behind it."""

    event: LogEvent
    cursor: str


@dataclass(frozen=True, slots=True)
class Marked:
    """A marker in its newest state, and the cursor behind it."""

    marker: MarkerRow
    cursor: str


@dataclass(frozen=True, slots=True)
class Done:
    """The backlog is done."""

    cursor: str


@dataclass(frozen=True, slots=True)
class MustResync:
    """The cursor is of no use; the stream ends."""

    message: str


StreamEntry: TypeAlias = "Delivered | Marked | Done | MustResync"


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
        async with aclosing(ctx.hub.subscribe(ctx.require_viewer().member, cursor, space, ctx.sink)) as items:
            async for item in items:
                yield _entry(ctx, item)
    except SlowConsumer:
        return  # whoever could not keep up has the cursor of the last entry, and resumes from there
    except Resync:
        yield MustResync("This position is no longer of use. Load everything afresh, then follow from now on.")


def _entry(ctx: Ctx, item: Delivery | CaughtUp) -> StreamEntry:
    cursor = ctx.hub.seal(item.cursor)
    return Done(cursor) if isinstance(item, CaughtUp) else _delivered(item.entry, item.space_type, cursor)


def _delivered(entry: LogRow | MarkerRow, space_type: int | None, cursor: str) -> Delivered | Marked:
    if isinstance(entry, MarkerRow):
        return Marked(entry, cursor)
    # Out of sight is what one was removed from, and nobody is removed from an account.
    return Delivered(LogEvent.of(entry, SpaceType.GROUP if space_type is None else space_type), cursor)


def live_entry(hub: Hub, live: Live, space: UUID | None) -> Delivered | Marked:
    """A live row as every subscriber of everything, or of one space, is given it."""
    return _delivered(live.entry, live.space_type, hub.seal(live.cursor_for(space)))


def missed_entry(hub: Hub, delivery: Delivery) -> Delivered | Marked:
    """A row of one subscriber's backlog."""
    return _delivered(delivery.entry, delivery.space_type, hub.seal_alone(delivery.cursor))
