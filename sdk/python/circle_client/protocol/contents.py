"""What envelopes of each kind hold (docs/decisions/0005): makers, and readers that ignore unknown keys.

Kind 5 has a module of its own: `markers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from circle_client.protocol.cbor import Value
from circle_client.protocol.envelope import refuse
from circle_client.protocol.errors import Code

TEXT_CAP = 16_000
TITLE_CAP = 120
EMOJI_CAP = 64
PICTURE_CAP = 64 * 1024
MEDIA_TYPE_CAP = 100

Content = dict[int, Value]


def _field(content: Mapping[int, Any], key: int, kind: type[str] | type[bytes], cap: int) -> Any:
    value = content.get(key)
    if type(value) is not kind or len(value) > cap:
        raise refuse(Code.UNREADABLE, "The content has not the shape of its kind.")
    return value


def message(text: str) -> Content:
    """Content of kinds 1 (message) and 2 (edit). Raises UNREADABLE above 16,000 characters."""
    return {0: _field({0: text}, 0, str, TEXT_CAP)}


def read_message(content: Mapping[int, Any]) -> str:
    """The text of kinds 1 and 2. Raises UNREADABLE (`envelope`)."""
    return str(_field(content, 0, str, TEXT_CAP))


def reaction(emoji: str) -> Content:
    """Content of kind 4."""
    return {0: _field({0: emoji}, 0, str, EMOJI_CAP)}


def read_reaction(content: Mapping[int, Any]) -> str:
    """The emoji of kind 4. Raises UNREADABLE (`envelope`)."""
    return str(_field(content, 0, str, EMOJI_CAP))


@dataclass(frozen=True, slots=True)
class State:
    """Title and picture of a conversation, kind 8."""

    title: str
    picture: bytes | None = None
    media_type: str | None = None

    def content(self) -> Content:
        """Content of kind 8. Raises UNREADABLE where title or picture are too long."""
        content: Content = {0: self.title, 1: self.picture, 2: self.media_type}
        read_state(content)
        return content


def read_state(content: Mapping[int, Any]) -> State:
    """Title and picture of kind 8. Raises UNREADABLE (`envelope`)."""
    title = _field(content, 0, str, TITLE_CAP)
    if content.get(1) is None and content.get(2) is None:
        return State(title)
    return State(title, _field(content, 1, bytes, PICTURE_CAP), _field(content, 2, str, MEDIA_TYPE_CAP))
