"""Both SDKs through what befalls several nodes: Redis away, PostgreSQL restarted or crashed, a node killed, lines cut.

Nobody helps the clients: they resume by themselves, and nothing is lost, doubled or out of order for any of them.
"""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from circle_client import Circle, Conversation, Message

from tests.faults.havoc import Havoc
from tests.scenario.typescript_device import TypeScriptDevice
from tests.support.driver import driver
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


async def endure(of: Cluster, done: asyncio.Event) -> None:
    """One misfortune after the other, each mended before the next; then `done` is set."""
    havoc = Havoc(of, random.Random(7))

    async def killed() -> None:
        await havoc.again(of.nodes[1], signal.SIGKILL)

    for misfortune in (
        havoc.redis_away, havoc.postgres_restarted, killed, havoc.clients_cut, havoc.postgres_crashed,
        havoc.backends_terminated, havoc.node_stopped, havoc.database_cut,
    ):  # fmt: skip
        await misfortune()
        await asyncio.sleep(1)
    done.set()


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
            await endure(of, done)
        wanted = {message.id: (message.seq, message.text) for message in sent}
        assert len(wanted) == len(sent) >= LEAST * len(NAMES)
        for circle in circles:
            messages = await heard(circle, room, len(sent))
            assert [message.seq for message in messages] == sorted(seq for seq, _ in wanted.values())
            assert {message.id: (message.seq, message.text) for message in messages} == wanted
            assert (await theirs(circle, room)).alarm is None
        assert [line for node in of.nodes for line in node.surprises()] == []


async def chat(device: TypeScriptDevice, space: str, sent: list[str], done: asyncio.Event) -> None:
    """The same with the TypeScript SDK."""
    number = 0
    while number < LEAST or not done.is_set():
        text = f"{device.handle} {number}"
        assert await device.send(space, [text]) == {}
        sent.append(text)
        number += 1
        await asyncio.sleep(0.2)


async def only_space(device: TypeScriptDevice) -> str:
    async with asyncio.timeout(CATCH_UP_SECONDS):
        while not (spaces := await device.spaces()):  # noqa: ASYNC110 - the driver is asked, it tells nothing
            await asyncio.sleep(0.1)
    (space,) = spaces
    return space


async def test_typescript_clients_resume_by_themselves(tmp_path: Path) -> None:
    async with nodes_with_ada(tmp_path) as (of, people), driver() as host:
        ada = people.circles["ada"]
        teo, ida = (
            TypeScriptDevice(name, name, node.url, host)
            for name, node in zip(("teo", "ida"), reversed(of.nodes), strict=True)
        )
        for device in (teo, ida):
            await device.sign_up(await ada.create_invite(1))
        room = await ada.create_conversation("group", ["teo", "ida"], "Tea")
        spaces = {device: await only_space(device) for device in (teo, ida)}
        sent, texts, done = list[Message](), list[str](), asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(talk(room, "ada", sent, done))
            for device, space in spaces.items():
                tasks.create_task(chat(device, space, texts, done))
            await endure(of, done)
        messages = await heard(ada, room, len(sent) + len(texts))
        assert sorted(message.text for message in messages) == sorted([*texts, *(message.text for message in sent)])
        wanted = [(message.seq, message.text) for message in messages]
        assert wanted == sorted(wanted)
        for device, space in spaces.items():
            async with asyncio.timeout(CATCH_UP_SECONDS):
                while (view := await device.read(space)) is None or len(view.lines) < len(wanted):  # noqa: ASYNC110
                    await asyncio.sleep(0.2)
            assert [(line.seq, line.text) for line in view.lines] == wanted
            assert view.alarm is None
        assert [line for node in of.nodes for line in node.surprises()] == []
