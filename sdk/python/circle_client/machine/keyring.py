"""The secrets of this device: what signs, and what opens. Never leaves the machine but into the sealed store."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from circle_client.protocol.member_key import MemberSecrets, decode_device_seal, make_device_seal, member_secrets
from circle_client.protocol.primitives import public_key, random_bytes, xwing_public
from circle_client.protocol.structures import Signed


@dataclass(frozen=True, slots=True)
class NextSeal:
    """SK of generation k + 1, from when it is made until the server has taken its device seal."""

    seed: bytes = field(repr=False)
    signed: Signed


@dataclass
class Keyring:
    """DK, SK of generation k, and M of each generation g that this device still holds (e2ee.md section 3).

    More than one M is held only between a rotation and the publishing of the next SK. `sealed_at`: the time in the
    device seal of k, 0 where a store of before does not tell it. `changed`: not yet written.
    """

    member: bytes
    device: bytes
    dk_seed: bytes = field(repr=False)
    sk_seed: bytes = field(repr=False)
    seal_generation: int
    sealed_at: int
    secrets: dict[int, bytes] = field(repr=False)
    next_seal: NextSeal | None = None
    changed: bool = True
    _derived: dict[int, MemberSecrets] = field(default_factory=dict, repr=False)

    @cached_property
    def dk(self) -> bytes:
        """The device's public signing key."""
        return public_key(self.dk_seed)

    @property
    def generation(self) -> int:
        """The newest g held."""
        return max(self.secrets)

    def member_secrets(self, generation: int) -> MemberSecrets | None:
        """MK and AK of a generation, or None where this device has no M of it."""
        if generation not in self._derived and generation in self.secrets:
            self._derived[generation] = member_secrets(self.secrets[generation], self.member, generation)
        return self._derived.get(generation)

    # ---- rotation (section 8)

    @property
    def must_publish(self) -> bool:
        """Whether M was rotated and the next SK is not published yet."""
        return len(self.secrets) > 1

    def take(self, generation: int, secret: bytes) -> None:
        """Hold M of a newer generation; the old one goes when the next SK is published."""
        self.secrets[generation] = secret
        self.changed = True

    def make_seal(self, time: int) -> Signed:
        """The device seal of k + 1, the same at every call until `seal_published`."""
        if self.next_seal is None:
            seed = random_bytes(32)
            k = self.seal_generation + 1
            signed = make_device_seal(self.member, self.device, k, xwing_public(seed), self.dk_seed, time)
            self.next_seal, self.changed = NextSeal(seed, signed), True
        return self.next_seal.signed

    def seal_published(self) -> None:
        """The server has taken the next SK: the old one and every older M are destroyed."""
        if self.next_seal is not None:
            self.sealed_at = decode_device_seal(self.next_seal.signed.body).time
            self.sk_seed, self.next_seal = self.next_seal.seed, None
            self.seal_generation += 1
            newest = self.generation
            self.secrets = {newest: self.secrets[newest]}
            self._derived.clear()
            self.changed = True

    # ---- storage

    def dump(self) -> dict[str, Any]:
        """What the store keeps."""
        following = self.next_seal
        return {
            "member": self.member,
            "device": self.device,
            "dk": self.dk_seed,
            "sk": self.sk_seed,
            "k": self.seal_generation,
            "at": self.sealed_at,
            "m": dict(self.secrets),
            "next": [following.seed, following.signed.body, following.signed.signature] if following else None,
        }

    @classmethod
    def load(cls, value: dict[str, Any]) -> Keyring:
        """The keyring of a `dump`."""
        following = NextSeal(value["next"][0], Signed(*value["next"][1:])) if value["next"] else None
        secrets = dict(value["m"])
        own = value["member"], value["device"], value["dk"], value["sk"], value["k"], value.get("at", 0)
        return cls(*own, secrets, following, changed=False)
