"""The durable log's events: the `Event` interface and its five kinds."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, cast
from uuid import UUID

import strawberry

from resolvers.context import Ctx
from resolvers.events import LogEvent, get_events, signed_parts
from resolvers.kinds import EventKind
from resolvers.paging import MAX_NUMBER
from schema.node import Node, encode_id, load_node, register_node
from schema.scalars import Base64Bytes
from schema.spaces import Space, space_stub


@strawberry.interface(description="An entry of a space's log. Entries are numbered without a gap and never change.")
class Event(Node):
    """What every entry has."""

    log_event: strawberry.Private[LogEvent]
    seq: int = strawberry.field(description="Its number in the space's log, from 1.")
    item: Base64Bytes = strawberry.field(description="The hash that stands for it in the log (e2ee.md section 7).")
    log_hash: Base64Bytes = strawberry.field(description="The log's hash chain up to it, l_seq.")
    accepted_at: datetime = strawberry.field(description="When the server accepted it.")

    @strawberry.field(description="The space whose log this is.", metadata={"shared": True})
    def space(self) -> Annotated[Space, strawberry.lazy("schema.spaces")]:
        """The space by its id; anything more of it is loaded when asked for."""
        return space_stub(self.log_event.space, self.log_event.space_type)


@strawberry.type(description="A sealed envelope: a message, an edit, a reaction, a title.")
class EnvelopeEvent(Event):
    """Accepted by sendMessage."""

    envelope: Base64Bytes | None = strawberry.field(
        description="E([header, syn, ct, signature]) as it was sent; null once it has expired."
    )


@strawberry.type(description="A link of the space's roster chain: someone was added, removed, given another role.")
class RosterEvent(Event):
    """Accepted by createConversation and changeRoster."""

    body: Base64Bytes = strawberry.field(description="The roster link, canonical CBOR.")
    signature: Base64Bytes = strawberry.field(description="The signer's Ed25519 signature.")


@strawberry.type(description="A new epoch: keys under which envelopes are sealed from here on.")
class EpochEvent(Event):
    """Accepted by createConversation and announceEpoch."""

    announcement: Base64Bytes = strawberry.field(description="The announcement, canonical CBOR.")
    signature: Base64Bytes = strawberry.field(description="The creator's Ed25519 signature.")


@strawberry.type(description="A member could not open its seal of an epoch.")
class ComplaintEvent(Event):
    """Accepted by complain."""

    body: Base64Bytes = strawberry.field(description="The complaint, canonical CBOR.")
    signature: Base64Bytes = strawberry.field(description="The complaining device's Ed25519 signature.")


@strawberry.type(description="A link of a recipient's member chain that makes the next epoch due.")
class MemberLinkEvent(Event):
    """Entered into each of the member's spaces when a device or the recovery key changes."""

    body: Base64Bytes = strawberry.field(description="The member link, canonical CBOR.")
    signature: Base64Bytes = strawberry.field(description="The first signature.")
    cosignature: Base64Bytes | None = strawberry.field(description="The second signature where the kind needs one.")


def event_id(space: UUID, seq: int) -> strawberry.ID:
    """The node id of an entry."""
    return encode_id("Event", space.bytes + struct.pack(">Q", seq))


def event_of(entry: LogEvent) -> Event:
    """The GraphQL object of an entry, without any query."""
    node_id, item, log_hash = event_id(entry.space, entry.seq), Base64Bytes(entry.item), Base64Bytes(entry.log_hash)
    if entry.kind == EventKind.ENVELOPE:
        envelope = None if entry.body is None else Base64Bytes(entry.body)
        return EnvelopeEvent(
            id=node_id, log_event=entry, seq=entry.seq, item=item, log_hash=log_hash,
            accepted_at=entry.accepted_at, envelope=envelope,
        )  # fmt: skip
    body, signature, cosignature = signed_parts(entry)
    if entry.kind == EventKind.EPOCH:
        return EpochEvent(
            id=node_id, log_event=entry, seq=entry.seq, item=item, log_hash=log_hash,
            accepted_at=entry.accepted_at, announcement=Base64Bytes(body), signature=Base64Bytes(signature),
        )  # fmt: skip
    if entry.kind == EventKind.MEMBER_LINK:
        return MemberLinkEvent(
            id=node_id, log_event=entry, seq=entry.seq, item=item, log_hash=log_hash,
            accepted_at=entry.accepted_at, body=Base64Bytes(body), signature=Base64Bytes(signature),
            cosignature=None if cosignature is None else Base64Bytes(cosignature),
        )  # fmt: skip
    kind = RosterEvent if entry.kind == EventKind.ROSTER else ComplaintEvent
    return kind(
        id=node_id, log_event=entry, seq=entry.seq, item=item, log_hash=log_hash,
        accepted_at=entry.accepted_at, body=Base64Bytes(body), signature=Base64Bytes(signature),
    )  # fmt: skip


async def _fetch_events(ctx: Ctx, keys: list[bytes]) -> Sequence[Event | None]:
    places = [(UUID(bytes=key[:16]), struct.unpack(">Q", key[16:])[0]) for key in keys if len(key) == 24]
    found = await get_events(ctx, [place for place in places if place[1] <= MAX_NUMBER])
    by_key = {entry.space.bytes + struct.pack(">Q", entry.seq): event_of(entry) for entry in found}
    return [by_key.get(key) for key in keys]


register_node("Event", _fetch_events)


async def load_event(ctx: Ctx, space: UUID, seq: int) -> Event | None:
    """An entry through the operation's loader; None where the viewer may not read it."""
    return cast("Event | None", await load_node(ctx, "Event", space.bytes + struct.pack(">Q", seq)))
