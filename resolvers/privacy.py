"""What a member lets others see: presence and receipts."""

from __future__ import annotations

from dataclasses import dataclass

from db.queries import presence as queries
from resolvers.context import Ctx
from resolvers.reading import reading


@dataclass(frozen=True, slots=True)
class Privacy:
    """True: shown, sent. The default of all."""

    presence: bool = True
    read_receipts: bool = True
    delivery_receipts: bool = True


@dataclass(frozen=True, slots=True)
class SetPrivacy:
    """None: as it was."""

    presence: bool | None
    read_receipts: bool | None
    delivery_receipts: bool | None


async def get_privacy(ctx: Ctx) -> Privacy:
    """The viewer's settings. Raises Unauthenticated."""
    viewer = ctx.require_viewer().member
    async with reading(ctx) as tx:
        found = await queries.privacy(tx, viewer)
    return Privacy() if found is None else Privacy(*found)


async def set_privacy(ctx: Ctx, command: SetPrivacy) -> Privacy:
    """Change what is given; the settings afterwards. Every process hides the member until it has read them.

    Raises RateLimited, Unauthenticated.
    """
    viewer, ephemera = ctx.require_viewer().member, ctx.require_ephemera()
    ephemera.privacy_rate.take(viewer)
    async with ctx.uow.write(viewer) as tx:
        found = await queries.set_privacy(
            tx, viewer, command.presence, command.read_receipts, command.delivery_receipts
        )
        if command.presence is not None:
            tx.on_commit(lambda: ephemera.presence.tell_privacy(viewer))
    return Privacy(*found)
