"""Rooms at work, durable and with every check on: one of 500, fifty of two that all send, one of ten that talks."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

from bench.fanout import all_heard, together
from bench.meter import Load, Row, centile, in_turns, row
from bench.parties import Party, party
from bench.sends import frames
from bench.wire import Wire


async def large(party: Party, subscribers: int, each: int, rounds: int) -> list[Row]:
    """A room of `subscribers` sockets that hear sends which follow each other."""
    operations = frames(party, each * (rounds + 1) + 1)
    async with AsyncExitStack() as stack:
        wires = await together(stack, [party.listen(n % len(party.tokens)) for n in range(subscribers)])
        sender = await Wire.open(party.server.url, party.tokens[0])
        stack.callback(sender.close)
        await sender.run(operations[-1:], 1)
        await all_heard(wires, 1)
        turns = iter(range(0, len(operations), each))

        async def work() -> None:
            start, before = next(turns), wires[0].count
            await sender.run(operations[start : start + each], 4)
            await all_heard(wires, before + each)

        load = Load(each * subscribers, work, party.cpu)
        await in_turns([load], rounds)
    what = f"room of {subscribers}, durable: server and database CPU per delivery"
    return [row(what, load.cost, "us", most=16.0, stretch=12.0)]


async def many(rooms: int, each: int, rounds: int) -> list[Row]:
    """Rooms of two; everybody has a socket, follows everything and sends, all at once."""
    async with AsyncExitStack() as stack:
        people = await stack.enter_async_context(party(2 * rooms, pairs=True))
        wires = await together(stack, [people.listen(member) for member in range(2 * rooms)])
        senders = [await Wire.open(people.server.url, token) for token in people.tokens]
        for sender in senders:
            stack.callback(sender.close)
        total = each * (rounds + 1)
        operations = [frames(people, total, by, by // 2) for by in range(2 * rooms)]
        turns = iter(range(0, total, each))

        async def work() -> None:
            start, before = next(turns), wires[0].count
            await asyncio.gather(
                *(s.run(mine[start : start + each], 1) for s, mine in zip(senders, operations, strict=True))
            )
            await all_heard(wires, before + 2 * each)

        whole = Load(each * 2 * rooms, work, people.cpu)
        await in_turns([whole], rounds)
    what = f"{rooms} rooms of 2, all sending, durable: server and database CPU per message"
    return [
        row(what, whole.cost / 1000, "ms", most=0.69, stretch=0.45),
        row("  messages a second", 1e6 / whole.time, "/s"),
    ]


async def talk(party: Party, size: int, count: int, per_second: float) -> list[Row]:
    """A room of `size` sockets, so many messages a second: from the send's call to its receipt, by each."""
    sent: list[float] = []
    latencies: list[float] = []
    operations = frames(party, count)
    async with AsyncExitStack() as stack:
        wires = await together(stack, [party.listen(n % len(party.tokens)) for n in range(size)])
        for wire in wires:
            wire.on_message = _receipts(wire, sent, latencies)
        sender = await Wire.open(party.server.url, party.tokens[0])
        stack.callback(sender.close)
        used, start = party.cpu(), time.perf_counter()
        for number, one in enumerate(operations):
            await asyncio.sleep(max(0.0, start + number / per_second - time.perf_counter()))
            sent.append(time.perf_counter())
            sender.write(one)
        await all_heard(wires, count)
        used = party.cpu() - used
    what = f"room of {size}, {per_second:g} messages/s: send call to receipt"
    return [
        row(f"{what}, p50", statistics.median(latencies), "ms", most=4.0, stretch=2.3),
        row(f"{what}, p99", centile(latencies, 0.99), "ms", most=10.0, stretch=4.0),
        row("  server and database CPU per message", used / count * 1000, "ms"),
    ]


def _receipts(wire: Wire, sent: Sequence[float], latencies: list[float]) -> Callable[[bytes], None]:
    # Receipts come in the order of sends: a socket's number of messages says which one this is.
    return lambda _message: latencies.append((time.perf_counter() - sent[wire.count - 1]) * 1000)
