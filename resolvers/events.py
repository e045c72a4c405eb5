"""The log as readers get it: entries with what the surface needs to know of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db.log import LogRow
from db.queries import messages as queries
from resolvers.access import access_space
from resolvers.context import Ctx
from resolvers.kinds import HistoryPolicy
from resolvers.paging import Page, Slice, bounds, slice_of
from resolvers.protocol import unpack_entry
from resolvers.reading import reading


@dataclass(frozen=True, slots=True)
class LogEvent:
    """An entry of a space's log. `body` is None once it has expired."""

    space: UUID
    space_type: int
    seq: int
    kind: int
    item: bytes
    log_hash: bytes
    body: bytes | None
    accepted_at: datetime

    @classmethod
    def of(cls, row: LogRow, space_type: int) -> LogEvent:
        """The entry of a stored row."""
        return cls(row.space, space_type, row.seq, row.kind, row.item, row.log_hash, row.body, row.accepted_at)


def signed_parts(entry: LogEvent) -> tuple[bytes, bytes, bytes | None]:
    """Body, signature and cosignature of an entry that is no envelope. Those never expire."""
    return (b"", b"", None) if entry.body is None else unpack_entry(entry.body)


async def list_events(ctx: Ctx, space: UUID, page: Page) -> Slice[LogEvent]:
    """A page of a space's log, as far as stays and the policy on history let the viewer read it.

    Raises NotFound, Unauthenticated, Refusal INVALID for a broken cursor.
    """
    above, below = bounds(page, low=0)
    viewer = ctx.require_viewer().member
    async with reading(ctx) as tx:
        row = await access_space(ctx, tx, space)
        shared = row.history == HistoryPolicy.SHARED
        if not shared:
            above = max(above, row.first_seq - 1)
        rows = await queries.event_page(
            tx, viewer, space, above, below, page.limit + 1, shared=shared, backward=page.backward
        )
    return slice_of(page, [LogEvent.of(*found) for found in rows])


async def get_events(ctx: Ctx, places: Sequence[tuple[UUID, int]]) -> list[LogEvent]:
    """These entries (space, seq), as far as the viewer may read them. Raises Unauthenticated."""
    viewer = ctx.require_viewer().member
    async with reading(ctx) as tx:
        return [LogEvent.of(*found) for found in await queries.events_at(tx, viewer, places)]
