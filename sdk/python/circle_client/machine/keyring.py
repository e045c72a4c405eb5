"""The secrets of this device: what signs, and what opens. Never leaves the machine but into the sealed store."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from circle_client.protocol.member_key import MemberSecrets, member_secrets
from circle_client.protocol.primitives import public_key


@dataclass(frozen=True)
class Keyring:
    """DK, SK of generation k, and M of each generation g that this device still holds (e2ee.md section 3)."""

    member: bytes
    device: bytes
    dk_seed: bytes = field(repr=False)
    sk_seed: bytes = field(repr=False)
    seal_generation: int
    secrets: dict[int, bytes] = field(repr=False)

    @cached_property
    def dk(self) -> bytes:
        """The device's public signing key."""
        return public_key(self.dk_seed)

    @cached_property
    def _derived(self) -> dict[int, MemberSecrets]:
        return {g: member_secrets(secret, self.member, g) for g, secret in self.secrets.items()}

    def member_secrets(self, generation: int) -> MemberSecrets | None:
        """MK and AK of a generation, or None where this device has no M of it."""
        return self._derived.get(generation)

    def dump(self) -> dict[str, Any]:
        """What the store keeps."""
        return {
            "member": self.member,
            "device": self.device,
            "dk": self.dk_seed,
            "sk": self.sk_seed,
            "k": self.seal_generation,
            "m": self.secrets,
        }

    @classmethod
    def load(cls, value: dict[str, Any]) -> Keyring:
        """The keyring of a `dump`."""
        return cls(value["member"], value["device"], value["dk"], value["sk"], value["k"], dict(value["m"]))
