"""Rotations of a member's key, with or without a link of kind 2, 3 or 4 (e2ee.md sections 4 and 8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from db.queries import rotation as queries
from db.queries.identity import MemberKeyRow as MemberKeyRow
from db.queries.rotation import ArchiveRow as ArchiveRow
from db.queries.rotation import Branch as Branch
from db.queries.rotation import SealedEpoch as SealedEpoch
from db.queries.rotation import WrapRow as WrapRow
from resolvers.context import Ctx
from resolvers.paging import Page, Slice, bounds, slice_of
from resolvers.protocol import Signed, SignedMemberLink
from resolvers.reading import reading

MAX_WRAPS = 20_000
MAX_BOXES = 21


@dataclass(frozen=True, slots=True)
class RotateMemberKey:
    """A rotation as sent. `link`: device.revoke, recovery or identity.reset; `device_seal`, `device_name` with the
    reset alone; `boxes`: (device or Z16, box)."""

    link: SignedMemberLink | None
    device_seal: Signed | None
    device_name: str | None
    member_key: Signed
    boxes: tuple[tuple[bytes, bytes], ...]
    archive: bytes | None
    wraps: Mapping[Branch, bytes]


async def rotate_member_key(ctx: Ctx, command: RotateMemberKey) -> MemberKeyRow:
    raise NotImplementedError


async def get_key_pages(ctx: Ctx, places: list[tuple[UUID, Page]]) -> list[Slice[MemberKeyRow]]:
    """Pages of members' keys, ascending by generation, in the order asked; one query for each different page.

    Raises Unauthenticated, Refusal INVALID for a broken cursor.
    """
    found: dict[tuple[UUID, Page], Slice[MemberKeyRow]] = {}
    async with reading(ctx) as tx:
        for page in dict.fromkeys(page for _, page in places):
            above, below = bounds(page)
            members = [member for member, asked in places if asked == page]
            rows = await queries.key_pages(tx, members, above, below, page.limit + 1, backward=page.backward)
            found |= {(member, page): slice_of(page, keys) for member, keys in rows.items()}
    return [found[place] for place in places]


async def get_sealed_epochs(ctx: Ctx, places: list[tuple[UUID, int]]) -> list[SealedEpoch | None]:
    raise NotImplementedError


async def list_wraps(ctx: Ctx, page: Page) -> Slice[WrapRow]:
    raise NotImplementedError


async def list_archive(ctx: Ctx, page: Page) -> Slice[ArchiveRow]:
    raise NotImplementedError


async def list_required(ctx: Ctx, page: Page) -> Slice[Branch]:
    raise NotImplementedError


def branch_cursor(branch: Branch) -> str:
    """The position of a branch in a list of branches."""
    from resolvers.paging import position

    space, epoch, b = branch
    return position(space.bytes + epoch.to_bytes(8, "big") + bytes([b]))
