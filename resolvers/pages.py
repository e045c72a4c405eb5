"""Pages of several spaces' lists at once: a list of conversations asks the same of each one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar
from uuid import UUID

from db.queries.conversations import SpaceRow
from db.queries.windows import Window
from db.transaction import Transaction
from resolvers.access import access_spaces
from resolvers.context import Ctx
from resolvers.errors import NotFound, Refusal
from resolvers.paging import Page, Slice, slice_of
from resolvers.reading import reading

Key = TypeVar("Key")
Row = TypeVar("Row")
Row_co = TypeVar("Row_co", covariant=True)
Key_contra = TypeVar("Key_contra", contravariant=True)

Asked = tuple[UUID, Page]

Stretch = tuple[SpaceRow, Key, Key]
"""A space of the viewer's, and the open interval of its list's keys that was asked for."""


class Fetch(Protocol[Key_contra, Row_co]):
    """Reads `limit` rows of each stretch in the order of reading."""

    def __call__(
        self, tx: Transaction, stretches: Sequence[Stretch[Key_contra]], limit: int, *, backward: bool
    ) -> Awaitable[Sequence[Sequence[Row_co]]]:
        """The rows, in the order of the stretches."""
        ...


def by_id(stretches: Sequence[Stretch[Key]]) -> list[Window[Key]]:
    """The same with the spaces' ids alone."""
    return [(row.id, above, below) for row, above, below in stretches]


async def list_pages(
    ctx: Ctx, asked: list[Asked], bounds: Callable[[Page], tuple[Key, Key]], fetch: Fetch[Key, Row]
) -> list[Slice[Row] | Refusal]:
    """A page for each that was asked for, in order; in its place NotFound, or INVALID for a broken cursor.

    One statement at most says which of the spaces are the viewer's, and one reads all pages of a size.
    Raises Unauthenticated.
    """
    found: dict[Asked, Slice[Row] | Refusal] = {}
    sizes: dict[tuple[int, bool], list[tuple[Asked, Stretch[Key]]]] = {}
    async with reading(ctx) as tx:
        seen = await access_spaces(ctx, tx, {space for space, _ in asked})
        for space, page in asked:
            try:
                above, below = bounds(page)
            except Refusal as refusal:
                found[space, page] = refusal
                continue
            if space in seen:
                stretch = (seen[space], above, below)
                sizes.setdefault((page.limit, page.backward), []).append(((space, page), stretch))
        for (limit, backward), wanted in sizes.items():
            rows = await fetch(tx, [stretch for _, stretch in wanted], limit + 1, backward=backward)
            found |= {one: slice_of(one[1], some) for (one, _), some in zip(wanted, rows, strict=True)}
    return [found.get(one) or NotFound() for one in asked]
