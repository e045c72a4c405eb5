"""The bus: pokes and ephemeral messages between processes. A lost message costs latency, never data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Message = dict[str, Any]
Callback = Callable[[Message], None]


class Bus:
    """One shared channel over `broadcaster`: memory, Redis or PostgreSQL NOTIFY, by URL; supervised.

    A message is a small JSON object with a `kind`: "poke" (a log has grown), "session-revoked" {session},
    "device-revoked" {device}, ... Every process hears every message, its own included, at most once.
    """

    def __init__(self, url: str = "memory://") -> None:
        """`memory://`, `redis://...`, `rediss://...` or `postgresql://...` (a direct connection, no PgBouncer)."""
        raise NotImplementedError

    async def start(self) -> None:
        """Begin to listen and to publish; returns at once, an unreachable server is tried again and again."""
        raise NotImplementedError

    async def stop(self) -> None:
        """Publish what is queued if that takes no longer than a second, then end."""
        raise NotImplementedError

    def publish(self, message: Message) -> None:
        """Queue a message for everybody; returns at once, never blocks, never raises for a full queue."""
        raise NotImplementedError

    def poke(self) -> None:
        """Publish {"kind": "poke"}; pokes still waiting in the queue are one."""
        raise NotImplementedError

    def subscribe(self, callback: Callback) -> Callable[[], None]:
        """Call `callback` (plain, quick) with each message from now on; returns what ends that."""
        raise NotImplementedError
