"""Queries on attempts: counters of tries within a window of time."""

from __future__ import annotations

from datetime import datetime

from db.uow import Transaction


async def count_attempt(tx: Transaction, key: bytes, window_start: datetime, now: datetime) -> tuple[int, datetime]:
    """Count a try; returns the tries in its window, this one included, and when that window began."""
    row = await tx.raw.fetchrow(
        """
        INSERT INTO attempt AS a (key, started_at, count) VALUES ($1, $3, 1)
        ON CONFLICT (key) DO UPDATE SET
          count = CASE WHEN a.started_at <= $2 THEN 1 ELSE a.count + 1 END,
          started_at = CASE WHEN a.started_at <= $2 THEN $3 ELSE a.started_at END
        RETURNING count, started_at
        """,
        key,
        window_start,
        now,
    )
    assert row is not None  # noqa: S101  (an upsert always returns its row)
    return row["count"], row["started_at"]


async def refund_attempt(tx: Transaction, key: bytes) -> None:
    """Take a try back."""
    await tx.raw.execute("UPDATE attempt SET count = greatest(count - 1, 0) WHERE key = $1", key)


async def clear_attempts(tx: Transaction, key: bytes) -> None:
    """Forget all tries of a key."""
    await tx.raw.execute("DELETE FROM attempt WHERE key = $1", key)


async def drop_old_attempts(tx: Transaction, before: datetime) -> None:
    """Drop windows that began before a time."""
    await tx.raw.execute("DELETE FROM attempt WHERE started_at < $1", before)
