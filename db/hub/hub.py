"""The hub's door: supervision of its reader, and the streams."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from functools import lru_cache
from uuid import UUID

from db.bus import Bus, Message
from db.cursor import Cursor, CursorBox, Resync
from db.ending import end
from db.engine import Database
from db.hub.backlog import missed
from db.hub.items import CaughtUp, Delivery, ReaderLost, SlowConsumer
from db.hub.reader import Reader
from db.hub.roll import Roll
from db.hub.subscription import QUEUE, Overflow, Sink, Subscription
from db.hub.watching import Watching

logger = logging.getLogger(__name__)


class Hub:
    """Start it once per process; `subscribe` any number of times."""

    def __init__(
        self, database: Database, bus: Bus, server_key: bytes, *, interval: float = 1.0, queue: int = QUEUE
    ) -> None:
        """`server_key` seals cursors (see `seal`); without a poke it looks every `interval` seconds."""
        self._database, self._bus, self._interval, self._limit = database, bus, interval, queue
        self._box = CursorBox(server_key)
        self._seal = lru_cache(maxsize=256)(self._box.seal)
        self._poke = asyncio.Event()
        self._alive = asyncio.Event()
        self._stopping = False
        self._roll, self._newcomers = Roll(), list[Subscription]()
        self.watching = Watching(self._roll, self.poke)
        """Who is a member now, for what is told once and not kept."""
        self._task: asyncio.Task[None] | None = None
        self._unsubscribe: Callable[[], None] | None = None

    def seal(self, cursor: Cursor) -> str:
        """The cursor as opaque text for clients. All subscribers are given the same ones: each is sealed once."""
        return self._seal(cursor)

    def seal_alone(self, cursor: Cursor) -> str:
        """The same of a cursor that one subscriber is given once."""
        return self._box.seal(cursor)

    def open(self, text: str) -> Cursor:
        """The cursor in a client's text. Raises Resync if it isn't one of ours."""
        return self._box.open(text)

    async def start(self) -> None:
        """Begin reading, supervised: a lost connection is rebuilt, streams go on from where they were."""
        self._unsubscribe = self._bus.subscribe(self._on_message)
        self._task = asyncio.create_task(self._supervise(), name="hub")

    async def stop(self) -> None:
        """End every stream (they finish without an exception), then the reader."""
        self._stopping = True
        if self._unsubscribe is not None:
            self._unsubscribe()
        if self._task is not None:
            await end(self._task)
        self._alive.set()  # whoever waits for the reader sees that it won't come

    @property
    def alive(self) -> bool:
        """Whether the reader reads just now; for readiness."""
        return self._alive.is_set() and not self._stopping

    def poke(self) -> None:
        """Look now: a log may have grown."""
        self._poke.set()

    async def subscribe(
        self, member: UUID, after: Cursor | None, space: UUID | None = None, sink: Sink | None = None
    ) -> AsyncGenerator[Delivery | CaughtUp, None]:
        """What the member may see of the log (of one space if given), from `after` on: backlog, CaughtUp, live.

        Exactly once and in seq order per space; what a cursor cut to 64 open transactions repeats is told by seq.
        A member whose stay ends gets the event that ended it and nothing after. Close it with `aclose()`.
        Without a cursor CaughtUp comes first, whatever happens to the reader.
        With a `sink`, the backlog goes there and is not yielded, and so does what is live as soon as one cursor serves
        all subscribers.
        Raises Resync (another life of the log, a cursor of another space) and SlowConsumer.
        """
        if after is not None and after.space not in (None, space):
            raise Resync
        cursor = None if after is None else replace(after, space=space)
        told = False
        while not self._stopping:
            async with self._seat(member, space) as seat:
                try:
                    begun = await seat.begun  # 1. from here on nothing passes unseen
                    if cursor is None:
                        cursor, told = begun, True
                        yield CaughtUp(cursor)  # before any row, for whoever loads the state now goes on from here
                    else:
                        async with aclosing(missed(self._database.backlog, member, cursor)) as pages:  # 2. the backlog
                            async for page, behind in pages:
                                if sink is not None:
                                    if not await sink.missed(page):
                                        return
                                else:
                                    for delivery in page:
                                        cursor = delivery.cursor
                                        yield delivery
                                cursor = behind
                    if seat.ended:
                        continue  # the reader was lost meanwhile, or a long backlog overflowed: another pass
                    if not told:
                        told = True
                        yield CaughtUp(cursor)
                    async with aclosing(_live(seat, cursor, sink)) as deliveries:  # 3. live
                        async for delivery in deliveries:
                            cursor = delivery.cursor
                            yield delivery
                except Overflow:
                    assert cursor is not None  # noqa: S101  (a stream is live only with one)
                    raise SlowConsumer(_behind(seat, cursor)) from None
                except ReaderLost:
                    cursor = None if cursor is None else _behind(seat, cursor)
                    await asyncio.sleep(0.02)

    @asynccontextmanager
    async def _seat(self, member: UUID, space: UUID | None) -> AsyncIterator[Subscription]:
        """A subscription, waiting to be let in by the reader's next look."""
        await self._alive.wait()
        seat = Subscription(member, space, self._limit)
        if self._stopping:
            seat.end()
        self._newcomers.append(seat)
        self._poke.set()
        try:
            yield seat
        finally:
            seat.end()
            self._roll.leave(seat)
            if seat in self._newcomers:
                self._newcomers.remove(seat)

    def _on_message(self, message: Message) -> None:
        if message.get("kind") in ("poke", "gap"):
            self._poke.set()

    async def _supervise(self) -> None:
        delay, clock = 0.05, asyncio.get_running_loop().time
        while True:
            started = clock()
            try:
                await self._read()
            except Exception as error:
                logger.warning("The hub's reader ended (%s: %s); starting anew.", type(error).__name__, error)
            finally:
                self._alive.clear()
                self._roll.end()
                for seat in self._newcomers:
                    seat.end()
                self._newcomers.clear()
                self.watching.looked(None)
            delay = 0.05 if clock() - started > 1 else min(delay * 2, 2)
            await asyncio.sleep(delay * random.uniform(0.5, 1.5))  # noqa: S311  (jitter, no secret)

    async def _read(self) -> None:
        """One reader's life; ends only by an exception."""
        connection = await self._database.connect("circle_hub")
        connection.add_termination_listener(lambda _: self._poke.set())  # noticed at once, not at the next look
        try:
            reader = Reader(connection, self._roll)
            await reader.open()
            self._alive.set()
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._interval):  # not wait_for: until 3.12 it can swallow a cancel
                        await self._poke.wait()
                self._poke.clear()
                newcomers, self._newcomers = self._newcomers, []
                try:
                    await reader.look(newcomers, self.watching.missing())
                except BaseException:
                    for seat in newcomers:
                        seat.end()
                    raise
                self.watching.looked(reader.heads)
        finally:
            connection.terminate()


def _behind(seat: Subscription, cursor: Cursor) -> Cursor:
    """Where a stream is that may have poured rows into its sink."""
    return cursor if seat.last is None else seat.last.cursor_for(seat.space)


async def _live(seat: Subscription, cursor: Cursor, sink: Sink | None) -> AsyncGenerator[Delivery, None]:
    """The reader's rows, less what the backlog up to the snapshot in `cursor` has had."""
    had, life = cursor.base, cursor.life
    skipping = True
    while True:
        live = await seat.get()
        if skipping and live.base.covers(had):
            skipping = False  # the reader has passed the backlog: its shared cursors serve from here on
        if not skipping:
            yield Delivery(live.entry, live.space_type, live.cursor_for(seat.space))
            if sink is not None:
                seat.flow(sink.live)
                await seat.over()
        elif not had.sees(live.entry.xid):
            at = (live.rank, live.entry.space, live.entry.seq)
            yield Delivery(live.entry, live.space_type, Cursor(life, had, live.now, at, seat.space))
