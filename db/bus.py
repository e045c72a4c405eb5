"""The bus: pokes and ephemeral messages between processes. A lost message costs latency, never data."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import random
import secrets
from collections import deque
from collections.abc import Callable
from typing import Any

from broadcaster import Broadcast

from db.bus_backends import Backend, BusLost, Memory, Postgres, backend
from db.ending import end

logger = logging.getLogger(__name__)

Message = dict[str, Any]
Callback = Callable[[Message], None]

CHANNEL = "circle"
_BEAT, _SILENCE = 5.0, 15.0
_QUEUE = 4096
_ROOM = 1024
_POKE = {"kind": "poke"}
_GAP = {"kind": "gap"}


class Bus:
    """One shared channel over `broadcaster`: memory, Redis or PostgreSQL NOTIFY, by URL; supervised.

    A message is a small JSON object with a `kind`: "poke" (a log has grown), "session-revoked" {session},
    "device-revoked" {device}, ... Every process hears every message, its own included, at most once. Callbacks of
    the publishing process are called even while Redis is away. After an outage each process hears {"kind": "gap"}:
    messages may have been missed, so look for yourself.
    """

    def __init__(self, url: str = "memory://", *, beat: float = _BEAT, silence: float = _SILENCE) -> None:
        """`memory://`, `redis://...`, `rediss://...` or `postgresql://...` (a direct connection, no PgBouncer).

        A process that hears not even its own beat for `silence` seconds rebuilds its connection.
        """
        self._url, self._beat, self._silence = url, beat, silence
        self._remote = not isinstance(backend(url), Memory)
        self._name = secrets.token_hex(8)
        self._callbacks: list[Callback] = []
        self._queue: deque[Message] = deque(maxlen=_QUEUE)
        self._waiting = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._poking = False
        self._heard = 0.0
        self._task: asyncio.Task[None] | None = None
        self.connected = asyncio.Event()
        """Set while messages flow; for readiness and tests."""

    async def start(self) -> None:
        """Begin to listen and to publish; returns at once, an unreachable server is tried again and again."""
        self._task = asyncio.create_task(self._supervise(), name="bus")

    async def stop(self) -> None:
        """Publish what is queued if that takes no longer than a second, then end."""
        if self._task is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1 if self.connected.is_set() else 0):
                await self._empty.wait()
        task, self._task = self._task, None
        await end(task)

    def publish(self, message: Message) -> None:
        """Queue a message for everybody; returns at once, never blocks. Past 4,096 waiting the oldest are dropped."""
        self._enqueue(message)
        if self._remote:
            asyncio.get_running_loop().call_soon(self._deliver, message)

    def mention(self, message: Message) -> None:
        """Publish what is worth nothing later. Where the bus is away, or 1,024 wait already, this process alone hears
        it: such a message never takes the place of one that matters."""
        if len(self._queue) < _ROOM and (self.connected.is_set() or not self._remote):
            self.publish(message)
        else:
            asyncio.get_running_loop().call_soon(self._deliver, message)

    def poke(self) -> None:
        """Publish {"kind": "poke"}; pokes still waiting in the queue are one. This process hears it at once: later, it
        would look a second time for what it has seen."""
        if self._remote and not self._poking:
            self._poking = True
            self._enqueue(_POKE)
        self._deliver(_POKE)

    def subscribe(self, callback: Callback) -> Callable[[], None]:
        """Call `callback` (plain, quick) with each message from now on; returns what ends that."""
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback) if callback in self._callbacks else None

    def _enqueue(self, message: Message) -> None:
        self._queue.append(message)
        self._empty.clear()
        self._waiting.set()

    def _deliver(self, message: Message) -> None:
        for callback in list(self._callbacks):
            try:
                callback(message)
            except Exception:
                logger.exception("A subscriber of the bus failed.")

    async def _supervise(self) -> None:
        delay, first = 0.1, True
        while True:
            started = asyncio.get_running_loop().time()
            try:
                await self._connection(first)
            except Exception as error:
                # Only the kind of error: its text may hold the URL, and that a password.
                logger.warning("The bus lost its connection (%s); building it anew.", type(error).__name__)
            first = first and not self.connected.is_set()
            self.connected.clear()
            delay = 0.1 if asyncio.get_running_loop().time() - started > 10 else min(delay * 2, 5)
            await asyncio.sleep(delay * random.uniform(0.5, 1.5))  # noqa: S311  (jitter, no secret)

    async def _connection(self, first: bool) -> None:
        """One connection's life; ends only by an exception."""
        behind = backend(self._url)
        broadcast = Broadcast(backend=behind)
        tasks: list[asyncio.Task[None]] = []
        try:
            async with asyncio.timeout(min(10, self._silence)):
                await broadcast.connect()
            # One subscriber per process: two at once on a new channel, and broadcaster loses one of them.
            async with broadcast.subscribe(CHANNEL) as subscriber:
                self._heard = asyncio.get_running_loop().time()
                self.connected.set()
                if not first:
                    self._deliver(_GAP)

                async def read() -> None:
                    while True:
                        self._hear((await subscriber.get()).message)

                tasks = [asyncio.create_task(work) for work in (read(), self._send(broadcast, behind), behind.failed())]
                if self._remote:
                    tasks.append(asyncio.create_task(self._listen_for_silence()))
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
                raise BusLost
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            with contextlib.suppress(Exception):
                async with asyncio.timeout(3):
                    await broadcast.disconnect()

    def _hear(self, text: str) -> None:
        self._heard = asyncio.get_running_loop().time()
        try:
            sender, message = json.loads(text)
        except (ValueError, TypeError):
            logger.warning("Something that is no message of ours came over the bus.")
            return
        if (sender != self._name or not self._remote) and message.get("kind") != "beat":
            self._deliver(message)

    async def _send(self, broadcast: Broadcast, behind: Backend) -> None:
        """The one publisher: broadcaster's PostgreSQL backend fails when two publish at once."""
        while True:
            await self._waiting.wait()
            if not self._queue:
                self._waiting.clear()
                self._empty.set()
                continue
            message = self._queue[0]
            if message is _POKE:
                self._poking = False
            text = json.dumps([self._name, message], separators=(",", ":"))
            if isinstance(behind, Postgres) and len(text.encode()) > Postgres.LONGEST:
                logger.error("A message of kind %s is too long for NOTIFY; dropped.", message.get("kind"))
            else:
                await broadcast.publish(CHANNEL, text)
            if self._queue and self._queue[0] is message:
                self._queue.popleft()

    async def _listen_for_silence(self) -> None:
        """A half-open connection raises nothing: not even our own beat coming back tells."""
        while True:
            await asyncio.sleep(self._beat)
            if asyncio.get_running_loop().time() - self._heard > self._silence:
                raise BusLost
            self._enqueue({"kind": "beat"})
