"""A small raw GraphQL client for tests: HTTP, and graphql-transport-ws message by message."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

MODERN = "application/graphql-response+json"
WAIT = 10.0


class Http:
    """GraphQL over HTTP."""

    def __init__(self, url: str, token: str | None = None, **options: Any) -> None:
        headers = {"Accept": MODERN} | ({"Authorization": f"Bearer {token}"} if token else {})
        self.raw = httpx.AsyncClient(base_url=url, headers=headers, timeout=WAIT, **options)

    async def send(
        self, query: str, variables: dict[str, Any] | None = None, *, headers: dict[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        """POST one operation; the raw answer."""
        payload = {"query": query, "variables": variables or {}, **more}
        return await self.raw.post("/graphql", json=payload, headers=headers)

    async def data(self, query: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        """POST one operation that succeeds."""
        body = (await self.send(query, variables)).json()
        assert "errors" not in body, body
        result: dict[str, Any] = body["data"]
        return result

    async def codes(self, query: str, variables: dict[str, Any] | None = None) -> list[str]:
        """POST one operation that fails; the codes of its top-level errors."""
        body = (await self.send(query, variables)).json()
        return [error["extensions"]["code"] for error in body["errors"]]

    async def mutate(self, field: str, selection: str, input_type: str, value: dict[str, Any]) -> dict[str, Any]:
        """Run one mutation; its payload with `errors`."""
        query = (
            f"mutation($input: {input_type}!) {{ {field}(input: $input) {{ {selection} "
            "errors { code message path ... on RateLimitedError { retryAfter } } } }"
        )
        result: dict[str, Any] = (await self.data(query, {"input": value}))[field]
        return result


class Ws:
    """One graphql-transport-ws socket."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def say(self, kind: str, payload: object = None, id: str | None = None) -> None:
        """Send a message."""
        message: dict[str, Any] = {"type": kind}
        if id is not None:
            message["id"] = id
        if payload is not None:
            message["payload"] = payload
        await self.socket.send(json.dumps(message))

    async def hear(self) -> dict[str, Any]:
        """The next message that is no ping; pings are answered."""
        while True:
            message: dict[str, Any] = json.loads(await asyncio.wait_for(self.socket.recv(), WAIT))
            if message["type"] != "ping":
                return message
            await self.say("pong")

    async def start(self, token: str | None = None) -> None:
        """connection_init, and its acknowledgement."""
        await self.say("connection_init", {"authorization": f"Bearer {token}"} if token else None)
        assert (await self.hear())["type"] == "connection_ack"

    async def run(self, query: str, variables: dict[str, Any] | None = None, id: str = "1") -> dict[str, Any]:
        """Run a query or mutation; its response, or {"errors": ...} if it was refused."""
        await self.say("subscribe", {"query": query, "variables": variables or {}}, id)
        message = await self.hear()
        assert message["id"] == id, message
        if message["type"] == "error":
            return {"errors": message["payload"]}
        assert (await self.hear()) == {"id": id, "type": "complete"}
        result: dict[str, Any] = message["payload"]
        return result

    async def closed(self) -> int:
        """Wait until the server closes; the close code."""
        try:
            while True:
                await self.hear()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd is not None else 1006


@asynccontextmanager
async def websocket(url: str, *, subprotocol: str | None = "graphql-transport-ws", **headers: str) -> AsyncIterator[Ws]:
    """Open a socket; `headers` with underscores for hyphens."""
    address = url.replace("http://", "ws://", 1) + "/graphql"
    protocols = None if subprotocol is None else [Subprotocol(subprotocol)]
    extra = {name.replace("_", "-"): value for name, value in headers.items()}
    async with connect(address, subprotocols=protocols, additional_headers=extra, open_timeout=WAIT) as socket:
        yield Ws(socket)
