"""Sockets and sessions: who a socket speaks for, and what ends it."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from resolvers.context import EndReason
from tests.support.actors import Actor, b64
from tests.support.client import Ws, websocket
from tests.support.server import RunningServer, running

HELLO = "{ server { name } }"
EVENTS = "subscription { events { ... on CaughtUp { cursor } __typename } }"


async def test_a_socket_runs_as_many_operations_as_it_may_and_an_id_once(server: RunningServer) -> None:
    _, http = await server.owner()
    token = http.raw.headers["authorization"].removeprefix("Bearer ")
    async with websocket(server.url) as ws:
        await ws.start(token)
        for number in range(100):
            await ws.say("subscribe", {"query": EVENTS}, f"s{number}")
            assert (await ws.hear())["payload"]["data"]["events"]["__typename"] == "CaughtUp"
        answer = await ws.run(HELLO, id="more")
        assert answer["errors"][0]["extensions"]["code"] == "TOO_MANY_OPERATIONS"
        await ws.say("complete", id="s5")
        assert "errors" not in await ws.run(HELLO, id="more")
        await ws.say("subscribe", {"query": EVENTS}, "s7")
        assert await ws.closed() == 4409


async def test_a_cookie_counts_only_for_our_own_page(server: RunningServer) -> None:
    person, _ = await server.owner()
    browser = server.http()
    value = {"handle": person.handle, "authKey": b64(person.auth_key), "session": "COOKIE", "label": ""}
    payload = await browser.mutate("signIn", "token", "SignInInput", value)
    assert payload == {"token": None, "errors": []}
    cookie = f"circle_session={browser.raw.cookies['circle_session']}"
    me = "{ viewer { member { handle } } }"
    async with websocket(server.url, Cookie=cookie, Origin=server.url) as ws:
        await ws.start()
        assert (await ws.run(me))["data"]["viewer"]["member"]["handle"] == person.handle
    async with websocket(server.url, Cookie=cookie) as ws:
        await ws.start()
        assert (await ws.run(me))["data"]["viewer"] is None


WHICH = "{ viewer { device { id } session { id } } }"
REVOKE = """mutation($id: ID!) { revokeSession(input: {sessionId: $id}) { session { id } errors { code } } }"""


async def test_revoking_a_session_closes_its_sockets_and_no_other(server: RunningServer) -> None:
    person, http = await server.owner()
    token = await sign_in(server, person)
    other = server.http(token)
    session = (await other.data("{ viewer { session { id } } }"))["viewer"]["session"]["id"]
    mine = http.raw.headers["authorization"].removeprefix("Bearer ")
    async with websocket(server.url) as ended, websocket(server.url) as stays:
        await ended.start(token)
        await stays.start(mine)
        await ended.say("subscribe", {"query": EVENTS}, "1")
        assert (await ended.hear())["type"] == "next"
        assert (await http.data(REVOKE, {"id": session}))["revokeSession"]["errors"] == []
        async with asyncio.timeout(1):
            assert await told(ended, "1") == "SESSION_REVOKED"
            assert await ended.closed() == 4403
        assert (await stays.run("{ viewer { member { id } } }"))["data"]["viewer"] is not None
    assert (await other.send("{ viewer { member { id } } }")).status_code == 401


async def test_a_device_that_a_session_got_elsewhere_is_its_sockets_within_a_second(server: RunningServer) -> None:
    """The bus may lose the word of it."""
    person, _ = await server.owner()
    token = await sign_in(server, person)
    session = (await server.http(token).data("{ viewer { session { id } } }"))["viewer"]["session"]["id"]
    async with websocket(server.url) as ws:
        await ws.start(token)
        assert (await ws.run(WHICH))["data"]["viewer"] == {"device": None, "session": {"id": session}}
        await server.fetch(
            "UPDATE session SET device_id = (SELECT id FROM device) WHERE device_id IS NULL RETURNING id"
        )
        async with asyncio.timeout(2):
            while (await ws.run(WHICH))["data"]["viewer"]["device"] is None:  # noqa: ASYNC110
                await asyncio.sleep(0.05)


async def test_a_session_that_ends_elsewhere_closes_its_sockets_within_a_second(server: RunningServer) -> None:
    person, _ = await server.owner()
    token = await sign_in(server, person)
    async with websocket(server.url) as ws:
        await ws.start(token)
        await ws.say("subscribe", {"query": EVENTS}, "1")
        assert (await ws.hear())["type"] == "next"
        await server.fetch("UPDATE session SET revoked_at = now() RETURNING id")
        async with asyncio.timeout(1):
            assert await told(ws, "1") == "SESSION_REVOKED"
            assert await ws.closed() == 4403
    token = await sign_in(server, person)
    async with websocket(server.url) as ws:
        await ws.start(token)
        for id in ("1", "2"):
            await ws.say("subscribe", {"query": EVENTS}, id)
            assert (await ws.hear())["type"] == "next"
        await server.fetch("UPDATE session SET expires_at = now() RETURNING id")
        async with asyncio.timeout(1):
            assert [await told(ws, id) for id in ("1", "2")] == ["SESSION_EXPIRED"] * 2
            assert await ws.closed() == 4403


async def test_what_is_asked_between_the_end_and_the_close_is_told_as_well(server: RunningServer) -> None:
    person, http = await server.owner()
    token = await sign_in(server, person)
    session = (await server.http(token).data("{ viewer { session { id } } }"))["viewer"]["session"]["id"]
    async with websocket(server.url) as ws:
        await ws.start(token)
        await ws.say("subscribe", {"query": EVENTS}, "1")
        assert (await ws.hear())["type"] == "next"
        await http.data(REVOKE, {"id": session})
        assert await told(ws, "1") == "SESSION_REVOKED"
        await ws.say("subscribe", {"query": "{ viewer { member { id } } }"}, "2")
        assert await told(ws, "2") == "SESSION_REVOKED"
        assert await ws.closed() == 4403


async def test_a_socket_that_starts_while_its_session_ends_brings_nothing(server: RunningServer) -> None:
    """The token was looked at before the end, the socket entered after it."""
    person, _ = await server.owner()
    token = await sign_in(server, person)
    session = await server.circle.authenticator.session(token)
    assert session is not None
    server.circle.sockets.end_sessions({session.id: EndReason.REVOKED})
    async with websocket(server.url) as ws:
        await ws.start(token)
        await ws.say("subscribe", {"query": EVENTS}, "1")
        assert await told(ws, "1") == "SESSION_REVOKED"
        assert await ws.closed() == 4403


async def test_signing_out_over_a_socket_is_answered_and_then_closes_it(server: RunningServer) -> None:
    person, _ = await server.owner()
    async with websocket(server.url) as ws:
        await ws.start(await sign_in(server, person))
        answer = await ws.run("mutation { signOut(input: {}) { signedOut } }")
        assert answer == {"data": {"signOut": {"signedOut": True}}}
        assert await ws.closed() == 4403


async def test_each_operation_has_a_context_of_its_own(server: RunningServer) -> None:
    _, http = await server.owner(Actor.make("ada"))
    token = http.raw.headers["authorization"].removeprefix("Bearer ")
    me = "{ viewer { member { displayName } } }"
    async with websocket(server.url) as ws:
        await ws.start(token)
        assert (await ws.run(me))["data"]["viewer"]["member"]["displayName"] == "Ada"
        await server.fetch("UPDATE member SET display_name = 'Renamed' RETURNING id")
        assert (await ws.run(me))["data"]["viewer"]["member"]["displayName"] == "Renamed"


async def test_a_client_that_vanishes_leaves_nothing_behind(
    server: RunningServer, caplog: pytest.LogCaptureFixture
) -> None:
    _, http = await server.owner()
    token = http.raw.headers["authorization"].removeprefix("Bearer ")
    async with websocket(server.url) as ws:
        await ws.start(token)
        for number in range(20):
            await ws.say("subscribe", {"query": EVENTS}, str(number))
            await ws.hear()
        ws.socket.transport.abort()
    async with asyncio.timeout(5):
        while server.circle.sockets.sockets:  # noqa: ASYNC110 - nothing tells when a set is empty
            await asyncio.sleep(0.01)
    assert [record for record in caplog.records if record.levelname in {"ERROR", "WARNING"}] == []


async def test_silence_closes_a_socket(tmp_path: Path, dsn: str) -> None:
    async with running(tmp_path, dsn, socket_init_seconds=0.2, socket_ping_seconds=0.3) as server:
        async with websocket(server.url) as mute:
            assert await mute.closed() == 4408
        async with websocket(server.url) as deaf:
            await deaf.start()
            kinds = set()
            with suppress(ConnectionClosed):
                while True:
                    kinds.add(json.loads(await asyncio.wait_for(deaf.socket.recv(), 5))["type"])
            assert kinds == {"ping"}
            assert deaf.socket.close_code == 4408
        async with websocket(server.url) as awake:
            await awake.start()
            for _ in range(3):
                assert json.loads(await awake.socket.recv())["type"] == "ping"
                await awake.say("pong")
            assert await awake.run(HELLO) == {"data": {"server": {"name": "Circle"}}}


async def told(ws: Ws, id: str) -> str:
    """Why this operation was ended."""
    message = await ws.hear()
    assert (message["type"], message["id"]) == ("error", id), message
    (error,) = message["payload"]
    assert error["extensions"]["code"] == "UNAUTHENTICATED"
    assert error["message"]
    reason: str = error["extensions"]["reason"]
    return reason


async def sign_in(server: RunningServer, person: Actor) -> str:
    value = {
        "handle": person.handle,
        "authKey": b64(person.auth_key),
        "session": "BEARER",
        "label": "t",
    }
    payload = await server.http().mutate("signIn", "token", "SignInInput", value)
    assert payload["errors"] == []
    token: str = payload["token"]
    return token
