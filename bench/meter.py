"""What work costs: wall time and processor time per unit, of several loads that take turns within one run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

Row = dict[str, float | str | bool]


def cpu(*roots: int) -> float:
    """Seconds of processor time that these processes and all below them have used, to the nanosecond where it can."""
    total = 0.0
    for root in roots:
        parent = psutil.Process(root)
        for process in [parent, *parent.children(recursive=True)]:
            total += _own(process.pid)
    return total


def own_cpu(process: int) -> float:
    """The same of one process, without those below it."""
    return _own(process)


def _own(process: int) -> float:
    # /proc/PID/schedstat: the first number is the time on a processor in nanoseconds; psutil has hundredths of seconds.
    try:
        threads = list(Path(f"/proc/{process}/task").iterdir())
        return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9
    except (OSError, IndexError):
        try:
            times = psutil.Process(process).cpu_times()
        except psutil.NoSuchProcess:
            return 0.0
        return times.user + times.system


@dataclass
class Load:
    """A piece of work: `units` of it are done by each call, and `used` reads the processor time of who does it."""

    units: int
    work: Callable[[], Awaitable[object]]
    used: Callable[[], float]
    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)

    async def turn(self) -> None:
        """Do it once, and note what a unit cost in microseconds."""
        used, start = self.used(), time.perf_counter()
        await self.work()
        wall, used = time.perf_counter() - start, self.used() - used
        self.cpu.append(used / self.units * 1e6)
        self.wall.append(wall / self.units * 1e6)

    @property
    def cost(self) -> float:
        """Microseconds of processor time for a unit: the median of its turns."""
        return statistics.median(self.cpu)

    @property
    def time(self) -> float:
        """Microseconds of wall time for a unit: the median of its turns."""
        return statistics.median(self.wall)


async def in_turns(loads: Sequence[Load], rounds: int) -> None:
    """Let each have a turn, round after round; the first round warms up and does not count."""
    for number in range(rounds + 1):
        for load in loads:
            await load.turn()
            if number == 0:
                load.cpu.clear()
                load.wall.clear()


def ratio(one: Load, other: Load) -> float:
    """How many times `one` costs what `other` does: the median over rounds, each of which had the same weather."""
    return statistics.median(a / b for a, b in zip(one.cpu, other.cpu, strict=True))


def row(what: str, value: float, unit: str, *, least: float | None = None, most: float | None = None,
        stretch: float | None = None) -> Row:  # fmt: skip
    """A line of the table; with a budget (at least, or at most) whether it is met."""
    found: Row = {"what": what, "unit": unit, "value": value}
    budget = least if least is not None else most
    if budget is not None:
        found |= {"budget": budget, "is": "at least" if least is not None else "at most"}
        found["met"] = value >= budget if least is not None else value <= budget
        if stretch is not None:
            found["stretch"] = stretch
    return found


def centile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of them lie."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]
