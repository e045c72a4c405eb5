"""The generated operations on devices and their keys as calls with plain values."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from circle_client.engine.convert import link_input, signed_input
from circle_client.errors import Refused, ServerFault, TooManyTries
from circle_client.gql.client import Client
from circle_client.gql.input_types import (
    AnswerDeviceInput,
    BoxInput,
    OfferDeviceInput,
    PublishDeviceSealInput,
    RecoverDeviceInput,
    RenameDeviceInput,
    RotateMemberKeyInput,
    WrapInput,
)
from circle_client.machine.enrol import LetIn, Recovered
from circle_client.machine.rotation import Required, Rotation
from circle_client.machine.wraps import Wrap
from circle_client.protocol.structures import Signed

T = TypeVar("T")
N = TypeVar("N")

_MOST_GRANTS = 10_000


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """What the server tells of a device."""

    node: str
    id: bytes
    name: str
    created_at: datetime
    last_seen_at: datetime | None
    seal: Signed
    active: bool


@dataclass(frozen=True, slots=True)
class OfferFacts:
    """A new device's request, and its answer once there is one."""

    request: bytes
    mac: bytes
    answer: tuple[bytes, bytes] | None


class Incomplete(Refused):
    """REWRAP_INCOMPLETE; `boxes`: the devices that lack one; `lacks_grants`: there are some that were not named."""

    def __init__(self, message: str, boxes: frozenset[bytes], path: tuple[str, ...]) -> None:
        super().__init__(message, "REWRAP_INCOMPLETE", path)
        self.boxes, self.lacks_grants = boxes, path[-1:] == ("grants",)


async def shaped(call: Awaitable[T]) -> T:
    """The answer. Raises ServerFault where it has another shape than the schema says."""
    try:
        return await call
    except ValidationError as error:
        raise ServerFault("The server's answer has another shape than its schema says.") from error


def raise_errors(errors: Any) -> None:
    """Raises Refused, Incomplete or TooManyTries for the first of a payload's errors."""
    for error in errors:
        path = tuple(error.path)
        if error.typename__ == "RateLimitedError":
            raise TooManyTries(error.message, error.retry_after, path)
        if error.typename__ == "RewrapIncompleteError":
            raise Incomplete(error.message, frozenset(error.missing_boxes), path)
        raise Refused(error.message, str(error.code.value), path)


def _device(node: Any) -> DeviceFacts:
    seal = Signed(node.seal, node.seal_signature)
    return DeviceFacts(node.id, node.protocol_id, node.name, node.created_at, node.last_seen_at, seal, node.is_active)


def _only(payload: Any) -> DeviceFacts:
    raise_errors(payload.errors)
    if payload.device is None:
        raise ServerFault("The server answered without a device.")
    return _device(payload.device)


async def _all(
    page: Callable[[str | None], Awaitable[Any]], part: Callable[[Any], Any], take: Callable[[Any], N]
) -> list[N]:
    after: str | None = None
    found: list[N] = []
    while True:
        answer = await shaped(page(after))
        connection = None if answer is None else part(answer)
        if connection is None:
            return found
        found += [take(node) for node in connection.nodes]
        if not connection.page_info.has_next_page:
            return found
        after = connection.page_info.end_cursor


class DeviceApi:
    """Everything that concerns this member's devices and keys."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def devices(self) -> list[DeviceFacts]:
        """This member's active devices as the server shows them."""
        viewer = await shaped(self._client.my_devices())
        return [] if viewer is None else [_device(node) for node in viewer.member.devices]

    async def rename(self, node: str, name: str) -> None:
        """Raises Refused."""
        _only(await shaped(self._client.rename_device(RenameDeviceInput(deviceId=node, name=name))))

    async def key_box(self) -> tuple[int, bytes] | None:
        """(generation, box) of this device's newest box."""
        viewer = await shaped(self._client.my_key_box())
        return None if viewer is None or viewer.key_box is None else (viewer.key_box.generation, viewer.key_box.box)

    async def member_keys(self, node: str) -> list[Signed]:
        """All generations of a member's key, ascending."""
        return await _all(
            lambda after: self._client.member_keys(node, after),
            lambda member: getattr(member, "keys", None),
            lambda key: Signed(key.body, key.signature),
        )

    async def recovery_box(self) -> tuple[int, bytes] | None:
        """(generation, box) of the newest box for the recovery key."""
        viewer = await shaped(self._client.my_recovery_box())
        box = None if viewer is None else viewer.recovery_box
        return None if box is None else (box.generation, box.box)

    async def recover(self, made: Recovered, seal: Signed, name: str) -> None:
        """Raises Refused."""
        input = RecoverDeviceInput(
            link=link_input(made.link),
            deviceSeal=signed_input(seal),
            deviceName=name,
            box=made.box,
            generation=made.generation,
        )
        _only(await shaped(self._client.recover_device(input)))

    # ---- linking

    async def offer(self, link_id: bytes, request: bytes, mac: bytes, name: str) -> None:
        """Ask to be let in. Raises Refused."""
        input = OfferDeviceInput(linkId=link_id, request=request, mac=mac, deviceName=name)
        raise_errors((await shaped(self._client.offer_device(input))).errors)

    async def find_offer(self, link_id: bytes) -> OfferFacts | None:
        """An offer of this member's; None when there is none (any more)."""
        viewer = await shaped(self._client.my_device_offer(link_id))
        found = None if viewer is None else viewer.device_offer
        if found is None:
            return None
        if found.answer is None or found.answer_mac is None:
            return OfferFacts(found.request, found.mac, None)
        return OfferFacts(found.request, found.mac, (found.answer, found.answer_mac))

    async def answer(self, link_id: bytes, made: LetIn) -> None:
        """Raises Refused."""
        input = AnswerDeviceInput(
            linkId=link_id,
            link=link_input(made.link),
            deviceSeal=signed_input(made.seal),
            box=made.box,
            answer=made.answer,
            mac=made.mac,
            generation=made.generation,
        )
        _only(await shaped(self._client.answer_device(input)))

    # ---- rotation

    async def wraps(self) -> list[Wrap]:
        """What rotations carried over."""
        return await _all(
            self._client.my_wraps,
            lambda viewer: viewer.wraps,
            lambda one: Wrap(one.space, one.epoch, one.branch, one.generation, one.wrap),
        )

    async def archive(self) -> list[tuple[int, bytes]]:
        """(g, AK_g under AK_(g+1))."""
        return await _all(
            self._client.my_archive, lambda viewer: viewer.archive, lambda one: (one.generation, one.wrap)
        )

    async def required(self) -> list[Required]:
        """What a rotation made now must wrap, as the server sees it."""
        return await _all(
            self._client.rotation_requires,
            lambda viewer: viewer.rotation_requires,
            lambda one: Required(one.space, one.epoch, one.branch, one.announcement, one.seal),
        )

    async def rotate(self, made: Rotation) -> None:
        """Raises Refused, Incomplete, TooManyTries."""
        input = RotateMemberKeyInput(
            link=None if made.link is None else link_input(made.link),
            memberKey=signed_input(made.member_key),
            boxes=[BoxInput(device=one.device, box=one.box, seal=one.seal) for one in made.boxes],
            deviceSeal=None if made.seal is None else signed_input(made.seal),
            deviceName=made.name,
            archive=made.archive,
            wraps=[WrapInput(space=one.space, epoch=one.epoch, branch=one.branch, wrap=one.wrap) for one in made.wraps],
            grants=None if made.grants is None else sorted(made.grants)[:_MOST_GRANTS],
        )
        raise_errors((await shaped(self._client.rotate_member_key(input))).errors)

    async def publish_seal(self, seal: Signed, generation: int) -> None:
        """Raises Refused (GENERATION_CONFLICT where there is a newer M than `generation`, which is taken first)."""
        input = PublishDeviceSealInput(deviceSeal=signed_input(seal), generation=generation)
        raise_errors((await shaped(self._client.publish_device_seal(input))).errors)
