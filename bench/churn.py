"""Churn: clients that connect, subscribe and vanish, in every way they can, while messages flow.

`python -m bench.churn [minutes] [connections a second]` prints the server's memory, open files, tasks and sockets over
time, and at the end which types of objects have grown since it was warm.
"""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil

from bench.parties import Party, party
from tests.support.client import Ws, websocket

LIVE = """subscription Live($after: Cursor) { events(after: $after) { __typename
  ... on CaughtUp { cursor } ... on EventDelivery { cursor event { seq ... on EnvelopeEvent { envelope } } } } }"""
OWN = """subscription Own { events { __typename
  ... on EventDelivery { cursor event { seq space { id ... on Conversation { viewerRole } } } } } }"""
ONE = """subscription One($id: ID!) { messages(conversationId: $id) { __typename
  ... on EventDelivery { cursor event { seq } } } }"""
TYPING = "subscription Typing { typing { until } }"
PRESENCE = "subscription Presence($ids: [ID!]!) { presence(memberIds: $ids) { presences { presence { state } } } }"
SIGNALS = "subscription Signals { callSignals { acceptedAt } }"
ASK = "{ viewer { id: member { id } conversations(first: 5) { nodes { head } } } }"
WARM = 0.25
"""The share of the time after which what grows is counted."""
EVERY = 20.0
GONE = 12.0
"""Seconds after which whoever was there last must be forgotten."""


async def churn(minutes: float, per_second: float) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="circle-churn-") as folder:
        door = Path(folder) / "door"
        async with party(4, "-m", "bench.watched", str(door), CIRCLE_SOCKET_PING_SECONDS="5") as people:
            start, end = time.monotonic(), time.monotonic() + minutes * 60
            done, said = Counter[str](), list[str]()
            jobs = [
                asyncio.create_task(_hear(people, said)),
                asyncio.create_task(_send(people)),
                asyncio.create_task(_come_and_go(people, per_second, done)),
            ]
            try:
                table = Table(people, door, start, done)
                warm = None
                while time.monotonic() < end:
                    seen = await table.row()
                    if warm is None and time.monotonic() > start + (end - start) * WARM:
                        warm = seen
                    await asyncio.sleep(min(EVERY, max(0.1, end - time.monotonic())))
            finally:
                for job in jobs:
                    job.cancel()
                await asyncio.gather(*jobs, return_exceptions=True)
            await asyncio.sleep(GONE)
            left = await table.row()
            print("tasks left:", json.dumps(left["tasks"]))
            print("clients:", json.dumps(done))
            print(f"the server complained {len(said)} times", *said[:3], sep="\n")
            for kind, more in (Counter(left["objects"]) - Counter((warm or left)["objects"])).most_common(12):
                print(f"{more:+8} {kind}")
            if done["TimeoutError"] > done.total() / 10:
                raise SystemExit("The server has answered nobody for a part of the time: this measures nothing.")


class Table:
    """What the server looks like, a row at a time."""

    def __init__(self, people: Party, door: Path, start: float, done: Counter[str]) -> None:
        assert people.server.process is not None
        self._server = psutil.Process(people.server.process.pid)
        self._door, self._start, self._done = door, start, done
        print(f"{'minute':>7} {'clients':>8} {'RSS MiB':>8} {'files':>6} {'tasks':>6} {'objects':>8}", flush=True)

    async def row(self) -> dict[str, Any]:
        """Print one; what the server counted."""
        seen = await _count(self._server, self._door)
        minute, memory = (time.monotonic() - self._start) / 60, self._server.memory_info().rss / 2**20
        files, tasks, objects = self._server.num_fds(), sum(seen["tasks"].values()), sum(seen["objects"].values())
        print(
            f"{minute:7.1f} {self._done.total():8} {memory:8.1f} {files:6} {tasks:6} {objects:8}",
            flush=True,
        )
        return seen


async def _count(server: psutil.Process, door: Path) -> dict[str, Any]:
    """What the server counts when it is told to; it has a minute."""
    door.unlink(missing_ok=True)
    server.send_signal(signal.SIGUSR1)
    async with asyncio.timeout(60):
        while not door.exists():  # noqa: ASYNC110  (nobody tells of a file)
            await asyncio.sleep(0.05)
    found: dict[str, Any] = json.loads(door.read_text())
    return found


async def _hear(people: Party, said: list[str]) -> None:
    """What the server has to complain of: left in the pipe it would stop the server once that is full."""
    process = people.server.process
    assert process is not None
    assert process.stderr is not None
    while line := await process.stderr.readline():
        said.append(line.decode().rstrip())


async def _send(people: Party) -> None:
    while True:
        await people.send(people.clients[0], people.envelope(people.members[0]))
        await asyncio.sleep(random.uniform(0, 0.4))


async def _come_and_go(people: Party, per_second: float, done: Counter[str]) -> None:
    """One after the other at random times; each lives for a few seconds at most."""
    async with asyncio.TaskGroup() as group:
        while True:
            group.create_task(_client(people, done))
            await asyncio.sleep(random.expovariate(per_second))


async def _client(people: Party, done: Counter[str]) -> None:
    way = random.choice((_vanish, _vanish, _leave, _unsaid, _half_a_frame, _resume, _ask))
    try:
        async with asyncio.timeout(30):
            await way(people)
    except (OSError, EOFError, TimeoutError, AssertionError) as error:
        done[type(error).__name__] += 1
    except Exception as error:  # the socket's library has many names for a connection that is gone
        done[type(error).__name__] += 1
    else:
        done[way.__name__] += 1


async def _begin(ws: Ws, people: Party) -> None:
    """Up to four subscriptions of any kind."""
    await ws.start(random.choice(people.tokens))
    ids = [(await people.clients[0].data("{ viewer { member { id } } }"))["viewer"]["member"]["id"]]
    kinds: list[tuple[str, dict[str, Any]]] = [
        (LIVE, {}), (OWN, {}), (ONE, {"id": people.room_id}), (TYPING, {}), (PRESENCE, {"ids": ids}), (SIGNALS, {}),
    ]  # fmt: skip
    for number, (query, variables) in enumerate(random.sample(kinds, random.randint(1, 4))):
        await ws.say("subscribe", {"query": query, "variables": variables}, str(number))
    await asyncio.sleep(random.expovariate(1))


async def _vanish(people: Party) -> None:
    """The network is gone, in the middle of everything."""
    async with websocket(people.server.url) as ws:
        await _begin(ws, people)
        ws.socket.transport.abort()


async def _leave(people: Party) -> None:
    """As good clients do."""
    async with websocket(people.server.url) as ws:
        await _begin(ws, people)
        await ws.say("complete", id="0")


async def _unsaid(people: Party) -> None:
    """Connected, and never said who."""
    async with websocket(people.server.url) as ws:
        await asyncio.sleep(random.uniform(0, 2))
        ws.socket.transport.abort()


async def _half_a_frame(people: Party) -> None:
    """A text frame of 1,000 bytes, of which six come."""
    async with websocket(people.server.url) as ws:
        await _begin(ws, people)
        ws.socket.transport.write(b"\x81\xfe\x03\xe8abcd")
        await asyncio.sleep(0.05)
        ws.socket.transport.abort()


async def _resume(people: Party) -> None:
    """Follow, be cut off, follow from the cursor, be cut off again."""
    cursor = None
    for _ in range(2):
        async with websocket(people.server.url) as ws:
            await ws.start(people.tokens[1])
            await ws.say("subscribe", {"query": LIVE, "variables": {"after": cursor}}, "live")
            cursor = (await ws.hear())["payload"]["data"]["events"]["cursor"]
            await asyncio.sleep(random.expovariate(2))
            ws.socket.transport.abort()


async def _ask(people: Party) -> None:
    """A query over a socket, whose answer nobody takes."""
    async with websocket(people.server.url) as ws:
        await ws.start(random.choice(people.tokens))
        await ws.say("subscribe", {"query": ASK}, "1")
        ws.socket.transport.abort()


if __name__ == "__main__":
    asyncio.run(churn(*(float(word) for word in [*sys.argv[1:], *("5", "15")[len(sys.argv) - 1 :]])))
