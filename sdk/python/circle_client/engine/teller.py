"""What this device tells the member's others in the account's space: pins, marks, the recovery key's confirmation."""

from __future__ import annotations

import asyncio
import logging
import random

from circle_client.engine.engine import Engine, millis
from circle_client.engine.rosters import Rosters
from circle_client.engine.send import Sender
from circle_client.errors import CircleError, KeysMissing, Untrusted
from circle_client.machine.space import Space
from circle_client.protocol.account import AccountContent, Mark
from circle_client.protocol.envelope import Kind
from circle_client.protocol.safety import read_safety_qr

log = logging.getLogger("circle_client")

PINS = 600_000
"""Pins of what only went on are written this often, in milliseconds (docs/decisions/0080)."""
_LOOK = 30.0


class Teller:
    """Writes to the account's space and holds what is here against it. `run` is a task of `Sync`."""

    def __init__(self, engine: Engine, sender: Sender, rosters: Rosters) -> None:
        self._engine, self._sender, self._rosters = engine, sender, rosters
        self._wrote = millis()
        self._turn = asyncio.Lock()

    async def run(self, online: asyncio.Event) -> None:
        """For ever: compare what another device told, tell what is new."""
        while True:
            news = self._engine.news.waiter()
            if online.is_set():
                try:
                    await self.step()
                except CircleError as error:
                    log.info("the account's notes were put off (%s)", error.code)
                await asyncio.sleep(random.uniform(0.3, 1.0))  # noqa: S311 - so that siblings take turns; no secret
            try:
                async with asyncio.timeout(_LOOK):
                    await news.wait()
            except TimeoutError:
                continue

    async def step(self) -> None:
        """One round. Raises CircleErrors of the way to the server."""
        engine = self._engine
        if engine.told.is_set():
            engine.told.clear()
            await engine.refresher.check_bounds()
        space = engine.refresher.account()
        if space is None or space.alarm is not None:
            return
        now = millis()
        everything = now - self._wrote >= PINS
        contents = list(engine.machine.books.news(all_of_it=everything))
        if everything:
            self._wrote = now
        await self.tell(contents, space)

    async def tell(self, contents: list[AccountContent], space: Space | None = None) -> None:
        """Write contents, and wait until they are in the log. Raises KeysMissing before the account is loaded."""
        engine = self._engine
        space = space or engine.refresher.account()
        if space is None:
            raise KeysMissing("The account is not loaded yet.")
        async with self._turn:
            await self._rosters.renew_account(space)
        if not contents:
            return
        queued = [self._sender.queue(space, Kind.STATE, content.content()) for content in contents]
        sent = [await pending.done for pending in queued]
        if space.log.head.n < sent[-1].seq:
            await engine.catch_up(space)

    def soon(self) -> None:
        """Write all pins that went on with the next round: a person has accepted something."""
        self._wrote = 0
        self._engine.news.set()

    async def pins_now(self) -> None:
        """Write all pins that went on, or that a person's decision made others."""
        self._wrote = millis()
        await self.tell(list(self._engine.machine.books.news(all_of_it=True)))

    # ---- marks

    async def mark(self, member: bytes, verified: bool) -> None:
        """Mark the present ID of a known member as compared, or take that back. Raises Untrusted."""
        machine = self._engine.machine
        known = machine.people.get(member)
        if known is None or member in machine.people.refused:
            raise Untrusted("The keys that the server shows for this person do not verify.")
        await self.tell([AccountContent(marks=(Mark(member, known.chain.identity, verified),))])

    def fits(self, member: bytes, code: str) -> bool:
        """Whether a scanned text holds exactly the two present IDs. Raises ProtocolError for a text of another kind."""
        people = self._engine.machine.people
        own, other = (people.chain(one).identity for one in (self._engine.machine.me, member))
        return read_safety_qr(code) == (min(own, other), max(own, other))
