"""The way out of a socket: bounded, in order, and free for whoever waits when it closes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import MutableMapping
from typing import Any

import pytest

from api.socket_queue import Closed, Outgoing


class Client:
    """Takes messages when it is let."""

    def __init__(self) -> None:
        self.sent: list[MutableMapping[str, Any]] = []
        self.reading = asyncio.Event()

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "websocket.send":
            await self.reading.wait()
        self.sent.append(message)


async def test_a_slow_reader_makes_senders_wait_and_gets_everything_in_order() -> None:
    client = Client()
    out = Outgoing(client.send, 3)
    assert await out.accept("graphql-transport-ws")
    writer = asyncio.create_task(out.run())

    async def send_all() -> None:
        for number in range(20):
            await out.put({"number": number})

    sender = asyncio.create_task(send_all())
    await asyncio.sleep(0.05)
    assert not sender.done()
    assert len(out._waiting) <= 3
    client.reading.set()
    await sender
    while len(client.sent) < 21:  # noqa: ASYNC110 - a list tells nobody when it grows
        await asyncio.sleep(0)
    assert [json.loads(message["text"])["number"] for message in client.sent[1:]] == list(range(20))
    writer.cancel()


async def test_whoever_waits_when_it_closes_is_told() -> None:
    client = Client()
    out = Outgoing(client.send, 1)
    assert await out.accept(None)
    await out.put({})
    waiting = [asyncio.create_task(out.put({})) for _ in range(3)]
    await asyncio.sleep(0.01)
    out.put_if_room({"type": "ping"})
    out.close(4401, "The session has ended")
    out.close(4400, "too late")
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(result, Closed) for result in results)
    with pytest.raises(Closed):
        await out.put({})
    await out.finish()
    assert client.sent[-1] == {"type": "websocket.close", "code": 4401, "reason": "The session has ended"}


async def test_a_client_that_is_gone_gets_no_close_frame() -> None:
    async def gone(_: MutableMapping[str, Any]) -> None:
        raise OSError

    out = Outgoing(gone, 1)
    assert await out.accept(None) is False
    client = Client()
    out = Outgoing(client.send, 1)
    assert await out.accept(None)
    out.vanished()
    out.close(4400, "nobody hears")
    await out.finish()
    assert [message["type"] for message in client.sent] == ["websocket.accept"]
