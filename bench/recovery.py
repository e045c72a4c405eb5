"""A new device by the recovery key alone: how long until it has read everything, beside the cryptography in it.

`python -m bench.recovery [messages]`; both SDKs against a server of their own, 10,000 messages in 20 conversations,
which the Python SDK writes.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from circle_client import Circle, Conversation
from circle_client.protocol.envelope import decode_envelope, open_envelope
from circle_client.protocol.invite import InviteLink

from tests.support.server import ROOT, ServerProcess, set_up_token

PASSWORD = "correct horse battery staple"
ROOMS = 20
TEXT = "number {} of this conversation, of an ordinary length, such as people write to each other"


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(600):
        while not true():  # noqa: ASYNC110 - what is waited for is anything, from outside
            await asyncio.sleep(0.01)


async def _talk(room: Conversation, count: int) -> None:
    for number in range(count):
        await room.send(TEXT.format(number))


def cryptography(circle: Circle, count: int) -> float:
    """Seconds that signatures, digests and keys of so many messages take, nothing else."""
    machine = circle.running.engine.machine
    space = machine.spaces[circle.conversations[0].protocol_id]
    row = circle.running.account.store.latest_items(space.id, 2**53, 1)[0]
    envelope = decode_envelope(row.value["sent"][0])
    header = envelope.header
    dk = machine.people.chain(header.member).dk_at(header.device, header.n)
    branch = space.epochs[header.epoch.n].branches[header.b]
    start = time.perf_counter()
    for _ in range(count):
        envelope.verify(dk)
        open_envelope(envelope, branch)
    return time.perf_counter() - start


async def measure(count: int) -> None:
    """Write, recover, print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = ServerProcess(folder / "data")
        link = f"{server.url}/join#{InviteLink(set_up_token(await server.greeting())).fragment()}"
        try:
            async with await Circle.sign_up(server.url, link, "ada", "Ada", PASSWORD, folder / "first") as first:
                rooms = [await first.create_conversation("group", [], f"Room {n}") for n in range(ROOMS)]
                start, cpu = time.perf_counter(), time.process_time()
                await asyncio.gather(*(_talk(room, count // ROOMS) for room in rooms))
                wall, cpu = time.perf_counter() - start, time.process_time() - cpu
                print(f"sent {count}: {wall:.1f} s, {cpu / count * 1000:.2f} ms of the client's CPU each")
                heads = {room.protocol_id: 3 + count // ROOMS for room in rooms}
                await _until(lambda: all(room.head == heads[room.protocol_id] for room in rooms))
                await _recover(server.url, first, heads, folder / "second", count)
                await _recover_typescript(server.url, first, count)
        finally:
            await server.stop()


async def _recover(url: str, first: Circle, heads: dict[bytes, int], path: Path, count: int) -> None:
    start, cpu = time.perf_counter(), time.process_time()
    async with await Circle.recover(url, "ada", PASSWORD, first.recovery_words or (), path) as second:
        await _until(lambda: {one.protocol_id: one.head for one in second.conversations} == heads)
        wall, cpu = time.perf_counter() - start, time.process_time() - cpu
        read = sum(1 for room in second.conversations for one in room.history(count) if not one.unreadable)
    crypto = cryptography(first, count)
    print(f"read {read} of {count} on a new device: {wall:.2f} s, {cpu:.2f} s of CPU")
    print(f"cryptography in it: {crypto:.2f} s, {crypto / wall:.2f} of the whole")


async def _recover_typescript(url: str, first: Circle, count: int) -> None:
    """The same with the TypeScript SDK on Node, whose spec prints its own figures."""
    environment = {
        "CIRCLE_TEST_ORIGIN": url,
        "CIRCLE_TEST_WORDS": " ".join(first.recovery_words or ()),
        "CIRCLE_TEST_PASSWORD": PASSWORD,
        "CIRCLE_TEST_COUNT": str(count),
    }
    process = await asyncio.create_subprocess_exec(
        *("npx", "vitest", "run", "--config", "vitest.integration.config.ts", "test/integration/reading.spec.ts"),
        cwd=ROOT / "sdk" / "typescript",
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(900):
        said, _ = await process.communicate()
    lines = said.decode().splitlines()
    told = [line for line in lines if line.startswith(("read ", "cryptography "))]
    print("TypeScript:", *(told or lines), sep="\n")


if __name__ == "__main__":
    asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
