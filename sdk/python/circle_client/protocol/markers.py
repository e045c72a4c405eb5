"""What markers hold, envelopes of kind 5: how far a member has read and received (docs/decisions/0113).

They are no entries of a log. OWN lies in the member's account space, for the member's own devices; RECEIPT in the
conversation, for its members. Unknown keys are ignored, as in every content.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from circle_client.protocol.cbor import MAX_INT, Value
from circle_client.protocol.envelope import refuse
from circle_client.protocol.errors import Code
from circle_client.protocol.structures import ID


def _seq(content: Mapping[int, Any], key: int) -> int:
    value = content[key]
    if type(value) is not int or not 0 <= value < MAX_INT:
        raise refuse(Code.UNREADABLE, "The content has not the shape of its kind.")
    return value


@dataclass(frozen=True, slots=True)
class OwnMarker:
    """The member has read everything of the conversation `space` up to `read`."""

    space: bytes
    read: int

    def content(self) -> dict[int, Value]:
        """Content of kind 5 in an account space."""
        return {0: self.space, 1: self.read}


def read_own(content: Mapping[int, Any]) -> OwnMarker:
    """The content of an own marker. Raises UNREADABLE (`envelope`)."""
    space = content.get(0)
    if type(space) is not bytes or len(space) != ID or 1 not in content:
        raise refuse(Code.UNREADABLE, "The content has not the shape of its kind.")
    return OwnMarker(space, _seq(content, 1))


@dataclass(frozen=True, slots=True)
class ReceiptMarker:
    """The member has received everything up to `delivered` and read everything up to `read`; None: not said."""

    delivered: int | None = None
    read: int | None = None

    def content(self) -> dict[int, Value]:
        """Content of kind 5 in a conversation; what is not said is left out."""
        found: dict[int, Value] = {}
        if self.delivered is not None:
            found[0] = self.delivered
        if self.read is not None:
            found[1] = self.read
        return found


def read_receipt(content: Mapping[int, Any]) -> ReceiptMarker:
    """The content of a receipt. Raises UNREADABLE (`envelope`)."""
    return ReceiptMarker(
        _seq(content, 0) if 0 in content else None,
        _seq(content, 1) if 1 in content else None,
    )
