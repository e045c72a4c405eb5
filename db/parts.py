"""Texts that are longer than PostgreSQL's NOTIFY takes, in parts and together again."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

PART = 7_000
"""Characters of a part: with the message around it, it fits NOTIFY's 7,999 bytes."""
LONGEST = 20
"""Parts of one text at most: an envelope of 97 KiB as base64 has 19."""
UNFINISHED = 64
"""Texts that may wait for their missing parts; the oldest are given up first."""

Part = tuple[str, int, int, str]
"""The text's name, the part's number, how many there are, and what it holds."""


def in_parts(text: str) -> Iterator[Part]:
    """The text, which must be ASCII, in parts. Raises ValueError for one that is too long."""
    pieces = [text[at : at + PART] for at in range(0, len(text), PART)] or [""]
    if len(pieces) > LONGEST:
        raise ValueError("too long for the bus")
    name = secrets.token_hex(8)
    for number, piece in enumerate(pieces):
        yield name, number, len(pieces), piece


@dataclass(slots=True)
class _Begun:
    pieces: dict[int, str] = field(default_factory=dict)


class Together:
    """Puts parts together in whatever order they come. One that never comes leaves its text unfinished, for a while."""

    def __init__(self) -> None:
        self._begun: OrderedDict[str, _Begun] = OrderedDict()

    def take(self, name: str, number: int, of: int, piece: str) -> str | None:
        """Take a part; the whole text once it was the last one that was missing."""
        if of == 1:
            return piece
        if not 0 <= number < of <= LONGEST:
            return None
        begun = self._begun.setdefault(name, _Begun())
        begun.pieces[number] = piece
        if len(begun.pieces) == of:
            del self._begun[name]
            return "".join(begun.pieces[at] for at in range(of))
        while len(self._begun) > UNFINISHED:
            self._begun.popitem(last=False)
        return None
