"""Crowds: what an idle subscriber costs in memory, and how soon a thousand are back that come at once."""

from __future__ import annotations

import asyncio
import random
import resource
import time
from contextlib import AsyncExitStack

import psutil

from bench.fanout import together
from bench.meter import Row, row
from bench.parties import LIVE, Party
from bench.wire import Wire

KIB = 1024
TRIES = 20


def sockets_allowed(wanted: int) -> int:
    """How many sockets this process may have open, at most `wanted`; the soft limit is raised as far as it goes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return min(wanted, soft - 500)


async def idle(party: Party, wanted: int) -> list[Row]:
    """The server's resident memory before and after so many have subscribed and been told that they are caught up."""
    count = sockets_allowed(wanted)
    server = psutil.Process(party.pid)
    async with AsyncExitStack() as stack:
        await together(stack, [party.listen(n % len(party.tokens)) for n in range(count // 10)])
        await asyncio.sleep(1)
        before = server.memory_info().rss
        await together(stack, [party.listen(n % len(party.tokens)) for n in range(count)])
        await asyncio.sleep(1)
        after = server.memory_info().rss
    what = f"memory of the server per idle subscriber, {count:,} sockets"
    return [row(what, (after - before) / count / KIB, "KiB", most=60.0, stretch=33.0)]


async def storm(party: Party, count: int) -> list[Row]:
    """All sockets at once: until each has said who it is, subscribed from its cursor, and is caught up."""
    cursor = await party.cursor(0)
    slowest: list[float] = []
    again: list[int] = []
    start, used = time.perf_counter(), party.cpu()

    async def once(number: int) -> None:
        wire = await Wire.open(party.server.url, party.tokens[number % len(party.tokens)])
        stack.callback(wire.close)
        wire.subscribe(LIVE, {"after": cursor})
        await wire.heard(2)

    async def back(number: int) -> None:
        for attempt in range(TRIES):
            try:
                await once(number)
            except ConnectionError:  # told to come again: as clients do, later and not all at the same time
                again.append(number)
                await asyncio.sleep(random.uniform(0.1, 0.5 * (attempt + 1)))
            else:
                slowest.append(time.perf_counter() - start)
                return
        raise RuntimeError("a socket was told to come again too often")

    async with AsyncExitStack() as stack:
        await asyncio.gather(*(back(number) for number in range(count)))
        used = party.cpu() - used
    return [
        row(f"reconnect storm, {count:,} sockets at once: all caught up", max(slowest), "s"),
        row("  half of them caught up", sorted(slowest)[count // 2], "s"),
        row("  refusals on the way (come again later)", len(again), ""),
        row("  server and database CPU per socket", used / count * 1000, "ms"),
    ]
