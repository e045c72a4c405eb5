"""Stuck readers: many sockets that subscribe and read nothing while messages flow. `python -m bench.stuck [sockets]`.

Prints the server's memory before and after, and how long a message takes to a client that reads, without and with them.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from contextlib import AsyncExitStack

import psutil
from circle_client.protocol.contents import message

from bench.parties import Party, party
from tests.support.client import Ws, websocket

LIVE = """subscription Live { events { __typename
  ... on EventDelivery { cursor event { seq ... on EnvelopeEvent { envelope } } } } }"""
OWN = """subscription Own { events { __typename ... on EventDelivery { cursor event { seq
  space { id ... on Conversation { viewerRole } } ... on EnvelopeEvent { envelope } } } } }"""
EVENTS, TEXT = 100, "x" * 12_000


async def _follow(people: Party, query: str, stack: AsyncExitStack) -> Ws:
    ws = await stack.enter_async_context(websocket(people.server.url))
    await ws.start(people.tokens[1])
    await ws.say("subscribe", {"query": query}, "1")
    await ws.hear()
    return ws


async def _talk(people: Party, reader: Ws) -> float:
    """Milliseconds from a send to its receipt, the median."""
    times = []
    for _ in range(EVENTS):
        envelope = people.room.make_envelope(people.members[0], message(TEXT))
        start = time.perf_counter()
        await people.send(people.clients[0], envelope)
        await reader.hear()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


async def measure(count: int) -> None:
    """Measure and print."""
    async with party(2) as people, AsyncExitStack() as stack:
        assert people.server.process is not None
        server = psutil.Process(people.server.process.pid)
        reader = await _follow(people, LIVE, stack)
        alone = await _talk(people, reader)
        for number in range(count):
            ws = await _follow(people, OWN if number % 10 == 0 else LIVE, stack)
            ws.socket.transport.pause_reading()
            stack.callback(ws.socket.transport.abort)
        before = server.memory_info().rss / 2**20
        amid = await _talk(people, reader)
        after = server.memory_info().rss / 2**20
        print(f"{count} stuck readers, {EVENTS} messages of {len(TEXT):,} characters")
        each = (after - before) / count * 1024
        print(f"server's memory {before:.0f} MiB before, {after:.0f} after: {each:.0f} KiB each")
        print(f"send to receipt, p50: {alone:.1f} ms without them, {amid:.1f} ms with them")


if __name__ == "__main__":
    asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000))
