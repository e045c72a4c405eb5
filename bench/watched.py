"""`circle serve` that also counts itself: tasks and living objects by type, for whoever connects to a socket file.

`python -m bench.watched <socket> serve`; made for bench.churn, and for nothing that strangers reach.
"""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import sys
import threading
from collections import Counter

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


def answer(listener: socket.socket) -> None:
    """Each connection is told once."""
    while True:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(json.dumps(count()).encode())


if __name__ == "__main__":
    door = socket.socket(socket.AF_UNIX)
    door.bind(sys.argv.pop(1))
    door.listen()
    threading.Thread(target=answer, args=(door,), daemon=True).start()
    main(app)
