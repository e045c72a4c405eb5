"""Telling others that one types: no more often than anybody could see."""

from __future__ import annotations

import asyncio

from circle_client.engine.engine import Engine
from circle_client.machine.space import Space

EVERY = 3.0
"""Seconds from one call to the next, at least; others show it for 6."""


class Typist:
    """Says it to the server."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._said: dict[bytes, float] = {}

    async def set(self, space: Space, typing: bool) -> None:
        """True at most every three seconds; a stop at once, where something was said. Raises Refused, Offline."""
        now = asyncio.get_running_loop().time()
        said = self._said.get(space.id)
        if typing and said is not None and now - said < EVERY:
            return
        if not typing and self._said.pop(space.id, None) is None:
            return
        if typing:
            self._said[space.id] = now
        await self._engine.api.live.set_typing(space.node, typing)
