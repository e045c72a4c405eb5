"""Servers that are measured against: the floor, our edge over a store in memory, and peers on Node."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.meter import cpu
from bench.wire import Wire
from tests.support.ports import free_port
from tests.support.server import ROOT

PEERS = Path(__file__).parent / "peers"
NAMES = ("yoga", "mercurius")
_START_SECONDS = 30.0


@dataclass(frozen=True)
class Other:
    """A running server."""

    name: str
    url: str
    pid: int

    def cpu(self) -> float:
        """Seconds of processor time that it has used."""
        return cpu(self.pid)


def peers() -> tuple[str, ...]:
    """The peers that are installed (`make bench` does that); none where Node or they are missing."""
    return NAMES if shutil.which("node") and (PEERS / "node_modules").is_dir() else ()


@asynccontextmanager
async def peer(name: str) -> AsyncIterator[Other]:
    """One of `peers`, over a store in memory."""
    async with _running(name, "node", str(PEERS / f"{name}.mjs")) as found:
        yield found


@asynccontextmanager
async def floor() -> AsyncIterator[Other]:
    """Ready frames to all sockets, and nothing else (bench.floor)."""
    async with _running("floor", sys.executable, "-m", "bench.floor") as found:
        yield found


@asynccontextmanager
async def memory(member: bytes, device: bytes) -> AsyncIterator[Other]:
    """Our edge over a store in memory (bench.memory)."""
    async with _running("memory", sys.executable, "-m", "bench.memory", after=(member.hex(), device.hex())) as found:
        yield found


@asynccontextmanager
async def _running(name: str, *command: str, after: tuple[str, ...] = ()) -> AsyncIterator[Other]:
    port = free_port()
    mine = {key: value for key, value in os.environ.items() if not key.startswith("CIRCLE_")}
    process = await asyncio.create_subprocess_exec(
        *command, str(port), *after, cwd=ROOT,
        env={**mine, "PYTHONPATH": f"{ROOT}:{ROOT / 'sdk/python'}", "NODE_ENV": "production"},
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        async with asyncio.timeout(_START_SECONDS):
            while True:
                try:
                    await Wire.touch(url)
                    break
                except OSError:
                    await asyncio.sleep(0.05)
        yield Other(name, url, process.pid)
    finally:
        process.terminate()
        await process.wait()
