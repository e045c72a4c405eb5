"""Connections with keyset cursors, by the Relay specification; a page has 1 to 100 entries and must be asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Generic, TypeAlias, TypeVar

import strawberry

from resolvers.paging import Slice
from schema.scalars import Cursor

Item = TypeVar("Item")
Row = TypeVar("Row")

First: TypeAlias = Annotated[
    int | None, strawberry.argument(description="The first so many, 1 to 100. Give exactly one of first and last.")
]
Last: TypeAlias = Annotated[
    int | None, strawberry.argument(description="The last so many, 1 to 100. Give exactly one of first and last.")
]
After: TypeAlias = Annotated[Cursor | None, strawberry.argument(description="Only what lies behind this cursor.")]
Before: TypeAlias = Annotated[Cursor | None, strawberry.argument(description="Only what lies before this cursor.")]


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    """The Relay specification's PageInfo."""

    has_next_page: bool = strawberry.field(description="Whether the list goes on behind this page.")
    has_previous_page: bool = strawberry.field(description="Whether the list has entries before this page.")
    start_cursor: Cursor | None = strawberry.field(description="The first entry's cursor; null on an empty page.")
    end_cursor: Cursor | None = strawberry.field(description="The last entry's cursor; null on an empty page.")


@strawberry.type(description="One entry of a page, with its position in the list.")
class Edge(Generic[Item]):
    """An entry and its cursor."""

    cursor: Cursor = strawberry.field(description="The entry's position, for `after` and `before`.")
    node: Item = strawberry.field(description="The entry.")


@strawberry.type(description="A page of a list: 1 to 100 entries.")
class Connection(Generic[Item]):
    """A page: entries with cursors, the same entries alone, and where the page lies."""

    edges: list[Edge[Item]] = strawberry.field(description="The entries with their cursors.")
    nodes: list[Item] = strawberry.field(description="The entries alone.")
    page_info: PageInfo = strawberry.field(description="Where this page lies in the list.")


def connection(found: Slice[Row], convert: Callable[[Row], Item], cursor: Callable[[Row], str]) -> Connection[Item]:
    """The connection of a slice: `convert` makes each row's object, `cursor` its position."""
    edges = [Edge(cursor=Cursor(cursor(row)), node=convert(row)) for row in found.rows]
    return Connection(
        edges=edges,
        nodes=[edge.node for edge in edges],
        page_info=PageInfo(
            has_next_page=found.has_next,
            has_previous_page=found.has_previous,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
    )
