"""A new device of a member who has others: by the recovery key, or by the answer of a linked device (section 8)."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import uuid4

from circle_client.errors import InvalidInput, Untrusted
from circle_client.machine.keyring import Keyring
from circle_client.machine.people import Known
from circle_client.protocol.errors import ProtocolError
from circle_client.protocol.member import SignedMemberLink, apply_member_link, make_device_add
from circle_client.protocol.member_key import (
    RECOVERY_DEVICE,
    make_device_seal,
    open_member_box,
    seal_member_box,
)
from circle_client.protocol.primitives import public_key, random_bytes, xwing_public
from circle_client.protocol.structures import Signed
from circle_client.protocol.words import RecoveryKeys


@dataclass(frozen=True, slots=True)
class NewDevice:
    """A device before it is of its member's chain: DK, SK of k = 1 and its seal."""

    member: bytes
    device: bytes
    dk_seed: bytes = field(repr=False)
    sk_seed: bytes = field(repr=False)
    seal: Signed

    @classmethod
    def make(cls, member: bytes, time: int) -> NewDevice:
        """Fresh keys."""
        device, dk_seed, sk_seed = uuid4().bytes, random_bytes(32), random_bytes(32)
        seal = make_device_seal(member, device, 1, xwing_public(sk_seed), dk_seed, time)
        return cls(member, device, dk_seed, sk_seed, seal)

    def keyring(self, generation: int, secret: bytes) -> Keyring:
        """The device's keys once it holds M."""
        return Keyring(self.member, self.device, self.dk_seed, self.sk_seed, 1, {generation: secret})


@dataclass(frozen=True, slots=True)
class Recovered:
    """What `recoverDevice` takes, and the keys that the device then has."""

    link: SignedMemberLink
    box: bytes
    generation: int
    keyring: Keyring = field(repr=False)


def recover(device: NewDevice, recovery: RecoveryKeys, known: Known, box: bytes, time: int) -> Recovered:
    """Open RX's box and sign device.add with RS. `known`: the member's verified chain and living key.

    Raises InvalidInput where the words are not this account's, Untrusted where the box does not hold the signed key.
    """
    state, key = known.chain.state, known.key
    if (recovery.rs, recovery.rx) != (state.rs, state.rx):
        raise InvalidInput("These are not the words of this account's recovery key.")
    try:
        secret = open_member_box(box, recovery.rx_seed, key, RECOVERY_DEVICE, state.rx_n).secret
        dk = public_key(device.dk_seed)
        link = make_device_add(state, device.device, dk, RECOVERY_DEVICE, recovery.rs_seed, time)
        apply_member_link(state, link)
    except ProtocolError as error:
        raise Untrusted(f"The recovery key opens nothing of what the server hands out. {error.message}") from error
    place = (device.member, key.generation, device.device, 1, key.key_hash)
    own_box = seal_member_box(xwing_public(device.sk_seed), *place, secret)
    return Recovered(link, own_box, key.generation, device.keyring(key.generation, secret))
