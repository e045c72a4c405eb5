"""Expiry: what the server deletes, and when (e2ee.md section 9; docs/decisions/0072)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from db.engine import Connection
from db.queries import expiry as queries
from db.queries.rotation import OPEN
from resolvers.rotation import BRANCH_LIFETIMES

# Ids are refused 14 days after their own time, which may be 24 hours ahead: until then a retry must find its envelope.
IDS_ARE_KEPT = timedelta(days=15)
# Longer than any device stays linked without being online (45 days, e2ee.md section 8), with room to spare.
ROWS_ARE_KEPT = timedelta(days=180)


async def sweep(connection: Connection, now: datetime, stopping: Callable[[], bool]) -> int:
    """Delete everything whose time is over at `now`; ciphertext first. Returns how many rows were changed.

    `connection`: in the role circle_job, holding the job's lock. When `stopping` says so, the batch under way is the
    last one. Raises what the driver raises when the database goes away.
    """
    done = await _all(lambda: queries.empty_bodies(connection, now), stopping)
    done += await _all(lambda: queries.empty_markers(connection, now), stopping)
    if not stopping():
        done += await queries.note_closings(connection, now, OPEN, BRANCH_LIFETIMES)
    done += await _all(lambda: queries.erase_wraps(connection, now), stopping)
    if not stopping():
        done += await queries.drop_offers(connection, now)
    done += await _all(lambda: queries.forget_ids(connection, now - IDS_ARE_KEPT), stopping)
    return done


async def raise_floors(connection: Connection, now: datetime, stopping: Callable[[], bool]) -> int:
    """Delete old stubs at the beginning of logs. As `sweep`, but seldom: it looks at every space."""
    done, before = 0, now - ROWS_ARE_KEPT
    for space in await queries.low_floors(connection, before):
        if stopping():
            break
        done += await queries.raise_floor(connection, space, before)
    return done


async def _all(batch: Callable[[], Awaitable[int]], stopping: Callable[[], bool]) -> int:
    done = 0
    while not stopping():
        count = await batch()
        done += count
        if count < queries.BATCH:
            break
    return done
