"""Each part of `make bench` runs and yields figures. How good they are is nothing that a test can say."""

from __future__ import annotations

import asyncio
import json
import math
import sys
from pathlib import Path

from tests.support.server import ROOT

ROWS = (
    "durable sends, 64 callers",
    "rooms of 2, all sending",
    "fan-out to",
    "a ready frame to each of as many",
    "send over one socket, store in memory",
    "durable: server and database CPU per delivery",
    "send call to receipt, p99",
    "reconnect storm",
    "memory of the server per idle subscriber",
    "resume after missing 20 events",
    "resume after missing 40 events",
    "first screen with",
)


async def test_each_part_runs_and_yields_figures(tmp_path: Path) -> None:
    target = tmp_path / "results.json"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench", "--quick", "--write", str(target), cwd=ROOT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said = (await process.communicate())[0].decode()
    assert process.returncode == 0, said
    rows = json.loads(target.read_text())["rows"]
    for what in ROWS:
        found = [row for row in rows if what in row["what"]]
        assert found, (what, said)
        for row in found:
            assert math.isfinite(row["value"]), row
            assert what in said
