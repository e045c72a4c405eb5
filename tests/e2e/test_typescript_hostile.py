"""The TypeScript SDK against a server that lies to one of its clients: the attacks of `tests.support.attacks`."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from circle_client.protocol.invite import InviteLink

from tests.support.hostile import hostile
from tests.support.server import ROOT, running


async def test_the_typescript_client_against_a_hostile_server(tmp_path: Path, dsn: str) -> None:
    async with running(tmp_path, dsn) as server, hostile(server.url) as evil:
        process = await asyncio.create_subprocess_exec(
            "npx",
            "vitest",
            "run",
            "--config",
            "vitest.integration.config.ts",
            "test/hostile/hostile.spec.ts",
            cwd=ROOT / "sdk" / "typescript",
            env={
                **os.environ,
                "CIRCLE_TEST_ORIGIN": server.url,
                "CIRCLE_HOSTILE_ORIGIN": evil.url,
                "CIRCLE_TEST_SETUP_TOKEN": InviteLink(server.set_up_token).fragment(),
            },
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(400):
                said, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode == 0, said.decode()
