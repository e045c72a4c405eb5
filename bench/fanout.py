"""Fan-out: one event to many sockets, beside the floor of writing ready frames, and beside peers. All take turns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

from bench.meter import Load, Row, in_turns, ratio, row
from bench.parties import LIVE, Party, operation
from bench.processes import floor, peer, peers
from bench.sends import frames
from bench.wire import Wire, frame
from tests.support.actors import b64

BUDGETS = {"yoga": {"least": 5.5, "stretch": 7.0}, "mercurius": {"least": 4.0, "stretch": 5.0}}


async def fanout(party: Party, subscribers: int, each: int, rounds: int) -> list[Row]:
    """A room of `subscribers` sockets; a turn is `each` sends, one after the other, heard by all."""
    operations = frames(party, each * (rounds + 1) + 1)
    envelope = b64(party.envelope(party.members[0]).data)
    async with AsyncExitStack() as stack:
        ours = await together(stack, [party.listen(n % len(party.tokens)) for n in range(subscribers)])
        sender = await Wire.open(party.server.url, party.tokens[0])
        stack.callback(sender.close)
        await sender.run(operations[-1:], 1)  # the first one goes the long way
        await all_heard(ours, 1)
        ready = await stack.enter_async_context(floor())
        wires = await together(stack, [Wire.touch(ready.url) for _ in range(subscribers)])
        size = ours[0].size
        loads = [
            _turns(sender, ours, operations, each, party.server_cpu),
            _floor(wires, each, size, ready.cpu),
        ]
        names = peers()
        for name in names:
            other = await stack.enter_async_context(peer(name))
            wires = await together(stack, [_subscribed(other.url) for _ in range(subscribers)])
            wire = await Wire.open(other.url)
            stack.callback(wire.close)
            same = [operation(f"s{n}", {"input": {"envelope": envelope}}) for n in range(each * (rounds + 1))]
            loads.append(_turns(wire, wires, same, each, other.cpu))
        await in_turns(loads, rounds)
    return _rows(subscribers, loads, names)


def _rows(subscribers: int, loads: Sequence[Load], names: Sequence[str]) -> list[Row]:
    mine, ready = loads[0], loads[1]
    rows = [
        row(f"fan-out to {subscribers:,}: server CPU per delivery, send included", mine.cost, "us"),
        row("  a ready frame to each of as many (floor)", ready.cost, "us"),
        row("  our share of the floor", ratio(ready, mine), "x", least=0.75, stretch=0.85),
    ]
    for name, load in zip(names, loads[2:], strict=True):
        rows.append(row(f"  {name}, store in memory: CPU per delivery", load.cost, "us"))
        rows.append(row(f"  {name} against ours", ratio(load, mine), "x", **BUDGETS[name]))
    return rows


async def together(stack: AsyncExitStack, opening: Sequence[object], at_once: int = 50) -> list[Wire]:
    """Open sockets, some at a time; they are closed with the stack."""
    wires: list[Wire] = []
    for first in range(0, len(opening), at_once):
        opened = await asyncio.gather(*opening[first : first + at_once])  # type: ignore[call-overload]  # coroutines
        for wire in opened:
            stack.callback(wire.close)
        wires += opened
    return wires


async def all_heard(wires: Sequence[Wire], count: int) -> None:
    """Wait until each has heard so much since its count began."""
    for wire in wires:
        await wire.heard(count)


async def _subscribed(url: str) -> Wire:
    wire = await Wire.open(url)
    wire.subscribe(LIVE)
    await wire.heard(2)
    wire.count = 0
    return wire


def _turns(
    sender: Wire, wires: Sequence[Wire], operations: Sequence[bytes], each: int, used: Callable[[], float]
) -> Load:
    turns = iter(range(0, len(operations), each))

    async def work() -> None:
        start, before = next(turns), wires[0].count
        for number, one in enumerate(operations[start : start + each], 1):
            await sender.run([one], 1)
            await all_heard(wires, before + number)

    return Load(each * len(wires), work, used)


def _floor(wires: Sequence[Wire], each: int, size: int, used: Callable[[], float]) -> Load:
    async def work() -> None:
        # One event at a time, as ours and the peers' go: back to back the kernel wakes the other side less often.
        before = wires[0].count
        for number in range(1, each + 1):
            wires[0].write(frame(f"1 {size}".encode()))
            await all_heard(wires, before + number)

    return Load(each * len(wires), work, used)
