"""A TCP proxy for faults: it cuts, delays, throttles, falls silent or takes nobody, as its fields say at the moment."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

CHUNK = 4 * 1024
SMALL = 8 * 1024
"""Bytes that the system keeps for a connection's receiver: so few that a slow reader is felt at once."""

Target = Path | tuple[str, int]


class Proxy:
    """Before a port of the loopback, or before a socket in the file system (a Path).

    `delay` (seconds) holds up each piece of data, `rate` (bytes a second, 0: no limit) is what one connection carries
    in each direction, `silent` lets nothing through without closing anything (a half-open connection), `down` takes no
    new connections. All may be changed at any time.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.delay, self.rate = 0.0, 0.0
        self.silent = self.down = False
        self.port = 0

    async def open(self) -> None:
        """Listen on a port of its own."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        listener.bind(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        self._server = await asyncio.start_server(self._serve, sock=listener, limit=CHUNK)

    async def close(self) -> None:
        """Break everything off and listen no more."""
        if self._server is not None:
            self._server.close()
            self.silent = False
            self.cut()
            await self._server.wait_closed()

    def cut(self) -> None:
        """Break all connections without a word."""
        for writer in list(self._open):
            writer.transport.abort()

    def heal(self) -> None:
        """Be a good wire again."""
        self.delay, self.rate, self.silent, self.down = 0.0, 0.0, False, False

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self.down:
                raise ConnectionRefusedError
            far_reader, far_writer = await self._dial()
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, far_writer}
        try:
            await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        finally:
            self._open -= {writer, far_writer}
            for each in (writer, far_writer):
                each.transport.abort()

    async def _dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._target, Path):
            return await asyncio.open_unix_connection(str(self._target), limit=CHUNK)
        far = socket.socket()
        far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        far.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(far, self._target)
        except BaseException:
            far.close()
            raise
        return await asyncio.open_connection(sock=far, limit=CHUNK)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                while self.silent and not writer.is_closing():  # noqa: ASYNC110 - a plain field, set from anywhere
                    await asyncio.sleep(0.02)
                if pause := self.delay + (len(data) / self.rate if self.rate else 0):
                    await asyncio.sleep(pause)
                writer.write(data)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def proxy(target: Target) -> AsyncIterator[Proxy]:
    """An open proxy."""
    found = Proxy(target)
    await found.open()
    try:
        yield found
    finally:
        await found.close()
