"""The small numbers of e2ee.md that the API speaks of, by name."""

from __future__ import annotations

from enum import IntEnum

from db.models.kinds import EventKind as EventKind
from db.models.kinds import History as HistoryPolicy
from db.models.kinds import MarkerScope as MarkerScope
from db.models.kinds import SpaceRole as SpaceRole
from db.models.kinds import SpaceType as SpaceType

__all__ = ["ConversationType", "EventKind", "HistoryPolicy", "MarkerScope", "SpaceRole", "SpaceType"]


class ConversationType(IntEnum):
    """The space types in which people talk."""

    DIRECT = 0
    GROUP = 1
    BROADCAST = 2
