"""Clients that subscribe and read nothing: bounded, out of everybody's way, ended with their cursor, and resumable."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from circle_client.protocol.contents import message

from api import frames, socket_queue, start
from api.settings import Settings
from tests.support.actors import Actor, b64
from tests.support.client import Ws, websocket
from tests.support.inside import SERVER_KEY, World
from tests.support.rooms import Room
from tests.support.scenes import create, send
from tests.support.server import RunningServer, running

SHARED = """subscription($after: Cursor) { events(after: $after) { __typename ... on CaughtUp { cursor }
  ... on EventDelivery { cursor event { seq ... on EnvelopeEvent { envelope } } } } }"""
OWN = """subscription($after: Cursor) { events(after: $after) { __typename ... on CaughtUp { cursor }
  ... on EventDelivery { cursor event { seq space { id ... on Conversation { viewerRole } }
    ... on EnvelopeEvent { envelope } } } } }"""
STUCK = 16
BIG = "x" * 12_000
EVENTS = 100


@pytest.fixture
async def scene(tmp_path: Path, dsn: str) -> AsyncIterator[tuple[RunningServer, World, Actor, Actor, Room]]:
    """ada and ben in a conversation; pings come so seldom that nobody is ended by them."""
    options = {"secret_key": SERVER_KEY.hex(), "socket_ping_seconds": 600.0}
    async with running(tmp_path, dsn, **options) as server:
        circle = server.circle
        world = World(circle.uow, circle.hub, circle.bus)
        world.sending = circle.sending
        ada, ben = [await world.join(name) for name in ("ada", "ben")]
        yield server, world, ada, ben, await create(world, ada, [ben])


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system keeps next to nothing for the server's sockets, so that a reader's silence is felt at once."""

    @contextmanager
    def listening(settings: Settings) -> Iterator[socket.socket]:
        with start.listening(settings) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)
            yield listener

    monkeypatch.setattr("tests.support.server.listening", listening)


async def sign_in(server: RunningServer, actor: Actor) -> str:
    value = {"handle": actor.handle, "authKey": b64(actor.auth_key), "session": "BEARER", "device": b64(actor.device)}
    payload = await server.http().mutate("signIn", "token", "SignInInput", value)
    assert payload["errors"] == []
    token: str = payload["token"]
    return token


async def stuck(server: RunningServer, token: str, query: str, stack: AsyncExitStack) -> tuple[Ws, str]:
    """A socket whose stream is live, and which reads nothing from here on; its cursor."""
    ws = await stack.enter_async_context(websocket(server.url))
    stack.callback(ws.socket.transport.abort)
    await ws.start(token)
    await ws.say("subscribe", {"query": query}, "1")
    cursor: str = (await ws.hear())["payload"]["data"]["events"]["cursor"]
    ws.socket.transport.pause_reading()
    return ws, cursor


async def flood(world: World, room: Room, by: Actor, count: int = EVENTS) -> None:
    for _ in range(count):
        await send(world, room, by, room.make_envelope(by, message(BIG)))


def waiting(server: RunningServer) -> list[int]:
    """Bytes that wait in each socket's queue."""
    return [socket._out._bytes for socket in server.circle.sockets.sockets]


def connections(server: RunningServer) -> int:
    """The server's open connections, as the system sees them."""
    port = urlsplit(server.url).port
    found = psutil.Process().net_connections(kind="tcp")
    return sum(1 for one in found if one.status == "ESTABLISHED" and one.laddr.port == port)


async def test_stuck_readers_are_bounded_and_ended_and_others_hear_everything(
    scene: tuple[RunningServer, World, Actor, Actor, Room],
) -> None:
    server, world, ada, ben, room = scene
    token = await sign_in(server, ben)
    first = room.head.n + 1
    async with AsyncExitStack() as stack:
        sockets = [await stuck(server, token, (SHARED, OWN)[number % 2], stack) for number in range(STUCK)]
        async with websocket(server.url) as good:
            await good.start(token)
            await good.say("subscribe", {"query": SHARED}, "1")
            await good.hear()
            sending = asyncio.create_task(flood(world, room, ada))
            heard = [(await good.hear())["payload"]["data"]["events"]["event"]["seq"] for _ in range(EVENTS)]
            await sending
        assert heard == list(range(first, first + EVENTS))
        largest = 2 * len(BIG)  # one message above the bound, in base64
        assert max(waiting(server)) <= socket_queue.MOST_BYTES + largest

        (shared, cursor), (own, _) = sockets[0], sockets[1]
        shared.socket.transport.resume_reading()
        got, cursor = await read(shared, cursor)
        assert got == heard[: len(got)]
        assert len(got) < EVENTS, "it was to be ended before everything was there"
        await shared.say("subscribe", {"query": SHARED, "variables": {"after": cursor}}, "2")
        assert (await read(shared, cursor, EVENTS - len(got)))[0] == heard[len(got) :]
        own.socket.transport.resume_reading()  # held up, and its events wait in the hub, once for all
        assert (await read(own, cursor, EVENTS))[0] == heard


async def read(ws: Ws, cursor: str, most: int = EVENTS) -> tuple[list[int], str]:
    """What comes until the stream ends, or so many; and the last cursor."""
    got: list[int] = []
    while len(got) < most:
        said = await ws.hear()
        if said["type"] == "complete":
            break
        item = said["payload"]["data"]["events"]
        if "event" in item:
            got.append(item["event"]["seq"])
        cursor = item["cursor"]
    return got, cursor


async def test_who_never_reads_again_is_cut_off(tmp_path: Path, dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed transport waits for its buffer, and such a client never empties it."""
    monkeypatch.setattr(socket_queue, "CLOSE_SECONDS", 0.2)
    monkeypatch.setattr(frames, "LINGER_SECONDS", 0.2)
    async with running(tmp_path, dsn, secret_key=SERVER_KEY.hex(), socket_ping_seconds=1.0) as server:
        circle = server.circle
        world = World(circle.uow, circle.hub, circle.bus)
        world.sending = circle.sending
        ada, ben = [await world.join(name) for name in ("ada", "ben")]
        room = await create(world, ada, [ben])
        token = await sign_in(server, ben)
        async with AsyncExitStack() as stack:
            for number in range(4):
                await stuck(server, token, (SHARED, OWN)[number % 2], stack)
            http = connections(server) - 4
            await flood(world, room, ada)
            async with asyncio.timeout(20):
                while server.circle.sockets.sockets or connections(server) > http:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
