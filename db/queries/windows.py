"""Pages of several lists by one statement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar
from uuid import UUID

from db.transaction import Transaction

Key = TypeVar("Key")

Window = tuple[UUID, Key, Key]
"""A space, and the open interval of its list's keys that is asked for."""


def columns(windows: Sequence[Window[Any]]) -> list[list[Any]]:
    """The windows' spaces, lower and upper bounds, an array each."""
    return [[window[part] for window in windows] for part in range(3)]


async def fetch_windows(tx: Transaction, query: str, columns: list[list[Any]], *values: Any) -> list[list[list[Any]]]:
    """The rows of each window, in the order of the windows.

    `columns` are the windows' own values, an array each, and the query's first parameters: it unnests them WITH
    ORDINALITY and tells a row's window by that number, from 1, in its first column.
    """
    found: list[list[list[Any]]] = [[] for _ in columns[0]]
    for place, *row in await tx.raw.fetch(query, *columns, *values):
        found[place - 1].append(row)
    return found
