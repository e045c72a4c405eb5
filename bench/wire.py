"""A WebSocket client that costs next to nothing: frames made beforehand, answers counted and not decoded.

Thousands of them fit into the one process that measures; what they say is RFC 6455 and graphql-transport-ws.
"""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

_HANDSHAKE = (
    "GET /graphql HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)
_WAIT = 120.0


def frame(message: object) -> bytes:
    """A masked text frame (RFC 6455, 5.2) of a message's JSON; the mask is zeros, which leave the bytes as they are."""
    payload = message if isinstance(message, bytes) else json.dumps(message, separators=(",", ":")).encode()
    size = len(payload)
    head = struct.pack("!BB", 0x81, 0x80 | size) if size < 126 else struct.pack("!BBH", 0x81, 0xFE, size)
    if size > 0xFFFF:
        head = struct.pack("!BBQ", 0x81, 0xFF, size)
    return head + b"\0\0\0\0" + payload


_COMPLETE = b'"type":"complete"'
_PONG, _CONTROL_PING, _CONTROL_PONG = frame({"type": "pong"}), 0x89, b"\x8a\x80\0\0\0\0"


class Wire(asyncio.Protocol):
    """One socket. `count` and `size` are those of the messages that came, pings aside; `on_message` sees each."""

    def __init__(self) -> None:
        self.count = self.size = 0
        self.on_message: Callable[[bytes], None] | None = None
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed = False
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._news = asyncio.Event()

    @classmethod
    async def touch(cls, url: str) -> Wire:
        """Connect, and shake hands. Raises OSError where nobody listens."""
        parts = urlsplit(url)
        loop = asyncio.get_running_loop()
        _, wire = await loop.create_connection(cls, parts.hostname or "", parts.port or 80)
        wire.write(_HANDSHAKE.format(host=parts.netloc).encode())
        async with asyncio.timeout(_WAIT):
            await wire.opened
        return wire

    @classmethod
    async def open(cls, url: str, token: str | None = None) -> Wire:
        """Connect, and be acknowledged."""
        wire = await cls.touch(url)
        payload = None if token is None else {"authorization": f"Bearer {token}"}
        wire.say({"type": "connection_init", **({} if payload is None else {"payload": payload})})
        await wire.heard(1)
        return wire

    def write(self, data: bytes) -> None:
        """Frames that are made."""
        assert self._transport is not None
        self._transport.write(data)

    def say(self, message: object) -> None:
        """A message."""
        self.write(frame(message))

    def subscribe(self, query: str, variables: object = None, id_: str = "live") -> None:
        """Begin an operation."""
        payload = {"query": query, **({} if variables is None else {"variables": variables})}
        self.say({"id": id_, "type": "subscribe", "payload": payload})

    async def run(self, frames: Sequence[bytes], window: int) -> None:
        """Write these operations, `window` of them under way at a time, until each has its `complete`."""
        left = iter(frames[window:])

        def following(message: bytes) -> None:
            if _COMPLETE in message and (one := next(left, None)) is not None:
                self.write(one)

        target, self.on_message = self.count + 2 * len(frames), following
        self.write(b"".join(frames[:window]))
        await self.heard(target)
        self.on_message = None

    async def heard(self, count: int) -> None:
        """Wait until so many messages have come. Raises ConnectionError when the other side closes before that."""
        async with asyncio.timeout(_WAIT):
            while self.count < count:
                if self.closed:
                    raise ConnectionError("the server closed the socket")
                self._news.clear()
                await self._news.wait()

    def close(self) -> None:
        """Leave."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self.closed = True
        self._news.set()
        if not self.opened.done():
            self.opened.set_exception(ConnectionError("the server refused the socket"))

    def data_received(self, data: bytes) -> None:
        """Bytes came: the handshake's answer, then frames."""
        self._buffer += data
        if not self.opened.done():
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            if not self._buffer.startswith(b"HTTP/1.1 101"):
                self.close()
                return
            del self._buffer[: end + 4]
            self.opened.set_result(None)
        self._frames()

    def _frames(self) -> None:
        buffer, at = self._buffer, 0
        while len(buffer) >= at + 2:
            size, head = buffer[at + 1] & 0x7F, 2
            if size == 126:
                head = 4
            elif size == 127:
                head = 10
            if len(buffer) < at + head:
                break
            if head > 2:
                size = int.from_bytes(buffer[at + 2 : at + head], "big")
            if len(buffer) < at + head + size:
                break
            self._take(buffer[at], at + head, size)
            at += head + size
        if at:
            del buffer[:at]

    def _take(self, kind: int, start: int, size: int) -> None:
        if kind == _CONTROL_PING:
            self.write(_CONTROL_PONG)
        elif kind == 0x81 and size < 40 and b'"ping"' in self._buffer[start : start + size]:
            self.write(_PONG)
        elif kind == 0x81:
            self.count, self.size = self.count + 1, size
            if self.on_message is not None:
                self.on_message(bytes(self._buffer[start : start + size]))
            self._news.set()
