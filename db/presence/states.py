"""What a device says it is doing, and what others are shown of a member."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum


class PresenceState(IntEnum):
    """The greater, the nearer: a member's state is the greatest of the devices'."""

    OFFLINE = 0
    AWAY = 1
    ONLINE = 2


@dataclass(frozen=True, slots=True)
class Shown:
    """A member's presence as one viewer is shown it. `seen` is to the minute; None while online and where unknown."""

    state: PresenceState
    seen: datetime | None = None


NOTHING = Shown(PresenceState.OFFLINE)
"""What is shown of whoever hides, is a stranger, or was never there."""
