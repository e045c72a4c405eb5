"""Both SDKs through what befalls several nodes: Redis away, PostgreSQL restarted or crashed, a node killed, lines cut.

Nobody helps the clients: they resume by themselves, and nothing is lost, doubled or out of order for any of them.
"""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from circle_client import Circle, Conversation, Message

from tests.faults.havoc import Havoc
from tests.support.nodes import Cluster, cluster
from tests.support.sdk import Party, theirs

NAMES = ("ada", "bob", "eve")
LEAST = 20
CATCH_UP_SECONDS = 90.0


@asynccontextmanager
async def nodes_with_ada(folder: Path) -> AsyncIterator[tuple[Cluster, Party]]:
    """Two nodes, and an owner with the Python SDK on the first."""
    people: list[Party] = []

    async def come(url: str, token: bytes) -> None:
        people.append(Party(url, token, folder))
        await people[0].come("ada")

    async with cluster(folder, "ab", owner=come, CIRCLE_DRAIN_SECONDS="2") as of:
        try:
            yield of, people[0]
        finally:
            await people[0].close()


def misfortunes(of: Cluster) -> list[Callable[[], Awaitable[object]]]:
    """One after the other, each mended before the next."""
    havoc = Havoc(of, random.Random(7))

    async def killed() -> None:
        await havoc.again(of.nodes[1], signal.SIGKILL)

    return [
        havoc.redis_away, havoc.postgres_restarted, killed, havoc.clients_cut, havoc.postgres_crashed,
        havoc.backends_terminated, havoc.node_stopped, havoc.database_cut,
    ]  # fmt: skip


async def talk(conversation: Conversation, name: str, sent: list[Message], done: asyncio.Event) -> None:
    """Send until that is set, and at least so much."""
    number = 0
    while number < LEAST or not done.is_set():
        sent.append(await conversation.send(f"{name} {number}"))
        number += 1
        await asyncio.sleep(0.2)


async def heard(circle: Circle, conversation: Conversation, count: int) -> list[Message]:
    """The first so many messages that a client is told of."""
    found: list[Message] = []
    async with asyncio.timeout(CATCH_UP_SECONDS):
        async for message in (await theirs(circle, conversation)).messages():
            found.append(message)
            if len(found) == count:
                break
    return found


async def test_python_clients_resume_by_themselves(tmp_path: Path) -> None:
    async with nodes_with_ada(tmp_path) as (of, people):
        circles = [people.circles["ada"], *[await people.come(name, of.nodes[1].url) for name in NAMES[1:]]]
        room = await circles[0].create_conversation("group", NAMES[1:], "Tea")
        sent, done = list[Message](), asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            for circle, name in zip(circles, NAMES, strict=True):
                tasks.create_task(talk(await theirs(circle, room), name, sent, done))
            for misfortune in misfortunes(of):
                await misfortune()
                await asyncio.sleep(1)
            done.set()
        wanted = {message.id: (message.seq, message.text) for message in sent}
        assert len(wanted) == len(sent) >= LEAST * len(NAMES)
        for circle in circles:
            messages = await heard(circle, room, len(sent))
            assert [message.seq for message in messages] == sorted(seq for seq, _ in wanted.values())
            assert {message.id: (message.seq, message.text) for message in messages} == wanted
            assert (await theirs(circle, room)).alarm is None
        assert [line for node in of.nodes for line in node.surprises()] == []
