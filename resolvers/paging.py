"""Keyset paging: what a page was asked for, and what was found."""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from resolvers.errors import Code, Refusal

MAX_PAGE = 100
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Page:
    """A checked request: `limit` rows, from the end when `backward`; `after` and `before` are opaque positions."""

    limit: int
    backward: bool = False
    after: str | None = None
    before: str | None = None


@dataclass(frozen=True, slots=True)
class Slice(Generic[Row]):
    """The rows of a page in the list's own order, and whether the list goes on beyond either end."""

    rows: Sequence[Row]
    has_next: bool
    has_previous: bool


def page_of(first: int | None, after: str | None, last: int | None, before: str | None) -> Page:
    """Check a connection's arguments: exactly one of first and last, 1 to 100. Raises Refusal INVALID."""
    if (first is None) == (last is None):
        raise Refusal(Code.INVALID, "Ask for a page with exactly one of first and last.", ("first",))
    name, limit = ("first", first) if first is not None else ("last", last)
    if limit is None or not 1 <= limit <= MAX_PAGE:
        raise Refusal(Code.INVALID, f"A page has 1 to {MAX_PAGE} entries.", (name,))
    return Page(limit, last is not None, after, before)


def slice_of(page: Page, rows: Sequence[Row]) -> Slice[Row]:
    """The slice of `rows`, found with LIMIT page.limit + 1 in the order of reading (descending when backward)."""
    more, rows = len(rows) > page.limit, rows[: page.limit]
    if page.backward:
        return Slice(list(reversed(rows)), page.before is not None, more)
    return Slice(rows, more, page.after is not None)


def bounds(page: Page, *, low: int = -1) -> tuple[int, int]:
    """The open interval of numbers that the page's cursors allow, for lists ordered by one number."""
    after = low if page.after is None else number_at(page.after)
    return after, MAX_NUMBER if page.before is None else number_at(page.before)


MAX_NUMBER = 2**53


def position(key: bytes) -> str:
    """An opaque cursor for a row's key."""
    return base64.urlsafe_b64encode(key).decode().rstrip("=")


def key_at(cursor: str, length: int) -> bytes:
    """The key of `length` bytes behind a cursor. Raises Refusal INVALID for anything else."""
    try:
        key = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != length:
        raise Refusal(Code.INVALID, "This cursor does not belong to this list.", ("after",))
    return key


def number_position(number: int) -> str:
    """The cursor of a row in a list ordered by one number."""
    return position(struct.pack(">q", number))


def number_at(cursor: str) -> int:
    """The number behind a cursor made by `number_position`. Raises Refusal INVALID for anything else."""
    return int(struct.unpack(">q", key_at(cursor, 8))[0])
