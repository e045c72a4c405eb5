"""Ready frames: a WebSocket text frame made once and written to many sockets, past ASGI's one call for each.

uvicorn's protocol stays in charge of everything else. A frame goes straight to the transport only while the socket is
open and the transport takes more; otherwise the caller queues it and sends it by ASGI, which waits (RFC 6455, 5.2).
"""

from __future__ import annotations

import asyncio
import struct
from functools import lru_cache
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

EXTENSION = "circle.frames"
_TEXT = 0x81  # FIN and opcode 1
_SHORT, _MEDIUM = 126, 1 << 16
_WHOLE = 16 * 1024
LINGER_SECONDS = 5.0
"""For what is still on its way to a client when its socket ends."""


@lru_cache(maxsize=1024)
def header(length: int) -> bytes:
    """The head of an unmasked text frame with a payload of that many bytes."""
    if length < _SHORT:
        return bytes((_TEXT, length))
    if length < _MEDIUM:
        return struct.pack("!BBH", _TEXT, 126, length)
    return struct.pack("!BBQ", _TEXT, 127, length)


class FramedSocket(WebSocketsSansIOProtocol):
    """uvicorn's socket, which also takes ready frames: ASGI applications find it in the scope's extensions.

    A transport closes only once its buffer is empty, which a peer that reads nothing never lets it be: so it is cut.
    """

    _linger: asyncio.TimerHandle | None = None

    async def run_asgi(self) -> None:
        """Run the application; whatever is not gone some time after its end is broken off."""
        await super().run_asgi()
        if not self.disconnected:
            self._linger = self.loop.call_later(LINGER_SECONDS, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        if self._linger is not None:
            self._linger.cancel()
        super().connection_lost(exc)

    def handle_connect(self, event: Request) -> None:
        """A handshake came; the application's task has not begun when this returns."""
        super().handle_connect(event)
        scope: dict[str, Any] | None = getattr(self, "scope", None)
        if scope is not None:
            scope["extensions"][EXTENSION] = self

    def write_text(self, first: bytes, second: bytes) -> bool:
        """Write one text message of two parts; False where it cannot be taken just now, and nothing was written."""
        if not self.handshake_complete or self.close_sent or self.disconnected or not self.writable.is_set():
            return False
        transport = self.transport
        if transport.is_closing():
            return False
        head = header(len(first) + len(second)) + first
        if len(second) < _WHOLE:
            transport.write(head + second)
        else:
            transport.write(head)
            transport.write(second)
        return True
