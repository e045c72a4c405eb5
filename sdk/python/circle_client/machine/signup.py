"""Signing up: all keys of a new member on their first device, and the bundle that goes to the server."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from uuid import uuid4

from circle_client.machine.keyring import Keyring
from circle_client.machine.rotation import Box, recovery_box
from circle_client.protocol.invite import InviteLink, invite_mac
from circle_client.protocol.member import SignedMemberLink, apply_member_link, make_identity
from circle_client.protocol.member_key import (
    make_device_seal,
    make_member_key,
    member_secrets,
    seal_member_box,
)
from circle_client.protocol.primitives import public_key, sha256, xwing_public
from circle_client.protocol.roster import Policy, Role, Seat, SpaceType, make_create
from circle_client.protocol.structures import Head, Signed, SignerHead
from circle_client.protocol.words import recovery_keys, to_words


@dataclass(frozen=True)
class SignUpBundle:
    """What `signUp` sends (all but handle, name and password), what this device keeps, and the words for paper."""

    keyring: Keyring
    words: tuple[str, ...] = field(repr=False)
    identity: SignedMemberLink
    device_seal: Signed
    member_key: Signed
    boxes: tuple[Box, ...]
    account_space: bytes
    account: Signed
    mac: bytes | None


def make_sign_up(link: InviteLink, time: int) -> SignUpBundle:
    """Make everything for a new member (e2ee.md sections 3 to 5, 8 and 12). RK leaves this function as words alone."""
    member, device, account = uuid4().bytes, uuid4().bytes, uuid4().bytes
    dk_seed, sk_seed, secret = (secrets.token_bytes(32) for _ in range(3))
    recovery_key = secrets.token_bytes(32)
    recovery = recovery_keys(recovery_key, member)
    identity = make_identity(member, device, public_key(dk_seed), dk_seed, recovery, time)
    state = apply_member_link(None, identity)
    own = member_secrets(secret, member, 1)
    key_hash = sha256(own.mk)
    signer = SignerHead(member, device, state.n, state.hash)
    own_box = seal_member_box(xwing_public(sk_seed), member, 1, device, 1, key_hash, secret)
    boxes = (Box(device, own_box, 1), recovery_box(state, 1, key_hash, secret))
    mac = None
    if link.secret is not None and link.inviter is not None:
        mac = invite_mac(link.secret, link.token, link.inviter, state.identity)
    return SignUpBundle(
        keyring=Keyring(member, device, dk_seed, sk_seed, 1, time, {1: secret}),
        words=tuple(to_words(recovery_key)),
        identity=identity,
        device_seal=make_device_seal(member, device, 1, xwing_public(sk_seed), dk_seed, time),
        member_key=make_member_key(member, 1, own.mk, Head(state.n, state.hash), device, dk_seed, time),
        boxes=boxes,
        account_space=account,
        account=make_create(
            account,
            SpaceType.ACCOUNT,
            [(member, Seat(state.identity, Role.OWNER))],
            Policy(),
            signer,
            dk_seed,
            time,
        ),
        mac=mac,
    )
