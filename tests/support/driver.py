"""The TypeScript driver (sdk/typescript/test/driver): one Node process that hosts any number of clients."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.support.server import ROOT

PATIENCE = 300.0
_LINE = 64 * 1024 * 1024


class DriverError(Exception):
    """What a TypeScript client refused: its stable code and its sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


class Driver:
    """Sends commands and hands out the answers, in whatever order they come."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process, self._numbers = process, itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._reader = asyncio.create_task(self._read())

    async def ask(self, do: str, device: str = "", /, **arguments: Any) -> Any:
        """One command's result. Raises DriverError with what the client threw."""
        number = next(self._numbers)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        if self._reader.done():
            raise DriverError("GONE", "The driver has ended.")
        assert self._process.stdin is not None
        line = json.dumps({"id": number, "do": do, "device": device, **arguments})
        self._process.stdin.write(line.encode() + b"\n")
        async with asyncio.timeout(PATIENCE):
            return await answer

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            answer = json.loads(line, object_hook=_bytes)
            future = self._waiting.pop(answer["id"])
            if future.done():  # nobody waits any more
                continue
            if "error" in answer:
                future.set_exception(DriverError(answer["error"]["code"], answer["error"]["message"]))
            else:
                future.set_result(answer["ok"])
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(DriverError("GONE", "The driver has ended."))

    async def close(self) -> None:
        """End the process; its clients die with it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(10):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        await asyncio.gather(self._reader, return_exceptions=True)


def _bytes(value: dict[str, Any]) -> Any:
    return base64.b64decode(value["$bytes"]) if set(value) == {"$bytes"} else value


@asynccontextmanager
async def driver() -> AsyncIterator[Driver]:
    """A running driver."""
    process = await asyncio.create_subprocess_exec(
        "node",
        "test/driver/main.mjs",
        cwd=ROOT / "sdk" / "typescript",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LINE,
    )
    found = Driver(process)
    try:
        yield found
    finally:
        await found.close()
