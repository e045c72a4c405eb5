"""Epochs as signed structures (e2ee.md section 6): announcement, list of recipients, complaint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from circle_client.protocol.branches import CLASSES
from circle_client.protocol.cbor import Value, array, decode, encode, raw, uint
from circle_client.protocol.cbor import body as decode_body
from circle_client.protocol.errors import Code, Layer, Refuser
from circle_client.protocol.labels import Label, h, h_body
from circle_client.protocol.primitives import SEAL_OVERHEAD
from circle_client.protocol.roster import MAX_MEMBERS
from circle_client.protocol.structures import HASH, ID, Head, Signed, SignerHead, parse_head, parse_signer, sign

ANNOUNCEMENT_CAP = 2048
RECIPIENTS_CAP = 163_840
COMPLAINT_CAP = 1024
SEAL = SEAL_OVERHEAD + 32

refuse = Refuser(Layer.EPOCH)


@dataclass(frozen=True, slots=True)
class Recipient:
    """A row of the list: the member's chain head, generation g, #MK, SHA-256 of the seal."""

    member: bytes
    n: int
    hash: bytes
    generation: int
    key_hash: bytes
    seal_hash: bytes

    def value(self) -> Value:
        """The array as it is encoded."""
        return [self.member, self.n, self.hash, self.generation, self.key_hash, self.seal_hash]


def encode_recipients(rows: Sequence[Recipient]) -> bytes:
    """E(list), as sent."""
    return encode([row.value() for row in rows])


def decode_recipients(data: bytes) -> tuple[Recipient, ...]:
    """Decodes E(list). Raises MALFORMED (`cbor`); RECIPIENTS_CHANGED (`epoch`) unless ascending, each member once."""
    rows: list[Recipient] = []
    for item in array(decode(data, RECIPIENTS_CAP)):
        member, n, digest, generation, key_hash, seal_hash = array(item, 6)
        row = Recipient(
            raw(member, ID), uint(n), raw(digest, HASH), uint(generation), raw(key_hash, HASH), raw(seal_hash, HASH)
        )
        if rows and row.member <= rows[-1].member:
            raise refuse(Code.RECIPIENTS_CHANGED, "The recipients are not ascending, each once.")
        rows.append(row)
    if not 1 <= len(rows) <= MAX_MEMBERS:
        raise refuse(Code.RECIPIENTS_CHANGED, "An epoch has 1 to 1,000 recipients.")
    return tuple(rows)


def recipients_hash(data: bytes) -> bytes:
    """H(recipients, list), from E(list) as received."""
    return h_body(Label.RECIPIENTS, data)


@dataclass(frozen=True, slots=True)
class Announcement:
    """A decoded announcement; `hash` is h_e."""

    body: bytes
    hash: bytes
    space: bytes
    epoch: int
    before: bytes
    roster: Head
    recipients: bytes
    commits: tuple[bytes, ...]
    creator: SignerHead
    time: int

    @property
    def head(self) -> Head:
        """[e, h_e]."""
        return Head(self.epoch, self.hash)


def decode_announcement(body: bytes) -> Announcement:
    """Decodes an announcement's body. Raises MALFORMED (`cbor`)."""
    _, space, epoch, before, roster, recipients, commits, creator, time = decode_body(body, ANNOUNCEMENT_CAP, 9)
    return Announcement(
        body=body,
        hash=h_body(Label.EPOCH, body),
        space=raw(space, ID),
        epoch=uint(epoch),
        before=raw(before, HASH),
        roster=parse_head(roster),
        recipients=raw(recipients, HASH),
        commits=tuple(raw(item, HASH) for item in array(commits, CLASSES)),
        creator=parse_signer(creator),
        time=uint(time),
    )


def make_announcement(
    space: bytes,
    previous: Head,
    roster: Head,
    rows: Sequence[Recipient],
    commits: Sequence[bytes],
    creator: SignerHead,
    dk_seed: bytes,
    time: int,
) -> Signed:
    """Signs the announcement of epoch `previous.n` + 1."""
    listed: Value = [row.value() for row in rows]
    body = encode(
        {
            0: 1,
            1: space,
            2: previous.n + 1,
            3: previous.hash,
            4: roster.value(),
            5: h(Label.RECIPIENTS, listed),
            6: list(commits),
            7: creator.value(),
            8: time,
        }
    )
    return sign(dk_seed, Label.EPOCH, body)


@dataclass(frozen=True, slots=True)
class Complaint:
    """A decoded complaint: this member's seal of epoch [e, h_e] does not open. `hash` is its item in the log."""

    body: bytes
    hash: bytes
    space: bytes
    epoch: Head
    seal_hash: bytes
    signer: SignerHead
    time: int


def decode_complaint(body: bytes) -> Complaint:
    """Decodes a complaint's body. Raises MALFORMED (`cbor`)."""
    _, space, epoch, epoch_hash, seal_hash, signer, time = decode_body(body, COMPLAINT_CAP, 7)
    return Complaint(
        body=body,
        hash=h_body(Label.COMPLAINT, body),
        space=raw(space, ID),
        epoch=Head(uint(epoch), raw(epoch_hash, HASH)),
        seal_hash=raw(seal_hash, HASH),
        signer=parse_signer(signer),
        time=uint(time),
    )


def make_complaint(
    space: bytes, epoch: Head, seal_hash: bytes, signer: SignerHead, dk_seed: bytes, time: int
) -> Signed:
    """Signs a complaint about the listed seal; sent instead of anything else where S fails."""
    body = encode({0: 1, 1: space, 2: epoch.n, 3: epoch.hash, 4: seal_hash, 5: signer.value(), 6: time})
    return sign(dk_seed, Label.COMPLAINT, body)
