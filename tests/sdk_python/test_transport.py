"""What the transport repeats, what it gives up, and how errors come out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from circle_client import transport as module
from circle_client.errors import CircleError, Closed, InvalidInput, Offline, ServerFault, SignedOut, TooManyTries
from circle_client.transport import Backoff, Transport, check_origin

QUERY, MUTATION = "\n  query Q { a }", "mutation M { a }"
Handler = Callable[[httpx.Request], httpx.Response]


@asynccontextmanager
async def answering(monkeypatch: pytest.MonkeyPatch, *answers: httpx.Response | Exception) -> AsyncIterator[Transport]:
    """A transport whose requests get these answers, one after another; no pause in between."""
    left = list(answers)

    def handle(request: httpx.Request) -> httpx.Response:
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def at_once(self: Backoff, at_least: float = 0.0) -> None:
        await asyncio.sleep(0)

    monkeypatch.setattr(module.Backoff, "pause", at_once)
    found = Transport("http://circle.test")
    await found._http.aclose()
    found._http = httpx.AsyncClient(transport=httpx.MockTransport(handle))
    try:
        yield found
    finally:
        assert left == []
        await found.close()


def data(**values: Any) -> httpx.Response:
    return httpx.Response(200, json={"data": values})


def error(code: str, **extensions: Any) -> httpx.Response:
    found = {"message": "A sentence.", "extensions": {"code": code, **extensions}}
    return httpx.Response(200, content=json.dumps({"errors": [found]}))


async def test_a_query_is_repeated_until_it_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    lost = httpx.ReadError("lost")
    async with answering(monkeypatch, lost, httpx.Response(503), httpx.ConnectError("no"), data(a=1)) as found:
        assert await found.post(QUERY, "Q", {}) == {"a": 1}


async def test_tries_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    async with answering(monkeypatch, *[httpx.ConnectError("no")] * 6) as found:
        with pytest.raises(Offline):
            await found.post(QUERY, "Q", {})


@pytest.mark.parametrize("answer", [httpx.ReadError("lost"), httpx.Response(502), httpx.Response(503)])
async def test_a_mutation_of_unknown_fate_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, answer: httpx.Response | Exception
) -> None:
    async with answering(monkeypatch, answer) as found:
        with pytest.raises(Offline):
            await found.post(MUTATION, "M", {})


@pytest.mark.parametrize("answer", [httpx.ConnectError("no"), httpx.Response(429, headers={"Retry-After": "1"})])
async def test_a_mutation_that_was_surely_not_taken_is_repeated(
    monkeypatch: pytest.MonkeyPatch, answer: httpx.Response | Exception
) -> None:
    async with answering(monkeypatch, answer, data(a=1)) as found:
        assert await found.post(MUTATION, "M", {}) == {"a": 1}


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (error("UNAUTHENTICATED"), SignedOut, "UNAUTHENTICATED"),
        (error("RATE_LIMITED", retryAfter=7), TooManyTries, "RATE_LIMITED"),
        (error("UNAVAILABLE"), Offline, "OFFLINE"),
        (error("TOO_COSTLY"), ServerFault, "TOO_COSTLY"),
        (httpx.Response(200, content=b"<html>"), ServerFault, "INTERNAL"),
        (httpx.Response(200, json=[]), ServerFault, "INTERNAL"),
        (httpx.Response(200, json={"data": None}), ServerFault, "INTERNAL"),
        (httpx.Response(200, json={"errors": ["strange"]}), ServerFault, "INTERNAL"),
    ],
)
async def test_errors_come_out_in_words(
    monkeypatch: pytest.MonkeyPatch, answer: httpx.Response, kind: type[CircleError], code: str
) -> None:
    async with answering(monkeypatch, answer) as found:
        with pytest.raises(kind) as raised:
            await found.post(MUTATION, "M", {})
    assert raised.value.code == code
    assert str(raised.value).endswith(".")


async def test_a_closed_transport_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async with answering(monkeypatch) as found:
        await found.close()
        with pytest.raises(Closed):
            await found.post(QUERY, "Q", {})


@pytest.mark.parametrize("bad", ["", "localhost:8000", "ftp://x", "http://", "http://x/path", "http://x?a=b"])
def test_strange_addresses_are_refused(bad: str) -> None:
    with pytest.raises(InvalidInput):
        check_origin(bad)


def test_an_address_loses_its_slash() -> None:
    assert check_origin(" https://circle.example.org/ ") == "https://circle.example.org"
