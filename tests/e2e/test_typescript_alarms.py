"""Lies about people, the account and the list, and a restored backup, with the TypeScript SDK."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
from circle_client.protocol.invite import InviteLink

from tests.support.database import Server
from tests.support.hostile import Hostile, hostile
from tests.support.server import RunningServer, running
from tests.support.vitest import vitest


async def lies(spec: str, server: RunningServer, evil: Hostile) -> None:
    """Run one file of hostile tests."""
    fragment = InviteLink(server.set_up_token).fragment()
    await vitest(f"hostile/{spec}", server.url, fragment, CIRCLE_HOSTILE_ORIGIN=evil.url)


async def test_lies_about_people_and_the_account(tmp_path: Path, dsn: str) -> None:
    """A swapped identity, a rolled-back account, an omitted conversation, a device that is shown too little."""
    async with running(tmp_path, dsn) as server, hostile(server.url) as evil:
        await lies("trust", server, evil)


async def test_lies_about_devices(tmp_path: Path, dsn: str) -> None:
    """Linking, rotation, revocation, signing in, and a message that is said to have expired."""
    async with running(tmp_path, dsn) as server, hostile(server.url) as evil:
        await lies("devices", server, evil)


class Backups:
    """A server behind the man in the middle, a backup of its database, and that backup in its place."""

    def __init__(
        self, folder: Path, dsn: str, postgres: Server, evil: Hostile, stack: AsyncExitStack, **options: Any
    ) -> None:
        self._folder, self._dsn, self._postgres, self._evil, self._stack = folder, dsn, postgres, evil, stack
        self._options = options
        self._life = AsyncExitStack()
        self._backup = ""

    async def start(self, dsn: str) -> RunningServer:
        """A server on this database, for everybody who asks from now on."""
        await self._life.aclose()
        server = await self._life.enter_async_context(running(self._folder, dsn, **self._options))
        self._evil.aim(server.url)
        return server

    async def stop(self) -> None:
        await self._life.aclose()

    async def backup(self) -> None:
        """Copy the database while nobody uses it, and go on."""
        await self.stop()
        self._backup = await self._stack.enter_async_context(self._postgres.fresh(urlsplit(self._dsn).path.lstrip("/")))
        connection = await asyncpg.connect(self._backup)
        await connection.execute("DELETE FROM log_life")  # a restored log begins another life
        await connection.close()
        await self.start(self._dsn)

    async def restore(self) -> None:
        """Put the copy in the server's place."""
        await self.stop()
        await self.start(self._backup)


async def test_a_restored_backup(tmp_path: Path, dsn: str, postgres: Server) -> None:
    """What was lost is given back by those who signed it, or a person goes on without it."""
    async with AsyncExitStack() as stack, hostile("http://127.0.0.1:1") as evil:
        backups = Backups(tmp_path, dsn, postgres, evil, stack)
        server = await backups.start(dsn)
        evil.orders = {"backup": backups.backup, "restore": backups.restore}
        try:
            await lies("restored", server, evil)
        finally:
            await backups.stop()
