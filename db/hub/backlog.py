"""What a subscriber missed, page by page, each page a short transaction of its own under the viewer's policies."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from uuid import UUID

from db.cursor import At, Cursor, Resync, Snapshot
from db.engine import Lent, Pool
from db.hub import sql
from db.hub.items import Delivery, ReaderLost
from db.log import LogRow, row
from db.outage import LOST
from db.queries.markers import MarkerRow, marker, place_at

PAGE = 100
"""Rows per page: what a resuming stream may hold in memory (an envelope has 96 KiB at most)."""

MARKER_PAGE = 1000
"""Markers per page (1 KiB each at most)."""

_START: At = (0, UUID(int=0), 0)


Page = tuple[list[Delivery], Cursor]


async def missed(pool: Pool, member: UUID, after: Cursor, page: int = PAGE) -> AsyncGenerator[Page, None]:
    """Pages of what the member may see between `after` and now, and the cursor behind each page.

    The last page's cursor is a bare snapshot T, taken when this began (or, where `after` was inside a batch, once
    that batch was done). The pool's four connections are the limit of resumes at a time. Raises Resync, ReaderLost.
    """
    cursor, fresh = after, False
    while True:
        try:
            async with pool.acquire() as connection:
                try:
                    now = await _begin(connection, member, cursor)
                    if cursor.target is None:
                        cursor, fresh = replace(cursor, target=now, at=None), True
                    found = await _page(connection, cursor, member, page)
                except TimeoutError:
                    connection.terminate()  # never answered: the pool would wait for it, too
                    raise
                finally:  # also when cut off inside a query: the driver waits for its end
                    await connection.execute("ROLLBACK")
        except LOST as error:
            raise ReaderLost from error
        assert cursor.target is not None  # noqa: S101  (set above)
        deliveries = [Delivery(entry, type_, replace(cursor, at=at)) for entry, type_, at in found.rows]
        if found.last:
            cursor = Cursor(cursor.life, cursor.target, space=cursor.space)
            if deliveries:
                deliveries[-1] = replace(deliveries[-1], cursor=cursor)
        else:
            cursor = replace(cursor, at=found.rows[-1][2])
        yield deliveries, cursor
        if found.last and fresh:
            return


async def _begin(connection: Lent, member: UUID, cursor: Cursor) -> Snapshot:
    """Begin a reading transaction and return its snapshot, if the cursor belongs to this life. Raises Resync."""
    await connection.execute(
        f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL circle.member = '{member.hex}'"
    )
    here = await connection.fetchrow(sql.HERE)
    assert here is not None  # noqa: S101  (a SELECT without FROM has one row)
    now = Snapshot.of(here["now"])
    newest = cursor.base if cursor.target is None else cursor.target
    if here["life"] != cursor.life or newest.xmax > now.xmax:
        raise Resync
    return now


@dataclass(frozen=True, slots=True)
class _Found:
    """Rows with their spaces' types and their places; whether they are the last."""

    rows: list[tuple[LogRow | MarkerRow, int | None, At]]
    last: bool


async def _page(connection: Lent, cursor: Cursor, member: UUID, limit: int) -> _Found:
    """First what is left of the logs, then the markers."""
    assert cursor.target is not None  # noqa: S101  (the caller has set it)
    rank, space, seq = cursor.at or _START
    base, target = cursor.base.raw(), cursor.target.raw()
    found: list[tuple[LogRow | MarkerRow, int | None, At]] = []
    if rank != sql.MARKERS:
        records = await connection.fetch(sql.BACKLOG, base, target, rank, space, seq, cursor.space, limit)
        found += [(row(r), r["type"], (r["rank"], r["space_id"], r["seq"])) for r in records]
        if len(records) == limit:
            return _Found(found, last=False)
        space, seq = UUID(int=0), 0
    records = await connection.fetch(
        sql.MISSED_MARKERS, base, target, space, *place_at(seq), cursor.space, MARKER_PAGE, member
    )
    markers = [marker(r) for r in records]
    found += [(m, None, (sql.MARKERS, m.space, m.seq)) for m in markers]
    return _Found(found, last=len(markers) < MARKER_PAGE)
