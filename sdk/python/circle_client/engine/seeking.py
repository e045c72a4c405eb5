"""Looking for keys that entries wait for, and that others, or a rotation, may yet give (e2ee.md section 6)."""

from __future__ import annotations

import asyncio
import logging

from circle_client.engine.engine import Engine
from circle_client.errors import CircleError
from circle_client.machine.space import Space
from circle_client.transport import Backoff

log = logging.getLogger("circle_client")

_SOON, _SELDOM = 0.5, 30.0

Lacks = dict[bytes, tuple[int, frozenset[int], frozenset[int]]]
"""By conversation its newest epoch, those that entries wait for, and those whose own seal does not open."""


class Seeker:
    """The task that looks for keys: soon after something is lacking or that has changed, then ever more seldom."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._looked_back: set[bytes] = set()  # once is enough: nobody gives keys to somebody who has left

    async def run(self, online: asyncio.Event) -> None:
        """Look as long as the task lives, while `online` is set."""
        backoff, before = Backoff(_SOON, _SELDOM), Lacks()
        while True:
            news = self._engine.news.waiter()
            lacks = self._lacks()
            if not lacks or not online.is_set():
                before = Lacks()
                await news.wait()
                continue
            if lacks != before:
                before = lacks
                backoff.reset()
                await backoff.pause()
            elif await self._changed(lacks, backoff.seconds()):
                continue
            for space in [space for id, space in self._engine.machine.spaces.items() if id in lacks]:
                await self._look(space)

    def _lacks(self) -> Lacks:
        return {
            space.id: (space.newest.n, frozenset(space.waiting), frozenset(space.denied))
            for space in self._engine.machine.spaces.values()
            if (space.waiting or space.denied) and (space.left is None or space.id not in self._looked_back)
        }

    async def _changed(self, lacks: Lacks, seconds: float) -> bool:
        """Wait for at most so long until something else is lacking; whether it is."""
        try:
            async with asyncio.timeout(seconds):
                while self._lacks() == lacks:
                    await self._engine.news.waiter().wait()
        except TimeoutError:
            return False
        return True

    async def _look(self, space: Space) -> None:
        try:
            await self._engine.keys.look(space)
            if space.left is not None:
                self._looked_back.add(space.id)
        except CircleError as error:
            log.info("the look for keys was put off (%s)", error.code)
