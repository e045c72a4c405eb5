"""What a subscriber missed, page by page, each page a short transaction of its own under the viewer's policies."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from uuid import UUID

import asyncpg
from asyncpg import Record

from db.cursor import At, Cursor, Resync, Snapshot
from db.engine import Lent, Pool
from db.hub import sql
from db.hub.items import Delivery, ReaderLost
from db.log import row

PAGE = 100
"""Rows per page: what a resuming stream may hold in memory (an envelope has 96 KiB at most)."""

_START: At = (0, UUID(int=0), 0)


Page = tuple[list[Delivery], Cursor]

_AWAY = (OSError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError)


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
                    records = await _page(connection, cursor, page)
                finally:  # also when cut off inside a query: the driver waits for its end
                    await connection.execute("ROLLBACK")
        except _AWAY as error:
            raise ReaderLost from error
        assert cursor.target is not None  # noqa: S101  (set above)
        done = len(records) < page
        ats = [(r["rank"], r["space_id"], r["seq"]) for r in records]
        deliveries = [Delivery(row(r), r["type"], replace(cursor, at=at)) for r, at in zip(records, ats, strict=True)]
        if done:
            cursor = Cursor(cursor.life, cursor.target, space=cursor.space)
            if deliveries:
                deliveries[-1] = replace(deliveries[-1], cursor=cursor)
        else:
            cursor = replace(cursor, at=ats[-1])
        yield deliveries, cursor
        if done and fresh:
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


async def _page(connection: Lent, cursor: Cursor, limit: int) -> list[Record]:
    assert cursor.target is not None  # noqa: S101  (the caller has set it)
    rank, space, seq = cursor.at or _START
    return await connection.fetch(
        sql.BACKLOG, cursor.base.raw(), cursor.target.raw(), rank, space, seq, cursor.space, limit
    )
