"""The bus over each of its carriers: everybody hears everything once, and outages heal by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from broadcaster import Broadcast

from db.bus import Bus, Message
from db.engine import Connection
from tests.support.ports import free_port
from tests.support.redis import RedisServer


async def until(condition: Callable[[], bool], seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  (what is waited for sets no event)
            await asyncio.sleep(0.01)


@asynccontextmanager
async def buses(url: str, count: int, **times: float) -> AsyncIterator[list[tuple[Bus, list[Message]]]]:
    made: list[tuple[Bus, list[Message]]] = []
    for _ in range(count):
        bus, heard = Bus(url, **times), list[Message]()
        bus.subscribe(heard.append)
        await bus.start()
        made.append((bus, heard))
    for bus, _ in made:
        await asyncio.wait_for(bus.connected.wait(), 15)
    yield made
    for bus, _ in made:
        await bus.stop()


@pytest.fixture
def redis(tmp_path: Path) -> RedisServer:
    return RedisServer(tmp_path)


async def everybody_hears_everything_once(url: str) -> None:
    async with buses(url, 3) as made:
        for n, (bus, _) in enumerate(made):
            for m in range(40):
                bus.publish({"kind": "test", "from": n, "n": m})
        await until(lambda: all(len(heard) >= 120 for _, heard in made))
        await asyncio.sleep(0.05)
        for _, heard in made:
            assert len(heard) == 120
            for n in range(3):
                assert [m["n"] for m in heard if m["from"] == n] == list(range(40))


async def test_memory_speaks_to_itself() -> None:
    async with buses("memory://", 1) as [(bus, heard)]:
        for n in range(100):
            bus.publish({"kind": "test", "n": n})
        await until(lambda: len(heard) == 100)
        assert [m["n"] for m in heard] == list(range(100))


async def test_postgres_carries_to_everybody(dsn: str) -> None:
    await everybody_hears_everything_once(dsn)


async def test_redis_carries_to_everybody(redis: RedisServer) -> None:
    async with redis.running():
        await everybody_hears_everything_once(redis.url)


async def test_pokes_that_wait_are_one_and_later_ones_come(dsn: str) -> None:
    async with buses(dsn, 2) as [(bus, _), (_, heard)]:
        for _ in range(50):
            bus.poke()
        await until(lambda: len(heard) > 0)
        await asyncio.sleep(0.1)
        assert len(heard) < 50
        before = len(heard)
        bus.poke()
        await until(lambda: len(heard) == before + 1)


async def test_who_stopped_listening_hears_no_more_and_a_failing_one_harms_nobody() -> None:
    async with buses("memory://", 1) as [(bus, heard)]:

        def fails(message: Message) -> None:
            raise RuntimeError("subscriber")

        bus.subscribe(fails)
        other: list[Message] = []
        end = bus.subscribe(other.append)
        bus.publish({"kind": "one"})
        await until(lambda: len(other) == 1)
        end()
        end()
        bus.publish({"kind": "two"})
        await until(lambda: len(heard) == 2)
        assert len(other) == 1


async def test_a_dropped_postgres_connection_is_rebuilt_and_the_gap_told(dsn: str, admin: Connection) -> None:
    async with buses(dsn, 2) as [(bus, mine), (_, theirs)]:
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'circle_bus'"
        )
        await until(lambda: {"kind": "gap"} in mine and {"kind": "gap"} in theirs)
        bus.publish({"kind": "after"})
        await until(lambda: {"kind": "after"} in theirs)
        assert mine.count({"kind": "after"}) == 1


async def test_a_restarted_redis_is_found_again_and_the_own_process_never_went_deaf(redis: RedisServer) -> None:
    async with redis.running():
        made = buses(redis.url, 2)
        [(bus, mine), (_, theirs)] = await made.__aenter__()
    bus.publish({"kind": "while away"})
    await until(lambda: {"kind": "while away"} in mine)
    async with redis.running():
        await until(lambda: {"kind": "gap"} in mine and {"kind": "gap"} in theirs)
        bus.publish({"kind": "after"})
        await until(lambda: {"kind": "after"} in theirs)
        await made.__aexit__(None, None, None)


async def test_a_server_that_comes_late_is_found(redis: RedisServer) -> None:
    bus, heard = Bus(redis.url), list[Message]()
    bus.subscribe(heard.append)
    await bus.start()
    await asyncio.sleep(0.2)
    assert not bus.connected.is_set()
    async with redis.running():
        await asyncio.wait_for(bus.connected.wait(), 15)
        assert {"kind": "gap"} not in heard
    await bus.stop()


async def test_it_ends_although_leaving_a_channel_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """With Redis gone, broadcaster answers the cancellation with an error of its own."""
    subscribe = Broadcast.subscribe

    @asynccontextmanager
    async def leaving_fails(self: Broadcast, channel: str) -> AsyncIterator[Any]:
        async with subscribe(self, channel) as subscriber:
            try:
                yield subscriber
            finally:
                raise ConnectionError("gone")

    monkeypatch.setattr(Broadcast, "subscribe", leaving_fails)
    bus = Bus()
    await bus.start()
    await asyncio.wait_for(bus.connected.wait(), 15)
    await asyncio.wait_for(bus.stop(), 15)


async def test_silence_is_noticed(redis: RedisServer) -> None:
    """A half-open connection: nothing comes, nothing is raised."""
    async with redis.running():
        relay = Relay(redis.port)
        async with relay.running(), buses(f"redis://127.0.0.1:{relay.port}", 1, beat=0.1, silence=0.5) as [(_, heard)]:
            relay.deaf = True
            await asyncio.sleep(0.8)
            relay.deaf = False
            await until(lambda: {"kind": "gap"} in heard)


class Relay:
    """A TCP relay that can swallow everything without closing anything."""

    def __init__(self, to: int) -> None:
        self.to, self.deaf = to, False
        self.port = free_port()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        yield
        server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection("127.0.0.1", self.to)
        await asyncio.gather(self._pump(reader, forth), self._pump(back, writer))

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            if not self.deaf:
                sink.write(data)
        sink.close()


async def test_what_is_too_long_for_notify_is_dropped_and_the_rest_goes_on(dsn: str) -> None:
    async with buses(dsn, 2) as [(bus, _), (_, heard)]:
        bus.publish({"kind": "long", "text": "x" * 9000})
        bus.publish({"kind": "short"})
        await until(lambda: len(heard) == 1)
        assert heard == [{"kind": "short"}]


def test_an_unknown_carrier_is_refused_without_quoting_the_url() -> None:
    with pytest.raises(ValueError, match="must begin with") as error:
        Bus("kafka://user:secret@host")
    assert "secret" not in str(error.value)
