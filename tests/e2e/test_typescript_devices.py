"""Several devices of one member with the TypeScript SDK on a running server (e2ee.md section 8)."""

from __future__ import annotations

from pathlib import Path

from circle_client.protocol.invite import InviteLink

from tests.e2e.test_typescript_sdk import vitest
from tests.support.server import running


async def test_devices_of_the_typescript_client(tmp_path: Path, dsn: str) -> None:
    """Linking, recovery, rotation, revocation, lost keys and a reset, by engines as browsers run them."""
    async with running(tmp_path, dsn) as server:
        await vitest("devices", server.url, InviteLink(server.set_up_token).fragment())
