"""The way out of a socket: a bounded queue, one writer, one close."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from typing import Protocol

import msgspec
from starlette.types import Send

CLOSE_SECONDS = 2.0
MOST_BYTES = 512 * 1024
"""That wait for one client: a queue with this much takes no more, however few messages they are."""

_encoder = msgspec.json.Encoder()


class Frames(Protocol):
    """What writes a ready message past ASGI (api.frames)."""

    def write_text(self, first: bytes, second: bytes) -> bool:
        """False where it cannot be taken just now, and nothing was written."""


class Closed(Exception):
    """The socket is closing; nothing more can be sent."""


class Outgoing:
    """Messages to one client. A client that reads slowly makes `put` wait, so its streams stop producing."""

    __slots__ = (
        "_behind", "_bytes", "_code", "_frames", "_is_idle", "_is_stopped", "_open", "_room", "_send", "_size",
        "_some", "_waiting", "closing",
    )  # fmt: skip

    def __init__(self, send: Send, size: int, frames: Frames | None = None) -> None:
        """`frames` writes ready frames where the server offers that; without it everything goes by ASGI's `send`."""
        self._send, self._frames = send, frames
        self._is_idle = True  # nothing waits and nothing is under way by ASGI
        self._size = size
        self._waiting: deque[str | tuple[bytes, bytes] | None] = deque()  # None: where the close comes
        self._room, self._some = asyncio.Event(), asyncio.Event()
        self._code: tuple[int, str] | None = None
        self._behind = (1000, "")
        self._open = False
        self._bytes = 0
        self._is_stopped = False
        self.closing = asyncio.Event()

    async def accept(self, subprotocol: str | None) -> bool:
        """Accept the handshake; False when the client is gone already."""
        try:
            await self._send({"type": "websocket.accept", "subprotocol": subprotocol})
        except (OSError, RuntimeError):
            return False
        self._open = True
        return True

    async def put(self, message: dict[str, object]) -> None:
        """Queue a message, waiting for room. Raises Closed when the socket is closing."""
        text = _encoder.encode(message).decode()  # text: bytes would make a binary frame, unknown to the protocol
        await self._wait_for_room()
        self._queue(text)

    async def _wait_for_room(self) -> None:
        while self._is_full and not self.closing.is_set():
            self._room.clear()
            await self._room.wait()
        if self.closing.is_set():
            raise Closed

    def put_ready(self, first: bytes, second: bytes) -> bool:
        """Write or queue a message that is encoded already, in two parts of which many sockets share the second.

        False where there is no room; at once otherwise, also where the socket is closing and drops it.
        """
        if self._is_stopped:
            return True
        # What waits goes first. As in _write_now, without its call, for this is what each delivery pays.
        if self._is_idle and self._frames is not None and self._frames.write_text(first, second):
            return True
        if self._is_full:
            return False
        self._queue((first, second))
        return True

    async def put_all_ready(self, first: bytes, seconds: Iterable[bytes]) -> None:
        """The same for many messages, waiting for room. Raises Closed when the socket is closing."""
        for second in seconds:
            if self._write_now(first, second):
                continue
            await asyncio.sleep(0)  # the transport has its fill: what it writes in this turn may make room
            if not self.put_ready(first, second):
                await self._wait_for_room()
                self._queue((first, second))
            if self.closing.is_set():
                raise Closed

    def _write_now(self, first: bytes, second: bytes) -> bool:
        if self._frames is None or not self._is_idle or self._is_stopped:
            return False
        return self._frames.write_text(first, second)

    def put_if_room(self, message: dict[str, object]) -> None:
        """Queue a message unless the queue is full or the socket is closing."""
        if not self.closing.is_set() and not self._is_full:
            self._queue(_encoder.encode(message).decode())

    @property
    def _is_full(self) -> bool:
        return len(self._waiting) >= self._size or self._bytes >= MOST_BYTES

    def _queue(self, message: str | tuple[bytes, bytes]) -> None:
        self._waiting.append(message)
        self._bytes += _length(message)
        self._is_idle = False
        self._some.set()

    def close(self, code: int, reason: str) -> None:
        """Ask for the close; the first code wins."""
        if self._code is None:
            self._code = (code, reason)
        self.stop()

    def close_behind(self, code: int, reason: str) -> None:
        """Ask for the close once what is queued has been sent."""
        self._behind = (code, reason)
        self._waiting.append(None)
        self._is_idle = False
        self._some.set()

    def vanished(self) -> None:
        """The client is gone: nothing is sent any more, not even a close."""
        self._open = False
        self.stop()

    def stop(self) -> None:
        """Take no more messages."""
        self._is_stopped = True
        self.closing.set()
        self._room.set()  # whoever waits for room must hear that there will be none

    async def run(self) -> None:
        """Send what is queued until the client is gone."""
        while True:
            await self._some.wait()
            try:
                while self._waiting:
                    message = self._waiting.popleft()
                    if message is None:
                        self.close(*self._behind)
                        return
                    self._bytes -= _length(message)
                    self._room.set()
                    text = message if isinstance(message, str) else b"".join(message).decode()
                    await self._send({"type": "websocket.send", "text": text})
                self._is_idle = True
            except (OSError, RuntimeError):
                # The server says so in its own ways when the peer left between two events.
                self.vanished()
                return
            self._some.clear()

    async def finish(self) -> None:
        """Send the close frame if one is owed."""
        if self._open and self._code is not None:
            code, reason = self._code
            with suppress(OSError, RuntimeError, TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._send({"type": "websocket.close", "code": code, "reason": reason})
        self._open = False


def _length(message: str | tuple[bytes, bytes]) -> int:
    return len(message) if isinstance(message, str) else len(message[0]) + len(message[1])
