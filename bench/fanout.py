"""Fan-out: one event to many sockets, as server CPU per delivery, beside the floor of writing ready frames."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import psutil
from websockets.asyncio.client import ClientConnection, connect

from bench.parties import Party
from bench.paths import LIVE, Row
from tests.support.client import Ws, websocket
from tests.support.server import ROOT, free_port


class Listener:
    """A socket that only counts what comes."""

    def __init__(self, socket: ClientConnection) -> None:
        self.count = self.size = 0
        self._task = asyncio.create_task(self._read(socket))

    async def _read(self, socket: ClientConnection) -> None:
        async for message in socket:
            if len(message) > 100:  # no ping
                self.count, self.size = self.count + 1, len(message)

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def heard(listeners: list[Listener], count: int) -> None:
    """Wait until each has heard so much."""
    async with asyncio.timeout(120):
        while any(listener.count < count for listener in listeners):  # noqa: ASYNC110  (counters set no event)
            await asyncio.sleep(0.005)


async def fanout(party: Party, subscribers: int = 500, events: int = 60) -> list[Row]:
    """A room of `subscribers` sockets; sends follow each other."""
    envelopes = [party.envelope(party.members[0]) for _ in range(events)]
    async with AsyncExitStack() as stack:
        listeners: list[Listener] = []
        for number in range(subscribers):
            ws: Ws = await stack.enter_async_context(websocket(party.server.url))
            token = number % len(party.tokens)
            await ws.start(party.tokens[token])
            await ws.say("subscribe", {"query": LIVE}, "live")
            while (await ws.hear())["payload"]["data"]["events"]["__typename"] != "CaughtUp":
                pass
            listeners.append(Listener(ws.socket))
            stack.push_async_callback(listeners[-1].stop)
        await party.send(party.clients[0], party.envelope(party.members[0]))  # the first one goes the long way
        await heard(listeners, 1)
        before, alone = party.cpu(), party.server_cpu()
        for envelope in envelopes:
            await party.send(party.clients[0], envelope)
        await heard(listeners, events + 1)
        whole, server = party.cpu() - before, party.server_cpu() - alone
        size = listeners[0].size
    deliveries = events * subscribers
    floor = await _floor(subscribers, events, size)
    mine = server / deliveries * 1e6
    return [
        {"what": f"fan-out to {subscribers}: server CPU per delivery", "unit": "us", "value": mine},
        {"what": "the same with the database's", "unit": "us", "value": whole / deliveries * 1e6},
        {"what": "floor: a ready frame to each of as many", "unit": "us", "value": floor},
        {"what": "fan-out, share of the floor (send included)", "unit": "x", "value": floor / mine},
    ]


async def _floor(subscribers: int, events: int, size: int) -> float:
    """Microseconds of CPU per frame."""
    async with _floor_server() as (url, process), AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(connect(url, max_size=None)) for _ in range(subscribers)]
        listeners = [Listener(socket) for socket in sockets]
        for listener in listeners:
            stack.push_async_callback(listener.stop)
        times = process.cpu_times()
        await sockets[0].send(f"{events} {size}")
        await heard(listeners, events)
        after = process.cpu_times()
    return (after.user + after.system - times.user - times.system) / events / subscribers * 1e6


@asynccontextmanager
async def _floor_server() -> AsyncIterator[tuple[str, psutil.Process]]:
    port = free_port()
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.floor", str(port), cwd=ROOT)
    url = f"ws://127.0.0.1:{port}/"
    try:
        async with asyncio.timeout(20):
            while True:
                try:
                    async with connect(url):
                        break
                except OSError:
                    await asyncio.sleep(0.05)
        yield url, psutil.Process(process.pid)
    finally:
        process.terminate()
        await process.wait()
