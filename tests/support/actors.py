"""Members with real keys: everything a client would make, by the protocol core itself, ready to be sent."""

from __future__ import annotations

import base64
import hashlib
import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from circle_client.protocol.epoch_keys import RecipientKey
from circle_client.protocol.member import MemberState, SignedMemberLink, apply_member_link, make_identity
from circle_client.protocol.member_key import (
    RECOVERY_DEVICE,
    MemberSecrets,
    make_device_seal,
    make_member_key,
    member_secrets,
    seal_member_box,
)
from circle_client.protocol.primitives import public_key, random_bytes, sha256, xwing_public
from circle_client.protocol.roster import Policy, Role, Seat, SpaceType, make_create
from circle_client.protocol.structures import Head, Signed, SignerHead
from circle_client.protocol.words import RecoveryKeys, recovery_keys

_numbers = itertools.count(1)


def milliseconds(time: datetime) -> int:
    """A time as the protocol counts it."""
    return int(time.timestamp() * 1000)


def b64(data: bytes) -> str:
    """Base64Bytes as a client writes them."""
    return base64.b64encode(data).decode()


def unb64(text: str) -> bytes:
    """Base64 or base64url, with or without padding."""
    return base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4))


def signed_input(signed: Signed) -> dict[str, str]:
    """SignedInput."""
    return {"body": b64(signed.body), "signature": b64(signed.signature)}


@dataclass(eq=False)
class Actor:
    """A member with one device. `node_id` and `session` are set once the server knows the member."""

    handle: str
    member: bytes
    device: bytes
    dk_seed: bytes
    recovery_key: bytes
    recovery: RecoveryKeys
    sk_seed: bytes
    secrets: MemberSecrets
    identity_link: SignedMemberLink
    state: MemberState
    account: bytes
    made_at: int
    display_name: str = ""
    session: UUID | None = None
    generation: int = 1
    branches: dict[tuple[bytes, int], tuple[bytes, ...]] = field(default_factory=dict)

    @classmethod
    def make(
        cls,
        handle: str | None = None,
        now: datetime | None = None,
        *,
        display_name: str | None = None,
        member: bytes | None = None,
        device: bytes | None = None,
        account: bytes | None = None,
        dk_seed: bytes | None = None,
    ) -> Actor:
        """Fresh keys for a member who has not signed up yet; ids and the device's key may be given."""
        handle, time = handle or f"person{next(_numbers)}", milliseconds(now or datetime.now(UTC))
        member, device, dk_seed = member or random_bytes(16), device or random_bytes(16), dk_seed or random_bytes(32)
        recovery_key = random_bytes(32)
        recovery = recovery_keys(recovery_key, member)
        link = make_identity(member, device, public_key(dk_seed), dk_seed, recovery, time)
        state = apply_member_link(None, link)
        secrets = member_secrets(random_bytes(32), member, 1)
        return cls(
            handle=handle, member=member, device=device, dk_seed=dk_seed, recovery_key=recovery_key,
            recovery=recovery, sk_seed=random_bytes(32), secrets=secrets, identity_link=link, state=state,
            account=account or random_bytes(16), made_at=time, display_name=display_name or handle.title(),
        )  # fmt: skip

    @property
    def id(self) -> UUID:
        """The member's id in the database."""
        return UUID(bytes=self.member)

    @property
    def identity(self) -> bytes:
        """The member's ID."""
        return self.state.identity

    @property
    def auth_key(self) -> bytes:
        """What a client would derive from the password."""
        return hashlib.sha256(b"password of " + self.handle.encode()).digest()

    @property
    def sk(self) -> bytes:
        """The device's sealing key."""
        return xwing_public(self.sk_seed)

    def signer(self) -> SignerHead:
        """The field that names this member's device and chain head."""
        return SignerHead(self.member, self.device, self.state.n, self.state.hash)

    def recipient(self) -> RecipientKey:
        """Whom to seal an epoch to."""
        return RecipientKey(self.member, Head(self.state.n, self.state.hash), self.generation, self.secrets.mk)

    # ---- what sign-up sends

    def device_seal(self, generation: int = 1) -> Signed:
        """The device's seal."""
        return make_device_seal(self.member, self.device, generation, self.sk, self.dk_seed, self.made_at)

    def member_key(self, generation: int = 1, key: bytes | None = None) -> Signed:
        """A member key."""
        chain, mk = Head(self.state.n, self.state.hash), key or self.secrets.mk
        return make_member_key(self.member, generation, mk, chain, self.device, self.dk_seed, self.made_at)

    def boxes(self) -> list[tuple[bytes, bytes]]:
        """The secret for the device and for the recovery key."""
        key_hash, secret = sha256(self.secrets.mk), self.secrets.secret
        return [
            (self.device, seal_member_box(self.sk, self.member, 1, self.device, 1, key_hash, secret)),
            (RECOVERY_DEVICE, seal_member_box(self.recovery.rx, self.member, 1, RECOVERY_DEVICE, 0, key_hash, secret)),
        ]

    def account_link(self, kind: SpaceType = SpaceType.ACCOUNT) -> Signed:
        """Link 0 of the account space."""
        seats = [(self.member, Seat(self.identity, Role.OWNER))]
        return make_create(self.account, kind, seats, Policy(), self.signer(), self.dk_seed, self.made_at)

    def sign_up_input(self, token: bytes, mac: bytes | None = None, **changes: Any) -> dict[str, Any]:
        """SignUpInput as JSON; `changes` replace its fields."""
        link = self.identity_link
        return {
            "invite": b64(token),
            **({} if mac is None else {"mac": b64(mac)}),
            "handle": self.handle,
            "displayName": self.display_name,
            "authKey": b64(self.auth_key),
            "identity": {
                "body": b64(link.body),
                "signature": b64(link.signature),
                "cosignature": b64(link.cosignature or b""),
            },
            "deviceSeal": signed_input(self.device_seal()),
            "deviceName": "A test",
            "memberKey": signed_input(self.member_key()),
            "boxes": [{"device": b64(device), "box": b64(box)} for device, box in self.boxes()],
            "account": signed_input(self.account_link()),
            "session": "BEARER",
        } | changes
