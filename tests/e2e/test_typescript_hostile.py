"""The TypeScript SDK against a server that lies to one of its clients: the attacks of `tests.support.attacks`."""

from __future__ import annotations

from pathlib import Path

from circle_client.protocol.invite import InviteLink

from tests.support.hostile import hostile
from tests.support.server import running
from tests.support.vitest import vitest


async def test_the_typescript_client_against_a_hostile_server(tmp_path: Path, dsn: str) -> None:
    async with running(tmp_path, dsn) as server, hostile(server.url) as evil:
        fragment = InviteLink(server.set_up_token).fragment()
        await vitest("hostile/hostile", server.url, fragment, CIRCLE_HOSTILE_ORIGIN=evil.url)
