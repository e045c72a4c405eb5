"""SIGTERM with subscriptions open and sends under way: what was taken is answered, everybody is told to resume.

CIRCLE_DRAIN_SOCKETS says how many subscriptions are open, most of them of someone who hears nothing; how long it took
is printed.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from db.embedded.server import dsn_of
from tests.faults.followers import LIVE, Broken
from tests.faults.senders import Ledger, Way, way_of
from tests.support.client import Ws, websocket
from tests.support.company import FIRST_SEQ, Company
from tests.support.server import ServerProcess, set_up_token

SOCKETS = int(os.environ.get("CIRCLE_DRAIN_SOCKETS", "200"))
SENDERS, HEARERS, BEFORE = 16, 20, 200


async def send_on(way: Way, company: Company, ledger: Ledger) -> None:
    """Send without a pause until the server says goodbye."""
    conversation, person = company.conversations[0], company.people[0]
    try:
        async with way:
            while True:
                envelope = conversation.envelope(person)
                ledger.take(envelope, conversation, await way.send(envelope))
    except (ConnectionClosed, httpx.TransportError, Broken) as end:
        ledger.stats[type(end).__name__] += 1


async def subscribe(url: str, token: str, stack: AsyncExitStack) -> asyncio.Task[int]:
    """Follow; what it ends with is the code that the server closes with."""
    ws = await stack.enter_async_context(websocket(url))
    await ws.start(token)
    await ws.say("subscribe", {"query": LIVE}, "1")
    assert (await ws.hear())["payload"]["data"]["events"]["__typename"] == "CaughtUp"
    return asyncio.create_task(follow(ws))


async def follow(ws: Ws) -> int:
    try:
        while True:
            if b'"ping"' in await ws.socket.recv(decode=False):
                await ws.say("pong")
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd is not None else 1006


@pytest.mark.parametrize("workers", [1, 2])
async def test_what_was_taken_is_answered_and_everybody_told_to_resume(tmp_path: Path, workers: int) -> None:
    server = ServerProcess(tmp_path, CIRCLE_MAX_SOCKETS_PER_CLIENT="100000", CIRCLE_WORKERS=str(workers))
    company, ledger = Company(), Ledger()
    await company.sign_up(server.url, set_up_token(await server.greeting()))
    await company.fill(server.url, 3, 1, 2)
    async with AsyncExitStack() as stack:
        tokens = [company.people[1 if number < HEARERS else 2].token for number in range(SOCKETS)]
        listening = [await subscribe(server.url, token, stack) for token in tokens]
        ways = [way_of(server.url, company.people[0].token, by_socket=bool(n % 2)) for n in range(SENDERS)]
        sending = asyncio.gather(*(send_on(way, company, ledger) for way in ways))
        async with asyncio.timeout(60):
            while len(ledger.acknowledged) < BEFORE:  # noqa: ASYNC110  (counted by others)
                await asyncio.sleep(0.01)
        await asyncio.sleep(random.uniform(0, 0.1))  # anywhere within a batch
        begun = time.monotonic()
        ended = asyncio.create_task(server.stop())
        await sending
        codes = Counter(await asyncio.gather(*listening))
        assert await ended == (0, "")
        took = time.monotonic() - begun
    print(f"\n{workers} worker(s), {SOCKETS} subscriptions, {SENDERS} senders: {took:.2f} s, {dict(ledger.stats)}")
    assert codes == {1012: SOCKETS}

    # What is in the log was acknowledged, and the other way round.
    await server.start()
    connection = await asyncpg.connect(dsn_of(tmp_path))
    rows = await connection.fetch("SELECT id FROM event WHERE seq >= $1 AND kind = 1", FIRST_SEQ)
    await connection.close()
    assert await server.stop() == (0, "")
    assert {row[0] for row in rows} == ledger.acknowledged.keys()
    assert len(ledger.acknowledged) >= BEFORE
