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
    stretches: list[_Stretch] | None = None
    while True:
        try:
            async with pool.acquire() as connection:
                try:
                    now = await _begin(connection, member, cursor)
                    if cursor.target is None:
                        cursor, fresh, stretches = replace(cursor, target=now, at=None), True, None
                    if stretches is None:
                        stretches = await _stretches(connection, cursor)
                    found = await _page(connection, cursor, stretches, member, page)
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


_Row = tuple[LogRow | MarkerRow, int | None, At]


@dataclass(frozen=True, slots=True)
class _Found:
    """Rows with their spaces' types and their places; whether they are the last."""

    rows: list[_Row]
    last: bool


@dataclass(slots=True)
class _Stretch:
    """A stay in which rows were missed: those behind `seq`, up to `last` at most."""

    rank: int
    space: UUID
    joined: int
    seq: int
    last: int
    type: int | None


async def _stretches(connection: Lent, cursor: Cursor) -> list[_Stretch]:
    """In the order in which they are told."""
    rank, space, seq = cursor.at or _START
    if rank == sql.MARKERS:
        return []
    found = await connection.fetch(sql.STRETCHES, cursor.base.raw(), rank, space, seq, cursor.space)
    return [_Stretch(*record) for record in found]


async def _rows(connection: Lent, target: Snapshot, stretches: list[_Stretch], limit: int) -> list[_Row]:
    """So many rows, as far as there are any; what is left stays in `stretches`."""
    found: list[_Row] = []
    while stretches and len(found) < limit:
        room, now, upto = limit - len(found), list[_Stretch](), list[int]()
        for stretch in stretches:
            now.append(stretch)
            upto.append(min(stretch.last, stretch.seq + room))
            room -= upto[-1] - stretch.seq
            if room == 0:
                break
        spaces, joined, behind = [s.space for s in now], [s.joined for s in now], [s.seq for s in now]
        records = await connection.fetch(sql.BACKLOG, spaces, joined, behind, upto, target.raw())
        of = {stretch.space: stretch for stretch in now}
        for record in records:
            stretch = of[record["space_id"]]
            found.append((row(record), stretch.type, (stretch.rank, stretch.space, record["seq"])))
        for stretch, seq in zip(now, upto, strict=True):
            stretch.seq = seq
        stretches[:] = [stretch for stretch in stretches if stretch.seq < stretch.last]
    return found


async def _page(connection: Lent, cursor: Cursor, stretches: list[_Stretch], member: UUID, limit: int) -> _Found:
    """First what is left of the logs, then the markers."""
    assert cursor.target is not None  # noqa: S101  (the caller has set it)
    found = await _rows(connection, cursor.target, stretches, limit)
    if len(found) == limit:
        return _Found(found, last=False)
    rank, space, seq = cursor.at or _START
    if rank != sql.MARKERS:
        space, seq = UUID(int=0), 0
    records = await connection.fetch(
        sql.MISSED_MARKERS, cursor.base.raw(), cursor.target.raw(), space, *place_at(seq), cursor.space, MARKER_PAGE,
        member,
    )  # fmt: skip
    markers = [marker(r) for r in records]
    found += [(m, None, (sql.MARKERS, m.space, m.seq)) for m in markers]
    return _Found(found, last=len(markers) < MARKER_PAGE)
