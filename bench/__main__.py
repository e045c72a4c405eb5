"""Run every measurement once against one server; print a table and write bench/results.json."""

from __future__ import annotations

import asyncio
import json
import platform
from pathlib import Path

from bench.fanout import fanout
from bench.parties import party
from bench.paths import Row, crowd, decoding, delivery, resuming, screen, sending

RESULTS = Path(__file__).parent / "results.json"


async def measure() -> list[Row]:
    """All rows, in the order of the table."""
    async with party(5) as people:
        return [
            decoding(people),
            *await sending(people),
            *await crowd(people),
            *await delivery(people),
            *await screen(people),
            *await fanout(people),
            *await resuming(people),
        ]


def main() -> None:
    """Measure, print, write."""
    rows = asyncio.run(measure())
    for row in rows:
        print(f"{row['what']:<52} {row['value']:>10.3f} {row['unit']}")
    machine = {"python": platform.python_version(), "system": platform.platform()}
    RESULTS.write_text(json.dumps({"machine": machine, "rows": rows}, indent=2) + "\n")
    print(f"Written to {RESULTS.relative_to(Path.cwd())}.")


if __name__ == "__main__":
    main()
