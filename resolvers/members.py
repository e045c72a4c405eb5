"""Reading members: the directory, chains, keys, devices, the viewer's own box."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from uuid import UUID

from db.queries import identity as queries
from db.queries.identity import BoxRow as BoxRow
from db.queries.identity import DeviceRow as DeviceRow
from db.queries.identity import LinkRow as LinkRow
from db.queries.identity import MemberKeyRow as MemberKeyRow
from db.queries.identity import MemberRow as MemberRow
from db.uow import UnitOfWork
from resolvers.context import Ctx
from resolvers.errors import Code, Refusal
from resolvers.paging import Page, Slice, bounds, key_at, slice_of
from resolvers.reading import reading

MAX_SEARCH = 100
MAX_PROTOCOL_IDS = 100


async def get_members(ctx: Ctx, ids: Sequence[UUID]) -> dict[bytes, MemberRow]:
    """Members by raw id; whoever has no account sees none. Raises Unauthenticated."""
    async with reading(ctx) as tx:
        return {row.id.bytes: row for row in await queries.members_by_id(tx, ids)}


async def get_member(ctx: Ctx, member: UUID) -> MemberRow:
    """One member that is known to exist. Raises Unauthenticated."""
    return (await get_members(ctx, [member]))[member.bytes]


async def list_members(ctx: Ctx, page: Page, search: str) -> Slice[MemberRow]:
    """The directory by handle; `search` is looked for in handles and names. Raises Unauthenticated, Refusal INVALID."""
    ctx.require_viewer()
    if len(search) > MAX_SEARCH or not search.isprintable():
        raise Refusal(Code.INVALID, f"Search for at most {MAX_SEARCH} printable characters.", ("search",))
    text = unicodedata.normalize("NFKC", search).strip().lower()
    async with reading(ctx) as tx:
        rows = await queries.find_members(
            tx, text, cursor_id(page.after), cursor_id(page.before), page.limit + 1, backward=page.backward
        )
    return slice_of(page, rows)


async def get_members_by_protocol_id(ctx: Ctx, ids: Sequence[bytes]) -> list[MemberRow | None]:
    """Members in the order asked, None where there is none. Raises Unauthenticated, Refusal INVALID."""
    if len(ids) > MAX_PROTOCOL_IDS:
        raise Refusal(Code.INVALID, f"Ask for at most {MAX_PROTOCOL_IDS} members at a time.", ("protocolIds",))
    found = await get_members(ctx, [UUID(bytes=raw) for raw in ids if len(raw) == 16])
    return [found.get(raw) for raw in ids]


async def get_chain_pages(ctx: Ctx, places: list[tuple[UUID, Page]]) -> list[Slice[LinkRow]]:
    """Pages of members' chains, ascending by number, in the order asked; one query for each different page.

    Raises Unauthenticated, Refusal INVALID for a broken cursor.
    """
    found: dict[tuple[UUID, Page], Slice[LinkRow]] = {}
    async with reading(ctx) as tx:
        for page in dict.fromkeys(page for _, page in places):
            above, below = bounds(page)
            members = [member for member, asked in places if asked == page]
            rows = await queries.chain_links(tx, members, above, below, page.limit + 1, backward=page.backward)
            found |= {(member, page): slice_of(page, links) for member, links in rows.items()}
    return [found[place] for place in places]


async def get_keys(ctx: Ctx, members: list[UUID]) -> Sequence[MemberKeyRow]:
    """The newest key of each member, in order. Raises Unauthenticated."""
    async with reading(ctx) as tx:
        found = {row.member: row for row in await queries.newest_keys(tx, members)}
    return [found[member] for member in members]


async def get_devices_of(ctx: Ctx, members: list[UUID]) -> Sequence[list[DeviceRow]]:
    """The active devices of each member, in order. Raises Unauthenticated."""
    async with reading(ctx) as tx:
        rows = await queries.devices_of(tx, members)
    return [[row for row in rows if row.member == member] for member in members]


async def get_devices(ctx: Ctx, ids: Sequence[UUID]) -> dict[bytes, DeviceRow]:
    """Active devices by raw id. Raises Unauthenticated."""
    async with reading(ctx) as tx:
        return {row.id.bytes: row for row in await queries.devices_by_id(tx, ids)}


async def get_box(ctx: Ctx) -> BoxRow | None:
    """The newest box of the viewer's key for the session's device; None without device. Raises Unauthenticated."""
    viewer = ctx.require_viewer()
    if viewer.device is None:
        return None
    async with reading(ctx) as tx:
        return await queries.newest_box(tx, viewer.member, viewer.device)


async def get_account_space(ctx: Ctx) -> UUID:
    """The viewer's account space. Raises Unauthenticated."""
    viewer = ctx.require_viewer()
    async with reading(ctx) as tx:
        space = await queries.account_space(tx, viewer.member)
    if space is None:
        raise LookupError("a member without an account space")
    return space


async def get_has_owner(ctx: Ctx) -> bool:
    """Whether the server has an owner; public."""
    async with ctx.uow.auth() as tx:
        return await queries.has_owner(tx)


def cursor_id(cursor: str | None) -> UUID | None:
    """The id behind a cursor of a list whose cursors name rows. Raises Refusal INVALID."""
    return None if cursor is None else UUID(bytes=key_at(cursor, 16))


async def is_ready(uow: UnitOfWork) -> bool:
    """Whether the database answers; raises what it raises when it does not."""
    async with uow.auth() as tx:
        await queries.has_owner(tx)
    return True
