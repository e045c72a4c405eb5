"""Connections that ask for nothing, slowly or without end: they are closed, and the server goes on for others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from api.connection import GuardedHttp
from tests.support.server import RunningServer, running

HEAD = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
HELLO = b'{"query":"{ server { name } }"}'
WHOLE = HEAD + b"Content-Length: %d\r\n\r\n" % len(HELLO) + HELLO
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@asynccontextmanager
async def connected(server: RunningServer) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]))
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def said(reader: asyncio.StreamReader) -> bytes:
    """All the server says until it closes: also what it said before it closed on somebody who was still writing."""
    heard = b""
    async with asyncio.timeout(10):
        with suppress(ConnectionResetError):
            while piece := await reader.read(1 << 16):
                heard += piece
    return heard


@pytest.fixture
async def hasty(tmp_path: Path, dsn: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RunningServer]:
    """A server that waits for a request for a moment alone."""
    monkeypatch.setattr(GuardedHttp, "head_seconds", 0.3)
    async with running(tmp_path, dsn, body_seconds=0.3) as found:
        yield found


@pytest.mark.parametrize("begun", [b"", b"\r\n", b"POST /graph", HEAD, WHOLE + b"\r\n", WHOLE + HEAD])
async def test_who_never_ends_a_head_is_let_go(hasty: RunningServer, begun: bytes) -> None:
    async with connected(hasty) as (reader, writer):
        writer.write(begun)
        answer = await said(reader)
    assert answer.startswith(b"HTTP/1.1 200") == begun.startswith(WHOLE)


async def test_a_byte_now_and_then_is_no_progress(hasty: RunningServer) -> None:
    async with connected(hasty) as (reader, writer):
        closed = asyncio.create_task(said(reader))
        while not closed.done():
            writer.write(b"\r\n")
            await asyncio.sleep(0.05)
        assert await closed == b""


@pytest.mark.parametrize("begun", [HEAD + b"Content-Length: 100\r\n\r\n{", CHUNKED + b"1\r\n{\r\n"])
async def test_a_body_that_does_not_arrive_is_a_408(hasty: RunningServer, begun: bytes) -> None:
    async with connected(hasty) as (reader, writer):
        writer.write(begun)
        answer = await said(reader)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b'"REQUEST_TIMEOUT"' in answer


async def test_who_goes_on_sending_an_answered_request_is_let_go(hasty: RunningServer) -> None:
    async with connected(hasty) as (reader, writer):
        writer.write(b"GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
        closed = asyncio.create_task(said(reader))
        while not closed.done():
            writer.write(b"x")
            await asyncio.sleep(0.05)
        assert (await closed).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("begun", "more"),
    [
        (b"GET /", b"a" * 1000),
        (HEAD + b"X: ", b"a" * 1000),
        (HEAD, b"X: a\r\n" * 1000),
        (CHUNKED + b"0\r\nX: ", b"a" * 1000),
        (CHUNKED + b"0\r\n", b"X: a\r\n" * 1000),
        (CHUNKED + b"1;x=", b"a" * 1000),
    ],
)
async def test_heads_and_trailers_have_an_end(server: RunningServer, begun: bytes, more: bytes) -> None:
    async with connected(server) as (reader, writer):
        writer.write(begun)
        sent, closed = 0, asyncio.create_task(said(reader))
        while not closed.done() and sent < 50_000_000:
            writer.write(more * 10)
            sent += 10 * len(more)
            await asyncio.sleep(0)
        assert closed.done()
    assert (await server.http().send("{ server { name } }")).status_code == 200


async def test_a_large_body_in_small_chunks_is_no_head(server: RunningServer) -> None:
    body = b'{"query":"{ server { name } }","extensions":{"x":"' + b"a" * 200_000 + b'"}}'
    async with connected(server) as (reader, writer):
        writer.write(CHUNKED + b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n")
        async with asyncio.timeout(10):
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
