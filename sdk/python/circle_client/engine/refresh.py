"""The state afresh: every space against the server's heads, and against what other devices of the account saw."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from circle_client.engine.convert import ConversationFacts
from circle_client.errors import Forked
from circle_client.machine.alarms import LOST, OMITTED, OTHER_PAST, Why
from circle_client.machine.events import LogEvent
from circle_client.machine.space import Space
from circle_client.protocol.roster import SpaceType

if TYPE_CHECKING:
    from circle_client.engine.engine import Engine

ACCOUNT_PIN = "account-pin"
UNOPENED = "unopened"
_PATIENCE = 5.0
_FEW = 3


class Refresher:
    """Compares what is here with what the server says is there."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def all(self, account: str) -> None:
        """Compare every space with the server's heads: load what is new, fill what is missing, notice what is gone."""
        engine = self._engine
        listed = {facts.space for facts in await self.conversations()}
        for id, space in list(engine.machine.spaces.items()):
            if id not in listed and space.node != account and space.left is None:
                # One's own removal comes by the stream, signed; a list without the conversation proves nothing.
                engine.alarm(space, OMITTED, Why.OMITTED)
        if (own := self.account()) is not None:
            before = own.log.head.n
            shown = await engine.api.account_head(account)
            if shown is not None and shown.space == own.id:
                await self._compare(shown, before)
        self.check_account_pin()
        await self.check_bounds()
        await self.markers()

    async def markers(self) -> None:
        """Fetch the markers of conversations of which those of before are not known: of all at once, or of a few."""
        engine = self._engine
        lacking = engine.machine.reading.unfetched()
        everything = await engine.api.live.all_markers() if len(lacking) > _FEW else None
        for space in lacking:
            if everything is None:
                found = await engine.api.live.markers(space.node)
            else:
                found = everything.get(space.id, [])
            async with engine.lock:
                await engine.know_now(set().union(*(engine.machine.loose.needs(facts.envelope) for facts in found)))
                with engine.store.transaction():
                    engine.machine.take_fetched(space, found)
                    engine.machine.flush(engine.store.put)

    def account(self) -> Space | None:
        """The account's own space, once it is loaded."""
        spaces = self._engine.machine.spaces.values()
        return next((space for space in spaces if space.roster.type is SpaceType.ACCOUNT), None)

    async def load_account(self, node: str, id: bytes) -> None:
        """Load the account's own space, once."""
        async with self._engine.lock:
            if id not in self._engine.machine.spaces:
                await self._engine.loader.load(node, id)

    async def conversations(self) -> list[ConversationFacts]:
        """Compare the conversations that the server lists."""
        before = {id: space.log.head.n for id, space in self._engine.machine.spaces.items()}
        self._engine.broken.clear()  # tried again
        listed = await self._engine.api.conversations()
        for facts in listed:
            await self._compare(facts, before.get(facts.space, 0))
        with self._engine.store.transaction():
            self._engine.store.put(UNOPENED, b"", len(self._engine.broken))
        return listed

    async def try_again(self) -> None:
        """Open what could not be opened before, in this process or an earlier one."""
        if self._engine.broken or self._engine.store.get(UNOPENED, b""):
            await self.conversations()

    async def _compare(self, facts: ConversationFacts, before: int) -> None:
        engine = self._engine
        space = engine.machine.spaces.get(facts.space)
        if space is None or space.log.head.n < facts.head:
            async with engine.lock:
                events: list[LogEvent] = []
                if space is not None:
                    events = await engine.api.log_after(facts.node, facts.space, space.log.head.n)
                events = await engine.loader.contiguous(facts.node, facts.space, events)
                await engine.apply(events, {facts.space: facts.node}, None)
        space = engine.machine.spaces.get(facts.space)
        if space is None:
            return
        mine = engine.store.log_hash(facts.space, facts.head)
        if mine is not None and mine != facts.head_hash:
            engine.alarm(space, OTHER_PAST, Why.FORKED)
        elif facts.head < before:
            engine.alarm(space, LOST, Why.LOST)

    async def left(self, space: Space) -> None:
        """Wait for the own removal that the server has accepted: the stream alone brings it, so at most a while."""
        engine = self._engine
        try:
            async with asyncio.timeout(_PATIENCE):
                while space.left is None:
                    await engine.news.waiter().wait()
        except TimeoutError:
            space.left = space.log.head.n
            engine.machine.touch(space, seldom=True)

    # ---- what other devices of the account saw

    async def check_bounds(self) -> None:
        """Hold members and spaces against the pins of the account's log, asking the server for what they name beyond
        what is here. What contradicts them raises the alarm where it concerns.
        """
        engine = self._engine
        behind = engine.machine.books.members_behind()
        if behind:
            await engine.know(behind)
        for space, pin in engine.machine.books.spaces_to_check():
            if space.log.head.n < pin.log.n:
                await engine.catch_up(space)
            async with engine.lock:
                engine.machine.check_bound(space)
                engine.flush()

    def check_account_pin(self) -> None:
        """Hold the account's log against the head that the device which let this one in knew, once. Raises Forked, also
        every time after that.
        """
        engine = self._engine
        pin, space = engine.store.get(ACCOUNT_PIN, b""), self.account()
        if pin is None or space is None:
            return
        if engine.store.log_hash(space.id, pin[0]) != pin[1]:
            sentence = "The server shows another past of this account than the device that let this one in knows."
            engine.alarm(space, sentence, Why.FORKED)
            raise Forked(sentence)
        with engine.store.transaction():
            engine.store.remove(ACCOUNT_PIN, b"")
