"""`circle serve` that also counts itself, on SIGUSR1: tasks and living objects by type, as JSON into a file.

`python -m bench.watched <file> serve`; made for bench.churn, and for nothing that strangers reach. It counts in the
event loop's own thread: what the garbage collector ends, sockets of the loop among it, may be ended nowhere else.
"""

from __future__ import annotations

import asyncio
import gc
import json
import signal
import sys
from collections import Counter
from pathlib import Path

from api.cli import app, main


def count() -> dict[str, object]:
    """Tasks by name of their coroutine, objects by type; what is garbage is collected before."""
    gc.collect()
    tasks: Counter[str] = Counter()
    objects: Counter[str] = Counter()
    for found in gc.get_objects():
        kind = type(found)
        objects[f"{kind.__module__}.{kind.__qualname__}"] += 1
        if isinstance(found, asyncio.Task) and not found.done():
            tasks[getattr(found.get_coro(), "__qualname__", "?")] += 1
    return {"tasks": dict(tasks), "objects": dict(objects.most_common(400))}


def answer(door: Path) -> None:
    """Leave the count where it is waited for, whole or not at all."""
    new = door.with_suffix(".new")
    new.write_text(json.dumps(count()))
    new.replace(door)


if __name__ == "__main__":
    path = Path(sys.argv.pop(1))
    signal.signal(signal.SIGUSR1, lambda *_: answer(path))
    main(app)
