"""A person with real keys, as the protocol core makes them: what a client holds and sends when it signs up."""

from __future__ import annotations

import base64
import itertools
import os
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from circle_client.protocol.member import MemberState, SignedMemberLink, apply_member_link, make_identity
from circle_client.protocol.member_key import (
    RECOVERY_DEVICE,
    MemberSecrets,
    make_device_seal,
    make_member_key,
    member_secrets,
    seal_member_box,
)
from circle_client.protocol.primitives import public_key, sha256, xwing_public
from circle_client.protocol.roster import Policy, Role, Seat, SpaceType, make_create
from circle_client.protocol.structures import Head, Signed, SignerHead
from circle_client.protocol.words import RecoveryKeys, recovery_keys

_numbers = itertools.count(1)


def b64(raw: bytes) -> str:
    """Base64 as the API writes it."""
    return base64.b64encode(raw).decode()


def unb64(text: str) -> bytes:
    """Base64 or base64url, with or without padding."""
    return base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4))


@dataclass
class Newcomer:
    """Keys and ids of one person with one device."""

    handle: str = field(default_factory=lambda: f"person{next(_numbers)}")
    display_name: str = "A Person"
    member: bytes = field(default_factory=lambda: uuid4().bytes)
    device: bytes = field(default_factory=lambda: uuid4().bytes)
    account: bytes = field(default_factory=lambda: uuid4().bytes)
    dk_seed: bytes = field(default_factory=lambda: os.urandom(32))
    sk_seed: bytes = field(default_factory=lambda: os.urandom(32))
    secret: bytes = field(default_factory=lambda: os.urandom(32))
    recovery_key: bytes = field(default_factory=lambda: os.urandom(32))
    auth_key: bytes = field(default_factory=lambda: os.urandom(32))
    time: int = field(default_factory=lambda: int(time.time() * 1000))

    def __post_init__(self) -> None:
        self.recovery: RecoveryKeys = recovery_keys(self.recovery_key, self.member)
        self.secrets: MemberSecrets = member_secrets(self.secret, self.member, 1)
        dk = public_key(self.dk_seed)
        self.link: SignedMemberLink = make_identity(
            self.member, self.device, dk, self.dk_seed, self.recovery, self.time
        )
        self.state: MemberState = apply_member_link(None, self.link)

    @property
    def signer(self) -> SignerHead:
        """How signed bodies name this device."""
        return SignerHead(self.member, self.device, self.state.n, self.state.hash)

    @property
    def sk(self) -> bytes:
        """The device's sealing key."""
        return xwing_public(self.sk_seed)

    def device_seal(self, generation: int = 1) -> Signed:
        """The device's seal."""
        return make_device_seal(self.member, self.device, generation, self.sk, self.dk_seed, self.time)

    def member_key(self, generation: int = 1, key: bytes | None = None) -> Signed:
        """A member key."""
        head = Head(self.state.n, self.state.hash)
        return make_member_key(
            self.member, generation, key or self.secrets.mk, head, self.device, self.dk_seed, self.time
        )

    def account_link(self, kind: SpaceType = SpaceType.ACCOUNT) -> Signed:
        """Roster link 0 of the account space."""
        seats = [(self.member, Seat(self.state.identity, Role.OWNER))]
        return make_create(self.account, kind, seats, Policy(), self.signer, self.dk_seed, self.time)

    def boxes(self) -> list[tuple[bytes, bytes]]:
        """The two boxes of M, generation 1."""
        key_hash = sha256(self.secrets.mk)
        return [
            (device, seal_member_box(to, self.member, 1, device, k, key_hash, self.secret))
            for device, to, k in ((self.device, self.sk, 1), (RECOVERY_DEVICE, self.recovery.rx, 0))
        ]

    def sign_up_input(self, token: bytes, **changes: Any) -> dict[str, Any]:
        """A whole SignUpInput; `changes` replace its fields."""
        sent: dict[str, Any] = {
            "invite": b64(token),
            "handle": self.handle,
            "displayName": self.display_name,
            "authKey": b64(self.auth_key),
            "identity": {
                "body": b64(self.link.body),
                "signature": b64(self.link.signature),
                "cosignature": b64(self.link.cosignature or b""),
            },
            "deviceSeal": signed(self.device_seal()),
            "deviceName": "A device",
            "memberKey": signed(self.member_key()),
            "boxes": [{"device": b64(device), "box": b64(box)} for device, box in self.boxes()],
            "account": signed(self.account_link()),
            "session": "BEARER",
        }
        return {**sent, **changes}


def signed(structure: Signed) -> dict[str, str]:
    """A SignedInput."""
    return {"body": b64(structure.body), "signature": b64(structure.signature)}
