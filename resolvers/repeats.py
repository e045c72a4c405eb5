"""Which signals were passed on lately, here or by another process: none goes out twice."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from uuid import UUID

from resolvers.errors import RateLimited

KEPT = 130.0
"""Seconds. A signal is taken within 60 s of its own time, which may lie 60 s ahead: later it is too old anyway."""
MOST = 100_000

Name = tuple[UUID, bytes]
"""A space, and a signal's id in it."""


class Repeats:
    """What was seen within `KEPT` seconds, in the order of its coming."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: OrderedDict[Name, float] = OrderedDict()
        self._own: set[Name] = set()

    def has(self, name: Name) -> bool:
        """Whether it was passed on before."""
        self._forget()
        return name in self._seen

    def add(self, name: Name, *, own: bool = False) -> bool:
        """Remember it; False where it was there before. `own`: this process passes it on, and will hear it once.

        Raises RateLimited where too much was passed on lately to tell.
        """
        self._forget()
        if name in self._seen:
            if name in self._own and not own:
                self._own.discard(name)
                return True
            return False
        if len(self._seen) >= MOST:
            raise RateLimited(1, "Too many signals at once. Please wait a little.")
        self._seen[name] = self._clock()
        if own:
            self._own.add(name)
        return True

    def hear(self, name: Name) -> bool:
        """Whether what the bus brings is to be handed out: once."""
        try:
            return self.add(name)
        except RateLimited:
            return False

    def _forget(self) -> None:
        before = self._clock() - KEPT
        while self._seen:
            name, since = next(iter(self._seen.items()))
            if since > before:
                return
            del self._seen[name]
            self._own.discard(name)
