"""Inputs that several features take."""

from __future__ import annotations

import strawberry

from schema.scalars import Base64Bytes


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
