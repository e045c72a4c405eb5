"""The viewer's own member chain under its lock: read in the protocol's terms, and grown by a link."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db.queries import devices as queries
from db.queries import sign_up as beginnings
from db.queries.devices import ChainState, NewLink
from db.transaction import Transaction
from resolvers.errors import Code, Refusal
from resolvers.protocol import (
    DeviceSeal,
    MemberLink,
    MemberState,
    Signed,
    SignedMemberLink,
    decode_member_link,
    refusing,
)
from resolvers.sessions import check_label


@dataclass(frozen=True, slots=True)
class DeviceLabel:
    """What a device is called, and what it runs on, as it says itself."""

    name: str
    platform: str | None


def check_device_label(name: str, platform: str | None) -> DeviceLabel:
    """A device's name and platform, trimmed. Raises Refusal INVALID."""
    clean = check_label(name, ("input", "deviceName"))
    if not clean:
        raise Refusal(Code.INVALID, "The device needs a name.", ("input", "deviceName"))
    return DeviceLabel(clean, check_label(platform or "", ("input", "platform")) or None)


def member_state(chain: ChainState) -> MemberState:
    """A locked chain in the protocol's terms."""
    return MemberState(
        member=chain.member.bytes,
        n=chain.n,
        hash=chain.hash,
        identity=chain.identity,
        rs=chain.rs,
        rx=chain.rx,
        rx_n=chain.rx_n,
        devices={id.bytes: dk for id, dk, active, _ in chain.devices if active},
        used_devices=frozenset(id.bytes for id, *_ in chain.devices),
        used_keys=frozenset(dk for _, dk, *_ in chain.devices),
    )


def read_link(signed: SignedMemberLink) -> MemberLink:
    """A link of the input field `link`. Raises Refusal MALFORMED."""
    with refusing("input", "link", "body"):
        return decode_member_link(signed.body)


async def was_accepted(tx: Transaction, member: UUID, link: MemberLink) -> bool:
    """Whether the member's chain has this very link: a retry."""
    return await queries.find_link(tx, member, link.n) == link.hash


async def is_taken(tx: Transaction, link: MemberLink) -> bool:
    """Whether some chain has named the link's device or DK."""
    if link.device is None or link.dk is None:
        return False
    return await queries.is_known(tx, UUID(bytes=link.device), link.dk)


async def store_link(tx: Transaction, link: MemberLink, after: MemberState, signed: SignedMemberLink) -> None:
    """Append a checked link to the locked chain."""
    new = NewLink(
        link.n, int(link.kind), link.hash, signed.body, signed.signature, signed.cosignature, after.identity, after.rs,
        after.rx, after.rx_n,
    )  # fmt: skip
    await queries.add_link(tx, UUID(bytes=link.member), new)


async def store_device(
    tx: Transaction, link: MemberLink, seal: DeviceSeal, signed: Signed, label: DeviceLabel, now: datetime
) -> UUID:
    """Store the device that a checked link names. Raises Refusal FORBIDDEN where someone else was quicker with it."""
    assert link.device is not None  # noqa: S101  (such links have both)
    assert link.dk is not None  # noqa: S101
    device = beginnings.NewDevice(
        UUID(bytes=link.device), UUID(bytes=link.member), link.dk, label.name, label.platform, seal.key, signed.body,
        signed.signature,
    )  # fmt: skip
    if not await beginnings.add_device(tx, device, now):
        raise Refusal(Code.FORBIDDEN, "The device or its key is known already.", ("input", "link"))
    return device.id
