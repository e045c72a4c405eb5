"""`broadcaster`'s backends with their traps closed: each says when it has failed instead of falling silent."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import asyncpg
from broadcaster._backends.base import BroadcastBackend
from broadcaster._backends.memory import MemoryBackend
from broadcaster._backends.postgres import PostgresBackend
from broadcaster._backends.redis import RedisBackend


class BusLost(Exception):
    """The connection behind the bus has gone."""


class Memory(MemoryBackend):
    """Within one process; can't fail."""

    async def failed(self) -> None:
        """Wait for ever."""
        await asyncio.Event().wait()


class Redis(RedisBackend):
    """Redis publish and subscribe."""

    async def subscribe(self, channel: str) -> None:
        """Subscribe, and only then let the listener run: the original order makes it end with redis-py 8."""
        await self._pubsub.subscribe(channel)
        self._ready.set()

    async def connect(self) -> None:
        """Connect, and leave nothing behind where that fails: the original forgets its listener then."""
        try:
            await super().connect()
        except BaseException:
            if self._listener is not None:
                self._listener.cancel()
            raise

    async def failed(self) -> None:
        """Return or raise when the listener, which the original leaves unwatched, has ended."""
        if self._listener is not None:
            await asyncio.wait([self._listener])


class Postgres(PostgresBackend):
    """LISTEN and NOTIFY, as circle_hub. One publish at a time is all that its connection takes."""

    LONGEST = 7_999

    async def connect(self) -> None:
        """Connect in our role, and notice the connection's end."""
        self._lost = asyncio.Event()
        self._conn = await asyncpg.connect(
            self._url, timeout=10, server_settings={"role": "circle_hub", "application_name": "circle_bus"}
        )
        self._conn.add_termination_listener(lambda _: self._lost.set())
        self._listen_queue = asyncio.Queue()

    async def disconnect(self) -> None:
        """Close quickly, whatever state the connection is in."""
        try:
            await self._conn.close(timeout=1)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            self._conn.terminate()

    async def failed(self) -> None:
        """Return when the connection has ended."""
        await self._lost.wait()


Backend = Memory | Redis | Postgres


def backend(url: str) -> Backend:
    """The backend for a bus URL. Raises ValueError for an unknown kind (the URL may hold a password: not quoted)."""
    scheme = urlsplit(url).scheme
    made: dict[str, type[BroadcastBackend]] = {
        "memory": Memory,
        "redis": Redis,
        "rediss": Redis,
        "postgresql": Postgres,
        "postgres": Postgres,
    }
    if scheme not in made:
        raise ValueError("The bus URL must begin with memory://, redis://, rediss:// or postgresql://.")
    built = made[scheme](url)
    assert isinstance(built, Memory | Redis | Postgres)  # noqa: S101  (for the type checker)
    return built
