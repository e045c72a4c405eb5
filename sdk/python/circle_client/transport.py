"""GraphQL over HTTP (httpx) and over graphql-transport-ws (websockets): timeouts, bounded retries, errors in words.

Queries are tried again when the server cannot be reached or is overloaded; a mutation only when it was surely not
taken. A mutation whose fate is unknown raises `Offline`, and whoever asked finds out what became of it.
"""

from __future__ import annotations

import asyncio
import json
import random
import ssl
from collections.abc import AsyncGenerator, Callable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage, InvalidURI
from websockets.typing import Subprotocol

from circle_client.errors import (
    CircleError,
    Closed,
    DeviceRevoked,
    InvalidInput,
    Offline,
    RevocationUnproven,
    ServerFault,
    SignedOut,
    TooManyTries,
)
from circle_client.wire import parse_bytes

_UNREACHED = "The server cannot be reached. Check the address and the network."
_MAX_FRAME = 8 * 1024 * 1024


class Backoff:
    """Growing pauses with full jitter: `first`, doubled each time up to `most` seconds."""

    def __init__(self, first: float = 0.1, most: float = 5.0) -> None:
        self._first, self._most, self._tries = first, most, 0

    def reset(self) -> None:
        """Start small again: something worked."""
        self._tries = 0

    async def pause(self, at_least: float = 0.0) -> None:
        """Sleep for the next pause."""
        await asyncio.sleep(max(at_least, self.seconds()))

    def seconds(self) -> float:
        """The next pause, for a caller who may be woken earlier."""
        top = min(self._most, self._first * 2**self._tries)
        self._tries = min(self._tries + 1, 16)
        return random.uniform(top / 2, top)  # noqa: S311 - jitter, no secret


def check_origin(origin: str) -> str:
    """`http(s)://host[:port]` without a trailing slash. Raises InvalidInput."""
    parts = urlsplit(origin.strip())
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path not in {"", "/"} or parts.query:
        raise InvalidInput("The server's address must look like https://circle.example.org.")
    return f"{parts.scheme}://{parts.netloc}"


def _error(errors: object) -> CircleError:
    first: dict[str, Any] = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    found = first.get("extensions")
    extensions: dict[str, Any] = found if isinstance(found, dict) else {}
    code, message = str(extensions.get("code") or "INTERNAL"), str(first.get("message") or "The server failed.")
    if code == "UNAUTHENTICATED":
        return SignedOut(message)
    if code == "DEVICE_REVOKED" and isinstance(extensions.get("link"), dict):
        link = extensions["link"]
        try:
            return DeviceRevoked(message, (parse_bytes(link.get("body")), parse_bytes(link.get("signature"))))
        except ValueError:
            return RevocationUnproven()
    if code == "DEVICE_REVOKED":
        return RevocationUnproven()
    if code == "UNAVAILABLE":
        return Offline(message)
    if code == "RATE_LIMITED":
        after = extensions.get("retryAfter")
        return TooManyTries(message, after if isinstance(after, int) else 1)
    return ServerFault(message, code)


def _unproven(body: bytes, signature: bytes) -> bool:
    """Before there are keys nothing can be proven."""
    return False


class Transport:
    """The `Carrier` of the generated client. `token` is the session's bearer token; it is never logged."""

    def __init__(self, origin: str, *, timeout: float = 15.0, tries: int = 6) -> None:
        self.origin = check_origin(origin)
        self.token: str | None = None
        self.is_revoked: Callable[[bytes, bytes], bool] = _unproven
        """Whether a link, as (body, signature), is a true device.revoke of this device: nothing else is believed."""
        self._tries = tries
        self._url = f"{self.origin}/graphql"
        parts = urlsplit(self._url)
        self._socket_url = urlunsplit(("wss" if parts.scheme == "https" else "ws", parts.netloc, parts.path, "", ""))
        self._http = httpx.AsyncClient(timeout=httpx.Timeout(timeout, connect=5.0))
        self._timeout = timeout
        self._closed = False

    async def close(self) -> None:
        """Close all connections; whatever is asked afterwards raises Closed."""
        self._closed = True
        await self._http.aclose()

    # ---- HTTP

    async def post(self, query: str, operation: str, variables: dict[str, Any]) -> dict[str, Any]:
        """The `data` of one query or mutation. Raises Offline, SignedOut, TooManyTries, ServerFault.

        A DeviceRevoked that is raised is proven by `is_revoked`; else it is a RevocationUnproven.
        """
        repeatable = query.lstrip().startswith("query")
        backoff = Backoff()
        for left in range(self._tries - 1, -1, -1):
            if self._closed:
                raise Closed
            try:
                return await self._post_once(query, operation, variables)
            except httpx.TransportError as error:
                unsent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
                if not left or not (repeatable or unsent):
                    raise Offline(_UNREACHED) from error
                await backoff.pause()
            except _OverloadedError as error:
                if not left or not (repeatable or error.refused):
                    raise Offline("The server is overloaded. Try again in a while.") from error
                await backoff.pause(min(error.retry_after, 5.0))
        raise Offline(_UNREACHED)

    async def _post_once(self, query: str, operation: str, variables: dict[str, Any]) -> dict[str, Any]:
        headers = {"Accept": "application/graphql-response+json, application/json;q=0.9"}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        body = {"query": query, "operationName": operation, "variables": variables}
        response = await self._http.post(self._url, json=body, headers=headers)
        if response.status_code in {429, 502, 503, 504}:
            after = response.headers.get("Retry-After", "")
            raise _OverloadedError(response.status_code == 429, float(after) if after.isdecimal() else 0.0)
        try:
            answer = response.json()
        except ValueError as error:
            raise ServerFault(f"The server answered {response.status_code} without GraphQL.") from error
        if not isinstance(answer, dict):
            raise ServerFault("The server's answer is not GraphQL.")
        if answer.get("errors"):
            raise self._refusal(answer["errors"])
        data = answer.get("data")
        if not isinstance(data, dict):
            raise ServerFault("The server's answer is not GraphQL.")
        return data

    def _refusal(self, errors: object) -> CircleError:
        """What the server said, a revocation only if it is proven."""
        error = _error(errors)
        if isinstance(error, DeviceRevoked) and not self.is_revoked(*error.link):
            return RevocationUnproven()
        return error

    # ---- WebSocket

    async def subscribe(
        self, query: str, operation: str, variables: dict[str, Any]
    ) -> AsyncGenerator[dict[str, Any], None]:
        """The `data` of each item of one subscription on a socket of its own; ends when the server completes it.

        Raises Offline when the socket cannot be opened or breaks, SignedOut, ServerFault.
        """
        if self._closed:
            raise Closed
        payload = {"query": query, "operationName": operation, "variables": variables}
        try:
            async with connect(
                self._socket_url,
                subprotocols=[Subprotocol("graphql-transport-ws")],
                compression=None,  # ciphertext does not shrink
                open_timeout=self._timeout,
                ping_interval=10,
                ping_timeout=10,
                close_timeout=1,
                max_size=_MAX_FRAME,
            ) as socket:
                await self._begin(socket, payload)
                async for frame in socket:
                    message = _message(frame)
                    kind = message.get("type")
                    if kind == "next":
                        yield self._item(message.get("payload"))
                    elif kind == "error":
                        raise self._refusal(message.get("payload"))
                    elif kind == "complete":
                        return
                    elif kind == "ping":
                        await socket.send('{"type":"pong"}')
        except ConnectionClosed as error:
            raise _closed(error) from error
        except (OSError, TimeoutError, InvalidHandshake, InvalidMessage, InvalidURI, ssl.SSLError) as error:
            raise Offline(_UNREACHED) from error
        raise Offline("The connection to the server ended.")

    async def _begin(self, socket: ClientConnection, payload: dict[str, Any]) -> None:
        init: dict[str, Any] = {"type": "connection_init"}
        if self.token is not None:
            init["payload"] = {"authorization": f"Bearer {self.token}"}
        await socket.send(json.dumps(init))
        async with asyncio.timeout(self._timeout):
            while (kind := _message(await socket.recv()).get("type")) != "connection_ack":
                if kind == "ping":
                    await socket.send('{"type":"pong"}')
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))

    def _item(self, payload: object) -> dict[str, Any]:
        if not isinstance(payload, dict):
            raise ServerFault("The server's socket does not speak graphql-transport-ws.")
        if payload.get("errors"):
            raise self._refusal(payload["errors"])
        data = payload.get("data")
        if not isinstance(data, dict):
            raise ServerFault("The server's socket does not speak graphql-transport-ws.")
        return data


class _OverloadedError(Exception):
    """429, 502, 503 or 504; only the first says for sure that the request was not taken (`refused`)."""

    def __init__(self, refused: bool, retry_after: float) -> None:
        super().__init__("overloaded")
        self.refused, self.retry_after = refused, retry_after


def _message(frame: str | bytes) -> dict[str, Any]:
    try:
        message = json.loads(frame)
    except ValueError as error:
        raise ServerFault("The server's socket does not speak graphql-transport-ws.") from error
    if not isinstance(message, dict):
        raise ServerFault("The server's socket does not speak graphql-transport-ws.")
    return message


def _closed(error: ConnectionClosed) -> CircleError:
    code = error.rcvd.code if error.rcvd is not None else 1006
    if code in {4401, 4403}:
        return SignedOut("The session is over.")
    if code in {4400, 4406, 4408, 4409, 4429}:
        return ServerFault(f"The server closed the socket with code {code}.")
    return Offline("The connection to the server was cut.")
