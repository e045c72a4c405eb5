"""X, H, SIG, KDF and SEAL of e2ee.md section 2: everything is bound to a label and to its context."""

from __future__ import annotations

import hashlib
from enum import StrEnum

from circle_client.protocol import primitives
from circle_client.protocol.cbor import Value, encode


class Label(StrEnum):
    """Every label of the protocol."""

    MEMBER = "member"
    MEMBER_KEY = "member-key"
    DEVICE_SEAL = "device-seal"
    ROSTER = "roster"
    EPOCH = "epoch"
    COMPLAINT = "complaint"
    ENVELOPE = "envelope"
    RECOVERY_SIGN = "recovery-sign"
    RECOVERY_SEAL = "recovery-seal"
    MEMBER_SEED = "member-seed"
    ARCHIVE = "archive"
    MEMBER_BOX = "member-box"
    REWRAP = "rewrap"
    EPOCH_SECRET = "epoch-secret"  # noqa: S105 - a label, no secret
    BRANCH = "branch"
    COMMIT = "commit"
    EPOCH_SEAL = "epoch-seal"
    GRANT = "grant"
    RECIPIENTS = "recipients"
    LOG = "log"
    SYN = "syn"
    ENVELOPE_KEY = "envelope-key"
    LINK_ID = "link-id"
    LINK_REQUEST = "link-request"
    LINK_ANSWER = "link-answer"
    CHUNK = "chunk"
    SHARE = "share"
    MEDIA = "media"
    INVITE = "invite"
    SAFETY = "safety"
    PASSWORD_AUTH = "password-auth"  # noqa: S105 - a label, no secret
    PASSWORD_UNLOCK = "password-unlock"  # noqa: S105 - a label, no secret


_PREFIX = {label: b"circle/v1 " + label.value.encode("ascii") + b"\x00" for label in Label}


def x_body(label: Label, body: bytes) -> bytes:
    """X over bytes that are E(v) already: a body as received."""
    return _PREFIX[label] + body


def x(label: Label, value: Value) -> bytes:
    """X(l, v)."""
    return _PREFIX[label] + encode(value)


def h_body(label: Label, body: bytes) -> bytes:
    """H over a body as received."""
    return hashlib.sha256(_PREFIX[label] + body).digest()


def h(label: Label, value: Value) -> bytes:
    """H(l, v)."""
    return hashlib.sha256(_PREFIX[label] + encode(value)).digest()


def kdf(key: bytes, salt: bytes, label: Label, value: Value, length: int) -> bytes:
    """KDF(k, salt, l, v, n); an empty salt is `-`."""
    return primitives.hkdf(key, salt, x(label, value), length)


def sign_body(seed: bytes, label: Label, body: bytes) -> bytes:
    """SIG over a body, with the Ed25519 private key of `seed`."""
    return primitives.sign(seed, x_body(label, body))


def verify_body(key: bytes, signature: bytes, label: Label, body: bytes) -> None:
    """Verifies SIG over a body as received. Raises FORBIDDEN (`ed25519`)."""
    primitives.verify(key, signature, x_body(label, body))


def seal(key: bytes, label: Label, value: Value, text: bytes) -> bytes:
    """SEAL(pk, l, v, m). Raises MALFORMED (`seal`) for a key that is none."""
    return primitives.hpke_seal(key, x(label, value), text)


def open_seal(seed: bytes, label: Label, value: Value, sealed: bytes) -> bytes:
    """Opens SEAL(pk, l, v, m). Raises BAD_SEAL (`seal`)."""
    return primitives.hpke_open(seed, x(label, value), sealed)
