"""Typing, presence and privacy over real sockets: what a socket's life means, and what is written down of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from db.presence.states import PresenceState
from db.presence.table import Times
from resolvers.ephemera import Ephemera
from tests.support.client import Ws, websocket
from tests.support.moments import until
from tests.support.server import RunningServer, running

SAY = "mutation($state: PresenceState!) { setPresence(input: {state: $state}) { errors { code } } }"
WATCH = "subscription($ids: [ID!]!) { presence(memberIds: $ids) { presences { presence { state } } } }"
SEEN = "query($id: ID!) { node(id: $id) { ... on Member { presence { state } } } }"
QUICK = Times(grace=1.0, lease=3.0, tick=0.05, shards=6)


@pytest.fixture
async def quick(tmp_path: Path, dsn: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RunningServer]:
    """A server whose grace is short."""
    monkeypatch.setattr("api.app.Ephemera", partial(Ephemera, times=QUICK))
    async with running(tmp_path, dsn) as found:
        yield found


def token_of(http: Any) -> str:
    return str(http.raw.headers["authorization"].removeprefix("Bearer "))


async def come(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(20):
        is_so = False
        while not is_so:
            await asyncio.sleep(0.05)
            is_so = await condition()


async def states(ws: Ws, wanted: str) -> None:
    """Read updates until one says this."""
    async with asyncio.timeout(20):
        while True:
            message = await ws.hear()
            assert message["type"] == "next", message
            (one,) = message["payload"]["data"]["presence"]["presences"]
            if one["presence"]["state"] == wanted:
                return


async def test_presence_lives_as_long_as_the_devices_sockets(quick: RunningServer) -> None:
    _, http = await quick.owner()
    token, me = token_of(http), (await http.data("{ viewer { member { id } } }"))["viewer"]["member"]["id"]
    async with websocket(quick.url) as watching:
        await watching.start(token)  # another socket of the same session: it holds presence, too
        await watching.say("subscribe", {"query": WATCH, "variables": {"ids": [me]}}, "w")
        await states(watching, "OFFLINE")
        async with websocket(quick.url) as ws:
            await ws.start(token)
            assert (await ws.run(SAY, {"state": "ONLINE"}))["data"]["setPresence"] == {"errors": []}
            await states(watching, "ONLINE")
        await asyncio.sleep(2 * QUICK.grace)
        assert (await http.data(SEEN, {"id": me}))["node"]["presence"] == {"state": "ONLINE"}

    async def is_gone() -> bool:
        return bool((await http.data(SEEN, {"id": me}))["node"]["presence"] == {"state": "OFFLINE"})

    await come(is_gone)


async def test_signing_out_ends_it_without_a_grace(tmp_path: Path, dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.app.Ephemera", partial(Ephemera, times=Times(grace=3_600, lease=3_600, tick=0.05)))
    async with running(tmp_path, dsn) as server:
        _, http = await server.owner()
        me = (await http.data("{ viewer { member { id } } }"))["viewer"]["member"]["id"]
        async with websocket(server.url) as ws:
            await ws.start(token_of(http))
            await ws.run(SAY, {"state": "ONLINE"})
            presence = server.circle.ephemera.presence
            member = next(iter(server.circle.sockets.sockets)).session
            assert member is not None
            assert (await http.data(SEEN, {"id": me}))["node"]["presence"] == {"state": "ONLINE"}
            await http.mutate("signOut", "signedOut", "SignOutInput", {})
            await until(lambda: presence.state_of(member.viewer.member)[0] is PresenceState.OFFLINE)


async def test_what_needs_a_viewer_is_refused_to_strangers(quick: RunningServer) -> None:
    http = quick.http()
    assert await http.codes(SAY, {"state": "ONLINE"}) == ["UNAUTHENTICATED"]
    nobody = "presence(memberIds: []) { presences { member { id } } }"
    for field in ("typing { until }", "callSignals { acceptedAt }", nobody):
        async with websocket(quick.url) as ws:
            await ws.start()
            await ws.say("subscribe", {"query": f"subscription {{ {field} }}"}, "s")
            message = await ws.hear()
            assert message["payload"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_nothing_of_it_is_logged_and_only_the_minute_is_stored(
    quick: RunningServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    _, http = await quick.owner()
    before = await quick.state()
    async with websocket(quick.url) as ws:
        await ws.start(token_of(http))
        await ws.run(SAY, {"state": "ONLINE"})

        async def is_kept() -> bool:
            return bool(await quick.fetch("SELECT * FROM last_seen"))

        await come(is_kept)
    (row,) = await quick.fetch("SELECT * FROM last_seen")
    assert (row["seen_at"].second, row["seen_at"].microsecond) == (0, 0)
    after = await quick.state()
    changed = {name for name in after if after[name] != before[name]}
    assert changed <= {"last_seen", "session"}
    said = " ".join(
        record.getMessage() for record in caplog.records if record.name.startswith(("db", "circle", "resolv"))
    )
    assert "ONLINE" not in said
    assert str(row["member_id"]) not in said
