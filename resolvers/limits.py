"""Rates: how often a member may do something within a while, kept in memory per process (docs/decisions/0111)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING
from uuid import UUID

from resolvers.errors import RateLimited

if TYPE_CHECKING:
    from resolvers.context import Ctx

REMEMBERED = 10_000
"""Buckets that are kept before those that are full again are dropped."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many at once (`burst`), and from then on so many `per_second`; `message` tells a person who had too many."""

    per_second: float
    burst: float
    message: str


class Buckets:
    """A bucket of tokens for each member: what is done takes one, time fills it up again."""

    def __init__(self, rate: Rate, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._clock = rate, clock
        self._left: dict[UUID, tuple[float, float]] = {}

    def take(self, member: UUID) -> None:
        """Take a token of this member's. Raises RateLimited, with the seconds until there is one again."""
        now = self._clock()
        tokens = self._tokens(member, now)
        if tokens < 1:
            raise RateLimited(ceil((1 - tokens) / self._rate.per_second), self._rate.message)
        if len(self._left) >= REMEMBERED and member not in self._left:
            self._drop_full(now)
        self._left[member] = (tokens - 1, now)

    def __len__(self) -> int:
        return len(self._left)

    def _tokens(self, member: UUID, now: float) -> float:
        left, since = self._left.get(member, (self._rate.burst, now))
        return min(self._rate.burst, left + (now - since) * self._rate.per_second)

    def _drop_full(self, now: float) -> None:
        """A full bucket is as good as none."""
        self._left = {
            member: kept for member, kept in self._left.items() if self._tokens(member, now) < self._rate.burst
        }


SENDS = "You are sending very much at once. Please wait a moment."


def sends(per_second: float, burst: int) -> Buckets:
    """Of everything that is sealed and sent: messages, markers, signals."""
    return Buckets(Rate(per_second, burst, SENDS))


def take_send(ctx: Ctx) -> None:
    """One thing that the viewer sends. Raises RateLimited, Unauthenticated."""
    if ctx.sends is not None:
        ctx.sends.take(ctx.require_viewer().member)
