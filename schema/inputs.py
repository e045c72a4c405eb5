"""Inputs that several features take, and what they become."""

from __future__ import annotations

import strawberry

from resolvers.errors import Code, Refusal
from resolvers.protocol import Signed, SignedMemberLink
from schema.scalars import Base64Bytes

SIGNATURE_BYTES = 64
MAX_BODY = 64 * 1024


@strawberry.input(description="A signed structure of the protocol, as its exact bytes.")
class SignedInput:
    """A body and its signature."""

    body: Base64Bytes = strawberry.field(description="The structure's canonical CBOR, 64 KiB at most.")
    signature: Base64Bytes = strawberry.field(description="Ed25519 signature, 64 bytes.")


@strawberry.input(description="A link of a member's chain.")
class MemberLinkInput:
    """A link with one signature, or two."""

    body: Base64Bytes = strawberry.field(description="The link's canonical CBOR, 2 KiB at most.")
    signature: Base64Bytes = strawberry.field(description="The first signer's Ed25519 signature, 64 bytes.")
    cosignature: Base64Bytes | None = strawberry.field(
        default=None, description="The second signature, 64 bytes, for kinds of links that need two."
    )


@strawberry.input(description="A member key's secret, sealed to a device or to the recovery key.")
class BoxInput:
    """One box."""

    device: Base64Bytes = strawberry.field(description="The device's 16 raw bytes; zeros for the recovery key.")
    box: Base64Bytes = strawberry.field(description="The sealed secret, 1,168 bytes.")
    seal: int | None = strawberry.field(
        default=None,
        description="k of the device seal that it is sealed to: refused if a newer one was published. Absent for the "
        "recovery key.",
    )


def member_link(sent: MemberLinkInput, name: str) -> SignedMemberLink:
    """A member link of the input field `name`. Raises Refusal MALFORMED."""
    link = _signed(sent.body, sent.signature, name)
    if sent.cosignature is not None and len(sent.cosignature) != SIGNATURE_BYTES:
        raise Refusal(Code.MALFORMED, "A signature has 64 bytes.", ("input", name, "cosignature"))
    return SignedMemberLink(link.body, link.signature, sent.cosignature)


def signed_body(sent: SignedInput, name: str) -> Signed:
    """A signed body of the input field `name`. Raises Refusal MALFORMED."""
    return _signed(sent.body, sent.signature, name)


def _signed(body: bytes, signature: bytes, name: str) -> Signed:
    if len(body) > MAX_BODY:
        raise Refusal(Code.MALFORMED, "A signed body has at most 64 KiB.", ("input", name, "body"))
    if len(signature) != SIGNATURE_BYTES:
        raise Refusal(Code.MALFORMED, "A signature has 64 bytes.", ("input", name, "signature"))
    return Signed(body, signature)
