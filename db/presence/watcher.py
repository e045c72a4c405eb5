"""One subscriber of presence: whom it asked for, what it was shown, and what may have changed since."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from uuid import UUID

from db.presence.states import Shown


class Watcher:
    """What is pending is a set of members: however slow the subscriber is, it never holds more than it asked for."""

    def __init__(self, viewer: UUID, members: Iterable[UUID]) -> None:
        self.viewer = viewer
        self.members = list(dict.fromkeys(members))
        self.shown: dict[UUID, Shown] = {}
        self._pending: set[UUID] = set()
        self._news = asyncio.Event()

    def touch(self, members: Iterable[UUID]) -> None:
        """These (of those asked for) are to be looked at."""
        self._pending.update(members)
        self._news.set()

    async def take(self) -> list[UUID]:
        """Wait until something is to be looked at, and take it."""
        await self._news.wait()
        self._news.clear()
        pending, self._pending = self._pending, set()
        return [member for member in self.members if member in pending]
