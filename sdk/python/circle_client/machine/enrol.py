"""A new device of a member who has others: by the recovery key, or by the answer of a linked device (section 8)."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import uuid4

from circle_client.errors import Forked, InvalidInput, KeysMissing, Untrusted
from circle_client.machine.keyring import Keyring
from circle_client.machine.people import Known
from circle_client.protocol.errors import ProtocolError
from circle_client.protocol.labels import Label, verify_body
from circle_client.protocol.linking import LinkAnswer, make_link_answer, make_link_request, verify_link_request
from circle_client.protocol.member import (
    LinkKind,
    SignedMemberLink,
    apply_member_link,
    decode_member_link,
    make_device_add,
)
from circle_client.protocol.member_chain import MemberChain
from circle_client.protocol.member_key import (
    RECOVERY_DEVICE,
    decode_device_seal,
    make_device_seal,
    open_member_box,
    seal_member_box,
)
from circle_client.protocol.primitives import public_key, random_bytes, xwing_public
from circle_client.protocol.structures import Head, Signed
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
        at = decode_device_seal(self.seal.body).time
        return Keyring(self.member, self.device, self.dk_seed, self.sk_seed, 1, at, {generation: secret})

    def request(self, key: bytes) -> tuple[bytes, bytes]:
        """The request to be let in, and its MAC under the code k that this device shows."""
        return make_link_request(key, self.member, self.device, public_key(self.dk_seed), self.seal)


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


def is_revoked(keyring: Keyring, chain: MemberChain, body: bytes, signature: bytes) -> bool:
    """Whether this is a true device.revoke of this device, by what is known of the own chain: one of its links, the
    next one, or a later one whose signer is an active device or the recovery key as known here.
    """
    try:
        link = decode_member_link(body)
        if (link.member, link.kind, link.device) != (keyring.member, LinkKind.DEVICE_REVOKE, keyring.device):
            return False
        if link.n <= chain.head.n:
            return chain.hashes[link.n] == link.hash
        if link.n == chain.head.n + 1:
            apply_member_link(chain.state, SignedMemberLink(body, signature))
            return True
        signer = chain.state.rs if link.signer == RECOVERY_DEVICE else chain.state.devices.get(link.signer)
        if signer is None or link.signer == keyring.device:
            return False
        verify_body(signer, signature, Label.MEMBER, body)
    except ProtocolError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class LetIn:
    """What `answerDevice` takes."""

    device: bytes
    link: SignedMemberLink
    seal: Signed
    box: bytes
    answer: bytes
    mac: bytes
    generation: int


def answer_request(
    key: bytes, request: bytes, tag: bytes, keyring: Keyring, known: Known, account: Head, time: int
) -> LetIn:
    """Check the request of the device that shows the code k, and let it in: device.add, M in a box, the answer.

    `account`: the head of the account's log. Raises Untrusted for a request that is not of that device, KeysMissing
    without the newest M, InvalidInput where the chain takes no more devices.
    """
    own = keyring.member_secrets(known.key.generation)
    if own is None:
        raise KeysMissing("Another device has changed this account's key; it is taken first.")
    try:
        asked, seal = verify_link_request(key, request, tag, keyring.member)
    except ProtocolError as error:
        raise Untrusted(error.message, error.code) from error
    state = known.chain.state
    link = make_device_add(state, asked.device, asked.dk, keyring.device, keyring.dk_seed, time)
    try:
        after = apply_member_link(state, link)
    except ProtocolError as error:
        raise InvalidInput(error.message) from error
    generation, key_hash = known.key.generation, known.key.key_hash
    box = seal_member_box(seal.key, keyring.member, generation, asked.device, seal.generation, key_hash, own.secret)
    answer, mac = make_link_answer(key, request, box, Head(after.n, after.hash), account)
    return LetIn(asked.device, link, asked.device_seal, box, answer, mac, generation)


def let_in(device: NewDevice, answer: LinkAnswer, known: Known, box: bytes) -> Keyring:
    """The keys of a device that was let in by a checked answer. `known`: the member's chain and key as verified from
    link 0; `box`: the answer's, or that of a rotation since. Raises Forked, Untrusted.
    """
    chain, pin = known.chain, answer.chain
    if pin.n > chain.head.n or chain.hashes[pin.n] != pin.hash:
        raise Forked("The server shows other keys of this account than the device that let this one in has.")
    if chain.state.devices.get(device.device) != public_key(device.dk_seed):
        raise Untrusted("The server does not show this device among the account's.")
    try:
        secret = open_member_box(box, device.sk_seed, known.key, device.device, 1).secret
    except ProtocolError as error:
        raise Untrusted(f"The account's key could not be taken. {error.message}") from error
    return device.keyring(known.key.generation, secret)
