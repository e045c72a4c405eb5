"""What several structures share: a signed body, and the field that names a signer and the head of its chain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from circle_client.protocol.cbor import Value, array, raw, uint
from circle_client.protocol.labels import Label, sign_body

ID = 16
HASH = 32


@dataclass(frozen=True, slots=True)
class Signed:
    """A body as received, and its signature."""

    body: bytes
    signature: bytes


def sign(seed: bytes, label: Label, body: bytes) -> Signed:
    """Signs a body with the Ed25519 private key of `seed`."""
    return Signed(body, sign_body(seed, label, body))


@dataclass(frozen=True, slots=True)
class Head:
    """[n, hash] of a chain, or [e, h_e] of the newest epoch."""

    n: int
    hash: bytes

    def value(self) -> Value:
        """The array as it is encoded."""
        return [self.n, self.hash]


NO_EPOCH = Head(0, bytes(HASH))
"""The newest epoch of a space that has none: [0, Z32]."""


def parse_head(value: object) -> Head:
    """Raises MALFORMED."""
    n, digest = array(value, 2)
    return Head(uint(n), raw(digest, HASH))


@dataclass(frozen=True, slots=True)
class SignerHead:
    """[member, device, n, hash]: who signs, and the head of their own chain as they know it."""

    member: bytes
    device: bytes
    n: int
    hash: bytes

    def value(self) -> Value:
        """The array as it is encoded."""
        return [self.member, self.device, self.n, self.hash]


def parse_signer(value: object) -> SignerHead:
    """Raises MALFORMED."""
    member, device, n, digest = array(value, 4)
    return SignerHead(raw(member, ID), raw(device, ID), uint(n), raw(digest, HASH))


@dataclass(frozen=True, slots=True)
class SigningKey:
    """What a chain says of a device at one of its links: its DK, and the member's ID then."""

    dk: bytes
    identity: bytes


class Heads(Protocol):
    """A member's chain, as far as it is held: `MemberChain` knows every link, `MemberState` its newest."""

    def signer(self, device: bytes, n: int, digest: bytes) -> SigningKey:
        """The device's key at link n. Raises CHAIN_CONFLICT, FORK or FORBIDDEN (`member`)."""
        ...


Chains = Callable[[bytes], Heads]
"""Finds a member's chain; raises ProtocolError NOT_FOUND where there is none."""
