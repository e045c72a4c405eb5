"""One worker of several: run as `python -m api.worker FD`, FD being the listening socket that the parent opened."""

from __future__ import annotations

import asyncio
import os
import socket
import sys

import uvloop

from api.app import build_app, open_circle
from api.logs import set_up_logs
from api.serve import Server, Stop, stoppable
from api.settings import Settings, load_secret_key, load_settings
from api.start import PLAIN_FAILURES
from api.workers import READY


async def work(settings: Settings, listener: socket.socket) -> None:
    """Serve until told to stop, or until the parent is gone. Raises one of PLAIN_FAILURES when it can't start."""
    with stoppable(settings.drain_seconds) as stop:
        _tie_to_parent(stop)
        async with open_circle(settings, load_secret_key(settings), worker=True) as circle:
            await stop.serve(Server(build_app(circle), circle, lambda: print(READY, flush=True)), listener)


def _tie_to_parent(stop: Stop) -> None:
    """Standard input is a pipe that only the parent holds open: its end is the parent's end, however that came."""
    loop, pipe = asyncio.get_running_loop(), sys.stdin.fileno()

    def look() -> None:
        if not os.read(pipe, 512):
            loop.remove_reader(pipe)
            stop()

    loop.add_reader(pipe, look)


def main() -> None:
    """The worker. What can go wrong at its start is one plain sentence to the parent, with exit code 1."""
    settings = load_settings()
    set_up_logs(settings.log_format, settings.log_level)
    listener = socket.socket(fileno=int(sys.argv[1]))
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(work(settings, listener))
    except PLAIN_FAILURES as failure:
        print(failure, flush=True)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
