"""Sends: over one socket with a store in memory, beside peers; and durable, with many callers, beside one by one."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack

from bench.meter import Load, Row, in_turns, ratio, row
from bench.parties import Party, operation, party
from bench.processes import Other, memory, peer, peers
from bench.wire import Wire
from tests.support.actors import b64

WINDOW = 8
CALLERS = 64


def frames(party: Party, count: int, by: int = 0, room: int = 0) -> list[bytes]:
    """Operations that send, ready to be written; their ids differ from room to room."""
    made = [party.envelope(party.members[by], room).data for _ in range(count)]
    return [operation(f"{room}-{number}", {"input": {"envelope": b64(data)}}) for number, data in enumerate(made)]


async def one_socket(party: Party, each: int, rounds: int) -> list[Row]:
    """`sendMessage` over one socket, a few under way at a time."""
    actor = party.members[0]
    async with AsyncExitStack() as stack:
        others: list[Other] = [await stack.enter_async_context(memory(actor.member, actor.device))]
        others += [await stack.enter_async_context(peer(name)) for name in peers()]
        loads = []
        for other in others:
            wire = await Wire.open(other.url, "A" * 43)
            stack.callback(wire.close)
            loads.append(_load(wire, other, frames(party, each * (rounds + 1)), each))
        await in_turns(loads, rounds)
    ours = loads[0]
    rows = [row("send over one socket, store in memory: CPU", ours.cost, "us")]
    for other, load in zip(others[1:], loads[1:], strict=True):
        budget = {"least": 1.0, "stretch": 2.0} if other.name == "yoga" else {}
        rows.append(row(f"  {other.name}: CPU", load.cost, "us"))
        rows.append(row(f"  {other.name}'s CPU against ours", ratio(load, ours), "x", **budget))
    return rows


def _load(wire: Wire, other: Other, operations: Sequence[bytes], each: int) -> Load:
    turns = iter(range(0, len(operations), each))

    async def work() -> None:
        start = next(turns)
        await wire.run(operations[start : start + each], WINDOW)

    return Load(each, work, other.cpu)


async def durable(rooms: int, each: int, rounds: int) -> list[Row]:
    """64 callers at once, durable, into some rooms: in batches, and each with a commit of its own."""
    async with AsyncExitStack() as stack:
        parties = [
            await stack.enter_async_context(party(2, rooms=rooms)),
            await stack.enter_async_context(party(2, "-m", "bench.alone", rooms=rooms)),
        ]
        loads, databases = [], []
        for one in parties:
            wire = await Wire.open(one.server.url, one.tokens[0])
            stack.callback(wire.close)
            load, database = _callers(wire, one, rooms, each, rounds)
            loads.append(load)
            databases.append(database)
        await in_turns(loads, rounds)
        database = [sum(found) for found in databases]
    batched, alone = loads
    return [
        row(f"durable sends, {CALLERS} callers: server and database CPU", batched.cost, "us"),
        row("  the same with one commit per send", alone.cost, "us"),
        row("  sends a second against one commit per send", alone.time / batched.time, "x", least=4.0, stretch=8.0),
        row("  CPU of one commit per send against ours", ratio(alone, batched), "x"),
        row("  the database's part of that", database[1] / database[0], "x"),
    ]


def _callers(wire: Wire, party: Party, rooms: int, each: int, rounds: int) -> tuple[Load, list[float]]:
    total = each * (rounds + 1)
    by_room = [frames(party, total // rooms + 1, room=room) for room in range(rooms)]
    operations = [by_room[number % rooms][number // rooms] for number in range(total)]
    turns, spent = iter(range(0, total, each)), []

    async def work() -> None:
        start, used = next(turns), party.cpu() - party.server_cpu()
        await wire.run(operations[start : start + each], CALLERS)
        spent.append(party.cpu() - party.server_cpu() - used)

    return Load(each, work, party.cpu), spent
