"""Queries whose clients are gone before the answer: nothing of them runs on, is held, or is complained of."""

from __future__ import annotations

import asyncio
import gc
import logging
import random
from typing import cast

import pytest
from sqlalchemy.pool import AsyncAdaptedQueuePool

from tests.api.test_ws import EVENTS
from tests.support.actors import Actor
from tests.support.client import websocket
from tests.support.server import RunningServer

ASK = """query { viewer { member { handle } account { id head events(last: 1) { nodes { seq } } }
  other: member { displayName chain(first: 5) { nodes { number } } }
  conversations(first: 5) { nodes { head members(first: 5) { nodes { member { handle } } } } } } }"""


@pytest.mark.filterwarnings("error")
async def test_a_query_that_is_broken_off_leaves_nothing_behind(
    server: RunningServer, caplog: pytest.LogCaptureFixture
) -> None:
    token = (await server.sign_up(Actor.make(), server.set_up_token))["token"]
    ada = server.http(token)
    chance = random.Random(20261124)

    async def ask_and_vanish(pause: float) -> None:
        async with websocket(server.url) as ws:
            await ws.start(token)
            for number in range(3):
                await ws.say("subscribe", {"query": ASK}, str(number))
            await asyncio.sleep(pause)
            ws.socket.transport.abort()

    with caplog.at_level(logging.WARNING):
        for _ in range(8):
            await asyncio.gather(*(ask_and_vanish(chance.uniform(0, 0.03)) for _ in range(6)))
            # Whoever stays is answered, and never by what was meant for somebody else.
            assert (await ada.data("{ viewer { member { handle } } }"))["viewer"]["member"]["handle"]
        async with websocket(server.url) as ws:
            await ws.start(token)
            await ws.say("subscribe", {"query": EVENTS}, "1")
            assert (await ws.hear())["type"] == "next"
        pool = cast("AsyncAdaptedQueuePool", server.circle.uow._database.app.pool)
        async with asyncio.timeout(10):
            while pool.checkedout():  # noqa: ASYNC110  (the pool tells nobody)
                await asyncio.sleep(0.02)
        gc.collect()
        await asyncio.sleep(0.05)
    assert [record.getMessage() for record in caplog.records] == []
