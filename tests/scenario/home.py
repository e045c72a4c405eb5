"""The server of a scenario: a process of its own under the world's clock, which may be stopped or killed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from tests.support.clock import WorldClock
from tests.support.server import ROOT, ServerProcess, set_up_token

_ENVIRONMENT = {"CIRCLE_LOG_LEVEL": "error", "CIRCLE_DRAIN_SECONDS": "0.5", "CIRCLE_EXPIRY_SECONDS": "1"}


class Home(ServerProcess):
    """The running server; `dsn` is its database, past all policies."""

    def __init__(self, folder: Path, dsn: str, clock: WorldClock) -> None:
        super().__init__(folder / "server")
        self.environment = {**_ENVIRONMENT, "CIRCLE_DATABASE_URL": dsn, "CIRCLE_WEB_DIR": str(folder / "no-web")}
        self.folder, self.dsn, self.clock, self.token = folder, dsn, clock, b""
        self.faults: list[str] = []
        self._restarting = asyncio.Lock()

    async def run(self, *command: str) -> asyncio.subprocess.Process:
        assert command == ("serve",)
        mine = {key: value for key, value in os.environ.items() if not key.startswith("CIRCLE_")}
        settings = {
            "PYTHONPATH": f"{ROOT}:{ROOT / 'sdk/python'}",
            "CIRCLE_DATA_DIR": str(self.data_dir),
            "CIRCLE_PORT": str(self.port),
        }
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.support.shifted_server",
            str(self.clock.path),
            cwd=ROOT,
            env={**mine, **settings, **self.environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        code, said = await super().stop(number)
        if said.strip():  # it speaks of errors alone
            self.faults.append(said)
        return code, said

    async def fetch(self, query: str) -> list[asyncpg.Record]:
        """Rows of the database."""
        connection = await asyncpg.connect(self.dsn)
        try:
            return await connection.fetch(query)
        finally:
            await connection.close()

    async def restart(self, *, kill: bool) -> None:
        """End the process, with or without a warning, and start it again."""
        async with self._restarting:
            await self.stop(signal.SIGKILL if kill else signal.SIGTERM)
            await self.start()


@asynccontextmanager
async def home(folder: Path, dsn: str) -> AsyncIterator[Home]:
    """A new server that nobody has signed up to; its clock moves the Python clients along."""
    folder.mkdir(parents=True, exist_ok=True)
    clock = WorldClock(folder / "clock", dsn)
    with pytest.MonkeyPatch.context() as patch:
        await clock.install(patch)
        server = Home(folder, dsn, clock)
        server.token = set_up_token(await server.greeting())
        try:
            yield server
        finally:
            await server.stop()
