"""Coming back: what was missed, and the first screen of an account with many conversations."""

from __future__ import annotations

import asyncio
import statistics
import time

from bench.meter import Row, row
from bench.parties import LIVE, Party, conversation
from bench.sends import frames
from bench.wire import Wire

MOST = 2_500
SCREEN = """query($after: Cursor) { viewer { conversations(first: 100, after: $after) { nodes {
  id type head viewerRole state { envelope } members(first: 8) { nodes { role member { displayName } } }
} pageInfo { hasNextPage endCursor } } } }"""


async def resuming(party: Party, missed: int, budget: float, stretch: float, tries: int) -> list[Row]:
    """A socket that was away for `missed` events, until it has caught up. The median of some tries."""
    # Into rooms of their own: an epoch takes 10,000 envelopes at most.
    rooms = -(-missed // MOST)
    for _ in range(rooms):
        party.rooms.append((await conversation(party.members[:2], party.clients[0]))[0])
    cursor = await party.cursor(1)
    sender = await Wire.open(party.server.url, party.tokens[0])
    for number in range(rooms):
        count = min(MOST, missed - number * MOST)
        await sender.run(frames(party, count, room=len(party.rooms) - 1 - number), 64)
    sender.close()
    times, used = [], 0.0
    for _ in range(tries):
        wire = await Wire.open(party.server.url, party.tokens[1])
        before, start = party.cpu(), time.perf_counter()
        wire.subscribe(LIVE, {"after": cursor})
        await wire.heard(1 + missed + 1)  # the acknowledgement, the events, CaughtUp
        times.append(time.perf_counter() - start)
        used = party.cpu() - before
        wire.close()
    return [
        row(f"resume after missing {missed:,} events", statistics.median(times), "s", most=budget, stretch=stretch),
        row("  server and database CPU per event", used / missed * 1e6, "us"),
    ]


async def screen(party: Party, conversations: int, tries: int) -> list[Row]:
    """The query of a client's first screen, all its pages; `conversations` are made first."""
    for first in range(0, conversations, 20):
        making = [conversation(party.members[:2], party.clients[0]) for _ in range(min(20, conversations - first))]
        await asyncio.gather(*making)
    times: list[float] = []
    used, count = 0.0, 0
    for _ in range(tries):
        before, start, count, after = party.cpu(), time.perf_counter(), 0, None
        while True:
            page = (await party.clients[1].data(SCREEN, {"after": after}))["viewer"]["conversations"]
            count += len(page["nodes"])
            if not page["pageInfo"]["hasNextPage"]:
                break
            after = page["pageInfo"]["endCursor"]
        times.append(time.perf_counter() - start)
        used = party.cpu() - before
    what = f"first screen with {count:,} conversations in the account, pages of 100"
    return [
        row(what, statistics.median(times), "s", most=1.0, stretch=0.3),
        row("  server and database CPU", used, "s"),
    ]
