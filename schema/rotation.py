"""Rotations in the schema: a member's new key, and what it carries over (e2ee.md section 8)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import strawberry

from resolvers.errors import Code, Refusal
from resolvers.paging import number_position, page_of
from resolvers.rotation import (
    MAX_BOXES,
    MAX_GRANTS,
    MAX_WRAPS,
    ArchiveRow,
    Branch,
    RotateMemberKey,
    WrapRow,
    branch_cursor,
    get_sealed_epochs,
    list_archive,
    list_required,
    list_wraps,
    rotate_member_key,
)
from schema.connection import After, Before, Connection, First, Last, connection
from schema.context import Info
from schema.errors import UserError, user_errors
from schema.inputs import BoxInput, MemberLinkInput, SignedInput, member_link, signed_body
from schema.loaders import forget, loader
from schema.members import MemberKey
from schema.node import decode_id
from schema.scalars import Base64Bytes

_SPACE = "The 16 raw bytes by which signed bodies name the space."
_BRANCH = "The lifetime class b, 0 to 6."


@strawberry.type(description="A branch of an epoch, wrapped under the viewer's archive key (b = 0) or member key.")
class Wrap:
    """One wrap."""

    space: Base64Bytes = strawberry.field(description=_SPACE)
    epoch: int = strawberry.field(description="The epoch's number.")
    branch: int = strawberry.field(description=_BRANCH)
    generation: int = strawberry.field(description="The generation of the key that it is wrapped under.")
    wrap: Base64Bytes = strawberry.field(description="The wrap (label rewrap of e2ee.md section 2).")

    @classmethod
    def of(cls, row: WrapRow) -> Wrap:
        """The GraphQL object of a row."""
        return cls(
            space=Base64Bytes(row.space.bytes), epoch=row.epoch, branch=row.branch, generation=row.generation,
            wrap=Base64Bytes(row.wrap),
        )  # fmt: skip


@strawberry.type(description="The viewer's archive key of one generation, wrapped under that of the next.")
class ArchiveWrap:
    """One wrap of the archive."""

    generation: int = strawberry.field(description="The generation of the archive key inside.")
    wrap: Base64Bytes = strawberry.field(description="The wrap (label rewrap of e2ee.md section 2).")

    @classmethod
    def of(cls, row: ArchiveRow) -> ArchiveWrap:
        """The GraphQL object of a row."""
        return cls(generation=row.generation, wrap=Base64Bytes(row.wrap))


@strawberry.type(description="A branch of an epoch that a rotation must wrap.")
class MissingWrap:
    """One branch."""

    space_id: strawberry.Private[UUID]
    space: Base64Bytes = strawberry.field(description=_SPACE)
    epoch: int = strawberry.field(description="The epoch's number.")
    branch: int = strawberry.field(description=_BRANCH)

    @classmethod
    def of(cls, branch: Branch) -> MissingWrap:
        """The GraphQL object of a branch."""
        return cls(space_id=branch[0], space=Base64Bytes(branch[0].bytes), epoch=branch[1], branch=branch[2])

    @strawberry.field(description="The epoch's announcement, canonical CBOR, also of a space that the viewer has left.")
    async def announcement(self, info: Info) -> Base64Bytes | None:
        """Null where the epoch is out of the viewer's sight."""
        row = await loader(info.context, "sealed-epoch", get_sealed_epochs).load((self.space_id, self.epoch))
        return None if row is None else Base64Bytes(row.announcement)

    @strawberry.field(description="The viewer's own seal of the epoch; null once it was wrapped.")
    async def seal(self, info: Info) -> Base64Bytes | None:
        """The seal."""
        row = await loader(info.context, "sealed-epoch", get_sealed_epochs).load((self.space_id, self.epoch))
        return None if row is None or row.seal is None else Base64Bytes(row.seal)


@strawberry.input(description="A branch of an epoch under the new keys.")
class WrapInput:
    """One wrap."""

    space: Base64Bytes = strawberry.field(description="The space's 16 raw bytes.")
    epoch: int = strawberry.field(description="The epoch's number.")
    branch: int = strawberry.field(description=_BRANCH)
    wrap: Base64Bytes = strawberry.field(
        description="B_b under the new archive key for b = 0, under the new member key for b > 0; 48 bytes."
    )


@strawberry.input(description="What rotateMemberKey takes: the next generation of the viewer's key, in one piece.")
class RotateMemberKeyInput:
    """A rotation, alone or with the link that asks for it."""

    link: MemberLinkInput | None = strawberry.field(
        default=None,
        description="One of device.revoke, recovery, identity.reset; absent for a scheduled rotation.",
    )
    device_seal: SignedInput | None = strawberry.field(
        default=None, description="The new device's seal; with identity.reset alone."
    )
    device_name: str | None = strawberry.field(
        default=None, description="What to call the new device, 1 to 120 characters; with identity.reset alone."
    )
    platform: str | None = strawberry.field(
        default=None,
        description="What the device runs on, such as 'Chromium on Linux', 120 characters at most; with a reset alone.",
    )
    member_key: SignedInput = strawberry.field(
        description="The member key of generation g + 1, on the chain's head after `link`."
    )
    boxes: list[BoxInput] = strawberry.field(
        description="One for every active device whose seal is at most 45 days old, and one for the recovery key; "
        "21 at most."
    )
    archive: Base64Bytes | None = strawberry.field(
        default=None, description="AK_g under AK_(g+1), 48 bytes; absent with identity.reset."
    )
    wraps: list[WrapInput] = strawberry.field(
        description="What Viewer.rotationRequires names, and what grants gave; 20,000 at most."
    )
    grants: list[strawberry.ID] | None = strawberry.field(
        default=None,
        description="The grants that were looked at, 10,000 at most: refused if there are others, for they go with the "
        "old key. Left out: not checked.",
    )


@strawberry.type(description="What rotateMemberKey answers.")
class RotateMemberKeyPayload:
    """The new key, or why not."""

    key: MemberKey | None = strawberry.field(description="The member key that was accepted; null on failure.")
    errors: list[UserError] = strawberry.field(description="Why nothing was changed; empty on success.")


def rotate_command(sent: RotateMemberKeyInput) -> RotateMemberKey:
    """The command of an input. Raises Refusal MALFORMED for what is too large, doubled, or no branch."""
    if len(sent.boxes) > MAX_BOXES:
        raise Refusal(Code.MALFORMED, f"Send at most {MAX_BOXES} boxes.", ("input", "boxes"))
    if len(sent.wraps) > MAX_WRAPS:
        raise Refusal(Code.MALFORMED, f"Send at most {MAX_WRAPS:,} wraps.", ("input", "wraps"))
    if sent.grants is not None and len(sent.grants) > MAX_GRANTS:
        raise Refusal(Code.MALFORMED, f"Name at most {MAX_GRANTS:,} grants.", ("input", "grants"))
    wraps: dict[Branch, bytes] = {}
    for wrap in sent.wraps:
        if len(wrap.space) != 16 or wrap.epoch < 1 or not 0 <= wrap.branch <= 6:
            raise Refusal(Code.MALFORMED, "A wrap names no branch of an epoch.", ("input", "wraps"))
        wraps[UUID(bytes=wrap.space), wrap.epoch, wrap.branch] = wrap.wrap
    if len(wraps) != len(sent.wraps):
        raise Refusal(Code.MALFORMED, "A branch is wrapped twice.", ("input", "wraps"))
    return RotateMemberKey(
        link=None if sent.link is None else member_link(sent.link, "link"),
        device_seal=None if sent.device_seal is None else signed_body(sent.device_seal, "deviceSeal"),
        device_name=sent.device_name,
        platform=sent.platform,
        member_key=signed_body(sent.member_key, "memberKey"),
        boxes=tuple((bytes(box.device), bytes(box.box)) for box in sent.boxes),
        seals={bytes(box.device): box.seal for box in sent.boxes if box.seal is not None},
        archive=sent.archive,
        wraps=wraps,
        grants=None if sent.grants is None else frozenset(decode_id("Grant", grant) for grant in sent.grants),
    )


@strawberry.type
class RotationViewer:
    """The fields of `Viewer` about what the own key opens."""

    @strawberry.field(description="The branches wrapped at rotations, by space, epoch and branch.")
    async def wraps(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Wrap]:
        """A page of wraps."""
        found = await list_wraps(info.context, page_of(first, after, last, before))
        return connection(found, Wrap.of, lambda row: branch_cursor((row.space, row.epoch, row.branch)))

    @strawberry.field(description="The archive keys of older generations, ascending.")
    async def archive(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[ArchiveWrap]:
        """A page of the archive."""
        found = await list_archive(info.context, page_of(first, after, last, before))
        return connection(found, ArchiveWrap.of, lambda row: number_position(row.generation))

    @strawberry.field(description="What a rotation made now must wrap, by space, epoch and branch.")
    async def rotation_requires(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[MissingWrap]:
        """A page of branches."""
        found = await list_required(info.context, page_of(first, after, last, before))
        return connection(found, MissingWrap.of, branch_cursor)


@strawberry.type
class RotationMutation:
    """The fields of `Mutation` about the member's own key."""

    @strawberry.mutation(
        description="Replace the viewer's key by its next generation, and with it, where `link` says so, revoke a "
        "device, replace the recovery key, or reset the identity. The same member key again gives the first result."
    )
    async def rotate_member_key(
        self, info: Info, input: Annotated[RotateMemberKeyInput, strawberry.argument(description="The rotation.")]
    ) -> RotateMemberKeyPayload:
        """Decode, call the use case, map the result."""
        forget(info.context)
        try:
            row = await rotate_member_key(info.context, rotate_command(input))
        except Refusal as refusal:
            return RotateMemberKeyPayload(key=None, errors=user_errors(refusal))
        return RotateMemberKeyPayload(key=MemberKey.of(row), errors=[])
