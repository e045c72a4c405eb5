"""Devices on their way in, and what changes with them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class OfferRow:
    """A new device's request, and its answer once there is one."""

    member: UUID
    link_id: bytes
    session: UUID
    request: bytes
    mac: bytes
    device_name: str
    created_at: datetime
    expires_at: datetime
    answer: bytes | None
    answer_mac: bytes | None
