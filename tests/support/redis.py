"""A real Redis for tests (Debian's redis-server), on a free port of the loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.ports import free_port


class RedisServer:
    """Started and stopped any number of times on one port; keeps nothing on disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        options = f"--port {self.port} --bind 127.0.0.1 --save '' --appendonly no --dir {self.folder}"
        process = await asyncio.create_subprocess_exec(
            "redis-server", *options.replace("''", "").split(" "), stdout=asyncio.subprocess.DEVNULL
        )
        try:
            await self._ready()
            yield
        finally:
            process.terminate()
            await process.wait()

    async def _ready(self) -> None:
        async with asyncio.timeout(10):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    await asyncio.sleep(0.02)
                    continue
                writer.close()
                await writer.wait_closed()
                return
