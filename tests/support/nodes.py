"""Several nodes over one PostgreSQL and one Redis, each behind proxies of its own: towards clients, database, bus."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from db.embedded import EmbeddedPostgres
from db.ending import end
from db.engine import answers
from db.migrate import migrate
from tests.support.company import Company
from tests.support.database import FAST
from tests.support.ports import free_port
from tests.support.proxy import Proxy, proxy
from tests.support.redis import RedisServer
from tests.support.server import PLENTY, ROOT, set_up_token

SECRET = "5c" * 32
READY_SECONDS = 60.0
_OUTAGES = ("db.errors.", "asyncpg.exceptions.", "builtins.Connection", "builtins.TimeoutError", "builtins.OSError")


@dataclass
class Node:
    """One `circle serve`. Its log goes to a file, so that nothing it says holds it up."""

    name: str
    folder: Path
    environment: dict[str, str]
    clients: Proxy
    database: Proxy
    bus: Proxy | None
    port: int
    process: asyncio.subprocess.Process | None = None
    starts: int = 0

    @property
    def url(self) -> str:
        """Where clients reach it: through the proxy."""
        return f"http://127.0.0.1:{self.clients.port}"

    @property
    def out(self) -> Path:
        """What it said on standard output."""
        return self.folder / f"{self.name}.out"

    @property
    def log(self) -> Path:
        """What it said on standard error."""
        return self.folder / f"{self.name}.log"

    @property
    def running(self) -> bool:
        """Whether its process lives."""
        return self.process is not None and self.process.returncode is None

    async def start(self, *arguments: str) -> None:
        """Start it, without waiting until it serves."""
        mine = {key: value for key, value in os.environ.items() if not key.startswith("CIRCLE_")}
        self.starts += 1
        with self.out.open("ab") as out, self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "api.cli", "serve", *arguments),
                cwd=ROOT,
                env={**mine, "PYTHONPATH": f"{ROOT}:{ROOT / 'sdk/python'}", **self.environment},
                stdout=out,
                stderr=log,
            )

    async def ready(self) -> None:
        """Wait until it has said so as often as it was started."""
        assert self.process is not None
        async with asyncio.timeout(READY_SECONDS):
            while self.out.read_text().count("Circle is ready") < self.starts:
                assert self.process.returncode is None, self.log.read_text()
                await asyncio.sleep(0.05)

    def surprises(self) -> list[str]:
        """What it logged that no outage explains: bugs, and what nobody has waited for."""
        return [line for line in self.log.read_text().splitlines() if _is_surprise(line)]

    def children(self) -> list[psutil.Process]:
        """Its workers, if it has any."""
        if not self.running or self.process is None:
            return []
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(self.process.pid).children()
        return []

    async def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; the exit code."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(number)
        async with asyncio.timeout(30):
            return await self.process.wait()


def _is_surprise(line: str) -> bool:
    try:
        record = json.loads(line)
    except ValueError:
        return True  # nothing of ours: a traceback, a warning of the interpreter
    failure = str(record.get("failure", ["db.errors."])[0])
    return record["logger"] in {"asyncio", "circle.sending"} or not failure.startswith(_OUTAGES)


@dataclass
class Cluster:
    """The nodes and what they stand on."""

    folder: Path
    postgres: EmbeddedPostgres
    redis: RedisServer | None
    nodes: list[Node]
    company: Company = field(default_factory=Company)
    _redis_runs: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def dsn(self) -> str:
        """The database past all proxies, as superuser."""
        return self.postgres.dsn

    async def start_redis(self) -> None:
        """Start Redis, or start it again."""
        if self.redis is not None:
            await self._redis_runs.enter_async_context(self.redis.running())

    async def stop_redis(self) -> None:
        """End Redis."""
        await self._redis_runs.aclose()

    async def restart_postgres(self, number: int) -> None:
        """End the database by a signal; returns once it has been started again."""
        pid_file = self.folder / "database" / "postgres" / "postmaster.pid"
        before = int(pid_file.read_text().split("\n", 1)[0])
        os.kill(before, number)
        async with asyncio.timeout(READY_SECONDS):
            while True:
                with suppress(OSError, ValueError):
                    if int(pid_file.read_text().split("\n", 1)[0]) != before and await answers(self.dsn):
                        return
                await asyncio.sleep(0.05)


@asynccontextmanager
async def cluster(
    folder: Path,
    names: str = "abc",
    *,
    with_redis: bool = True,
    workers: tuple[int, ...] = (),
    owner: Callable[[str, bytes], Awaitable[object]] | None = None,
    **environment: str,
) -> AsyncIterator[Cluster]:
    """Nodes that serve, by name one letter each; `workers`: of how many processes the last ones are.

    `owner` makes one with the first node's address and the set-up token; otherwise it is the company's first.
    """
    async with AsyncExitStack() as stack:
        settings = {**FAST, "synchronous_commit": "on", "max_connections": "200"}
        postgres = EmbeddedPostgres(folder / "database", settings=settings)
        await postgres.start()
        stack.push_async_callback(postgres.stop)
        keeper = asyncio.create_task(postgres.keep())  # it is ended by faults, and comes back
        stack.push_async_callback(end, keeper)
        await migrate(postgres.dsn)
        found = Cluster(folder, postgres, RedisServer(folder) if with_redis else None, [])
        await found.start_redis()
        stack.push_async_callback(found.stop_redis)
        counts = [1] * (len(names) - len(workers)) + list(workers)
        for name, count in zip(names, counts, strict=True):
            mine = {"CIRCLE_WORKERS": str(count), **environment}
            found.nodes.append(await _node(stack, found, folder, name, mine))
        first = found.nodes[0]
        await first.start()
        await first.ready()
        # Before the others start: without an owner each start makes a new link and the older ones void.
        await (owner or found.company.sign_up)(first.url, set_up_token(first.out.read_text()))
        for node in found.nodes[1:]:
            await node.start()
        for node in found.nodes[1:]:
            await node.ready()
        yield found


async def _node(stack: AsyncExitStack, of: Cluster, folder: Path, name: str, environment: dict[str, str]) -> Node:
    port = free_port()
    clients = await stack.enter_async_context(proxy(("127.0.0.1", port)))
    database = await stack.enter_async_context(proxy(folder / "database" / "postgres" / "socket" / ".s.PGSQL.5432"))
    bus = None if of.redis is None else await stack.enter_async_context(proxy(("127.0.0.1", of.redis.port)))
    mine = {
        "CIRCLE_DATA_DIR": str(folder / name),
        "CIRCLE_PORT": str(port),
        "CIRCLE_SECRET_KEY": SECRET,
        "CIRCLE_DATABASE_URL": f"postgresql://circle@127.0.0.1:{database.port}/circle",
        "CIRCLE_LOG_LEVEL": "warning",
        "CIRCLE_SENDS_BURST": str(PLENTY),
        **({} if bus is None else {"CIRCLE_REDIS_URL": f"redis://127.0.0.1:{bus.port}"}),
        **environment,
    }
    node = Node(name, folder, mine, clients, database, bus, port)

    async def stop() -> None:
        if node.running:
            try:
                await node.stop()
            except TimeoutError:
                await node.stop(signal.SIGKILL)

    stack.push_async_callback(stop)
    return node
