"""The member chain of e2ee.md section 4: links, and the state that each of them leads to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from circle_client.protocol.cbor import body as decode_body
from circle_client.protocol.cbor import encode, fields, malformed, raw, uint
from circle_client.protocol.errors import Code, Layer, Refuser
from circle_client.protocol.labels import Label, h_body, sign_body, verify_body
from circle_client.protocol.primitives import ED25519_KEY, XWING_KEY, Z16, Z32, check_public_key
from circle_client.protocol.structures import HASH, ID, SigningKey
from circle_client.protocol.words import RecoveryKeys

LINK_CAP = 2048
MAX_DEVICES = 20

refuse = Refuser(Layer.MEMBER)


class LinkKind(IntEnum):
    """Kinds of member links."""

    IDENTITY = 0
    DEVICE_ADD = 1
    DEVICE_REVOKE = 2
    RECOVERY = 3
    RESET = 4


ENDS_KEY = frozenset({LinkKind.DEVICE_REVOKE, LinkKind.RECOVERY, LinkKind.RESET})
"""Kinds after which no earlier member key lives; they enter the logs of the member's spaces (section 7)."""

COSIGNED = frozenset({LinkKind.IDENTITY, LinkKind.RECOVERY, LinkKind.RESET})
"""Kinds that carry a second signature, by the RS of their statement."""


@dataclass(frozen=True, slots=True)
class SignedMemberLink:
    """A link as sent and stored: `cosignature` is the RS's, for kinds 0, 3 and 4 alone."""

    body: bytes
    signature: bytes
    cosignature: bytes | None = None


@dataclass(frozen=True, slots=True)
class MemberLink:
    """A decoded link. `device`, `dk`, `rs`, `rx` are the statement's, None where the kind has no such field."""

    body: bytes
    hash: bytes
    member: bytes
    n: int
    before: bytes
    kind: LinkKind
    device: bytes | None
    dk: bytes | None
    rs: bytes | None
    rx: bytes | None
    time: int
    signer: bytes


def decode_member_link(body: bytes) -> MemberLink:
    """Decodes a link's body. Raises MALFORMED (`cbor`)."""
    _, member, n, before, kind, statement, time, signer = decode_body(body, LINK_CAP, 8)
    kind = uint(kind)
    if kind > LinkKind.RESET:
        raise malformed("The kind of member link is not known.")
    device = dk = rs = rx = None
    if kind in (LinkKind.IDENTITY, LinkKind.RESET):
        device, dk, rs, rx = fields(statement, 4)
    elif kind == LinkKind.DEVICE_ADD:
        device, dk = fields(statement, 2)
    elif kind == LinkKind.DEVICE_REVOKE:
        (device,) = fields(statement, 1)
    else:
        rs, rx = fields(statement, 2)
    return MemberLink(
        body=body,
        hash=h_body(Label.MEMBER, body),
        member=raw(member, ID),
        n=uint(n),
        before=raw(before, HASH),
        kind=LinkKind(kind),
        device=None if device is None and kind == LinkKind.RECOVERY else raw(device, ID),
        dk=raw(dk, ED25519_KEY) if kind in (0, 1, 4) else None,
        rs=raw(rs, ED25519_KEY) if kind in (0, 3, 4) else None,
        rx=raw(rx, XWING_KEY) if kind in (0, 3, 4) else None,
        time=uint(time),
        signer=raw(signer, ID),
    )


@dataclass(frozen=True, slots=True)
class MemberState:
    """A chain's newest link and what holds after it; the server builds it from its rows, clients by `apply`.

    `devices`: active ones, ID -> DK. `used_devices`, `used_keys`: every ID and DK that the chain ever named (active
    ones may be left out). `key_floor`: the number of the newest link of kind 2, 3 or 4, else 0: a member key made at
    a lower link no longer lives. `rx_n`: the link that named RX.
    """

    member: bytes
    n: int
    hash: bytes
    identity: bytes
    rs: bytes
    rx: bytes
    rx_n: int
    devices: Mapping[bytes, bytes]
    key_floor: int = 0
    used_devices: frozenset[bytes] = field(default_factory=frozenset)
    used_keys: frozenset[bytes] = field(default_factory=frozenset)

    def signer(self, device: bytes, n: int, digest: bytes) -> SigningKey:
        """The device's key, where [n, digest] is this very head. Raises CHAIN_CONFLICT or FORBIDDEN."""
        if (n, digest) != (self.n, self.hash):
            raise refuse(Code.CHAIN_CONFLICT, "The signer's chain has another head.")
        dk = self.devices.get(device)
        if dk is None:
            raise refuse(Code.FORBIDDEN, "The signing device is not active.")
        return SigningKey(dk, self.identity)


def apply_member_link(state: MemberState | None, signed: SignedMemberLink) -> MemberState:
    """The state after the next link (`state` None: before link 0), all rules and signatures checked.

    Raises MALFORMED (`cbor`), CHAIN_CONFLICT for another number or hash before, FORBIDDEN for everything else.
    """
    link = decode_member_link(signed.body)
    check_place(state, link)
    after = _check_statement(state, link)
    _check_signatures(state, link, signed)
    return after


def check_place(state: MemberState | None, link: MemberLink) -> None:
    """Whether the link follows the state. Raises CHAIN_CONFLICT."""
    expected = (0, Z32) if state is None else (state.n + 1, state.hash)
    if (link.n, link.before) != expected or (state is not None and link.member != state.member):
        raise refuse(Code.CHAIN_CONFLICT, "The link does not follow the chain's head.")


def _check_statement(state: MemberState | None, link: MemberLink) -> MemberState:
    if (state is None) != (link.kind == LinkKind.IDENTITY):
        raise refuse(Code.FORBIDDEN, "A chain begins with one identity link.")
    devices = {} if state is None else dict(state.devices)
    used_devices = state.used_devices.union(devices) if state else frozenset[bytes]()
    used_keys = state.used_keys.union(devices.values()) if state else frozenset[bytes]()
    if link.kind in (LinkKind.IDENTITY, LinkKind.RESET):
        devices.clear()
        if link.signer != link.device:
            raise refuse(Code.FORBIDDEN, "An identity link is signed by the device that it names.")
    if link.dk is not None and link.device is not None:
        check_public_key(link.dk)
        if link.device == Z16 or link.device in used_devices or link.dk in used_keys:
            raise refuse(Code.FORBIDDEN, "The device or its key was in this chain before.")
        devices[link.device] = link.dk
        if len(devices) > MAX_DEVICES:
            raise refuse(Code.FORBIDDEN, "A member has at most 20 devices.")
        used_devices, used_keys = used_devices | {link.device}, used_keys | {link.dk}
    elif link.device is not None and (
        devices.pop(link.device, None) is None or not devices or link.signer == link.device
    ):
        raise refuse(Code.FORBIDDEN, "Another active device must remain when one is revoked, and sign for it.")
    if link.rs is not None:
        check_public_key(link.rs)
    old = state
    return MemberState(
        member=link.member,
        n=link.n,
        hash=link.hash,
        identity=link.hash if old is None or link.kind == LinkKind.RESET else old.identity,
        rs=link.rs if link.rs is not None else (old.rs if old else b""),
        rx=link.rx if link.rx is not None else (old.rx if old else b""),
        rx_n=link.n if link.rx is not None else (old.rx_n if old else 0),
        devices=devices,
        key_floor=link.n if link.kind in ENDS_KEY else (old.key_floor if old else 0),
        used_devices=used_devices,
        used_keys=used_keys,
    )


def _check_signatures(state: MemberState | None, link: MemberLink, signed: SignedMemberLink) -> None:
    if (signed.cosignature is not None) != (link.kind in COSIGNED):
        raise refuse(Code.FORBIDDEN, "The link has a signature too many or too few.")
    key: bytes | None
    if link.kind in (LinkKind.IDENTITY, LinkKind.RESET):
        key = link.dk
    elif link.signer == Z16 and link.kind != LinkKind.RECOVERY:
        key = state.rs if state else None
    else:
        key = state.devices.get(link.signer) if state else None
    if key is None:
        raise refuse(Code.FORBIDDEN, "The signing device is not active.")
    verify_body(key, signed.signature, Label.MEMBER, link.body)
    if signed.cosignature is not None and link.rs is not None:
        verify_body(link.rs, signed.cosignature, Label.MEMBER, link.body)


# ---- making links


def _make(
    state: MemberState | None,
    member: bytes,
    kind: LinkKind,
    statement: dict[int, bytes],
    signer: bytes,
    time: int,
    seed: bytes,
    coseed: bytes | None = None,
) -> SignedMemberLink:
    n, before = (state.n + 1, state.hash) if state else (0, Z32)
    body = encode({0: 1, 1: member, 2: n, 3: before, 4: int(kind), 5: {**statement}, 6: time, 7: signer})
    cosignature = None if coseed is None else sign_body(coseed, Label.MEMBER, body)
    return SignedMemberLink(body, sign_body(seed, Label.MEMBER, body), cosignature)


def make_identity(
    member: bytes,
    device: bytes,
    dk: bytes,
    dk_seed: bytes,
    recovery: RecoveryKeys,
    time: int,
    state: MemberState | None = None,
) -> SignedMemberLink:
    """Link 0, or with a `state` an identity.reset after it."""
    kind = LinkKind.IDENTITY if state is None else LinkKind.RESET
    statement = {0: device, 1: dk, 2: recovery.rs, 3: recovery.rx}
    return _make(state, member, kind, statement, device, time, dk_seed, recovery.rs_seed)


def make_device_add(
    state: MemberState, device: bytes, dk: bytes, signer: bytes, seed: bytes, time: int
) -> SignedMemberLink:
    """device.add, signed by an active device, or with signer Z16 by RS."""
    return _make(state, state.member, LinkKind.DEVICE_ADD, {0: device, 1: dk}, signer, time, seed)


def make_device_revoke(state: MemberState, device: bytes, signer: bytes, seed: bytes, time: int) -> SignedMemberLink:
    """device.revoke, signed by another active device, or with signer Z16 by RS."""
    return _make(state, state.member, LinkKind.DEVICE_REVOKE, {0: device}, signer, time, seed)


def make_recovery(
    state: MemberState, recovery: RecoveryKeys, signer: bytes, seed: bytes, time: int
) -> SignedMemberLink:
    """A new recovery key, signed by an active device and by the new RS."""
    statement = {0: recovery.rs, 1: recovery.rx}
    return _make(state, state.member, LinkKind.RECOVERY, statement, signer, time, seed, recovery.rs_seed)
