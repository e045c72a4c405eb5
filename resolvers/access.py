"""Fetching is authorizing: what a use case gets from here, the viewer may use."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from db.queries.conversations import SpaceRow, spaces
from db.transaction import Transaction
from resolvers.context import Ctx
from resolvers.errors import Code, NotFound, Refusal
from resolvers.kinds import SpaceRole, SpaceType


async def access_space(ctx: Ctx, tx: Transaction, space: UUID) -> SpaceRow:
    """A space in whose roster the viewer is now. Raises NotFound (missing and foreign alike), Unauthenticated."""
    found = await access_spaces(ctx, tx, [space])
    if space not in found:
        raise NotFound
    return found[space]


async def access_spaces(ctx: Ctx, tx: Transaction, ids: Iterable[UUID]) -> dict[UUID, SpaceRow]:
    """Those of these spaces in whose roster the viewer is now. Raises Unauthenticated."""
    viewer = ctx.require_viewer().member
    if ctx.moment is not None:
        return await ctx.moment.spaces(tx, viewer, ids)
    return {row.id: row for row in await spaces(tx, viewer, ids)}


async def access_conversation(ctx: Ctx, tx: Transaction, space: UUID, need: SpaceRole = SpaceRole.READER) -> SpaceRow:
    """A conversation of the viewer's in which the viewer has at least the role `need`.

    Raises NotFound (missing and foreign alike), Refusal FORBIDDEN for a lower role, Unauthenticated.
    """
    row = await access_space(ctx, tx, space)
    if row.type not in (SpaceType.DIRECT, SpaceType.GROUP, SpaceType.BROADCAST):
        raise NotFound
    if row.role < need:
        raise Refusal(Code.FORBIDDEN, "Your role in this conversation does not allow that.")
    return row
