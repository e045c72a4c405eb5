"""Fetching is authorizing: what a use case gets from here, the viewer may use."""

from __future__ import annotations

from uuid import UUID

from db.queries.conversations import SpaceRow, spaces
from db.transaction import Transaction
from resolvers.context import Ctx
from resolvers.errors import Code, NotFound, Refusal
from resolvers.kinds import SpaceRole, SpaceType


async def access_space(ctx: Ctx, tx: Transaction, space: UUID) -> SpaceRow:
    """A space in whose roster the viewer is now. Raises NotFound (missing and foreign alike), Unauthenticated."""
    found = await spaces(tx, ctx.require_viewer().member, [space])
    if not found:
        raise NotFound
    return found[0]


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
