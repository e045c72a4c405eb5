"""The log as readers get it: entries with what the surface needs to know of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from db.log import LogRow
from db.queries import messages as queries
from db.transaction import Transaction
from resolvers.context import Ctx
from resolvers.errors import Refusal
from resolvers.kinds import HistoryPolicy
from resolvers.pages import Asked, Stretch, list_pages
from resolvers.paging import Slice, bounds
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


async def list_events_of(ctx: Ctx, asked: list[Asked]) -> list[Slice[LogEvent] | Refusal]:
    """A page of each space's log, as far as stays and the policy on history let the viewer read it.

    In its place NotFound, or INVALID for a broken cursor. Raises Unauthenticated.
    """
    viewer = ctx.require_viewer().member

    async def fetch(
        tx: Transaction, stretches: Sequence[Stretch[int]], limit: int, *, backward: bool
    ) -> list[list[LogEvent]]:
        shared = [row.history == HistoryPolicy.SHARED for row, _, _ in stretches]
        # What lies before the first stay need not be looked through.
        readable = [
            (row.id, above if all_of_it else max(above, row.first_seq - 1), below)
            for (row, above, below), all_of_it in zip(stretches, shared, strict=True)
        ]
        found = await queries.event_pages(tx, viewer, readable, shared, limit, backward=backward)
        return [
            [LogEvent.of(one, row.type) for one in rows] for (row, _, _), rows in zip(stretches, found, strict=True)
        ]

    return await list_pages(ctx, asked, partial(bounds, low=0), fetch)


async def get_events(ctx: Ctx, places: Sequence[tuple[UUID, int]]) -> list[LogEvent]:
    """These entries (space, seq), as far as the viewer may read them. Raises Unauthenticated."""
    viewer = ctx.require_viewer().member
    async with reading(ctx) as tx:
        return [LogEvent.of(*found) for found in await queries.events_at(tx, viewer, places)]
