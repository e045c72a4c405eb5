"""The TypeScript SDK's own tests against a running server."""

from __future__ import annotations

import asyncio
import os

from tests.support.server import ROOT


async def vitest(spec: str, url: str, fragment: str, **environment: str) -> None:
    """Run one file, as `integration/devices`, against a server, joining by the fragment of a link."""
    process = await asyncio.create_subprocess_exec(
        "npx",
        "vitest",
        "run",
        "--config",
        "vitest.integration.config.ts",
        f"test/{spec}.spec.ts",
        cwd=ROOT / "sdk" / "typescript",
        env={**os.environ, **environment, "CIRCLE_TEST_ORIGIN": url, "CIRCLE_TEST_SETUP_TOKEN": fragment},
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
