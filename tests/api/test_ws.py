"""graphql-transport-ws: its messages, its close codes, and what ends a socket."""

from __future__ import annotations

import pytest
from websockets.exceptions import InvalidStatus

from tests.support.client import websocket
from tests.support.server import RunningServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

HELLO = "{ server { name } }"
EVENTS = "subscription { events { ... on CaughtUp { cursor } __typename } }"


async def test_a_query_runs_and_completes(shared: RunningServer) -> None:
    async with websocket(shared.url) as ws:
        await ws.start()
        assert await ws.run(HELLO) == {"data": {"server": {"name": "Circle"}}}
        assert await ws.run(HELLO, id="1") == {"data": {"server": {"name": "Circle"}}}


async def test_pings_are_answered(shared: RunningServer) -> None:
    async with websocket(shared.url) as ws:
        await ws.say("ping")
        assert (await ws.hear()) == {"type": "pong"}


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"type": "nonsense"}', '{"type": "subscribe"}', '{"type": 3}', '{"type":"subscribe","id":""}'],
)
async def test_what_is_no_message_closes_with_4400(shared: RunningServer, text: str) -> None:
    async with websocket(shared.url) as ws:
        await ws.start()
        await ws.socket.send(text)
        assert await ws.closed() == 4400


@pytest.mark.parametrize("payload", [{}, {"query": 1}, {"query": HELLO, "variables": 1}, None])
async def test_a_subscribe_that_is_no_request_closes_with_4400(shared: RunningServer, payload: object) -> None:
    async with websocket(shared.url) as ws:
        await ws.start()
        await ws.say("subscribe", payload, "1")
        assert await ws.closed() == 4400


async def test_binary_frames_close_with_4400(shared: RunningServer) -> None:
    async with websocket(shared.url) as ws:
        await ws.start()
        await ws.socket.send(b'{"type": "ping"}')
        assert await ws.closed() == 4400


async def test_nothing_runs_before_the_acknowledgement(shared: RunningServer) -> None:
    async with websocket(shared.url) as ws:
        await ws.say("subscribe", {"query": HELLO}, "1")
        assert await ws.closed() == 4401


async def test_a_second_initialisation_closes_with_4429(shared: RunningServer) -> None:
    async with websocket(shared.url) as ws:
        await ws.start()
        await ws.say("connection_init")
        assert await ws.closed() == 4429


@pytest.mark.parametrize("subprotocol", [None, "graphql-ws"])
async def test_another_subprotocol_closes_with_4406(shared: RunningServer, subprotocol: str | None) -> None:
    async with websocket(shared.url, subprotocol=subprotocol) as ws:
        assert await ws.closed() == 4406


async def test_a_wrong_token_closes_with_4403(shared: RunningServer) -> None:
    for authorization in ("Bearer " + "A" * 43, "Basic x", "", "Bearer"):
        async with websocket(shared.url) as ws:
            await ws.say("connection_init", {"authorization": authorization})
            assert await ws.closed() == 4403


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("query($id: ID!) { node(id: $id) { id } }", "BAD_USER_INPUT"),
        ("{ " + "server { name } " * 11 + " }", "ROOT_FIELD_LIMIT"),
        (EVENTS, "UNAUTHENTICATED"),
    ],
)
async def test_a_request_that_cannot_run_is_an_error_message(shared: RunningServer, query: str, code: str) -> None:
    async with websocket(shared.url) as ws:
        await ws.start()
        answer = await ws.run(query)
        assert [error["extensions"]["code"] for error in answer["errors"]] == [code]
        assert await ws.run(HELLO) == {"data": {"server": {"name": "Circle"}}}


async def test_pages_of_other_sites_get_no_socket(shared: RunningServer) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with websocket(shared.url, Origin="https://evil.example"):
            pass
    assert refused.value.response.status_code == 403
