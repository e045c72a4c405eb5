"""Run every measurement, print a table, write bench/results.json. `--quick`: each for a moment, to see that it runs."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
import sysconfig
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.crowds import idle, storm
from bench.fanout import fanout
from bench.meter import Row
from bench.parties import Party, party
from bench.processes import peers
from bench.returning import resuming, screen
from bench.rooms import large, many, talk
from bench.sends import durable, one_socket

RESULTS = Path(__file__).parent / "results.json"


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    members: int = 20
    subscribers: int = 1_000
    large: int = 500
    rounds: int = 7
    sends: int = 300
    rooms: int = 50
    ten: int = 10
    talk: int = 300
    idle: int = 5_000
    storm: int = 1_000
    missed: tuple[int, int] = (1_000, 10_000)
    conversations: int = 1_000
    tries: int = 5


QUICK = Size(
    members=4, subscribers=8, large=8, rounds=1, sends=8, rooms=2, ten=4, talk=8, idle=20, storm=8,
    missed=(20, 40), conversations=20, tries=1,
)  # fmt: skip


async def measure(size: Size, wanted: Sequence[str], show: Callable[[Row], None]) -> None:
    """All parts, or those that are `wanted`, one after the other; `show` is given each row as it comes."""
    few, more = size.missed
    apart: dict[str, Callable[[], Awaitable[list[Row]]]] = {
        "durable": lambda: durable(8, size.sends, size.rounds),
        "rooms": lambda: many(size.rooms, 4, size.rounds),
    }
    together: dict[str, Callable[[Party], Awaitable[list[Row]]]] = {
        "fanout": lambda people: fanout(people, size.subscribers, 8, size.rounds),
        "socket": lambda people: one_socket(people, size.sends, size.rounds),
        "large": lambda people: large(people, size.large, 20, size.rounds),
        "talk": lambda people: talk(people, size.ten, size.talk, 10.0),
        "storm": lambda people: storm(people, size.storm),
        "idle": lambda people: idle(people, size.idle),
        "resume": lambda people: resuming(people, few, 0.1, 0.03, size.tries),
        "long": lambda people: resuming(people, more, 1.0, 0.3, size.tries),
        "screen": lambda people: screen(people, size.conversations, size.tries),
    }
    unknown = set(wanted) - set(apart) - set(together)
    if unknown:
        raise SystemExit(f"There is no part {', '.join(sorted(unknown))}; there are {', '.join([*apart, *together])}.")
    for name, part in apart.items():
        if not wanted or name in wanted:
            for row in await part():
                show(row)
    if wanted and not set(wanted) & set(together):
        return
    async with party(size.members) as people:
        for name, of_party in together.items():
            if not wanted or name in wanted:
                for row in await of_party(people):
                    show(row)


def line(row: Row) -> str:
    """A row as text, with what was hoped for."""
    text = f"{row['what']:<86} {row['value']:>10.3f} {row['unit']:<4}"
    if "budget" in row:
        text += f" {'met   ' if row['met'] else 'MISSED'} {row['is']} {row['budget']:g}"
    return text


def main() -> None:
    """Measure, print, write."""
    asked = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    asked.add_argument("parts", nargs="*", help="only these parts; then nothing is written")
    asked.add_argument("--quick", action="store_true", help="each part for a moment, to see that it runs")
    asked.add_argument("--write", type=Path, default=None, help="write the rows there")
    given = asked.parse_args()
    rows: list[Row] = []

    def show(row: Row) -> None:
        rows.append(row)
        print(line(row), flush=True)

    # Distributions build theirs optimised by other means than the option.
    by_option = "--enable-optimizations" in (sysconfig.get_config_var("CONFIG_ARGS") or "")
    is_optimised = by_option or sysconfig.get_config_var("prefix") == "/usr"
    if not is_optimised:
        print(f"This Python ({sys.executable}) was built without optimisations: it costs about a quarter.")
    if not peers():
        print("The peers on Node are not installed: `make bench` does that.")
    asyncio.run(measure(QUICK if given.quick else Size(), given.parts, show))
    target = given.write or (None if given.quick or given.parts else RESULTS)
    if target is not None:
        machine = {
            "python": platform.python_version(),
            "optimised": is_optimised,
            "system": platform.platform(),
            "processors": os.cpu_count(),
            "load": os.getloadavg()[0],
        }
        target.write_text(json.dumps({"machine": machine, "rows": rows}, indent=2) + "\n")
        print(f"Written to {target}.")


if __name__ == "__main__":
    main()
