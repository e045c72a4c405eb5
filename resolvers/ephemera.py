"""The process's ports for what is told once and not kept: built once, given to every operation's context."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from db.bus import Bus
from db.engine import Database
from db.ephemeral import Ephemeral, Told
from db.hub import Hub
from db.presence.service import Presences
from db.presence.table import Times
from resolvers.limits import Buckets, Rate
from resolvers.repeats import Repeats
from resolvers.signal_bodies import name_of
from resolvers.typing_throttle import TypingThrottle

_TOO_MUCH = "Too much at once. Please wait a moment."
TYPING = Rate(per_second=4, burst=30, message=_TOO_MUCH)
PRESENCE = Rate(per_second=0.5, burst=20, message=_TOO_MUCH)
PRIVACY = Rate(per_second=0.2, burst=10, message=_TOO_MUCH)


class Ephemera:
    """Typing, signals and presence. `start` it behind the hub and the bus."""

    def __init__(
        self,
        database: Database,
        bus: Bus,
        hub: Hub,
        clock: Callable[[], datetime],
        *,
        times: Times = Times(),  # noqa: B008  (frozen)
        typing_every: float = 3.0,
        typing_holds: float = 6.0,
    ) -> None:
        """`times` are presence's; typing is told at most every `typing_every` seconds and holds for `typing_holds`."""
        self.told = Ephemeral(bus, hub.watching)
        self.told.on_told = self._on_told
        self.typing_rate, self.presence_rate = Buckets(TYPING), Buckets(PRESENCE)
        self.privacy_rate = Buckets(PRIVACY)
        self.repeats = Repeats()
        self.typing = TypingThrottle(self.told.tell, clock, every=typing_every, holds=typing_holds)
        self.presence = Presences(database, bus, hub.watching, clock, times)

    async def start(self) -> None:
        """Begin to hear and to tell."""
        self.told.start()
        await self.presence.start()

    async def stop(self) -> None:
        """Say good-bye, then end."""
        await self.presence.stop()
        self.typing.stop()
        self.told.stop()

    def _on_told(self, told: Told) -> bool:
        """What every process learns from what any of them passed on: the throttles, and which signals have been."""
        if told.topic == "typing":
            self.typing.hear(told)
            return True
        return self.repeats.hear(name_of(told))
