"""Keeping up: the subscription `events(after)` from the stored cursor, live, and again after every cut."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Protocol

from circle_client.engine.convert import CaughtUp, Delivery, MarkerChange, Resync, StreamItem
from circle_client.engine.engine import CURSOR, Engine, millis
from circle_client.errors import (
    CircleError,
    DeviceRevoked,
    KeysMissing,
    Offline,
    RevocationUnproven,
    ServerFault,
    SignedOut,
    StoreError,
    TooManyTries,
)
from circle_client.machine.events import LogEvent
from circle_client.machine.reading import MarkerFacts
from circle_client.transport import Backoff

log = logging.getLogger("circle_client")

_QUEUE = 1000
_BATCH = 200
_HOUSEKEEPING = 30.0


class Signer(Protocol):
    """The account, as far as synchronising needs it."""

    account_node: str
    account_space: bytes

    async def sign_in_again(self) -> None:
        """A new session. Raises SignedOut where the password is no longer the account's."""

    async def check_invites(self) -> None:
        """Pin the newcomers of own invites."""


class _Ended(Exception):
    """The stream is over; `cause` says why."""

    def __init__(self, cause: CircleError | None) -> None:
        super().__init__("ended")
        self.cause = cause


async def _nothing(now: int) -> None:
    """Nothing to tend."""


class Sync:
    """The task that keeps the store up to date. `online` is set while the stream runs and its backlog is done."""

    def __init__(self, engine: Engine, account: Signer) -> None:
        self._engine, self._account = engine, account
        self.online, self.ended = asyncio.Event(), asyncio.Event()
        self.failed: CircleError | None = None
        self.connections = 0
        """Counts the streams that have caught up."""
        self.renew_titles: Callable[[int], None] = lambda now: None
        self.tend: Callable[[int], Awaitable[None]] = _nothing
        self.beside: list[Callable[[asyncio.Event], Coroutine[None, None, None]]] = []
        """Tasks of others that run as long as this does, given `online`."""
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin."""
        steps = (self._run(), self._keep_house())
        self._tasks = [asyncio.create_task(step) for step in (*steps, *(run(self.online) for run in self.beside))]

    async def close(self) -> None:
        """End."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self) -> None:
        backoff = Backoff(0.05, 3.0)
        while True:
            try:
                await self._session(backoff)
            except SignedOut as error:
                if not await self._signed_in_again(error):
                    return
            except (Offline, ServerFault, TooManyTries) as error:
                log.info("the connection ended (%s); trying again", error.code)
            except Exception as error:
                self._give_up(error)
                raise
            finally:
                self.online.clear()
            await backoff.pause()

    async def _signed_in_again(self, error: SignedOut) -> bool:
        try:
            await self._account.sign_in_again()
        except (Offline, ServerFault, TooManyTries):
            return True
        except (DeviceRevoked, RevocationUnproven) as revoked:
            self.end(revoked)
            return False
        except CircleError as refused:
            self._give_up(refused if isinstance(refused, SignedOut) else error)
            return False
        return True

    def _give_up(self, error: Exception) -> None:
        self.end(error if isinstance(error, CircleError) else StoreError("The client stopped after a fault."))

    def end(self, error: CircleError) -> None:
        """Tell everybody who waits that nothing more will come, and why."""
        self.failed = self.failed or error
        self.ended.set()
        self._engine.news.set()

    # ---- one connection

    async def _session(self, backoff: Backoff) -> None:
        engine = self._engine
        if not self._account.account_node:  # the process ended while signing up
            await self._account.sign_in_again()
        cursor: str | None = engine.store.get(CURSOR, b"")
        queue: asyncio.Queue[StreamItem | _Ended] = asyncio.Queue(_QUEUE)
        reader = asyncio.create_task(self._read(cursor, queue))
        try:
            if cursor is None:
                # The stream is open before the state is loaded: what comes meanwhile waits in the queue.
                first = await queue.get()
                if isinstance(first, _Ended):
                    raise first.cause or Offline("The connection to the server ended.")
                if not isinstance(first, CaughtUp):
                    raise ServerFault("The stream did not begin with a cursor.")
                await engine.refresher.load_account(self._account.account_node, self._account.account_space)
                await engine.refresher.all(self._account.account_node)
                await engine.absorb([], first.cursor)
                self._settled(backoff)
            while True:
                await self._take(queue, backoff)
        finally:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)

    async def _read(self, cursor: str | None, queue: asyncio.Queue[StreamItem | _Ended]) -> None:
        cause: CircleError | None = None
        try:
            async for item in self._engine.api.stream(cursor):
                await queue.put(item)
        except CircleError as error:
            cause = error
        await queue.put(_Ended(cause))

    async def _take(self, queue: asyncio.Queue[StreamItem | _Ended], backoff: Backoff) -> None:
        """Everything that lies ready, in one transaction."""
        items = [await queue.get()]
        while len(items) < _BATCH and not queue.empty():
            items.append(queue.get_nowait())
        batch: list[tuple[str, LogEvent]] = []
        markers: list[tuple[int, MarkerFacts]] = []
        newest: dict[bytes, int] = {}
        cursor: str | None = None
        settled = False
        for item in items:
            if isinstance(item, Delivery):
                batch.append((item.node, item.event))
                newest[item.event.space] = item.event.seq
                cursor = item.cursor
            elif isinstance(item, MarkerChange):
                markers.append((newest.get(item.marker.space, 0), item.marker))
                cursor = item.cursor
            elif isinstance(item, CaughtUp):
                cursor, settled = item.cursor, True
        if cursor is not None:
            await self._engine.absorb(batch, cursor, markers)
        if settled:
            self._settled(backoff)
        for item in items:
            if isinstance(item, Resync):
                with self._engine.store.transaction():
                    self._engine.store.remove(CURSOR, b"")
                    self._engine.machine.reading.refetch(self._engine.machine.spaces)
                    self._engine.machine.flush(self._engine.store.put)
                raise Offline("The server asks to load the state afresh.")
            if isinstance(item, _Ended):
                raise item.cause or Offline("The connection to the server ended.")

    def _settled(self, backoff: Backoff) -> None:
        backoff.reset()
        self.connections += 1
        self.online.set()
        self._engine.told.set()
        self._engine.news.set()

    # ---- now and then

    async def _keep_house(self) -> None:
        engine, tended = self._engine, 0
        while True:
            now = millis()
            self.erase_expired(now)
            self.renew_titles(now)
            if self.online.is_set() and now - tended >= _HOUSEKEEPING * 1000:
                tended = now
                try:
                    await engine.refresher.try_again()
                    await self._account.check_invites()
                    await self.tend(now)
                except KeysMissing as error:
                    self.end(error)
                except CircleError as error:
                    log.info("housekeeping was put off (%s)", error.code)
            ends = (engine.store.next_expiry(), engine.machine.reading.next_expiry())
            following = min((end for end in ends if end is not None), default=None)
            pause = _HOUSEKEEPING if following is None else (following - millis()) / 1000
            await asyncio.sleep(min(max(pause, 0.01), _HOUSEKEEPING))

    def erase_expired(self, now: int) -> None:
        """Delete content, titles, receipts and keys whose time is over, also from the store's journal (e2ee.md
        section 9).
        """
        engine = self._engine
        with engine.store.transaction():
            erased = engine.machine.erase_expired(now) | (engine.store.erase_expired(now) > 0)
            engine.machine.flush(engine.store.put)
        if erased:
            engine.store.leave_nothing()
            engine.news.set()
