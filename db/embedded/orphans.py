"""PostgreSQL processes that a killed Circle left in a data folder: found by that folder, ended before a new start."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

from db.embedded.errors import EmbeddedError


def _linux(data: Path) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if os.readlink(entry / "cwd") == str(data) and (entry / "comm").read_text().strip() == "postgres":
                found.append(int(entry.name))
        except OSError:  # gone meanwhile, or another user's
            continue
    return found


def _other(data: Path) -> list[int]:
    listing = subprocess.run(["/bin/ps", "-axo", "pid=,command="], capture_output=True, text=True, check=False).stdout
    lines = (line.split(None, 1) for line in listing.splitlines())
    return [int(p[0]) for p in lines if len(p) == 2 and "bin/postgres" in p[1] and f"-D {data}" in p[1]]


def processes(data: Path) -> list[int]:
    """The PostgreSQL processes that work in that data folder."""
    return _linux(data.resolve()) if sys.platform == "linux" else _other(data.resolve())


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


async def end(data: Path, patience: float = 10) -> None:
    """End what is left over there: give a shutdown under way its time, then ask, then insist. Raises EmbeddedError.

    Call it only while holding the data folder's lock: then nobody needs these processes any more.
    """
    waited = 0.0
    for number, until in (
        (signal.SIGINT, patience),
        (signal.SIGQUIT, patience + 5),
        (signal.SIGKILL, patience + 10),
    ):
        pids = processes(data)
        if not pids:
            return
        _signal(_leaders(data, pids), number)
        while processes(data) and waited < until:
            await asyncio.sleep(0.02)
            waited += 0.02
    if processes(data):
        raise EmbeddedError("A PostgreSQL left over from before does not end: restart the machine, or end it by hand.")


def _leaders(data: Path, pids: list[int]) -> list[int]:
    """The server process if it lives (the others end with it), else all."""
    try:
        leader = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return pids
    return [leader] if leader in pids else pids
