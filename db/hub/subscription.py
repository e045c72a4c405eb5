"""One subscriber's seat at the hub: a bounded queue between the reader and the stream."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn, Protocol
from uuid import UUID

from db.cursor import Cursor, Snapshot
from db.hub.items import Delivery, ReaderLost
from db.log import LogRow
from db.queries.markers import MarkerRow

log = logging.getLogger(__name__)

QUEUE = 1024


@dataclass(frozen=True, slots=True)
class Live:
    """A row as the hub read it, between the snapshots `base` and `now`; see `db.hub.sql` for ranks. Shared by all."""

    entry: LogRow | MarkerRow
    space_type: int | None
    rank: int
    base: Snapshot
    now: Snapshot
    cursor: Cursor

    def cursor_for(self, space: UUID | None) -> Cursor:
        """The cursor behind it, for subscribers of everything or of one space."""
        return self.cursor if space is None else replace(self.cursor, space=space)


class Sink(Protocol):
    """What a stream pours into instead of yielding, where its rows look the same to all who follow as it does."""

    def live(self, live: Live) -> bool:
        """Take a row at once, inside the reader's look: plain and quick. False: there is no room for it."""

    async def missed(self, page: Sequence[Delivery]) -> bool:
        """Take a page of the backlog, waiting for room. False: nobody follows any more."""


class Overflow(Exception):
    """The queue was full: what it held is gone, the database still has it."""


class Subscription:
    """Filled by the reader with `offer`, emptied by one stream with `get`."""

    __slots__ = ("_ended", "_news", "_queue", "_sink", "begun", "last", "limit", "member", "space")

    def __init__(self, member: UUID, space: UUID | None, limit: int = QUEUE) -> None:
        self.member, self.space, self.limit = member, space, limit
        self.begun: asyncio.Future[Cursor] = asyncio.get_running_loop().create_future()
        """Resolved by the reader: from this cursor on, it offers everything."""
        self._queue: deque[Live] = deque()
        self._ended: type[Exception] | None = None
        self._news = asyncio.Event()
        self._sink: Callable[[Live], bool] | None = None
        self.last: Live | None = None
        """The newest row that the sink has taken."""

    @property
    def ended(self) -> bool:
        """Whether the reader need not offer any more."""
        return self._ended is not None

    def offer(self, live: Live) -> None:
        """Queue a row; a full queue is emptied and ends the subscription."""
        if self._ended is not None:
            return
        sink = self._sink
        if sink is not None:  # in one call, for this is what each delivery pays
            try:
                taken = sink(live)
            except Exception:
                log.exception("A subscriber failed to take an entry; it resumes.")
                taken = False
            if taken:
                self.last = live
            else:
                self.end(Overflow)
        elif len(self._queue) >= self.limit:
            self._queue.clear()
            self.end(Overflow)
        else:
            self._queue.append(live)
            self._news.set()

    def flow(self, sink: Callable[[Live], bool]) -> None:
        """From now on rows go to `sink` and no more to `get`; first those that are queued."""
        self._sink = sink
        while self._queue and self._ended is None:
            self.offer(self._queue.popleft())
        self._queue.clear()

    async def over(self) -> NoReturn:
        """Wait for the end. Raises Overflow or ReaderLost."""
        while self._ended is None:
            self._news.clear()
            await self._news.wait()
        raise self._ended

    def end(self, reason: type[Exception] = ReaderLost) -> None:
        """Nothing more comes; what is queued is still handed out."""
        if self._ended is None:
            self._ended = reason
        self._news.set()
        if not self.begun.done():
            self.begun.set_exception(reason())
            self.begun.exception()  # looked at: nobody may be waiting any more

    async def get(self) -> Live:
        """The next row. Raises Overflow or ReaderLost once the queue is empty and the subscription ended."""
        while not self._queue:
            if self._ended is not None:
                raise self._ended
            self._news.clear()
            await self._news.wait()
        return self._queue.popleft()
