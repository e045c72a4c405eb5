"""Serving: one process, from its locks to its last goodbye."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
import uvloop
from starlette.applications import Starlette

from api.app import Circle, build_app, open_circle, utc_now
from api.connection import GuardedHttp
from api.frames import FramedSocket
from api.logs import set_up_logs
from api.settings import Settings, load_secret_key
from api.start import BACKLOG, data_folder, greet, listening
from db.ending import end
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
    with stoppable(settings.drain_seconds) as stop:
        async with open_circle(settings, load_secret_key(settings)) as circle:
            link = await renew_set_up_link(circle.uow, utc_now())
            server = Server(build_app(circle), circle, lambda: greet(settings, link))
            await stop.serve(server, listener)


END_SECONDS = 4.0
"""What may pass after the drain until the process is over."""
GOODBYE_SECONDS, LAST_SECONDS = 2.0, 0.5


class Stop:
    """What SIGINT and SIGTERM do: end the start that is under way, or the serving; a second one does not wait."""

    def __init__(self, drain_seconds: float) -> None:
        self.is_asked = False
        self._seconds = drain_seconds + END_SECONDS
        self._server: Server | None = None
        self._task = asyncio.current_task()

    def __call__(self) -> None:
        """Stop."""
        if not self.is_asked:
            # The system ends us where something does not let go, a database that says nothing any more for one.
            signal.setitimer(signal.ITIMER_REAL, self._seconds)
        if self._server is not None:
            self._server.force_exit = self.is_asked
            self._server.should_exit = True
        elif self._task is not None and not self.is_asked:
            self._task.cancel()
        self.is_asked = True

    async def serve(self, server: Server, listener: socket.socket) -> None:
        """Serve until stopped."""
        self._server = server
        gc.collect()
        gc.freeze()  # what lives as long as the process need not be looked at again and again
        gc.set_threshold(20_000, 20, 20)
        await server.serve(sockets=[listener])


@contextmanager
def stoppable(drain_seconds: float) -> Iterator[Stop]:
    """The block ends without an exception where a signal ended it, at latest END_SECONDS after the drain."""
    stop = Stop(drain_seconds)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    try:
        yield stop
    except asyncio.CancelledError:
        if not stop.is_asked:
            raise


class Server(uvicorn.Server):
    """uvicorn, with our signal handling and our words."""

    def __init__(self, app: Starlette, circle: Circle, on_ready: Callable[[], None]) -> None:
        """`on_ready` is called once connections are taken."""
        settings = circle.settings
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
        )
        super().__init__(config)
        self._circle, self._on_ready = circle, on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take nobody any more; answer what is under way; tell every socket to resume elsewhere; then close."""
        clock, patience = asyncio.get_running_loop().time, self._circle.settings.drain_seconds
        until = clock() + patience
        for taking in self.servers:
            taking.close()
        draining = asyncio.create_task(self._circle.sockets.drain(patience))
        while not draining.done() and not self.force_exit:
            await asyncio.wait([draining], timeout=0.1)
        await end(draining)
        # Let clients answer the close: a connection that is cut while they write is reset, and the close never read.
        last = min(until, clock() + GOODBYE_SECONDS)
        while clock() < last and not self.force_exit and self._has_sockets():  # noqa: ASYNC110 - uvicorn tells nobody
            await asyncio.sleep(0.02)
        # What is left: requests over HTTP, and connections whose client takes nothing.
        self.config.timeout_graceful_shutdown = max(LAST_SECONDS, until - clock())  # type: ignore[assignment]
        await super().shutdown(sockets)

    def _has_sockets(self) -> bool:
        return any(isinstance(one, FramedSocket) for one in self.server_state.connections)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `Stop`: uvicorn would raise them once more at the end."""
        yield
