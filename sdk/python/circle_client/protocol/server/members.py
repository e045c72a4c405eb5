"""The server's checks of sign-up, member links and rotations (e2ee.md sections 4, 8, 13)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from circle_client.protocol.cbor import malformed
from circle_client.protocol.errors import Code
from circle_client.protocol.member import (
    LinkKind,
    MemberLink,
    MemberState,
    SignedMemberLink,
    apply_member_link,
    check_place,
    decode_member_link,
)
from circle_client.protocol.member_key import (
    BOX,
    RECOVERY_DEVICE,
    DeviceSeal,
    MemberKey,
    decode_member_key,
    verify_device_seal,
    verify_member_key,
)
from circle_client.protocol.primitives import Z16, check_xwing_key
from circle_client.protocol.rewrap import WRAP
from circle_client.protocol.roster import RosterLink, SpaceType
from circle_client.protocol.roster_state import Roster
from circle_client.protocol.server.spaces import check_roster_link
from circle_client.protocol.server.state import Asker, refuse
from circle_client.protocol.structures import NO_EPOCH, Signed

ROTATIONS_A_DAY = 24

Branch = tuple[bytes, int, int]
"""(space, e, b): a branch that a rotation wraps."""


@dataclass(frozen=True, slots=True)
class SignUp:
    """What a newcomer sends (`SignUpInput`); `boxes`: (device or Z16, box), as sent."""

    identity: SignedMemberLink
    device_seal: Signed
    member_key: Signed
    boxes: tuple[tuple[bytes, bytes], ...]
    account: Signed


@dataclass(frozen=True, slots=True)
class SignedUp:
    """What the server stores of an accepted sign-up."""

    link: MemberLink
    state: MemberState
    device: bytes
    device_seal: DeviceSeal
    member_key: MemberKey
    account_link: RosterLink
    account: Roster


def check_sign_up(sent: SignUp, dk_taken: bool = False) -> SignedUp:
    """Link 0, device seal (k = 1), member key (g = 1), two boxes and the account's roster link 0, all of one member.

    `dk_taken`: the DK is in another chain (look it up by `decode_member_link(...).dk`). Whether member, device and
    space ids are free is the caller's to check. Raises MALFORMED, CHAIN_CONFLICT, GENERATION_CONFLICT, FORBIDDEN.
    """
    link = decode_member_link(sent.identity.body)
    state = apply_member_link(None, sent.identity)
    device, dk = link.signer, state.devices[link.signer]
    if dk_taken:
        raise refuse(Code.FORBIDDEN, "The device's key is in another chain.")
    seal = verify_device_seal(sent.device_seal, state.member, device, dk)
    if seal.generation != 1:
        raise refuse(Code.FORBIDDEN, "A device's first seal has the generation 1.")
    key = _check_new_key(sent.member_key, state, 0, device)
    _check_boxes(sent.boxes, {device, RECOVERY_DEVICE}, frozenset())
    for public in (state.rx, seal.key, key.key):
        check_xwing_key(public)
    asker = Asker(state.member, device)
    account_link, account = check_roster_link(
        sent.account, asker, state, None, NO_EPOCH, {state.member: state.identity}.get
    )
    if account.type != SpaceType.ACCOUNT:
        raise refuse(Code.FORBIDDEN, "A member's own space is an account.")
    return SignedUp(link, state, device, seal, key, account_link, account)


def _check_new_key(signed: Signed, state: MemberState, generation: int, device: bytes | None) -> MemberKey:
    key = decode_member_key(signed.body)
    if key.generation != generation + 1 or (key.chain.n, key.chain.hash) != (state.n, state.hash):
        raise refuse(Code.GENERATION_CONFLICT, "The member key does not follow the newest one, or the chain has moved.")
    if device is not None and key.device != device:
        raise refuse(Code.STALE_DEVICE, "The signing device is not this session's.")
    return verify_member_key(signed, state)


def _check_boxes(boxes: tuple[tuple[bytes, bytes], ...], devices: set[bytes], stale: frozenset[bytes]) -> None:
    if any(len(device) != 16 or len(box) != BOX for device, box in boxes):
        raise malformed("A box has another size.")
    given = [device for device, _ in boxes]
    if len(set(given)) != len(given) or not set(given) <= devices - stale:
        raise refuse(Code.FORBIDDEN, "Boxes are for the active devices and the recovery key, one each.")
    missing = tuple(sorted(devices - stale - set(given)))
    if missing:
        raise refuse(Code.REWRAP_INCOMPLETE, "A device or the recovery key has no box.", missing=missing)


def needs_rotation(link: MemberLink) -> bool:
    """Whether the link comes in one request with a rotation (section 4: kinds 0, 2, 3, 4)."""
    return link.kind != LinkKind.DEVICE_ADD


def check_member_link(
    signed: SignedMemberLink,
    asker: Asker,
    state: MemberState,
    *,
    taken: bool,
    has_rotation: bool,
    device_seal: Signed | None = None,
) -> tuple[MemberLink, MemberState, DeviceSeal | None]:
    """Section 13's row for member links after link 0, in its order.

    `taken`: the link's DK or device id is known to the server already. `has_rotation`: one comes in this request.
    `device_seal`: the new device's, with device.add and a reset. The asker's device need not be active where RS signs
    (recovery) and at a reset. Raises MALFORMED, STALE_DEVICE, CHAIN_CONFLICT, FORBIDDEN.
    """
    link = decode_member_link(signed.body)
    by_device = link.kind != LinkKind.RESET and link.signer != Z16
    if link.member != asker.member or state.member != asker.member:
        raise refuse(Code.STALE_DEVICE, "The link is another member's.")
    if by_device and (link.signer != asker.device or link.signer not in state.devices):
        raise refuse(Code.STALE_DEVICE, "The signing device is not this session's, or no longer active.")
    check_place(state, link)
    if taken:
        raise refuse(Code.FORBIDDEN, "The device or its key is known already.")
    after = apply_member_link(state, signed)
    if needs_rotation(link) != has_rotation:
        raise refuse(Code.FORBIDDEN, "A rotation comes with a revocation, a recovery key or a reset, and not without.")
    if link.rx is not None:
        check_xwing_key(link.rx)
    if (link.dk is not None) != (device_seal is not None):
        raise refuse(Code.FORBIDDEN, "A new device comes with its seal, and no other link has one.")
    seal = None
    if device_seal is not None and link.device is not None and link.dk is not None:
        seal = verify_device_seal(device_seal, link.member, link.device, link.dk)
        check_xwing_key(seal.key)
    return link, after, seal


@dataclass(frozen=True, slots=True)
class Rotation:
    """A rotation as sent: `archive` is AK_g under AK_(g+1), `wraps` the branches that the old M opened."""

    member_key: Signed
    boxes: tuple[tuple[bytes, bytes], ...]
    archive: bytes | None = None
    wraps: Mapping[Branch, bytes] = field(default_factory=dict)


def check_rotation(
    sent: Rotation,
    asker: Asker,
    state: MemberState,
    generation: int,
    required: frozenset[Branch],
    *,
    complained: frozenset[Branch] = frozenset(),
    stale_seals: frozenset[bytes] = frozenset(),
    today: int = 0,
    resets: bool = False,
) -> MemberKey:
    """Section 13's row for rotations, in its order.

    `state`: after the request's own link, if it has one. `generation`: the newest g. `required`: what must be wrapped
    (every b of open epochs, those with living envelopes of closed ones). `complained`: what the old M never opened.
    `stale_seals`: devices whose seal is older than 45 days, which get no box. `today`: rotations of the last 24 hours.
    `resets`: with a reset nothing is wrapped.
    Raises MALFORMED, STALE_DEVICE, GENERATION_CONFLICT, FORBIDDEN, REWRAP_INCOMPLETE with `missing`, RATE_LIMITED.
    """
    if any(len(wrap) != WRAP for wrap in (sent.archive, *sent.wraps.values()) if wrap is not None):
        raise malformed("A wrap has another size.")
    if asker.member != state.member:
        raise refuse(Code.STALE_DEVICE, "The member key is another member's.")
    key = _check_new_key(sent.member_key, state, generation, None if resets else asker.device)
    check_xwing_key(key.key)
    _check_boxes(sent.boxes, {*state.devices, RECOVERY_DEVICE}, stale_seals)
    if resets:
        if sent.archive is not None or sent.wraps:
            raise refuse(Code.FORBIDDEN, "Nothing is carried over a reset.")
    else:
        missing: tuple[object, ...] = tuple(sorted(required - complained - sent.wraps.keys()))
        if sent.archive is None or missing:
            raise refuse(Code.REWRAP_INCOMPLETE, "The rotation leaves keys behind.", missing=missing)
    if today >= ROTATIONS_A_DAY:
        raise refuse(Code.RATE_LIMITED, "Keys were rotated too often today.")
    return key
