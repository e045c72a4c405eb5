"""Attacks on the edge: floods over a socket, planted cookies, pages of others, forged ids and cursors."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import struct
from contextlib import suppress
from pathlib import Path

import asyncpg
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from schema.node import encode_id
from tests.support.actors import Actor, b64
from tests.support.client import Http, websocket
from tests.support.server import RunningServer, running

HELLO = "{ server { name } }"
WHO = "{ viewer { member { handle } } }"
EVENTS = "subscription { events { __typename } }"
SIGN_IN = "mutation($input: SignInInput!) { signIn(input: $input) { errors { code } } }"
SECURE = "https://circle.example"


def token_of(http: Http) -> str:
    token: str = http.raw.headers["authorization"].removeprefix("Bearer ")
    return token


# ---- sockets


async def test_mutations_that_nobody_waits_for_count_too(server: RunningServer) -> None:
    value = {"handle": "nobody", "authKey": b64(os.urandom(32)), "session": "BEARER", "label": ""}
    admin = await asyncpg.connect(server.dsn)
    async with websocket(server.url) as ws:
        await ws.start()
        async with admin.transaction():
            await admin.execute("LOCK TABLE attempt IN ACCESS EXCLUSIVE MODE")
            for number in range(101):
                await ws.say("subscribe", {"query": SIGN_IN, "variables": {"input": value}}, f"m{number}")
                await ws.say("complete", id=f"m{number}")
            refused = await ws.hear()
        assert refused["type"] == "error"
        assert refused["payload"][0]["extensions"]["code"] == "TOO_MANY_OPERATIONS"
    await admin.close()


async def test_ten_thousand_subscriptions_are_refused_one_by_one(server: RunningServer) -> None:
    _, http = await server.owner()
    frame = json.dumps({"type": "subscribe", "id": "%", "payload": {"query": EVENTS}})
    started = refused = 0
    async with websocket(server.url) as ws:
        await ws.start(token_of(http))

        async def flood() -> None:
            for number in range(10_000):
                await ws.socket.send(frame.replace("%", str(number)))

        sending = asyncio.create_task(flood())
        while started + refused < 10_000:
            message = await ws.hear()
            started += message["type"] == "next"
            refused += message["type"] == "error"
        await sending
    assert (started, refused) == (100, 9_900)
    assert (await server.http().send(HELLO)).status_code == 200


async def test_a_client_that_reads_nothing_is_let_go(tmp_path: Path, dsn: str) -> None:
    async with running(tmp_path, dsn, socket_ping_seconds=0.5, socket_init_seconds=0.2) as server:
        async with websocket(server.url) as ws:
            await ws.start()
            ws.socket.transport.pause_reading()
            for number in range(1_000):  # answers pile up until the server's patience with pongs ends
                await ws.say("subscribe", {"query": "{ __schema { types { name description } } }"}, str(number))
            async with asyncio.timeout(20):
                while server.circle.sockets.sockets:  # noqa: ASYNC110 - nothing tells when a set is empty
                    await asyncio.sleep(0.05)
            ws.socket.transport.abort()
        assert (await server.http().send(HELLO)).status_code == 200


async def test_a_giant_frame_closes_the_socket(server: RunningServer) -> None:
    async with websocket(server.url) as ws:
        await ws.start()
        with suppress(ConnectionClosed):  # told while the frame is still on its way
            await ws.socket.send('{"type":"ping","payload":{"x":"' + "a" * 5_000_000 + '"}}')
        assert await ws.closed() == 1009


async def test_a_client_has_so_many_sockets_and_others_have_theirs(tmp_path: Path, dsn: str) -> None:
    async with running(tmp_path, dsn, max_sockets_per_client=2) as server:
        _, http = await server.owner()
        token = token_of(http)
        async with websocket(server.url) as first, websocket(server.url) as second:
            await first.start(token)
            await second.start(token)
            async with websocket(server.url) as third:
                await third.say("connection_init", {"authorization": f"Bearer {token}"})
                assert await third.closed() == 1013
            async with websocket(server.url) as one, websocket(server.url) as two, websocket(server.url) as three:
                assert await three.closed() == 1013
                for ws in (first, second, one, two):
                    if ws in (one, two):
                        await ws.start()
                    assert (await ws.run(HELLO))["data"] is not None
            await first.socket.close()
            async with asyncio.timeout(5):
                while len(server.circle.sockets.sockets) > 1:  # noqa: ASYNC110 - nothing tells when a set shrinks
                    await asyncio.sleep(0.01)
            async with websocket(server.url) as again:
                await again.start(token)


# ---- cookies and pages


async def signed_in(server: RunningServer, person: Actor, **headers: str) -> str:
    """The Set-Cookie header of a browser's sign-in."""
    value = {"handle": person.handle, "authKey": b64(person.auth_key), "session": "COOKIE", "label": ""}
    answer = await server.http().send(SIGN_IN, {"input": value}, headers=headers)
    assert answer.json()["data"]["signIn"]["errors"] == []
    return answer.headers["set-cookie"]


@pytest.mark.parametrize("other", ["a=b c; ", 'j={"x":"y"}; ', "bad[]=1; ", 'q="; ', "; ; =; ", "ö=ü; "])
async def test_cookies_of_other_programs_do_not_sign_anybody_out(server: RunningServer, other: str) -> None:
    person, http = await server.owner()
    cookie = f"{other}circle_session={token_of(http)}; z=1"
    found = await server.http().raw.post("/graphql", json={"query": WHO}, headers=[(b"Cookie", cookie.encode())])
    assert found.json() == {"data": {"viewer": {"member": {"handle": person.handle}}}}


async def test_with_https_no_other_host_can_plant_a_session(tmp_path: Path, dsn: str) -> None:
    async with running(tmp_path, dsn, public_url=SECURE) as server:
        person, http = await server.owner()
        cookie = await signed_in(server, person)
        pair, *flags = cookie.split("; ")
        assert pair.startswith("__Host-circle_session=")
        assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"} < set(flags)
        assert not any(flag.startswith("Domain") for flag in flags)
        planted = await server.http().send(WHO, headers={"Cookie": f"circle_session={token_of(http)}"})
        assert planted.json() == {"data": {"viewer": None}}
        own = await server.http().send(WHO, headers={"Cookie": pair})
        assert own.json() == {"data": {"viewer": {"member": {"handle": person.handle}}}}


async def test_with_https_a_page_that_came_over_http_is_not_ours(tmp_path: Path, dsn: str) -> None:
    async with running(tmp_path, dsn, public_url=SECURE) as server:
        host = server.url.removeprefix("http://")
        for origin, status in ((SECURE, 200), (f"https://{host}", 200), (f"http://{host}", 403), ("http://[", 403)):
            assert (await server.http().send(HELLO, headers={"Origin": origin})).status_code == status
        with pytest.raises(InvalidStatus):
            async with websocket(server.url, Origin=f"http://{host}"):
                pass


async def test_signing_in_makes_a_new_session_and_takes_over_none(server: RunningServer) -> None:
    person, http = await server.owner()
    other, _ = await server.member(http)
    planted = f"circle_session={token_of(http)}"
    first = await signed_in(server, other, Cookie=planted)
    second = await signed_in(server, other, Cookie=planted)
    tokens = {cookie.partition(";")[0] for cookie in (first, second)}
    assert len(tokens | {planted}) == 3
    assert (await http.data(WHO))["viewer"]["member"]["handle"] == person.handle


# ---- bodies, ids, cursors


async def test_a_compressed_body_is_refused_unread(server: RunningServer) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = await server.http().raw.post("/graphql", content=b"\x1f\x8b\x08" + os.urandom(50), headers=headers)
    assert answer.status_code == 415
    assert "uncompressed" in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize("name", ["Member", "Device", "Session", "Invite", "Conversation", "Account", "Event", "Grant"])
async def test_forged_ids_lead_nowhere(server: RunningServer, name: str) -> None:
    _, http = await server.owner()
    numbers = [struct.pack(">Q", seq) for seq in (0, 1, 2**53, 2**63 - 1, 2**63, 2**64 - 1)]
    keys = [b"", b"x" * 15, b"x" * 16, b"x" * 17, *(b"x" * 16 + number for number in numbers)]
    ids = [encode_id(name, key) for key in keys]
    assert await http.data("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": ids}) == {
        "nodes": [None] * len(ids)
    }


LISTS = (
    "account { events(%) { nodes { id } } }",
    "account { rosterLinks(%) { nodes { number } } }",
    "member { chain(%) { nodes { number } } }",
    "sessions(%) { nodes { id } }",
    "invites(%) { nodes { id } }",
    "conversations(%) { nodes { id } }",
)


@pytest.mark.parametrize("field", LISTS)
async def test_forged_cursors_are_invalid_or_beyond_the_list(server: RunningServer, field: str) -> None:
    _, http = await server.owner()
    for number in (2**63 - 1, -(2**63), 2**53, 2**55, -(2**55), -1, 0):
        for rest in (b"", b"x" * 8, b"x" * 16):
            cursor = base64.urlsafe_b64encode(struct.pack(">q", number) + rest).decode().rstrip("=")
            for page in (f'first: 1, after: "{cursor}"', f'last: 1, before: "{cursor}"'):
                answer = (await http.send("{ viewer { " + field.replace("%", page) + " } }")).json()
                codes = {error["extensions"]["code"] for error in answer.get("errors", [])}
                assert codes <= {"INVALID"}, (number, rest, answer)


@pytest.mark.parametrize("search", ["a\0b", "\x1b[31m", "a\nb"])
async def test_a_search_is_text(server: RunningServer, search: str) -> None:
    _, http = await server.owner()
    query = "query($s: String) { members(first: 1, search: $s) { nodes { id } } }"
    assert await http.codes(query, {"s": search}) == ["INVALID"]


async def test_frames_before_the_start_are_bounded(server: RunningServer) -> None:
    async with connect(
        server.url.replace("http", "ws") + "/graphql", subprotocols=[Subprotocol("graphql-transport-ws")]
    ) as socket:
        for _ in range(2_000):
            await socket.send('{"type":"ping"}')
        for _ in range(2_000):
            assert json.loads(await asyncio.wait_for(socket.recv(), 10)) == {"type": "pong"}
        await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": HELLO}}))
        await asyncio.wait_for(socket.wait_closed(), 10)
        assert socket.close_code == 4401
