"""The parts of a running client, wired."""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

from circle_client.account import Account
from circle_client.engine.calls import Calls
from circle_client.engine.devices import Devices
from circle_client.engine.engine import Engine
from circle_client.engine.ephemeral import Streams
from circle_client.engine.epochs import Epochs
from circle_client.engine.momentary import Momentary
from circle_client.engine.presence import PresenceKeeper
from circle_client.engine.reader import Reader
from circle_client.engine.resolve import Resolver
from circle_client.engine.rosters import Rosters
from circle_client.engine.seeking import Seeker
from circle_client.engine.send import Sender
from circle_client.engine.sync import Sync
from circle_client.engine.teller import Teller
from circle_client.engine.typist import Typist
from circle_client.errors import CircleError, Closed, Offline

T = TypeVar("T")


class Running:
    """Engine, sender and synchronising of one account. `start` begins, `close` ends; the store is closed with it."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.engine = Engine(account.api, account.machine, account.store, account.past)
        self.epochs = Epochs(self.engine)
        self.sender = Sender(self.engine, self.epochs)
        self.rosters = Rosters(self.engine, self.epochs, self.sender)
        self.devices = Devices(self.engine)
        self.teller = Teller(self.engine, self.sender, self.rosters)
        self.resolver = Resolver(self.engine, self.teller)
        self.momentary = Momentary(self.engine, self.epochs)
        self.sync = Sync(self.engine, account)
        self.reader, self.presence = Reader(self.engine, self.momentary), PresenceKeeper(self.engine, self.sync)
        self.streams, self.typist = Streams(self.engine, self.sync), Typist(self.engine)
        self.calls = Calls(self.engine, self.momentary, self.streams)
        self.sync.renew_titles, self.sync.tend = self.rosters.renew_titles, self._tend
        self.sync.beside += [self.teller.run, self.reader.run, self.presence.run, Seeker(self.engine).run]

    async def _tend(self, now: int) -> None:
        await self.devices.tend(now)
        self.epochs.complain_again()
        await self.epochs.pay_due(now)

    def start(self) -> None:
        """Connect and go on with what the outbox holds."""
        self.sync.start()
        self.sender.resume()

    async def close(self) -> None:
        """Stop everything; what was not accepted stays in the outbox."""
        self.sync.end(Closed())
        await self.sync.close()
        await self.streams.close()
        await self.sender.close()
        await self.epochs.close()
        await self.account.api.transport.close()
        self.account.store.close()

    async def synced(self, timeout: float | None) -> None:  # noqa: ASYNC109 - one call, one wait
        """Wait until the stream runs and its backlog is done. Raises Offline after `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                while not self.sync.online.is_set():
                    news = self.engine.news.waiter()
                    if self.sync.failed is not None:
                        raise self.sync.failed
                    await news.wait()
        except TimeoutError as error:
            raise Offline("The server could not be reached in time.") from error

    async def until_failure(self, future: asyncio.Future[T]) -> T:
        """The future's result; raises instead what ended the synchronising for good. Cancelling cancels nothing."""
        while not future.done():
            if self.sync.failed is not None:
                raise self.sync.failed
            failed = asyncio.create_task(self.sync.ended.wait())
            try:
                waited: set[asyncio.Future[Any]] = {future, failed}
                await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            finally:
                failed.cancel()
        return future.result()


__all__ = ["CircleError", "Running"]
