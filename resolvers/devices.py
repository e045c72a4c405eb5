"""Devices: linked, recovered, renamed, given new seals (e2ee.md section 8)."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from db.queries.devices import OfferRow as OfferRow
from db.queries.identity import BoxRow, DeviceRow
from resolvers.context import Ctx
from resolvers.protocol import Signed, SignedMemberLink


@dataclass(frozen=True, slots=True)
class OfferDevice:
    """A new device's request to be let in; `mac` is for the device that holds k, the server can't check it."""

    link_id: bytes
    request: bytes
    mac: bytes
    device_name: str


@dataclass(frozen=True, slots=True)
class AnswerDevice:
    """A linked device's answer: device.add, the seal of the request, the box, and the answer with its MAC."""

    link_id: bytes
    link: SignedMemberLink
    device_seal: Signed
    box: bytes
    answer: bytes
    mac: bytes


@dataclass(frozen=True, slots=True)
class RecoverDevice:
    """device.add signed by RS, with the new device's seal and its box."""

    link: SignedMemberLink
    device_seal: Signed
    device_name: str
    box: bytes


async def offer_device(ctx: Ctx, command: OfferDevice) -> OfferRow:
    raise NotImplementedError


async def answer_device(ctx: Ctx, command: AnswerDevice) -> DeviceRow:
    raise NotImplementedError


async def recover_device(ctx: Ctx, command: RecoverDevice) -> DeviceRow:
    raise NotImplementedError


async def rename_device(ctx: Ctx, device: UUID, name: str) -> DeviceRow:
    raise NotImplementedError


async def publish_device_seal(ctx: Ctx, seal: Signed) -> DeviceRow:
    raise NotImplementedError


async def get_device_offer(ctx: Ctx, link_id: bytes) -> OfferRow | None:
    raise NotImplementedError


async def get_recovery_box(ctx: Ctx) -> BoxRow | None:
    raise NotImplementedError
