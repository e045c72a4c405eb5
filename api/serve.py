"""Serving: one process, from its locks to its last goodbye."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
import uvloop
from starlette.applications import Starlette

from api.app import build_app, open_circle, utc_now
from api.connection import GuardedHttp
from api.frames import FramedSocket
from api.logs import set_up_logs
from api.settings import Settings, load_secret_key
from api.start import BACKLOG, data_folder, listening
from resolvers.invites import renew_set_up_link


def serve(settings: Settings) -> None:
    """Serve until told to stop by SIGINT or SIGTERM. Raises one of PLAIN_FAILURES when it can't start."""
    set_up_logs(settings.log_format, settings.log_level)
    with (
        data_folder(settings.data_dir),
        listening(settings) as listener,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(_serve(settings, listener))


async def _serve(settings: Settings, listener: socket.socket) -> None:
    stopping = asyncio.Event()
    server: Server | None = None
    this = asyncio.current_task()

    def stop() -> None:
        if server is None and this is not None and not stopping.is_set():
            this.cancel()
        elif server is not None:
            server.force_exit = stopping.is_set()
            server.should_exit = True
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    try:
        async with open_circle(settings, load_secret_key(settings)) as circle:
            link = await renew_set_up_link(circle.uow, utc_now())
            server = Server(build_app(circle), settings, link)
            gc.collect()
            gc.freeze()  # what lives as long as the process need not be looked at again and again
            gc.set_threshold(20_000, 20, 20)
            await server.serve(sockets=[listener])
    except asyncio.CancelledError:
        if not stopping.is_set():
            raise


class Server(uvicorn.Server):
    """uvicorn, with our signal handling and our words."""

    def __init__(self, app: Starlette, settings: Settings, set_up_link: str | None) -> None:
        config = uvicorn.Config(
            app,
            http=GuardedHttp,
            ws=FramedSocket,
            ws_per_message_deflate=False,
            ws_max_size=settings.max_body_bytes,
            ws_ping_interval=None,  # graphql-transport-ws has pings of its own
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=True,
            forwarded_allow_ips=settings.forwarded_allow_ips,
            backlog=BACKLOG,
            timeout_graceful_shutdown=max(1, round(settings.drain_seconds)),
        )
        super().__init__(config)
        self._settings, self._set_up_link = settings, set_up_link

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say where."""
        await super().startup(sockets)
        print(f"Circle is ready: {self._settings.origin}", flush=True)
        if self._set_up_link is not None:
            print("It has no owner yet. Whoever opens this link first sets it up:", flush=True)
            print(f"  {self._settings.origin}/join#{self._set_up_link}", flush=True)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `_serve`: uvicorn would raise them once more at the end."""
        yield
