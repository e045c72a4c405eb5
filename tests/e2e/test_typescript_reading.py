"""How far everybody has read, who types and who is there, with the TypeScript SDK on a running server."""

from __future__ import annotations

from pathlib import Path

from circle_client.protocol.invite import InviteLink

from tests.support.server import running
from tests.support.vitest import vitest


async def test_reading_typing_and_presence_with_the_typescript_client(tmp_path: Path, dsn: str) -> None:
    """Marks, receipts and unread counts on several devices, through restarts, conflicts and resyncs; what passes."""
    async with running(tmp_path, dsn) as server:
        await vitest("integration/marks", server.url, InviteLink(server.set_up_token).fragment())
