"""Markers: a member's sealed position in a conversation, one row per member, conversation and scope, replaced in place.

The row carries the transaction of its last upsert, so that the hub delivers it by the log's rule (docs/decisions/0104).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class MarkerRow:
    """A marker as stored. `space`: the conversation; `seq`: the row's own fixed place, the order of delivery within a
    conversation; `xid`: the transaction of the last upsert. `envelope` is None once it has expired."""

    space: UUID
    seq: int
    xid: int
    scope: int
    member: UUID
    version: int
    envelope: bytes | None
    accepted_at: datetime
