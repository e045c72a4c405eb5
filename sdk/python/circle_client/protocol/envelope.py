"""Envelopes (e2ee.md section 7): header, sealing, opening. What the log and the server check lies beside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from circle_client.protocol.cbor import SUITE, Value, array, blob, decode, encode, fields, malformed, raw, uint
from circle_client.protocol.errors import Code, Layer, ProtocolError, Refuser
from circle_client.protocol.labels import Label, h_body, kdf, sign_body, verify_body
from circle_client.protocol.padding import is_padded_size, pad, unpad
from circle_client.protocol.primitives import ED25519_SIGNATURE, GCM_TAG, equal, gcm_open, gcm_seal, mac, sha256
from circle_client.protocol.structures import HASH, ID, Head, parse_head

CT_CAP = 96 * 1024
HEADER_CAP = 512
ENVELOPE_CAP = CT_CAP + HEADER_CAP + 128
SYN = 32

refuse = Refuser(Layer.ENVELOPE)


class Kind(IntEnum):
    """Kinds of envelopes."""

    MESSAGE = 1
    EDIT = 2
    DELETE = 3
    REACTION = 4
    RECEIPT = 5
    VAULT_ENTRY = 6
    SIGNAL = 7
    STATE = 8


@dataclass(frozen=True, slots=True)
class Header:
    """The signed, readable part. `ref` is the id of the envelope that this one is about; `kind` may be unknown."""

    space: bytes
    epoch: Head
    id: bytes
    member: bytes
    device: bytes
    n: int
    seen: Head
    kind: int
    ref: bytes | None
    b: int
    time: int

    def encode(self) -> bytes:
        """E(header)."""
        return encode(
            {
                0: SUITE,
                1: self.space,
                2: self.epoch.n,
                3: self.epoch.hash,
                4: self.id,
                5: self.member,
                6: self.device,
                7: self.n,
                8: self.seen.value(),
                9: self.kind,
                10: self.ref,
                11: self.b,
                12: self.time,
            }
        )


def id_time(envelope_id: bytes) -> int:
    """The milliseconds since 1970 in a UUIDv7."""
    return int.from_bytes(envelope_id[:6], "big")


def make_id(time: int, random10: bytes) -> bytes:
    """A UUIDv7 from a time in milliseconds and 10 random bytes."""
    number = int.from_bytes(time.to_bytes(6, "big") + random10, "big")
    number = number & ~(0xF << 76) | (0x7 << 76)
    number = number & ~(0x3 << 62) | (0x2 << 62)
    return number.to_bytes(16, "big")


def decode_header(data: bytes) -> Header:
    """Decodes a header. Raises MALFORMED (`cbor`), also for an id that is no UUIDv7."""
    values = fields(decode(data, HEADER_CAP), 13)
    suite, space, epoch, epoch_hash, envelope_id, member, device, n, seen, kind, ref, b, time = values
    if type(suite) is not int or suite != SUITE:
        raise malformed("The suite is not known.")
    envelope_id = raw(envelope_id, ID)
    if envelope_id[6] >> 4 != 7 or envelope_id[8] >> 6 != 2:
        raise malformed("An envelope's id is a UUIDv7.")
    return Header(
        space=raw(space, ID),
        epoch=Head(uint(epoch), raw(epoch_hash, HASH)),
        id=envelope_id,
        member=raw(member, ID),
        device=raw(device, ID),
        n=uint(n),
        seen=parse_head(seen),
        kind=uint(kind),
        ref=None if ref is None else raw(ref, ID),
        b=uint(b),
        time=uint(time),
    )


@dataclass(frozen=True, slots=True)
class Envelope:
    """A decoded envelope: `data` are the bytes as received, `item` goes into the log."""

    data: bytes
    header: Header
    header_bytes: bytes
    syn: bytes
    ct: bytes
    signature: bytes
    signed: bytes
    item: bytes

    def verify(self, dk: bytes) -> None:
        """Verifies the signature. Raises FORBIDDEN (`ed25519`)."""
        verify_body(dk, self.signature, Label.ENVELOPE, self.signed)


def _assemble(data: bytes, header: Header, header_bytes: bytes, syn: bytes, ct: bytes, signature: bytes) -> Envelope:
    signed = _signed(header_bytes, syn, ct)
    item = h_body(Label.ENVELOPE, signed)
    return Envelope(data, header, header_bytes, syn, ct, signature, signed, item)


def _signed(header_bytes: bytes, syn: bytes, ct: bytes) -> bytes:
    return encode([header_bytes, syn, sha256(ct)])


def decode_envelope(data: bytes) -> Envelope:
    """Decodes E([header, syn, ct, signature]). Raises MALFORMED (`cbor`); for a ct of a wrong size `envelope`."""
    header_bytes, syn, ct, signature = array(decode(data, ENVELOPE_CAP), 4)
    header_bytes, syn = blob(header_bytes, HEADER_CAP), raw(syn, SYN)
    ct, signature = blob(ct, CT_CAP), raw(signature, ED25519_SIGNATURE)
    if not is_padded_size(len(ct) - GCM_TAG):
        raise refuse(Code.MALFORMED, "The ciphertext's length is not that of a padded text.")
    return _assemble(data, decode_header(header_bytes), header_bytes, syn, ct, signature)


def _syn(branch: bytes, header: Header, header_hash: bytes, padded: bytes) -> bytes:
    key = kdf(branch, b"", Label.SYN, [header.space, header.epoch.n, header.epoch.hash], 32)
    return mac(key, header_hash + padded)


def _key(branch: bytes, syn: bytes, header_hash: bytes) -> tuple[bytes, bytes]:
    data = kdf(branch, syn, Label.ENVELOPE_KEY, header_hash, 44)
    return data[:32], data[32:]


def seal_envelope(header: Header, content: Mapping[int, Value], branch: bytes, dk_seed: bytes) -> Envelope:
    """Seals and signs. `branch` is B_b of the header's epoch and class. Raises MALFORMED where it is too long.

    The same header and content give the same key, nonce and ciphertext, whatever the random state (section 7).
    """
    header_bytes = header.encode()
    padded = pad(encode({**content}))
    if len(padded) + GCM_TAG > CT_CAP:
        raise refuse(Code.MALFORMED, "The content is too long for one envelope.")
    header_hash = sha256(header_bytes)
    syn = _syn(branch, header, header_hash, padded)
    key, nonce = _key(branch, syn, header_hash)
    ct = gcm_seal(key, nonce, padded, header_bytes)
    signature = sign_body(dk_seed, Label.ENVELOPE, _signed(header_bytes, syn, ct))
    data = encode([header_bytes, syn, ct, signature])
    return _assemble(data, header, header_bytes, syn, ct, signature)


def open_envelope(envelope: Envelope, branch: bytes) -> dict[int, Any]:
    """The content. Verify the signature and the rules first. Raises UNREADABLE (`envelope`)."""
    header_hash = sha256(envelope.header_bytes)
    key, nonce = _key(branch, envelope.syn, header_hash)
    padded = gcm_open(key, nonce, envelope.ct, envelope.header_bytes)
    if padded is None:
        raise refuse(Code.UNREADABLE, "The message does not open with this epoch's key.")
    if not equal(_syn(branch, envelope.header, header_hash, padded), envelope.syn):
        raise refuse(Code.UNREADABLE, "The message does not fit its own digest.")
    return decode_content(unpad(padded))


def decode_content(data: bytes) -> dict[int, Any]:
    """Decodes E(content), a map. Raises UNREADABLE (`envelope`)."""
    try:
        value = decode(data, CT_CAP)
    except ProtocolError as error:
        raise refuse(Code.UNREADABLE, "The content is not of the profile.") from error
    if type(value) is not dict:
        raise refuse(Code.UNREADABLE, "A content is a map.")
    return value
