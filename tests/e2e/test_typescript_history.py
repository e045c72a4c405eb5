"""What a rotation carries and what newcomers are given, with the TypeScript SDK on a running server (e2ee.md 6, 8)."""

from __future__ import annotations

from pathlib import Path

from circle_client.protocol.invite import InviteLink

from tests.support.server import running
from tests.support.vitest import vitest


async def test_history_with_the_typescript_client(tmp_path: Path, dsn: str) -> None:
    """A grant that comes just before a rotation, a giver that was cut off, a member who is let in again."""
    async with running(tmp_path, dsn) as server:
        await vitest("integration/history", server.url, InviteLink(server.set_up_token).fragment())
