"""Safety numbers, marks, a reset and letting in again, with the TypeScript SDK against the real server."""

from __future__ import annotations

from pathlib import Path

from circle_client.protocol.invite import InviteLink

from tests.support.server import running
from tests.support.vitest import vitest


async def test_who_is_who_in_the_typescript_client(tmp_path: Path, dsn: str) -> None:
    """Marks reach all devices of a member; who began anew gets nothing until somebody lets them in."""
    async with running(tmp_path, dsn) as server:
        await vitest("integration/trust", server.url, InviteLink(server.set_up_token).fragment())
