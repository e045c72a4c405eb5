"""Call signals: sealed, verified as sends are, passed on and never stored (e2ee.md sections 7, 11)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from resolvers.context import Ctx


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal as it is passed on."""

    space: UUID
    envelope: bytes
    accepted_at: datetime


async def send_signal(ctx: Ctx, data: bytes) -> datetime:
    """Pass a signal on to the members of the conversation that it names; when it was accepted.

    Raises Refusal as `send_message`, INVALID when it is older than 60 s, ID_CONFLICT when it was sent already,
    RateLimited, Unauthenticated.
    """
    ctx.require_viewer()
    return ctx.clock()


async def follow_signals(ctx: Ctx, space: UUID | None) -> AsyncIterator[Signal]:
    """Signals from now on, of one conversation or of all the viewer's. Raises NotFound, Unauthenticated."""
    ctx.require_viewer()
    await asyncio.Event().wait()
    yield  # type: ignore[misc]
