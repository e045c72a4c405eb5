"""Spaces: what conversations and the account have in common, and how references to them resolve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, cast
from uuid import UUID

import strawberry

from resolvers.context import Ctx
from resolvers.conversations import SpaceRow, get_spaces, list_roster_links_of
from resolvers.epochs import EpochRow, list_epochs_of
from resolvers.errors import DueReason, NotFound
from resolvers.events import LogEvent, list_events_of
from resolvers.kinds import SpaceType
from resolvers.paging import Slice, number_position, page_of
from resolvers.signing import due_of
from schema.connection import After, Before, Connection, First, Last, connection
from schema.context import Info
from schema.loaders import loader
from schema.node import Node, encode_id, register_node
from schema.scalars import Base64Bytes

if TYPE_CHECKING:
    from db.queries.conversations import RosterLinkRow
    from schema.epochs import Epoch
    from schema.events import Event


async def load_space(ctx: Ctx, space: UUID) -> SpaceRow:
    """The row of a space through the operation's loader. Raises NotFound when the viewer is no member of it."""
    row = await loader(ctx, "space", get_spaces).load(space)
    if row is None:
        raise NotFound
    return row


@strawberry.type(description="A link of a space's roster chain (e2ee.md section 5), as the bytes that were signed.")
class RosterLink:
    """One link."""

    number: int = strawberry.field(description="Its number in the chain, from 0.")
    body: Base64Bytes = strawberry.field(description="The link, canonical CBOR.")
    signature: Base64Bytes = strawberry.field(description="The signing device's Ed25519 signature.")

    @classmethod
    def of(cls, row: RosterLinkRow) -> RosterLink:
        """The GraphQL object of a row."""
        return cls(number=row.number, body=Base64Bytes(row.body), signature=Base64Bytes(row.signature))


@strawberry.interface(description="Something with a roster and a log: a conversation, or the member's own account.")
class Space(Node):
    """What all spaces have. Knows its id; everything else is loaded when asked for."""

    space_id: strawberry.Private[UUID]

    @strawberry.field(description="The 16 raw bytes by which signed bodies name the space.", metadata={"shared": True})
    def protocol_id(self) -> Base64Bytes:
        """The uuid's bytes."""
        return Base64Bytes(self.space_id.bytes)

    @strawberry.field(description="The number of the newest entry of the log.")
    async def head(self, info: Info) -> int:
        """The log's head."""
        return (await load_space(info.context, self.space_id)).head_seq

    @strawberry.field(description="The log's hash chain up to its head, l_head.")
    async def head_hash(self, info: Info) -> Base64Bytes:
        """The log's hash at its head."""
        return Base64Bytes((await load_space(info.context, self.space_id)).head_hash)


async def roster_links(
    space: UUID, info: Info, first: int | None, after: str | None, last: int | None, before: str | None
) -> Connection[RosterLink]:
    """A page of a space's roster chain. Raises NotFound and INVALID."""
    page = page_of(first, after, last, before)
    found = await loader(info.context, "roster links", list_roster_links_of).load((space, page))
    return connection(cast("Slice[RosterLinkRow]", found), RosterLink.of, lambda row: number_position(row.number))


async def event_page(
    space: UUID, info: Info, first: int | None, after: str | None, last: int | None, before: str | None
) -> Connection[Event]:
    """A page of a space's log, as far as the viewer may read it. Raises NotFound and INVALID."""
    from schema.events import event_of

    def position(entry: LogEvent) -> str:
        return number_position(entry.seq)

    page = page_of(first, after, last, before)
    found = await loader(info.context, "events", list_events_of).load((space, page))
    return connection(cast("Slice[LogEvent]", found), event_of, position)


async def epoch_page(
    space: UUID, info: Info, first: int | None, after: str | None, last: int | None, before: str | None
) -> Connection[Epoch]:
    """A page of a space's epochs. Raises NotFound and INVALID."""
    from schema.epochs import Epoch

    page = page_of(first, after, last, before)
    found = await loader(info.context, "epochs", list_epochs_of).load((space, page))
    return connection(cast("Slice[EpochRow]", found), Epoch.of, lambda row: number_position(row.number))


@strawberry.type(description="The member's own space: a roster of one, with the log of what belongs to the account.")
class Account(Space):
    """The viewer's account space."""

    @strawberry.field(description="The roster chain, ascending by number.")
    async def roster_links(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[RosterLink]:
        """A page of links."""
        return await roster_links(self.space_id, info, first, after, last, before)

    @strawberry.field(description="The number of the roster chain's newest link.")
    async def roster_number(self, info: Info) -> int:
        """The roster's head."""
        return (await load_space(info.context, self.space_id)).roster_n

    @strawberry.field(description="The newest epoch; null before the first.")
    async def current_epoch(self, info: Info) -> Annotated[Epoch, strawberry.lazy("schema.epochs")] | None:
        """The newest epoch."""
        from schema.epochs import load_epoch

        row = await load_space(info.context, self.space_id)
        return await load_epoch(info.context, self.space_id, row.epoch)

    @strawberry.field(description="Why a new epoch must be announced before anything is sent; null when none is due.")
    async def epoch_due(self, info: Info) -> DueReason | None:
        """The reason at this moment."""
        return due_of(await load_space(info.context, self.space_id), info.context.clock())

    @strawberry.field(description="An epoch by its number; null when there is none.")
    async def epoch(
        self, info: Info, number: Annotated[int, strawberry.argument(description="The epoch's number, from 1.")]
    ) -> Annotated[Epoch, strawberry.lazy("schema.epochs")] | None:
        """One epoch."""
        from schema.epochs import load_epoch

        return await load_epoch(info.context, self.space_id, number)

    @strawberry.field(description="All epochs, ascending by number.")
    async def epochs(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Annotated[Epoch, strawberry.lazy("schema.epochs")]]:
        """A page of epochs."""
        return await epoch_page(self.space_id, info, first, after, last, before)

    @strawberry.field(description="The log, ascending by seq.")
    async def events(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Annotated[Event, strawberry.lazy("schema.events")]]:
        """A page of the log."""
        return await event_page(self.space_id, info, first, after, last, before)


def space_stub(space: UUID, kind: int) -> Space:
    """The GraphQL object of a space that is known to exist, without any query."""
    if kind == SpaceType.ACCOUNT:
        return Account(id=encode_id("Account", space), space_id=space)
    from schema.conversations import Conversation

    return Conversation(id=encode_id("Conversation", space), space_id=space)


async def _fetch_accounts(ctx: Ctx, keys: list[bytes]) -> list[Node | None]:
    return await fetch_spaces(ctx, keys, account=True)


async def fetch_spaces(ctx: Ctx, keys: list[bytes], *, account: bool) -> list[Node | None]:
    """Spaces of one sort by raw ids, in order; None where the viewer has none."""
    rows = await loader(ctx, "space", get_spaces).load_many([UUID(bytes=key) for key in keys if len(key) == 16])
    found = {row.id.bytes: row for row in rows if row is not None and (row.type == SpaceType.ACCOUNT) == account}
    return [cast("Node", space_stub(found[key].id, found[key].type)) if key in found else None for key in keys]


register_node("Account", _fetch_accounts)
