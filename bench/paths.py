"""The measured paths: send, concurrent sends, delivery, resume, first screen; each beside a floor of the same run."""

from __future__ import annotations

import asyncio
import statistics
import time
from base64 import b64decode
from collections.abc import Awaitable, Callable
from functools import partial

from circle_client.protocol.envelope import decode_envelope

from bench.parties import Party
from tests.support.client import Ws, websocket

FLOOR = "{ __typename }"
SCREEN = """{ viewer { member { displayName } conversations(first: 50) { nodes {
  id type head viewerRole state { envelope } members(first: 10) { nodes { role member { displayName } } }
} } } }"""
LIVE = """subscription Live($after: Cursor) { events(after: $after) { __typename
  ... on CaughtUp { cursor } ... on EventDelivery { cursor event { seq ... on EnvelopeEvent { envelope } } } } }"""

Row = dict[str, float | str]


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    """Milliseconds that it took."""
    start = time.perf_counter()
    await work()
    return (time.perf_counter() - start) * 1000


def centile(values: list[float], share: float) -> float:
    """The value below which `share` of them lie."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def decoding(party: Party, count: int = 300) -> Row:
    """Server-side CPU of decoding one envelope strictly, without any I/O."""
    data = [party.envelope(party.members[0]).data for _ in range(count)]
    start = time.process_time()
    for one in data:
        decode_envelope(one)
    return {
        "what": "decode an envelope strictly",
        "unit": "us CPU",
        "value": (time.process_time() - start) / count * 1e6,
    }


async def sending(party: Party, count: int = 200) -> list[Row]:
    """One caller: a durable send beside a query that touches nothing, interleaved."""
    client, sends, floors = party.clients[0], [], []
    for envelope in [party.envelope(party.members[0]) for _ in range(count)]:
        floors.append(await timed(lambda: client.data(FLOOR)))
        sends.append(await timed(partial(party.send, client, envelope)))
    floor = statistics.median(floors)
    return [
        {"what": "query that touches nothing (floor), p50", "unit": "ms", "value": floor},
        {"what": "durable send over HTTP, p50", "unit": "ms", "value": statistics.median(sends)},
        {"what": "durable send over HTTP, p99", "unit": "ms", "value": centile(sends, 0.99)},
        {"what": "durable send against floor", "unit": "x", "value": statistics.median(sends) / floor},
    ]


async def crowd(party: Party, callers: int = 16, each: int = 40) -> list[Row]:
    """Many callers at once into one conversation."""
    envelopes = [[party.envelope(party.members[0]) for _ in range(each)] for _ in range(callers)]

    async def caller(mine: int) -> None:
        for envelope in envelopes[mine]:
            await party.send(party.clients[0], envelope)

    cpu = party.cpu()
    took = await timed(lambda: asyncio.gather(*(caller(number) for number in range(callers))))
    sent = callers * each
    return [
        {"what": f"durable sends, {callers} callers", "unit": "/s", "value": sent / took * 1000},
        {"what": "server and database CPU per send", "unit": "ms", "value": (party.cpu() - cpu) / sent * 1000},
    ]


async def delivery(party: Party, count: int = 100, gap: float = 0.02) -> list[Row]:
    """From the send call to the receipt on another member's socket."""
    sent: dict[str, float] = {}
    latencies: list[float] = []
    async with websocket(party.server.url) as ws:
        await ws.start(party.tokens[1])
        await ws.say("subscribe", {"query": LIVE}, "live")
        while (await ws.hear())["payload"]["data"]["events"]["__typename"] != "CaughtUp":
            pass
        listening = asyncio.create_task(_receive(ws, count, sent, latencies))
        for _ in range(count):
            envelope = party.envelope(party.members[0])
            sent[envelope.header.id.hex()] = time.perf_counter()
            await party.send(party.clients[0], envelope)
            await asyncio.sleep(gap)
        await asyncio.wait_for(listening, 60)
    return [
        {"what": "send call to receipt, p50", "unit": "ms", "value": statistics.median(latencies)},
        {"what": "send call to receipt, p99", "unit": "ms", "value": centile(latencies, 0.99)},
    ]


async def _receive(ws: Ws, count: int, sent: dict[str, float], latencies: list[float]) -> None:
    while len(latencies) < count:
        item = (await ws.hear())["payload"]["data"]["events"]
        if item["__typename"] == "EventDelivery" and item["event"].get("envelope"):
            id_ = decode_envelope(b64decode(item["event"]["envelope"])).header.id.hex()
            if id_ in sent:
                latencies.append((time.perf_counter() - sent[id_]) * 1000)


async def resuming(party: Party, missed: int = 1000) -> list[Row]:
    """A socket that was away for `missed` events, until it has caught up."""
    async with websocket(party.server.url) as ws:
        await ws.start(party.tokens[1])
        await ws.say("subscribe", {"query": LIVE}, "live")
        cursor = (await ws.hear())["payload"]["data"]["events"]["cursor"]
    envelopes = [party.envelope(party.members[0]) for _ in range(missed)]
    for first in range(0, missed, 16):
        await asyncio.gather(*(party.send(party.clients[0], one) for one in envelopes[first : first + 16]))

    async def resume() -> None:
        async with websocket(party.server.url) as ws:
            await ws.start(party.tokens[1])
            await ws.say("subscribe", {"query": LIVE, "variables": {"after": cursor}}, "live")
            got = 0
            while (await ws.hear())["payload"]["data"]["events"]["__typename"] != "CaughtUp":
                got += 1
            if got != missed:
                raise RuntimeError(f"{got} of {missed} missed events came")

    took = await timed(resume)
    return [{"what": f"resume after missing {missed:,} events", "unit": "s", "value": took / 1000}]


async def screen(party: Party, count: int = 20) -> list[Row]:
    """The query of a client's first screen."""
    times = [await timed(lambda: party.clients[1].data(SCREEN)) for _ in range(count)]
    return [{"what": "first screen, p50", "unit": "ms", "value": statistics.median(times)}]
