"""Call signals: sealed, verified as sends are, passed on and never stored (e2ee.md sections 7, 11)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db.ephemeral import Told
from db.queries import messages as queries
from resolvers.access import access_conversation
from resolvers.arrivals import ENVELOPE, check_signal_arrival, envelope_of
from resolvers.context import Ctx
from resolvers.errors import Code, Refusal
from resolvers.limits import take_send
from resolvers.protocol import EnvelopeKind
from resolvers.reading import reading
from resolvers.signal_bodies import pack_signal, unpack_signal
from resolvers.signing import asker_of, milliseconds
from resolvers.told import follow_told

OLDEST = 60_000
"""Milliseconds between a signal's own time and its acceptance, either way (e2ee.md section 11)."""


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal as it is passed on."""

    space: UUID
    envelope: bytes
    accepted_at: datetime


async def send_signal(ctx: Ctx, data: bytes) -> datetime:
    """Pass a signal on to the members of the conversation that it names; when it was accepted.

    Raises Refusal as `send_message`, INVALID when it is older than 60 s, ID_CONFLICT when it was sent already,
    RateLimited, NotFound, Unauthenticated.
    """
    viewer, ephemera = ctx.require_viewer(), ctx.require_ephemera()
    take_send(ctx)
    asker = asker_of(ctx)
    envelope = envelope_of(asker, data)
    header, now = envelope.header, ctx.clock()
    if header.kind != EnvelopeKind.SIGNAL:
        raise Refusal(Code.FORBIDDEN, "This is no signal; send it as a message.", ENVELOPE)
    if abs(milliseconds(now) - header.time) > OLDEST:
        raise Refusal(Code.INVALID, "The signal is too old, or the device's clock is wrong.", ENVELOPE)
    space, name = UUID(bytes=header.space), (UUID(bytes=header.space), header.id)
    async with reading(ctx) as tx:
        row = await access_conversation(ctx, tx, space)
        found = await queries.arrival(
            tx, space, viewer.member, UUID(bytes=header.device), UUID(bytes=header.id), header.seen.n, None
        )
    check_signal_arrival(envelope, asker, row, found, now)
    # Only what has passed every check counts as sent, and nothing waits between asking and remembering.
    if not ephemera.repeats.add(name, own=True):
        raise Refusal(Code.ID_CONFLICT, "This signal was sent already.", ENVELOPE)
    body = pack_signal(header.id, data, now)
    ephemera.told.tell(Told("signal", space, row.head_seq, viewer.member, viewer.session, body))
    return now


async def follow_signals(ctx: Ctx, space: UUID | None) -> AsyncIterator[Signal]:
    """Signals from now on, of one conversation or of all the viewer's; not those of this very session.

    Raises NotFound, Unauthenticated.
    """
    own = ctx.require_viewer().session
    async with aclosing(follow_told(ctx, "signal", space, lambda told: told.session != own)) as heard:
        async for told in heard:
            yield Signal(told.space, *unpack_signal(told.body))
