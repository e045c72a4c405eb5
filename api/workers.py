"""Several processes behind one port: a parent that keeps the database and the listening socket, and its workers.

The parent serves nobody. It holds the data folder, runs the embedded database, migrates, and starts a worker again
that ended by itself; workers share its listening socket, so what waits to be accepted outlives any of them. A worker
tells that it is ready, or why it is not, by one line on its standard output; the end of its standard input is the
parent's end, and it drains (docs/decisions/0106).
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress

import uvloop

from api.app import utc_now
from api.database import open_database
from api.logs import set_up_logs
from api.serve import END_SECONDS
from api.settings import Settings, load_secret_key
from api.start import StartError, data_folder, greet, listening
from db.uow import UnitOfWork
from resolvers.invites import renew_set_up_link

log = logging.getLogger("circle.workers")

READY = "ready"
START_SECONDS = 60.0
STOP_SECONDS = END_SECONDS + 0.5
"""What a worker may take to stop beyond its drain."""
SHORTEST, LONGEST = 0.2, 30.0
"""The pause before a worker is started again: doubled each time, until one has lived for STEADY seconds."""
STEADY = 10.0


def serve_by_workers(settings: Settings) -> None:
    """Serve until told to stop by SIGINT or SIGTERM. Raises one of PLAIN_FAILURES when it can't start."""
    set_up_logs(settings.log_format, settings.log_level)
    with (
        data_folder(settings.data_dir),
        listening(settings) as listener,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(_supervise(settings, listener))


async def _supervise(settings: Settings, listener: socket.socket) -> None:
    load_secret_key(settings)  # made here, once, before any worker looks for it
    workers = Workers(settings, listener)
    task = asyncio.current_task()

    def stop() -> None:
        if workers.stopping:
            workers.signal_all()
        elif task is not None:
            workers.stopping = True
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    try:
        async with open_database(settings) as database:
            link = await renew_set_up_link(UnitOfWork(database), utc_now())
            await workers.run(link)
    except asyncio.CancelledError:
        if not workers.stopping:
            raise


class Workers:
    """The processes, each kept by a task of its own."""

    def __init__(self, settings: Settings, listener: socket.socket) -> None:
        self._settings, self._listener = settings, listener
        self._processes: dict[int, Process] = {}
        self.stopping = False

    async def run(self, link: str | None) -> None:
        """Keep them until cancelled, then drain them all. Raises StartError where one does not come up at first."""
        loop = asyncio.get_running_loop()
        ready: list[asyncio.Future[None]] = [loop.create_future() for _ in range(self._settings.workers)]
        keepers = [asyncio.create_task(self._keep(number, first)) for number, first in enumerate(ready, 1)]
        try:
            await asyncio.gather(*ready)
            greet(self._settings, link)
            await asyncio.gather(*keepers)
        finally:
            self.stopping = True
            for keeper in keepers:
                keeper.cancel()
            await asyncio.gather(*keepers, return_exceptions=True)
            for first in ready:
                first.cancel()
            await self._end()

    def signal_all(self) -> None:
        """Tell every worker to stop; a second time: at once."""
        for process in self._processes.values():
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)

    async def _keep(self, number: int, first: asyncio.Future[None]) -> None:
        """Start worker `number`, and start it again whenever it ends."""
        pause, clock = SHORTEST, asyncio.get_running_loop().time
        while True:
            started = clock()
            self._processes[number] = process = await self._start()
            failure = await _failure(process)
            if failure is None:
                if not first.done():
                    first.set_result(None)
                await process.wait()
                log.error("Worker %d ended by itself (%s); starting it again.", number, _end_of(process))
            else:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
                if not first.done():
                    first.set_exception(StartError(failure))
                    return
                log.error("Worker %d did not start; trying again. It said: %s", number, failure)
            pause = SHORTEST if clock() - started > STEADY else min(pause * 2, LONGEST)
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311  (jitter, no secret)

    async def _start(self) -> Process:
        listener = self._listener.fileno()
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "api.worker", str(listener)),
            stdin=PIPE,
            stdout=PIPE,
            env={
                **os.environ,
                "CIRCLE_WORKERS": str(self._settings.workers),
                "PYTHONPATH": os.pathsep.join(sys.path),
            },
            pass_fds=(listener,),
            start_new_session=True,  # a Ctrl-C in the terminal is for the parent, which stops the workers in order
        )

    async def _end(self) -> None:
        """Drain them all, and end who does not."""
        self._listener.close()  # whoever comes now is told at once, by the system, that nobody serves here
        self.signal_all()
        living = {number: process for number, process in self._processes.items() if process.returncode is None}
        waiting = {number: asyncio.create_task(process.wait()) for number, process in living.items()}
        if waiting:
            await asyncio.wait(waiting.values(), timeout=self._settings.drain_seconds + STOP_SECONDS)
        for number, process in living.items():
            if process.returncode is None:
                log.error("Worker %d did not stop in time; it is ended.", number)
                with suppress(ProcessLookupError):
                    process.kill()
        await asyncio.gather(*waiting.values())


async def _failure(process: Process) -> str | None:
    """None once the worker serves, else why it does not, as it said itself."""
    assert process.stdout is not None  # noqa: S101  (a pipe was asked for)
    try:
        async with asyncio.timeout(START_SECONDS):
            said = (await process.stdout.readline()).decode().strip()
    except TimeoutError:
        return f"A worker did not start within {START_SECONDS:.0f} seconds."
    if said == READY:
        return None
    return said or "A worker ended before it was ready: the lines above may say why."


def _end_of(process: Process) -> str:
    code = process.returncode or 0
    return f"signal {-code}" if code < 0 else f"exit code {code}"
