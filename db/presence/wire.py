"""Presence on the bus: batches of words, small enough for NOTIFY."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from db.bus import Message
from db.presence.states import PresenceState
from db.presence.table import Word

WORDS = 80
"""Words in one message: each has at most 89 bytes, and NOTIFY takes 7,999."""
PRESENCE = "presence"


def pack(node: str, words: Sequence[Word]) -> Iterator[Message]:
    """The messages that carry these words."""
    for at in range(0, len(words), WORDS):
        yield {"kind": PRESENCE, "n": node, "w": [_packed(word) for word in words[at : at + WORDS]]}


def unpack(message: Message) -> tuple[str, list[Word]]:
    """Who speaks, and the words. Raises ValueError, TypeError or KeyError for what is none."""
    return message["n"], [_unpacked(*word) for word in message["w"]]


def _packed(word: Word) -> list[Any]:
    return [_text(word.member), _text(word.client), int(word.state), word.stamp, int(word.is_held), word.seen]


def _unpacked(member: str, client: str, state: int, stamp: int, held: int, seen: int) -> Word:
    return Word(_id(member), _id(client), PresenceState(state), stamp, bool(held), seen)


def _text(id_: UUID) -> str:
    return base64.b64encode(id_.bytes)[:22].decode()


def _id(text: str) -> UUID:
    return UUID(bytes=base64.b64decode(text + "=="))
