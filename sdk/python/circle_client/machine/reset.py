"""Beginning anew: a member who lost every device and the recovery key (e2ee.md sections 4, 8 and 12)."""

from __future__ import annotations

from dataclasses import dataclass, field

from circle_client.errors import Untrusted
from circle_client.machine.enrol import NewDevice
from circle_client.machine.keyring import Keyring
from circle_client.machine.people import Known
from circle_client.machine.rotation import Box, Rotation, recovery_box
from circle_client.protocol.errors import ProtocolError
from circle_client.protocol.member import apply_member_link, make_identity
from circle_client.protocol.member_key import make_member_key, member_secrets, seal_member_box
from circle_client.protocol.primitives import public_key, random_bytes, sha256, xwing_public
from circle_client.protocol.structures import Head
from circle_client.protocol.words import RecoveryKeys


@dataclass(frozen=True, slots=True)
class Reset:
    """What `rotateMemberKey` takes, and the keys that the device then has."""

    rotation: Rotation
    keyring: Keyring = field(repr=False)


def make_reset(device: NewDevice, recovery: RecoveryKeys, known: Known, name: str, time: int) -> Reset:
    """identity.reset on the chain's head, with a first M of the new identity. Raises Untrusted."""
    member, dk = device.member, public_key(device.dk_seed)
    generation, secret = known.key.generation + 1, random_bytes(32)
    try:
        link = make_identity(member, device.device, dk, device.dk_seed, recovery, time, known.chain.state)
        state = apply_member_link(known.chain.state, link)
    except ProtocolError as error:
        raise Untrusted(error.message) from error
    own = member_secrets(secret, member, generation)
    key_hash, head = sha256(own.mk), Head(state.n, state.hash)
    box = seal_member_box(xwing_public(device.sk_seed), member, generation, device.device, 1, key_hash, secret)
    rotation = Rotation(
        link=link,
        member_key=make_member_key(member, generation, own.mk, head, device.device, device.dk_seed, time),
        boxes=(Box(device.device, box, 1), recovery_box(state, generation, key_hash, secret)),
        archive=None,
        wraps=(),
        seal=device.seal,
        name=name,
    )
    return Reset(rotation, device.keyring(generation, secret))
