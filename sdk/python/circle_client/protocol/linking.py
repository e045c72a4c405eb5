"""Linking a new device (e2ee.md section 8): the code k that it shows, its request, the answer, and their MACs.

k never reaches the server. Who holds k knows that the request is of the device that shows it, and that the answer is
of the device that read it, for this very request.
"""

from __future__ import annotations

from dataclasses import dataclass

from circle_client.protocol.cbor import blob, decode, encode, fields, raw
from circle_client.protocol.cbor import body as decode_body
from circle_client.protocol.errors import Code, Layer, Refuser
from circle_client.protocol.labels import Label, kdf
from circle_client.protocol.member_key import BODY_CAP, BOX, DeviceSeal, verify_device_seal
from circle_client.protocol.primitives import (
    ED25519_KEY,
    ED25519_SIGNATURE,
    check_public_key,
    check_xwing_key,
    equal,
    mac,
    random_bytes,
    sha256,
)
from circle_client.protocol.structures import ID, Head, Signed, parse_head
from circle_client.protocol.words import from_words, to_words

LINK_KEY = 16
LINK_MAC = 32
REQUEST_CAP = 4096
ANSWER_CAP = 4096

refuse = Refuser(Layer.LINK)


def new_link_key() -> bytes:
    """k, as the new device makes it for one linking."""
    return random_bytes(LINK_KEY)


def link_words(key: bytes) -> list[str]:
    """The twelve words of k."""
    return to_words(key)


def link_key(words: str) -> bytes:
    """k from its twelve words; spaces and case do not matter. Raises BAD_WORDS (`derivation`)."""
    return from_words(words, LINK_KEY)


def link_id(key: bytes) -> bytes:
    """The id under which request and answer lie on the server."""
    return kdf(key, b"", Label.LINK_ID, [], 16)


def _request_mac(key: bytes, request: bytes) -> bytes:
    return mac(kdf(key, b"", Label.LINK_REQUEST, [], 32), request)


def _answer_mac(key: bytes, request: bytes, answer: bytes) -> bytes:
    return mac(kdf(key, b"", Label.LINK_ANSWER, [], 32), sha256(request) + answer)


@dataclass(frozen=True, slots=True)
class LinkRequest:
    """A decoded request: who wants in as which device; `device_seal` is that device's, of generation 1."""

    body: bytes
    member: bytes
    device: bytes
    dk: bytes
    device_seal: Signed


@dataclass(frozen=True, slots=True)
class LinkAnswer:
    """A decoded answer: the box for the new device, the heads of the member's chain and of the account's log."""

    body: bytes
    box: bytes
    chain: Head
    account: Head


def make_link_request(key: bytes, member: bytes, device: bytes, dk: bytes, device_seal: Signed) -> tuple[bytes, bytes]:
    """A request and its MAC."""
    body = encode({0: 1, 1: member, 2: device, 3: dk, 4: device_seal.body, 5: device_seal.signature})
    return body, _request_mac(key, body)


def decode_link_request(body: bytes) -> LinkRequest:
    """Decodes a request. Raises MALFORMED (`cbor`)."""
    _, member, device, dk, seal, signature = decode_body(body, REQUEST_CAP, 6)
    return LinkRequest(
        body=body,
        member=raw(member, ID),
        device=raw(device, ID),
        dk=raw(dk, ED25519_KEY),
        device_seal=Signed(blob(seal, BODY_CAP), raw(signature, ED25519_SIGNATURE)),
    )


def check_request_seal(request: LinkRequest) -> DeviceSeal:
    """What everyone can check of a request: its DK, and that its device seal is of that device, k = 1, with a sound SK.

    Raises MALFORMED (`cbor`, `seal`), FORBIDDEN (`ed25519`, `member`, `link`).
    """
    check_public_key(request.dk)
    seal = verify_device_seal(request.device_seal, request.member, request.device, request.dk)
    if seal.generation != 1:
        raise refuse(Code.FORBIDDEN, "A device's first seal has the generation 1.")
    check_xwing_key(seal.key)
    return seal


def verify_link_request(key: bytes, body: bytes, tag: bytes, member: bytes) -> tuple[LinkRequest, DeviceSeal]:
    """A request as the linked device takes it: made with this k, by a device that wants into this member's chain.

    Raises BAD_LINK (`link`) for another k or other bytes, and as `decode_link_request` and `check_request_seal`.
    """
    if not equal(_request_mac(key, body), tag):
        raise refuse(Code.BAD_LINK, "The request was not made by the device that shows this code.")
    request = decode_link_request(body)
    if request.member != member:
        raise refuse(Code.BAD_LINK, "The device asks to be let in by someone else.")
    return request, check_request_seal(request)


def make_link_answer(key: bytes, request: bytes, box: bytes, chain: Head, account: Head) -> tuple[bytes, bytes]:
    """An answer to these very bytes of a request, and its MAC."""
    body = encode({0: box, 1: chain.value(), 2: account.value()})
    return body, _answer_mac(key, request, body)


def decode_link_answer(body: bytes) -> LinkAnswer:
    """Decodes an answer. Raises MALFORMED (`cbor`)."""
    box, chain, account = fields(decode(body, ANSWER_CAP), 3)
    return LinkAnswer(body, raw(box, BOX), parse_head(chain), parse_head(account))


def verify_link_answer(key: bytes, request: bytes, body: bytes, tag: bytes) -> LinkAnswer:
    """An answer as the new device takes it: to its own request, by the device that read its k.

    Raises BAD_LINK (`link`), MALFORMED (`cbor`). The heads are checked against the chains, from link 0 on, by the
    caller; the box opens with `open_member_box`.
    """
    if not equal(_answer_mac(key, request, body), tag):
        raise refuse(Code.BAD_LINK, "The answer is not to this device's request.")
    return decode_link_answer(body)
