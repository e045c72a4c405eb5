"""Markers: how far a member has read and received, sealed; the server knows their order alone (docs/decisions/0105)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from db.queries import markers as queries
from db.queries.conversations import SpaceState
from db.queries.markers import MarkerRow as MarkerRow
from db.queries.markers import NewMarker, Standing
from db.transaction import Transaction
from resolvers.arrivals import ENVELOPE, check_arrival, entry_of, envelope_of
from resolvers.context import Ctx
from resolvers.errors import Code, MarkerConflict, NotFound, Refusal
from resolvers.kinds import MarkerScope, SpaceType
from resolvers.limits import take_send
from resolvers.protocol import Asker, Envelope, EnvelopeKind, Verdict
from resolvers.reading import reading
from resolvers.signing import asker_of

MOST_MEMBERS = 50
"""Conversations of more members take no receipts: everyone's would go to everyone."""
MOST_BYTES = 1024
"""Of a marker: its content fits into the smallest padding."""
MOST_VERSIONS = 2**31 - 1


@dataclass(frozen=True, slots=True)
class SetMarker:
    """The sealed position, for which eyes, and the version that it replaces (0: the first)."""

    conversation: UUID
    scope: MarkerScope
    version: int
    envelope: bytes


async def set_marker(ctx: Ctx, command: SetMarker) -> MarkerRow:
    """Store a marker in the place of the version that it names. The very same envelope again gives what is stored.

    Raises MarkerConflict where another version is stored; Refusal INVALID, MALFORMED, STALE_DEVICE, FORBIDDEN (also: a
    kind other than 5, another space, a broadcast channel), TOO_MANY_MEMBERS, StaleEpoch, EpochDue, FORKED_LOG, as a
    send in the order of e2ee.md section 13; RateLimited, NotFound, Unauthenticated.
    """
    asker = asker_of(ctx)
    take_send(ctx)
    if not 0 <= command.version < MOST_VERSIONS:
        raise Refusal(Code.INVALID, "A version is a number from 0 on.", ("input", "version"))
    envelope = _decode(command.envelope, asker)
    header = envelope.header
    member, space = UUID(bytes=header.member), UUID(bytes=header.space)
    async with ctx.uow.write(member) as tx:
        found = await queries.standing(
            tx, command.conversation, member, command.scope, space, UUID(bytes=header.device), header.seen.n,
            MOST_MEMBERS + 1,
        )  # fmt: skip
        if found is None:
            raise NotFound(path=("input", "conversationId"))
        sealed_in = _check_place(command, envelope, found)
        arrival, stored = found.arrival, found.stored
        if stored is not None and stored.envelope == envelope.data:
            arrival = replace(arrival, known_item=envelope.item, known_body=envelope.data)
        if check_arrival(envelope, asker, sealed_in, arrival, ctx.clock()) is Verdict.KNOWN and stored is not None:
            return stored
        return await _put(ctx, tx, member, command, envelope)


def _decode(data: bytes, asker: Asker) -> Envelope:
    if len(data) > MOST_BYTES:
        raise Refusal(Code.MALFORMED, "A marker has 1 KiB at most.", ENVELOPE)
    envelope = envelope_of(asker, data)
    if envelope.header.kind != EnvelopeKind.RECEIPT:
        raise Refusal(Code.FORBIDDEN, "A marker is an envelope of kind 5.", ENVELOPE)
    return envelope


def _check_place(command: SetMarker, envelope: Envelope, found: Standing) -> SpaceState:
    """The space in which this marker must be sealed. Raises Refusal FORBIDDEN, TOO_MANY_MEMBERS."""
    space = found.space
    if command.scope == MarkerScope.OWN:
        if space is None or space.type != SpaceType.ACCOUNT:
            raise Refusal(Code.FORBIDDEN, "An own marker is sealed in the member's account space.", ENVELOPE)
        if envelope.header.b:
            raise Refusal(Code.FORBIDDEN, "An own marker does not expire.", ENVELOPE)
        return space
    if space is None or space.id != command.conversation:
        raise Refusal(Code.FORBIDDEN, "A receipt is sealed in its conversation.", ENVELOPE)
    if found.type == SpaceType.BROADCAST:
        raise Refusal(Code.FORBIDDEN, "A broadcast channel takes no receipts.", ("input", "scope"))
    if found.members > MOST_MEMBERS:
        message = f"Conversations of more than {MOST_MEMBERS} members take no receipts."
        raise Refusal(Code.TOO_MANY_MEMBERS, message, ("input", "scope"))
    return space


async def _put(ctx: Ctx, tx: Transaction, member: UUID, command: SetMarker, envelope: Envelope) -> MarkerRow:
    # What a send would keep: lifetimes count from acceptance.
    entry = entry_of(command.conversation, envelope, ctx.clock())
    new = NewMarker(
        command.conversation, member, command.scope, command.version, envelope.data, entry.accepted_at,
        entry.expires_at, envelope.header.epoch.n, envelope.header.b,
    )  # fmt: skip
    done = await queries.put(tx, new)
    if done is not None:
        return done
    current = await queries.find(tx, command.conversation, member, command.scope)
    if current is None:
        raise NotFound(path=("input", "conversationId"))  # the viewer has left a moment ago
    if current.envelope == envelope.data:
        return current  # the same request a moment ago
    raise MarkerConflict(current)


async def list_receipts(ctx: Ctx, spaces: Sequence[UUID]) -> list[list[MarkerRow]]:
    """The present members' receipts in each of these conversations; none where the viewer is not. Raises
    Unauthenticated."""
    found: dict[UUID, list[MarkerRow]] = {space: [] for space in spaces}
    async with reading(ctx) as tx:
        for row in await queries.receipts(tx, list(found)):
            found[row.space].append(row)
    return [found[space] for space in spaces]


async def get_own_markers(ctx: Ctx, spaces: Sequence[UUID]) -> list[MarkerRow | None]:
    """The viewer's own marker in each of these conversations. Raises Unauthenticated."""
    viewer = ctx.require_viewer().member
    async with reading(ctx) as tx:
        found = {row.space: row for row in await queries.own_markers(tx, viewer, list(spaces))}
    return [found.get(space) for space in spaces]
