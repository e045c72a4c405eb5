"""What a member lets others see: presence and receipts."""

from __future__ import annotations

from dataclasses import dataclass

from resolvers.context import Ctx


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
    ctx.require_viewer()
    return Privacy()


async def set_privacy(ctx: Ctx, command: SetPrivacy) -> Privacy:
    """Change what is given; the settings afterwards. Raises RateLimited, Unauthenticated."""
    ctx.require_viewer()
    return Privacy(
        True if command.presence is None else command.presence,
        True if command.read_receipts is None else command.read_receipts,
        True if command.delivery_receipts is None else command.delivery_receipts,
    )
