"""A signal as it travels between processes."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from uuid import UUID

from db.ephemeral import Told
from resolvers.repeats import Name


def pack_signal(id_: bytes, envelope: bytes, accepted_at: datetime) -> str:
    """The body of the message."""
    return f"{id_.hex()}:{int(accepted_at.timestamp() * 1000)}:{base64.b64encode(envelope).decode()}"


def unpack_signal(body: str) -> tuple[bytes, datetime]:
    """Envelope and time of acceptance."""
    _, milliseconds, text = body.split(":", 2)
    seconds, rest = divmod(int(milliseconds), 1000)
    return base64.b64decode(text), datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest * 1000)


def name_of(told: Told) -> Name:
    """What tells a signal apart: its space, and its id there."""
    return told.space, UUID(hex=told.body[:32]).bytes
