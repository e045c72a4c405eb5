"""Member keys, device seals and member boxes (e2ee.md sections 2 to 4, 8)."""

from __future__ import annotations

from dataclasses import dataclass

from circle_client.protocol.cbor import body as decode_body
from circle_client.protocol.cbor import encode, raw, uint
from circle_client.protocol.errors import Code, Layer, Refuser
from circle_client.protocol.labels import Label, h_body, kdf, open_seal, seal, verify_body
from circle_client.protocol.member import MemberState
from circle_client.protocol.member_chain import MemberChain
from circle_client.protocol.primitives import SEAL_OVERHEAD, XWING_KEY, Z16, sha256, xwing_public
from circle_client.protocol.structures import ID, Head, Signed, parse_head, sign

BODY_CAP = 2048
SECRET = 32
BOX = SEAL_OVERHEAD + SECRET

_member = Refuser(Layer.MEMBER)
_seal = Refuser(Layer.SEAL)


@dataclass(frozen=True, slots=True)
class MemberKey:
    """A decoded member key; `key_hash` is #MK, `hash` is H(member-key, body), `chain` the [n, hash] it was made at."""

    body: bytes
    hash: bytes
    member: bytes
    generation: int
    key: bytes
    key_hash: bytes
    chain: Head
    device: bytes
    time: int


def decode_member_key(body: bytes) -> MemberKey:
    """Decodes a member key's body. Raises MALFORMED (`cbor`)."""
    _, member, generation, key, chain, device, time = decode_body(body, BODY_CAP, 7)
    key = raw(key, XWING_KEY)
    return MemberKey(
        body=body,
        hash=h_body(Label.MEMBER_KEY, body),
        member=raw(member, ID),
        generation=uint(generation),
        key=key,
        key_hash=sha256(key),
        chain=parse_head(chain),
        device=raw(device, ID),
        time=uint(time),
    )


def verify_member_key(signed: Signed, chain: MemberChain | MemberState) -> MemberKey:
    """A member key signed by a device active at the link it names (a `MemberState` knows its newest link alone).

    Raises MALFORMED, CHAIN_CONFLICT, FORK or FORBIDDEN. Whether it lives: `MemberChain.lives(key.chain.n)`.
    """
    key = decode_member_key(signed.body)
    if key.member != (chain.member if isinstance(chain, MemberState) else chain.state.member):
        raise _member(Code.FORBIDDEN, "The member key is another member's.")
    if key.generation < 1:
        raise _member(Code.FORBIDDEN, "Generations begin at 1.")
    signer = chain.signer(key.device, key.chain.n, key.chain.hash)
    verify_body(signer.dk, signed.signature, Label.MEMBER_KEY, key.body)
    return key


def verify_living_key(signed: Signed, chain: MemberChain, known_generation: int = 0) -> MemberKey:
    """The key to seal to. Raises also FORBIDDEN for one that no longer lives, FORK for a generation below the known."""
    key = verify_member_key(signed, chain)
    if not chain.lives(key.chain.n):
        raise _member(Code.FORBIDDEN, "The member key is from before a revocation, recovery or reset.")
    if key.generation < known_generation:
        raise _member(Code.FORK, "The member key is older than one seen before.")
    return key


def make_member_key(
    member: bytes, generation: int, key: bytes, chain: Head, device: bytes, dk_seed: bytes, time: int
) -> Signed:
    """Signs MK of a new generation at the chain's head."""
    body = encode({0: 1, 1: member, 2: generation, 3: key, 4: chain.value(), 5: device, 6: time})
    return sign(dk_seed, Label.MEMBER_KEY, body)


@dataclass(frozen=True, slots=True)
class MemberSecrets:
    """What M of one generation gives: MK (X-Wing, seed and public key) and AK."""

    secret: bytes
    mk_seed: bytes
    mk: bytes
    archive: bytes


def member_secrets(secret: bytes, member: bytes, generation: int) -> MemberSecrets:
    """Derives MK (label member-seed) and AK (archive) from M."""
    mk_seed = kdf(secret, b"", Label.MEMBER_SEED, [member, generation], 32)
    archive = kdf(secret, b"", Label.ARCHIVE, [member, generation], 32)
    return MemberSecrets(secret, mk_seed, xwing_public(mk_seed), archive)


# ---- device seals


@dataclass(frozen=True, slots=True)
class DeviceSeal:
    """A decoded device seal: SK of generation k."""

    body: bytes
    hash: bytes
    member: bytes
    device: bytes
    generation: int
    key: bytes
    time: int


def decode_device_seal(body: bytes) -> DeviceSeal:
    """Decodes a device seal's body. Raises MALFORMED (`cbor`)."""
    _, member, device, generation, key, time = decode_body(body, BODY_CAP, 6)
    return DeviceSeal(
        body=body,
        hash=h_body(Label.DEVICE_SEAL, body),
        member=raw(member, ID),
        device=raw(device, ID),
        generation=uint(generation),
        key=raw(key, XWING_KEY),
        time=uint(time),
    )


def verify_device_seal(
    signed: Signed, member: bytes, device: bytes, dk: bytes, known_generation: int = 1
) -> DeviceSeal:
    """A seal key signed by its own device. Raises MALFORMED, FORBIDDEN; FORK for a lower k than known."""
    found = decode_device_seal(signed.body)
    if (found.member, found.device) != (member, device):
        raise _member(Code.FORBIDDEN, "The device seal is another device's.")
    if found.generation < known_generation:
        raise _member(Code.FORK, "The device seal is older than one seen before.")
    verify_body(dk, signed.signature, Label.DEVICE_SEAL, found.body)
    return found


def make_device_seal(member: bytes, device: bytes, generation: int, key: bytes, dk_seed: bytes, time: int) -> Signed:
    """Signs SK of generation k, which begins at 1."""
    body = encode({0: 1, 1: member, 2: device, 3: generation, 4: key, 5: time})
    return sign(dk_seed, Label.DEVICE_SEAL, body)


# ---- boxes


def seal_member_box(
    to: bytes, member: bytes, generation: int, device: bytes, k: int, key_hash: bytes, secret: bytes
) -> bytes:
    """Boxes M for SK of generation k of a device; for RX the device is Z16 and k the number of RX's link."""
    return seal(to, Label.MEMBER_BOX, [member, generation, device, k, key_hash], secret)


def open_member_box(box: bytes, seed: bytes, key: MemberKey, device: bytes, k: int) -> MemberSecrets:
    """Opens a box and takes M only if the signed MK comes from it. Raises BAD_SEAL (`seal`)."""
    secret = open_seal(seed, Label.MEMBER_BOX, [key.member, key.generation, device, k, key.key_hash], box)
    if len(secret) == SECRET:
        secrets = member_secrets(secret, key.member, key.generation)
        if secrets.mk == key.key:
            return secrets
    raise _seal(Code.BAD_SEAL, "The box holds another secret than the member key's.")


RECOVERY_DEVICE = Z16
"""The `device` of the recovery key's box."""
