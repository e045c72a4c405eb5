"""At most four resumes read at a time in a process; all the others wait their turn, and every one is served."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from db.hub import backlog
from tests.support.actors import b64
from tests.support.client import websocket
from tests.support.inside import SERVER_KEY, World
from tests.support.scenes import create, send
from tests.support.server import running

EVENTS = """subscription($after: Cursor) { events(after: $after) { __typename ... on CaughtUp { cursor }
  ... on EventDelivery { cursor event { seq } } } }"""
MANY = 16


async def test_four_at_a_time(tmp_path: Path, dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now, most = 0, 0
    original = backlog._begin

    async def begin(*args: Any) -> Any:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.05)  # so that all who may are inside at once
        now -= 1
        return await original(*args)

    async with running(tmp_path, dsn, secret_key=SERVER_KEY.hex()) as server, AsyncExitStack() as stack:
        circle = server.circle
        world = World(circle.uow, circle.hub, circle.bus)
        world.sending = circle.sending
        ada = await world.join("ada")
        room = await create(world, ada, [])
        value = {"handle": ada.handle, "authKey": b64(ada.auth_key), "session": "BEARER"}
        token = (await server.http().mutate("signIn", "token", "SignInInput", value))["token"]
        async with stream(server.url, token, None) as first:
            cursor = (await first.hear())["payload"]["data"]["events"]["cursor"]
        for _ in range(5):
            await send(world, room, ada)
        monkeypatch.setattr(backlog, "_begin", begin)
        sockets = [await stack.enter_async_context(stream(server.url, token, cursor)) for _ in range(MANY)]
        for ws in sockets:
            seqs = [(await ws.hear())["payload"]["data"]["events"]["event"]["seq"] for _ in range(5)]
            assert seqs == list(range(room.head.n - 4, room.head.n + 1))
            assert (await ws.hear())["payload"]["data"]["events"]["__typename"] == "CaughtUp"
    assert most == 4


@asynccontextmanager
async def stream(url: str, token: str, after: str | None) -> AsyncIterator[Any]:
    """A socket that follows from there on."""
    async with websocket(url) as ws:
        await ws.start(token)
        await ws.say("subscribe", {"query": EVENTS, "variables": {"after": after}}, "1")
        yield ws
