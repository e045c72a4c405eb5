"""Streams of what is never kept: opened again after every cut, apart from the durable one, which they cannot break."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Generic, TypeVar

from circle_client.engine.engine import Engine
from circle_client.engine.sync import Sync
from circle_client.errors import CircleError, Closed, NotAllowed, Offline, ServerFault, SignedOut, TooManyTries
from circle_client.transport import Backoff

log = logging.getLogger("circle_client")

T = TypeVar("T")
QUEUE = 256
"""Items that wait for a slow reader; the oldest go first."""
_FINAL = {"NOT_FOUND", "FORBIDDEN", "INVALID"}


class Streams:
    """All such streams of a client."""

    def __init__(self, engine: Engine, sync: Sync) -> None:
        self._engine, self._sync = engine, sync
        self._tasks: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """End them; whoever iterates hears Closed."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def follow(
        self, subscribe: Callable[[], AsyncIterator[T]], over: Callable[[], CircleError | None] = lambda: None
    ) -> AsyncIterator[T]:
        """The items of a subscription, and of the one that follows it, for ever, or until `over` says why not.

        What comes while nobody asks waits in a bounded queue. Raises what `over` gives, what ended the synchronising
        for good, and NotAllowed where the server says that there is nothing (any more) to hear.
        """
        line: _Line[T] = _Line()
        task = asyncio.create_task(self._pump(subscribe, line))
        self._tasks.add(task)
        try:
            while True:
                while line.items:
                    yield line.items.popleft()
                line.news.clear()
                durable = self._engine.news.waiter()
                if (error := self._sync.failed or line.error or over()) is not None:
                    raise error
                await _any(line.news, durable, self._sync.ended)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self._tasks.discard(task)

    async def _pump(self, subscribe: Callable[[], AsyncIterator[T]], line: _Line[T]) -> None:
        backoff = Backoff(0.2, 15.0)
        while True:
            wait = 0.0
            try:
                async for item in subscribe():
                    backoff.reset()
                    line.items.append(item)
                    line.news.set()
            except ServerFault as error:
                if error.code in _FINAL:
                    line.end(NotAllowed(error.message))
                    return
                log.info("a stream ended (%s); trying again", error.code)
            except TooManyTries as error:
                wait = error.retry_after
            except (Offline, SignedOut) as error:  # the durable stream signs in again, or ends
                log.info("a stream ended (%s); trying again", error.code)
            except CircleError as error:
                line.end(error)
                return
            except asyncio.CancelledError:
                line.end(Closed())
                raise
            await backoff.pause(wait)


async def _any(*events: asyncio.Event) -> None:
    """Until one of them is set."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


class _Line(Generic[T]):
    """What has come and was not taken yet, or why nothing more will come."""

    def __init__(self) -> None:
        self.items: deque[T] = deque(maxlen=QUEUE)
        self.news = asyncio.Event()
        self.error: CircleError | None = None

    def end(self, error: CircleError) -> None:
        self.error = error
        self.news.set()
