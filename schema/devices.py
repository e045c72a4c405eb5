"""Devices in the schema: offered, answered, recovered, renamed, given a new seal (e2ee.md section 8)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from resolvers.devices import (
    AnswerDevice,
    OfferDevice,
    OfferRow,
    RecoverDevice,
    answer_device,
    get_device_offer,
    offer_device,
    publish_device_seal,
    recover_device,
    rename_device,
)
from resolvers.errors import Refusal
from schema.context import Info
from schema.errors import UserError, user_errors
from schema.inputs import MemberLinkInput, SignedInput, member_link, signed_body
from schema.loaders import forget
from schema.members import Device
from schema.node import decode_id
from schema.scalars import Base64Bytes

_ERRORS = "Why nothing was changed; empty on success."
_GENERATION = (
    "The generation of the member key in the box: refused unless it is the newest, so that a rotation made meanwhile "
    "leaves no device with an old key."
)


@strawberry.type(description="A new device's request to be linked, and its answer once there is one.")
class DeviceOffer:
    """One offer of the viewer's."""

    link_id: Base64Bytes = strawberry.field(description="The id that the code shown by the new device gives.")
    request: Base64Bytes = strawberry.field(description="The request, canonical CBOR.")
    mac: Base64Bytes = strawberry.field(description="The request's MAC under the code shown.")
    device_name: str = strawberry.field(description="What the new device calls itself.")
    created_at: datetime = strawberry.field(description="When it was made.")
    expires_at: datetime = strawberry.field(description="When it ends, five minutes later.")
    answer: Base64Bytes | None = strawberry.field(description="The answer, canonical CBOR; null until there is one.")
    answer_mac: Base64Bytes | None = strawberry.field(description="The answer's MAC; null until there is one.")

    @classmethod
    def of(cls, row: OfferRow) -> DeviceOffer:
        """The GraphQL object of a row."""
        return cls(
            link_id=Base64Bytes(row.link_id),
            request=Base64Bytes(row.request),
            mac=Base64Bytes(row.mac),
            device_name=row.device_name,
            created_at=row.created_at,
            expires_at=row.expires_at,
            answer=None if row.answer is None else Base64Bytes(row.answer),
            answer_mac=None if row.answer_mac is None else Base64Bytes(row.answer_mac),
        )


@strawberry.input(description="What offerDevice takes.")
class OfferDeviceInput:
    """A request under a link id."""

    link_id: Base64Bytes = strawberry.field(description="KDF(k, link-id) of e2ee.md section 2, 16 bytes.")
    request: Base64Bytes = strawberry.field(description="The request, canonical CBOR, 4 KiB at most.")
    mac: Base64Bytes = strawberry.field(description="The request's MAC, 32 bytes.")
    device_name: str = strawberry.field(description="What to call the device, 1 to 120 characters.")
    platform: str | None = strawberry.field(
        default=None, description="What the device runs on, such as 'Chromium on Linux'; 120 characters at most."
    )


@strawberry.type(description="What offerDevice answers.")
class OfferDevicePayload:
    """The offer, or why not."""

    offer: DeviceOffer | None = strawberry.field(description="The offer; null on failure.")
    errors: list[UserError] = strawberry.field(description=_ERRORS)


@strawberry.input(description="What answerDevice takes.")
class AnswerDeviceInput:
    """A linked device lets the new one in."""

    link_id: Base64Bytes = strawberry.field(description="The offer's link id, 16 bytes.")
    link: MemberLinkInput = strawberry.field(description="device.add of the request's device and key.")
    device_seal: SignedInput = strawberry.field(description="The device seal that the request holds.")
    box: Base64Bytes = strawberry.field(description="The member key's secret for the new device, 1,168 bytes.")
    answer: Base64Bytes = strawberry.field(description="The answer, canonical CBOR, 4 KiB at most.")
    mac: Base64Bytes = strawberry.field(description="The answer's MAC, 32 bytes.")
    generation: int | None = strawberry.field(default=None, description=_GENERATION)


@strawberry.type(description="What answerDevice answers.")
class AnswerDevicePayload:
    """The new device, or why not."""

    device: Device | None = strawberry.field(description="The device that was let in; null on failure.")
    errors: list[UserError] = strawberry.field(description=_ERRORS)


@strawberry.input(description="What recoverDevice takes.")
class RecoverDeviceInput:
    """A device comes in by the recovery key."""

    link: MemberLinkInput = strawberry.field(description="device.add, signed by the recovery key.")
    device_seal: SignedInput = strawberry.field(description="The new device's seal, k = 1.")
    device_name: str = strawberry.field(description="What to call the device, 1 to 120 characters.")
    box: Base64Bytes = strawberry.field(description="The member key's secret for the new device, 1,168 bytes.")
    generation: int | None = strawberry.field(default=None, description=_GENERATION)
    platform: str | None = strawberry.field(
        default=None, description="What the device runs on, such as 'Chromium on Linux'; 120 characters at most."
    )


@strawberry.type(description="What recoverDevice answers.")
class RecoverDevicePayload:
    """The new device, or why not."""

    device: Device | None = strawberry.field(description="The device, now this session's; null on failure.")
    errors: list[UserError] = strawberry.field(description=_ERRORS)


@strawberry.input(description="What renameDevice takes.")
class RenameDeviceInput:
    """Which device, and how to call it."""

    device_id: strawberry.ID = strawberry.field(description="An active device of the viewer's.")
    name: str = strawberry.field(description="The new name, 1 to 120 characters.")


@strawberry.type(description="What renameDevice answers.")
class RenameDevicePayload:
    """The device, or why not."""

    device: Device | None = strawberry.field(description="The device with its new name; null on failure.")
    errors: list[UserError] = strawberry.field(description=_ERRORS)


@strawberry.input(description="What publishDeviceSeal takes.")
class PublishDeviceSealInput:
    """The next seal of the session's device."""

    device_seal: SignedInput = strawberry.field(description="The device seal of generation k + 1, signed by DK.")
    generation: int | None = strawberry.field(
        default=None,
        description="The newest generation of the member's key that the device holds: refused if there is a newer one, "
        "whose box only the seal before opens.",
    )


@strawberry.type(description="What publishDeviceSeal answers.")
class PublishDeviceSealPayload:
    """The device, or why not."""

    device: Device | None = strawberry.field(description="The device with its new seal; null on failure.")
    errors: list[UserError] = strawberry.field(description=_ERRORS)


@strawberry.type
class DeviceViewer:
    """The fields of `Viewer` about devices on their way in."""

    @strawberry.field(description="An offer of the viewer's by its link id, null when there is none (any more).")
    async def device_offer(
        self, info: Info, link_id: Annotated[Base64Bytes, strawberry.argument(description="The link id, 16 bytes.")]
    ) -> DeviceOffer | None:
        """The offer, for the device that made it and the one that answers."""
        row = await get_device_offer(info.context, link_id)
        return None if row is None else DeviceOffer.of(row)


@strawberry.type
class DeviceMutation:
    """The fields of `Mutation` about devices."""

    @strawberry.mutation(description="Ask to be linked: a client that is signed in and has no device yet.")
    async def offer_device(
        self, info: Info, input: Annotated[OfferDeviceInput, strawberry.argument(description="The request.")]
    ) -> OfferDevicePayload:
        """Decode, call the use case, map the result."""
        forget(info.context)
        try:
            command = OfferDevice(input.link_id, input.request, input.mac, input.device_name, input.platform)
            return OfferDevicePayload(offer=DeviceOffer.of(await offer_device(info.context, command)), errors=[])
        except Refusal as refusal:
            return OfferDevicePayload(offer=None, errors=user_errors(refusal))

    @strawberry.mutation(description="Let a device in that asked to be linked; its session signs as it from then on.")
    async def answer_device(
        self, info: Info, input: Annotated[AnswerDeviceInput, strawberry.argument(description="The answer.")]
    ) -> AnswerDevicePayload:
        """Decode, call the use case, map the result."""
        forget(info.context)
        try:
            link, seal = member_link(input.link, "link"), signed_body(input.device_seal, "deviceSeal")
            command = AnswerDevice(input.link_id, link, seal, input.box, input.answer, input.mac, input.generation)
            return AnswerDevicePayload(device=Device.of(await answer_device(info.context, command)), errors=[])
        except Refusal as refusal:
            return AnswerDevicePayload(device=None, errors=user_errors(refusal))

    @strawberry.mutation(description="Come in by the recovery key: a client that is signed in and has no device yet.")
    async def recover_device(
        self, info: Info, input: Annotated[RecoverDeviceInput, strawberry.argument(description="The device.")]
    ) -> RecoverDevicePayload:
        """Decode, call the use case, map the result."""
        forget(info.context)
        try:
            link, seal = member_link(input.link, "link"), signed_body(input.device_seal, "deviceSeal")
            command = RecoverDevice(link, seal, input.device_name, input.box, input.generation, input.platform)
            return RecoverDevicePayload(device=Device.of(await recover_device(info.context, command)), errors=[])
        except Refusal as refusal:
            return RecoverDevicePayload(device=None, errors=user_errors(refusal))

    @strawberry.mutation(description="Call a device of the viewer's something else.")
    async def rename_device(
        self, info: Info, input: Annotated[RenameDeviceInput, strawberry.argument(description="The new name.")]
    ) -> RenameDevicePayload:
        """Decode, call the use case, map the result."""
        forget(info.context)
        try:
            row = await rename_device(info.context, decode_id("Device", input.device_id), input.name)
        except Refusal as refusal:
            return RenameDevicePayload(device=None, errors=user_errors(refusal))
        return RenameDevicePayload(device=Device.of(row), errors=[])

    @strawberry.mutation(description="Publish the next seal of this session's device, as after each rotation.")
    async def publish_device_seal(
        self, info: Info, input: Annotated[PublishDeviceSealInput, strawberry.argument(description="The seal.")]
    ) -> PublishDeviceSealPayload:
        """Decode, call the use case, map the result."""
        forget(info.context)
        try:
            seal = signed_body(input.device_seal, "deviceSeal")
            row = await publish_device_seal(info.context, seal, input.generation)
        except Refusal as refusal:
            return PublishDeviceSealPayload(device=None, errors=user_errors(refusal))
        return PublishDeviceSealPayload(device=Device.of(row), errors=[])
