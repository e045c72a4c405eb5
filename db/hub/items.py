"""What a stream yields and raises."""

from __future__ import annotations

from dataclasses import dataclass

from db.cursor import Cursor
from db.log import LogRow
from db.queries.markers import MarkerRow


@dataclass(frozen=True, slots=True)
class Delivery:
    """A row of the log or a marker, and the cursor to keep in the same local transaction as what it brings.

    `space_type` is None for markers, and where the space is out of the member's sight by now.
    """

    entry: LogRow | MarkerRow
    space_type: int | None
    cursor: Cursor


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """The backlog is done; comes once. With no cursor to start from it is the first item and means 'now'."""

    cursor: Cursor


class SlowConsumer(Exception):
    """The consumer fell too far behind: end the stream; the client resumes from `cursor`, the last it was given."""

    def __init__(self, cursor: Cursor) -> None:
        super().__init__("This connection could not keep up. Subscribe again from the last cursor.")
        self.cursor = cursor


class ReaderLost(Exception):
    """The hub's reader has ended: the stream registers anew and goes on from where it was."""


class HubFault(Exception):
    """The log contradicts itself (a hole, another life): all streams go back to what the database says."""
