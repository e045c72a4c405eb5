"""The TypeScript SDK against the real server: its own integration tests, run by vitest on a server started here."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from circle_client.protocol.invite import InviteLink

from tests.support.server import ROOT, running


async def test_the_typescript_client_against_the_server(tmp_path: Path, dsn: str) -> None:
    """Sign-up, invites, a group, messages, removal and a restart, by engines as browsers run them."""
    async with running(tmp_path, dsn) as server:
        process = await asyncio.create_subprocess_exec(
            "npx",
            "vitest",
            "run",
            "--config",
            "vitest.integration.config.ts",
            cwd=ROOT / "sdk" / "typescript",
            env={
                **os.environ,
                "CIRCLE_TEST_ORIGIN": server.url,
                "CIRCLE_TEST_SETUP_TOKEN": InviteLink(server.set_up_token).fragment(),
            },
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(300):
                said, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    assert process.returncode == 0, said.decode()
