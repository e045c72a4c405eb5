"""The hub: one reader of new log rows per process, for all its subscribers (docs/decisions/0030)."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from uuid import UUID

from db.bus import Bus
from db.cursor import Cursor, CursorBox, Resync
from db.engine import Database
from db.log import LogRow

__all__ = ["CaughtUp", "Delivery", "Hub", "Resync", "SlowConsumer"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """A row of the log, and the cursor to keep in the same local transaction as what it brings."""

    entry: LogRow
    cursor: Cursor


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """The backlog is done; comes once. With no cursor to start from it is the first item and means 'now'."""

    cursor: Cursor


class SlowConsumer(Exception):  # noqa: N818  (reads as what it is)
    """The consumer fell too far behind: end the stream; the client resumes from its own last cursor."""


class Hub:
    """Start it once per process; `subscribe` any number of times."""

    def __init__(self, database: Database, bus: Bus, server_key: bytes) -> None:
        """`server_key` seals cursors: see `seal` and `open`."""
        self.box = CursorBox(server_key)
        raise NotImplementedError

    async def start(self) -> None:
        """Begin reading, supervised: a lost connection is rebuilt, streams go on from where they were."""
        raise NotImplementedError

    async def stop(self) -> None:
        """End every stream (they finish without an exception), then the reader."""
        raise NotImplementedError

    def poke(self) -> None:
        """Look now: a log may have grown. Without it the hub looks once a second."""
        raise NotImplementedError

    def seal(self, cursor: Cursor) -> str:
        """The cursor as opaque text for clients."""
        raise NotImplementedError

    def open(self, text: str) -> Cursor:
        """The cursor in a client's text. Raises Resync if it isn't one of ours."""
        raise NotImplementedError

    def subscribe(
        self, member: UUID, after: Cursor | None, space: UUID | None = None
    ) -> AsyncGenerator[Delivery | CaughtUp, None]:
        """What the member may see of the log (of one space if given), from `after` on: backlog, CaughtUp, live.

        Exactly once and in seq order per space; what a cursor cut to 64 open transactions repeats is told by seq.
        A member whose stay ends gets the event that ended it and nothing after. Close it with `aclose()`.
        Raises Resync (another life of the log, a cursor of another space) and SlowConsumer.
        """
        raise NotImplementedError
