"""HTTP connections that cannot be held open for nothing: uvicorn's protocol with bounds on time and on headers.

uvicorn waits for ever for a request that was begun, and keeps whatever is sent as its head.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 10.0
MAX_HEAD = 64 * 1024


class GuardedHttp(HttpToolsProtocol):
    """A connection that is closed when its client lets the server wait for a request, or sends 64 KiB that are none.

    While a request is being answered its own handler is in charge: it bounds the body in size and time.
    """

    head_seconds = HEAD_SECONDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._patience: asyncio.TimerHandle | None = None
        self._fruitless = 0  # bytes since the last one that was of use: neither a whole head nor a part of a body

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """A client is there: it has some seconds to say what it wants."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes came: of a head, a body, trailers, or of nothing at all."""
        self._fruitless += len(data)
        if not self._answering:
            self._wait()
        super().data_received(data)
        if self._fruitless > MAX_HEAD and not self.transport.is_closing():
            self.send_400_response("The request's headers are too large.")

    def on_headers_complete(self) -> None:
        """A head is complete; whoever answers it takes over."""
        self._fruitless = 0
        self._stop_waiting()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._fruitless = 0
        super().on_body(body)

    def handle_websocket_upgrade(self) -> None:
        """From here on the socket has bounds of its own."""
        self._stop_waiting()
        super().handle_websocket_upgrade()

    @property
    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _wait(self) -> None:
        # Not begun anew by more bytes: a byte now and then would keep it open for ever.
        if self._patience is None:
            self._patience = self.loop.call_later(self.head_seconds, self._lose_patience)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _lose_patience(self) -> None:
        self._patience = None
        if not self._answering and not self.transport.is_closing():
            self.transport.close()
