"""Epochs in the schema: announcements, the viewer's seals and grants, and the mutations that make them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, cast
from uuid import UUID

import strawberry

from resolvers.context import Ctx
from resolvers.epochs import (
    AnnounceEpoch,
    Complain,
    EpochParts,
    EpochRow,
    GrantEpochs,
    GrantRow,
    announce_epoch,
    complain,
    get_epochs,
    get_grants,
    grant_epochs,
)
from resolvers.errors import Refusal
from schema.context import Info
from schema.errors import UserError, user_errors
from schema.events import ComplaintEvent, EpochEvent, event_of
from schema.inputs import SignedInput
from schema.loaders import forget, loader
from schema.members import Member, load_member
from schema.node import decode_id, encode_id
from schema.scalars import Base64Bytes


@strawberry.type(description="Epoch secrets that another member sealed to the viewer.")
class Grant:
    """One grant."""

    id: strawberry.ID = strawberry.field(description="Opaque and stable.")
    giver_id: strawberry.Private[UUID]
    grant: Base64Bytes = strawberry.field(description="The sealed list of epochs (e2ee.md section 6).")
    generation: int = strawberry.field(description="The generation of the viewer's member key that it is sealed to.")

    @strawberry.field(description="Who gave it.")
    async def giver(self, info: Info) -> Member:
        """The giver."""
        return await load_member(info.context, self.giver_id)

    @classmethod
    def of(cls, row: GrantRow) -> Grant:
        """The GraphQL object of a row."""
        return cls(
            id=encode_id("Grant", row.id), giver_id=row.giver, grant=Base64Bytes(row.box), generation=row.generation
        )


@strawberry.type(description="A generation of a space's keys (e2ee.md section 6).")
class Epoch:
    """One epoch."""

    row: strawberry.Private[EpochRow]
    number: int = strawberry.field(description="Its number, from 1.")
    announcement: Base64Bytes = strawberry.field(description="The announcement, canonical CBOR.")
    signature: Base64Bytes = strawberry.field(description="The creator's Ed25519 signature.")
    recipients: Base64Bytes = strawberry.field(description="The list of recipients, canonical CBOR.")
    hash: Base64Bytes = strawberry.field(description="The announcement's hash, h_e.")
    accepted_at: datetime = strawberry.field(description="When the server accepted it.")
    seal: Base64Bytes | None = strawberry.field(description="The viewer's own seal; null when it has none.")

    @strawberry.field(description="Grants to the viewer, newest first: those of the whole space, 100 at most.")
    async def grants(self, info: Info) -> list[Grant]:
        """Through the operation's loader: grants belong to the space and name their epochs inside the seal."""
        rows = await loader(info.context, "grants", get_grants).load(self.row.space)
        return [Grant.of(row) for row in rows]

    @classmethod
    def of(cls, row: EpochRow) -> Epoch:
        """The GraphQL object of a row."""
        return cls(
            row=row, number=row.number, announcement=Base64Bytes(row.announcement),
            signature=Base64Bytes(row.signature), recipients=Base64Bytes(row.recipients),
            hash=Base64Bytes(row.hash), accepted_at=row.accepted_at,
            seal=None if row.seal is None else Base64Bytes(row.seal),
        )  # fmt: skip


async def load_epoch(ctx: Ctx, space: UUID, number: int) -> Epoch | None:
    """An epoch of a space through the operation's loader; None where there is none."""
    row = await loader(ctx, "epoch", get_epochs).load((space, number))
    return None if row is None else Epoch.of(row)


@strawberry.input(description="A new epoch (e2ee.md section 6).")
class EpochInput:
    """Announcement, list and seals."""

    announcement: Base64Bytes = strawberry.field(description="The announcement, canonical CBOR, 2 KiB at most.")
    signature: Base64Bytes = strawberry.field(description="The creator's Ed25519 signature, 64 bytes.")
    recipients: Base64Bytes = strawberry.field(
        description="The list of recipients, canonical CBOR, 1,000 members and 160 KiB at most."
    )
    seals: list[Base64Bytes] = strawberry.field(
        description="One seal of 1,168 bytes per recipient, in the list's order, 1,000 at most."
    )

    def parts(self) -> EpochParts:
        """What the use cases take."""
        return EpochParts(self.announcement, self.signature, self.recipients, tuple(self.seals))


@strawberry.input(description="What announceEpoch takes.")
class AnnounceEpochInput:
    """The epoch to announce."""

    epoch: EpochInput = strawberry.field(description="The epoch; its announcement names the conversation.")


@strawberry.input(description="What complain takes.")
class ComplainInput:
    """The complaint."""

    complaint: SignedInput = strawberry.field(description="The complaint; it names conversation and epoch.")


@strawberry.input(description="What grantEpochs takes.")
class GrantEpochsInput:
    """A grant to one member."""

    conversation_id: strawberry.ID = strawberry.field(description="The conversation whose epochs are granted.")
    member_id: strawberry.ID = strawberry.field(description="The member who gets them.")
    generation: int = strawberry.field(description="The generation of that member's key, from 1, that it is sealed to.")
    grant: Base64Bytes = strawberry.field(description="The sealed list of epochs, 1 MiB at most.")


@strawberry.type(description="What announceEpoch answers.")
class AnnounceEpochPayload:
    """The log's entry, or why not."""

    event: EpochEvent | None = strawberry.field(description="The entry in the conversation's log.")
    errors: list[UserError] = strawberry.field(description="Why nothing was changed; empty on success.")


@strawberry.type(description="What complain answers.")
class ComplainPayload:
    """The log's entry, or why not."""

    event: ComplaintEvent | None = strawberry.field(description="The entry in the conversation's log.")
    errors: list[UserError] = strawberry.field(description="Why nothing was changed; empty on success.")


@strawberry.type(description="What grantEpochs answers.")
class GrantEpochsPayload:
    """The grant, or why not."""

    grant: Grant | None = strawberry.field(description="The grant as the receiving member will see it.")
    errors: list[UserError] = strawberry.field(description="Why nothing was changed; empty on success.")


@strawberry.type
class EpochMutation:
    """The fields of `Mutation` about epochs."""

    @strawberry.mutation(description="Announce the next epoch of a conversation. Accepted only when one is due.")
    async def announce_epoch(
        self, info: Info, input: Annotated[AnnounceEpochInput, strawberry.argument(description="The epoch.")]
    ) -> AnnounceEpochPayload:
        """Decode, call the use case, map the result."""
        forget(info.context)
        try:
            entry = await announce_epoch(info.context, AnnounceEpoch(input.epoch.parts()))
        except Refusal as refusal:
            return AnnounceEpochPayload(event=None, errors=user_errors(refusal))
        return AnnounceEpochPayload(event=cast("EpochEvent", event_of(entry)), errors=[])

    @strawberry.mutation(description="Report that the viewer's own seal of the current epoch does not open.")
    async def complain(
        self, info: Info, input: Annotated[ComplainInput, strawberry.argument(description="The complaint.")]
    ) -> ComplainPayload:
        """Decode, call the use case, map the result."""
        forget(info.context)
        try:
            entry = await complain(info.context, Complain(input.complaint.body, input.complaint.signature))
        except Refusal as refusal:
            return ComplainPayload(event=None, errors=user_errors(refusal))
        return ComplainPayload(event=cast("ComplaintEvent", event_of(entry)), errors=[])

    @strawberry.mutation(description="Give another member of a conversation keys of epochs that it cannot open.")
    async def grant_epochs(
        self, info: Info, input: Annotated[GrantEpochsInput, strawberry.argument(description="The grant.")]
    ) -> GrantEpochsPayload:
        """Decode, call the use case, map the result."""
        forget(info.context)
        try:
            space = decode_id("Conversation", input.conversation_id)
            member = decode_id("Member", input.member_id)
            row = await grant_epochs(info.context, GrantEpochs(space, member, input.generation, input.grant))
        except Refusal as refusal:
            return GrantEpochsPayload(grant=None, errors=user_errors(refusal))
        return GrantEpochsPayload(grant=Grant.of(row), errors=[])
