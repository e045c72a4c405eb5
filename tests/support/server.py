"""The real application on a free port: in this process for most tests, as a process of its own for those about it."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import asyncpg

from api.app import Circle, build_app, open_circle, utc_now
from api.serve import Server
from api.settings import load_secret_key, load_settings
from api.start import data_folder, listening
from resolvers.invites import renew_set_up_link
from tests.support.actors import Actor, b64, unb64
from tests.support.client import Http
from tests.support.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
PLENTY = 1_000_000
"""Sends that a member may make where the limit is not what is tested: tests send faster than people."""


@dataclass
class RunningServer:
    """A server that answers at `url`. `admin` reads its database past all policies."""

    url: str
    circle: Circle
    dsn: str
    set_up_token: bytes
    _clients: list[Http] = field(default_factory=list)

    def http(self, token: str | None = None, **options: Any) -> Http:
        """A client, closed with the server."""
        client = Http(self.url, token, **options)
        self._clients.append(client)
        return client

    async def fetch(self, query: str, *args: object) -> list[asyncpg.Record]:
        """Rows of the server's database, as superuser."""
        connection = await asyncpg.connect(self.dsn)
        try:
            return await connection.fetch(query, *args)
        finally:
            await connection.close()

    async def state(self) -> dict[str, list[asyncpg.Record]]:
        """All rows of all tables but the counters of tries: to see that a refusal changed nothing."""
        names = await self.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT IN ('attempt')"
        )
        return {name[0]: await self.fetch(f"SELECT * FROM {name[0]} AS t ORDER BY t::text") for name in names}

    async def sign_up(self, person: Actor, token: bytes, **changes: Any) -> dict[str, Any]:
        """Sign a person up; the payload."""
        value = person.sign_up_input(token, **changes)
        return await self.http().mutate("signUp", "token viewer { member { id } }", "SignUpInput", value)

    async def owner(self, person: Actor | None = None) -> tuple[Actor, Http]:
        """The owner, signed up through the set-up link."""
        person = person or Actor.make()
        payload = await self.sign_up(person, self.set_up_token)
        assert payload["errors"] == [], payload
        return person, self.http(payload["token"])

    async def member(self, inviter: Http, person: Actor | None = None, role: str = "MEMBER") -> tuple[Actor, Http]:
        """A member, invited by `inviter`."""
        person, token = person or Actor.make(), os.urandom(16)
        await invite(inviter, token, role)
        payload = await self.sign_up(person, token, mac=os.urandom(32))
        assert payload["errors"] == [], payload
        return person, self.http(payload["token"])

    async def close(self) -> None:
        """Close the clients."""
        for client in self._clients:
            await client.raw.aclose()


async def invite(inviter: Http, token: bytes, role: str = "MEMBER", hours: int = 1) -> dict[str, Any]:
    """Make an invite of that token."""
    value = {"tokenHash": b64(sha256(token).digest()), "expiresInHours": hours, "role": role}
    payload = await inviter.mutate("createInvite", "invite { id role expiresAt }", "CreateInviteInput", value)
    assert payload["errors"] == [], payload
    return payload


@asynccontextmanager
async def running(folder: Path, dsn: str, **changes: Any) -> AsyncIterator[RunningServer]:
    """Run the application in this loop, on that database."""
    port = free_port()
    options = {"log_level": "error", "web_dir": folder / "no-web", "drain_seconds": 1.0, "sends_burst": PLENTY}
    options |= changes
    settings = load_settings(port=port, host="127.0.0.1", data_dir=folder, database_url=dsn, **options)
    with data_folder(settings.data_dir), listening(settings) as listener:
        async with open_circle(settings, load_secret_key(settings)) as circle:
            link = await renew_set_up_link(circle.uow, utc_now())
            server = Server(build_app(circle), circle, lambda: None)
            task = asyncio.create_task(server.serve(sockets=[listener]))
            while not server.started:  # noqa: ASYNC110 - uvicorn tells by a flag alone
                await asyncio.sleep(0.01)
            found = RunningServer(f"http://127.0.0.1:{port}", circle, dsn, unb64(link or ""))
            try:
                yield found
            finally:
                await found.close()
                server.should_exit = True
                await task


class ServerProcess:
    """`circle serve` as a process of its own, with an embedded database."""

    program: tuple[str, ...] = ("-m", "api.cli")

    def __init__(self, data_dir: Path, port: int | None = None, **environment: str) -> None:
        self.data_dir, self.port = data_dir, port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = environment
        self.process: asyncio.subprocess.Process | None = None
        self.out: list[str] = []

    async def run(self, *command: str) -> asyncio.subprocess.Process:
        """Start the command line with this server's settings."""
        mine = {key: value for key, value in os.environ.items() if not key.startswith("CIRCLE_")}
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *self.program,
            *command,
            cwd=ROOT,
            env={
                **mine,
                "PYTHONPATH": f"{ROOT}:{ROOT / 'sdk/python'}",
                "CIRCLE_DATA_DIR": str(self.data_dir),
                "CIRCLE_PORT": str(self.port),
                "CIRCLE_SENDS_BURST": str(PLENTY),
                **self.environment,
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def start(self) -> str:
        """Start, wait until it says that it is ready; returns all it said until then."""
        self.process = await self.run("serve")
        assert self.process.stdout is not None
        said = ""
        async with asyncio.timeout(60):
            while "Circle is ready" not in said:
                line = await self.process.stdout.readline()
                assert line, (await self.process.communicate())[1].decode()
                said += line.decode()
        return said

    async def greeting(self) -> str:
        """Start a server that has no owner yet; all it said up to the set-up link."""
        said = await self.start()
        assert self.process is not None
        assert self.process.stdout is not None
        async with asyncio.timeout(10):
            while "/join#" not in said:
                said += (await self.process.stdout.readline()).decode()
        return said

    async def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal and wait; the exit code and what was said on stderr."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(number)
        async with asyncio.timeout(60):
            _, stderr = await self.process.communicate()
        code = self.process.returncode
        assert code is not None
        return code, stderr.decode()


def set_up_token(said: str) -> bytes:
    """The token of the set-up link in a server's greeting."""
    found = re.search(r"/join#([A-Za-z0-9_-]+)", said)
    assert found is not None, said
    return unb64(found[1])
