"""What goes wrong: one fault after the other, drawn from a shuffled deck by the seed, each mended after a while."""

from __future__ import annotations

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress

import asyncpg

from tests.support.nodes import Cluster, Node
from tests.support.proxy import Proxy

Fault = Callable[[], Awaitable[None]]


class Havoc:
    """Breaks a cluster until told to stop; then everything is whole again, and all nodes serve."""

    def __init__(self, cluster: Cluster, random: random.Random) -> None:
        self._cluster, self._random = cluster, random
        self.stats: Counter[str] = Counter()
        self._deck: list[Fault] = []
        self.exits: list[int] = []
        """Exit codes of nodes that were told to stop in order."""

    async def run(self, least: int, enough: asyncio.Event, stop: asyncio.Event, rest: float = 1.0) -> None:
        """Go through the deck again and again until told to stop, setting `enough` after `least` faults.

        A fault that was begun is mended before this returns.
        """
        while not stop.is_set():
            if self.stats.total() >= least:
                enough.set()
            if not self._deck:
                self._deck = self._faults()
                self._random.shuffle(self._deck)
            fault = self._deck.pop()
            self.stats[fault.__name__] += 1
            await fault()
            await asyncio.sleep(self._random.uniform(0, rest))

    def _faults(self) -> list[Fault]:
        redis = [self.redis_away, self.bus_cut] if self._cluster.redis is not None else []
        return [
            self.node_killed, self.node_killed, self.node_stopped, self.worker_killed, self.backends_terminated,
            self.backends_terminated, self.clients_cut, self.clients_cut, self.database_cut, self.wire_delayed,
            self.wire_delayed, self.clients_throttled, self.wire_silent, self.wire_silent, self.postgres_restarted,
            self.postgres_crashed, *redis,
        ]  # fmt: skip

    def _node(self) -> Node:
        return self._random.choice(self._cluster.nodes)

    def _wire(self) -> Proxy:
        node = self._node()
        return self._random.choice([wire for wire in (node.clients, node.database, node.bus) if wire is not None])

    async def _while(self, most: float) -> None:
        await asyncio.sleep(self._random.uniform(0.1, most))

    async def node_killed(self) -> None:
        """kill -9, and a new start after a moment."""
        await self.again(self._node(), signal.SIGKILL)

    async def node_stopped(self) -> None:
        """SIGTERM: it ends in order."""
        self.exits.append(await self.again(self._node(), signal.SIGTERM))

    async def again(self, node: Node, number: int) -> int:
        """End a node by a signal and start it after a moment; its exit code."""
        code = await node.stop(number)
        await self._while(1)
        await node.start()
        await node.ready()
        return code

    async def worker_killed(self) -> None:
        """kill -9 of one worker of several: its parent starts another."""
        workers = [child for node in self._cluster.nodes for child in node.children()]
        if workers:
            self._random.choice(workers).kill()

    async def backends_terminated(self) -> None:
        """pg_terminate_backend of some or all connections of the nodes."""
        share = self._random.choice([0.2, 0.5, 1])
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            connection = await asyncpg.connect(self._cluster.dsn, timeout=5)
            try:
                await connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE pid <> pg_backend_pid() AND datname = current_database() AND random() < $1",
                    share,
                )
            finally:
                await connection.close(timeout=5)

    async def clients_cut(self) -> None:
        """All clients of a node lose their connections."""
        self._node().clients.cut()

    async def database_cut(self) -> None:
        """A node loses its connections to the database, and gets none for a moment."""
        wire = self._node().database
        wire.down = True
        wire.cut()
        await self._while(1)
        wire.heal()

    async def bus_cut(self) -> None:
        """A node loses its connections to Redis."""
        wire = self._node().bus
        assert wire is not None
        wire.cut()

    async def wire_delayed(self) -> None:
        """Everything on one wire takes longer."""
        wire = self._wire()
        wire.delay = self._random.uniform(0.01, 0.2)
        await self._while(3)
        wire.heal()

    async def clients_throttled(self) -> None:
        """A node's clients are on slow lines."""
        wire = self._node().clients
        wire.rate = 20_000.0
        await self._while(3)
        wire.heal()

    async def wire_silent(self) -> None:
        """Nothing passes on one wire, and nobody is told; then it goes on, or is cut."""
        wire = self._wire()
        wire.silent = True
        await self._while(6)
        wire.heal()
        if self._random.random() < 0.5:
            wire.cut()

    async def redis_away(self) -> None:
        """Redis ends, and comes back."""
        await self._cluster.stop_redis()
        await self._while(2)
        await self._cluster.start_redis()

    async def postgres_restarted(self) -> None:
        """A fast shutdown, as of an administrator, and a new start."""
        await self._cluster.restart_postgres(signal.SIGINT)

    async def postgres_crashed(self) -> None:
        """An immediate end of all its processes: the log gets another life, and clients must load afresh."""
        await self._cluster.restart_postgres(signal.SIGQUIT)
