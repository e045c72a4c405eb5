"""What a revocation cuts off: nothing that was committed after it was seen is delivered any more."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from api import graphql_ws
from resolvers.context import EndReason
from tests.support.actors import Actor, b64
from tests.support.client import Http, Ws, websocket
from tests.support.inside import SERVER_KEY, World
from tests.support.rooms import Room
from tests.support.scenes import change, create, send
from tests.support.server import RunningServer, running

SHARED = """subscription { events { __typename ... on CaughtUp { cursor }
  ... on EventDelivery { cursor event { seq space { id } } } } }"""
OWN = """subscription { events { __typename ... on CaughtUp { cursor }
  ... on EventDelivery { cursor event { seq space { id ... on Conversation { viewerRole } } } } } }"""


@pytest.fixture
async def scene(tmp_path: Any, dsn: str) -> Any:
    """ada and ben in a conversation on a running server."""
    async with running(tmp_path, dsn, secret_key=SERVER_KEY.hex()) as server:
        circle = server.circle
        world = World(circle.uow, circle.hub, circle.bus)
        world.sending = circle.sending
        ada, ben = [await world.join(name) for name in ("ada", "ben")]
        yield server, world, ada, ben, await create(world, ada, [ben])


Scene = tuple[RunningServer, World, Actor, Actor, Room]


async def sign_in(server: RunningServer, actor: Actor) -> str:
    value = {"handle": actor.handle, "authKey": b64(actor.auth_key), "session": "BEARER", "device": b64(actor.device)}
    payload = await server.http().mutate("signIn", "token", "SignInInput", value)
    assert payload["errors"] == []
    token: str = payload["token"]
    return token


async def heard(ws: Ws, id: str = "1") -> list[int]:
    """The seqs that one stream still brings, until it is ended."""
    seqs: list[int] = []
    while True:
        message = await ws.hear()
        if message["id"] != id:
            continue
        if message["type"] != "next":
            assert message["type"] == "error", message
            return seqs
        event = message["payload"]["data"]["events"].get("event")
        if event is not None:
            seqs.append(event["seq"])


async def begin(ws: Ws, token: str, *queries: str) -> None:
    """Streams that are live, by the numbers from 1."""
    await ws.start(token)
    for number, query in enumerate(queries, 1):
        await ws.say("subscribe", {"query": query}, str(number))
        message = await ws.hear()
        while message["id"] != str(number):  # another stream's
            message = await ws.hear()
        assert message["payload"]["data"]["events"]["__typename"] == "CaughtUp"


@pytest.mark.parametrize("query", [SHARED, OWN])
async def test_an_ended_session_hears_nothing_that_was_committed_afterwards(
    scene: Scene, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, world, ada, ben, room = scene
    monkeypatch.setattr(graphql_ws, "COURTESY_SECONDS", 2.0)
    token = await sign_in(server, ben)
    found = await server.circle.authenticator.session(token)
    assert found is not None
    async with websocket(server.url) as ws:
        await begin(ws, token, query)
        for _ in range(20):
            await send(world, room, ada)
        before = room.head.n
        server.circle.watch.hear({"kind": "session-revoked", "session": str(found.id)})
        for _ in range(5):  # the socket is still open for a moment
            await send(world, room, ada)
        assert len(server.circle.sockets.sockets) == 1, "it should have been open all the time"
        assert max([0, *await heard(ws)]) <= before
        assert await ws.closed() == 4403


async def test_sends_that_never_pause_do_not_outlive_the_revocation(scene: Scene) -> None:
    """Again and again, at any moment of what goes on: the seq that stood when it was seen is the last one at most."""
    server, world, ada, ben, room = scene
    stop = asyncio.Event()

    async def flow() -> None:
        while not stop.is_set():
            await send(world, room, ada)

    flowing = asyncio.create_task(flow())
    for number in range(20):
        token = await sign_in(server, ben)
        found = await server.circle.authenticator.session(token)
        assert found is not None
        async with websocket(server.url) as ws:
            await begin(ws, token, SHARED, OWN)
            await asyncio.sleep(0.003 * number)
            server.circle.sockets.end_sessions({found.id: EndReason.REVOKED})
            newest = (await server.fetch("SELECT head_seq FROM space WHERE id = $1", UUID(bytes=room.space)))[0][0]
            assert max([0, *await heard(ws, "2" if number % 2 else "1")]) <= newest
            assert await ws.closed() == 4403
    stop.set()
    await flowing


async def test_who_was_removed_hears_of_it_and_nothing_after(scene: Scene) -> None:
    server, world, ada, ben, room = scene
    token = await sign_in(server, ben)
    other = await create(world, ben, [])
    async with websocket(server.url) as ws:
        await begin(ws, token, SHARED)
        await send(world, room, ada)
        await change(world, room, ada, room.make_remove(ada, ben))
        removal = room.head.n - 1  # the next epoch follows it
        for _ in range(5):
            await send(world, room, ada)
        await send(world, other, ben)
        assert await until(ws, world.id_of(other)) == [removal - 1, removal]
        server_side = Http(server.url, token)
        answer = await server_side.data("query($id: ID!) { conversation(id: $id) { id } }", {"id": world.id_of(room)})
        await server_side.raw.aclose()
        assert answer["conversation"] is None


async def until(ws: Ws, space: str) -> list[int]:
    """The seqs of other conversations that come before one of this conversation."""
    seqs: list[int] = []
    while True:
        event = (await ws.hear())["payload"]["data"]["events"]["event"]
        if event["space"]["id"] == space:
            return seqs
        seqs.append(event["seq"])
