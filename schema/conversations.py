"""Conversations in the schema: the object, its members, and the mutations that make and change it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, cast

import strawberry

from resolvers.context import Ctx
from resolvers.conversations import (
    ChangeRoster,
    ConversationRow,
    CreateConversation,
    MemberPlace,
    change_roster,
    conversation_cursor,
    create_conversation,
    list_conversations,
    list_members_of,
    member_cursor,
)
from resolvers.errors import DueReason, NotFound, Refusal
from resolvers.kinds import ConversationType, HistoryPolicy, SpaceRole
from resolvers.paging import Slice, page_of
from resolvers.signing import due_of
from schema.connection import After, Before, Connection, First, Last, connection
from schema.context import Info
from schema.epochs import Epoch, EpochInput, load_epoch
from schema.errors import UserError, user_errors
from schema.events import EnvelopeEvent, Event, RosterEvent, event_of, load_event
from schema.inputs import SignedInput
from schema.loaders import forget, loader
from schema.markers import Marker, load_own_marker, load_receipts
from schema.members import Member, load_member
from schema.node import Node, decode_id, load_node, register_node
from schema.scalars import Base64Bytes
from schema.spaces import Account as Account
from schema.spaces import RosterLink, Space, epoch_page, event_page, fetch_spaces, load_space, roster_links, space_stub


@strawberry.type(description="A member's place in a conversation.")
class ConversationMember:
    """One entry of the roster."""

    place: strawberry.Private[MemberPlace]
    role: SpaceRole = strawberry.field(description="What the member may do here.")
    identity: Base64Bytes = strawberry.field(description="The member's ID as the roster holds it, 32 bytes.")
    joined_seq: int = strawberry.field(description="The log entry with which the present stay began.")

    @strawberry.field(description="Who it is.")
    async def member(self, info: Info) -> Member:
        """The member."""
        return await load_member(info.context, self.place.member)

    @classmethod
    def of(cls, row: MemberPlace) -> ConversationMember:
        """The GraphQL object of a row."""
        return cls(place=row, role=SpaceRole(row.role), identity=Base64Bytes(row.identity), joined_seq=row.joined_seq)


@strawberry.type(description="A conversation: its roster, its keys' epochs and its log.")
class Conversation(Space):
    """Knows its id; the row is loaded once per operation, when a field asks for it."""

    @strawberry.field(description="The kind of conversation; it never changes.")
    async def type(self, info: Info) -> ConversationType:
        """Direct, group or broadcast."""
        return ConversationType((await load_space(info.context, self.space_id)).type)

    @strawberry.field(description="When it was created.")
    async def created_at(self, info: Info) -> datetime:
        """When it was created."""
        return (await load_space(info.context, self.space_id)).created_at

    @strawberry.field(description="What the viewer may do here.")
    async def viewer_role(self, info: Info) -> SpaceRole:
        """The viewer's role."""
        return SpaceRole((await load_space(info.context, self.space_id)).role)

    @strawberry.field(
        description="How long envelopes live at most: 0 for ever, 1 an hour, 2 eight hours, 3 a day, 4 seven days, "
        "5 thirty days, 6 ninety days."
    )
    async def lifetime_class(self, info: Info) -> int:
        """The policy's lifetime class."""
        return (await load_space(info.context, self.space_id)).lifetime

    @strawberry.field(description="What a member who joins may read.")
    async def history(self, info: Info) -> HistoryPolicy:
        """The policy on history."""
        return HistoryPolicy((await load_space(info.context, self.space_id)).history)

    @strawberry.field(description="The members, in the order of their ids.")
    async def members(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[ConversationMember]:
        """A page of the roster."""
        page = page_of(first, after, last, before)
        found = await loader(info.context, "conversation members", list_members_of).load((self.space_id, page))
        return connection(cast("Slice[MemberPlace]", found), ConversationMember.of, member_cursor)

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

    @strawberry.field(description="The hash of the roster chain's newest link.")
    async def roster_hash(self, info: Info) -> Base64Bytes:
        """The roster's head."""
        return Base64Bytes((await load_space(info.context, self.space_id)).roster_hash)

    @strawberry.field(description="The newest epoch.")
    async def current_epoch(self, info: Info) -> Epoch | None:
        """The newest epoch."""
        row = await load_space(info.context, self.space_id)
        return await load_epoch(info.context, self.space_id, row.epoch)

    @strawberry.field(description="Why a new epoch must be announced before anything is sent; null when none is due.")
    async def epoch_due(self, info: Info) -> DueReason | None:
        """The reason at this moment."""
        return due_of(await load_space(info.context, self.space_id), info.context.clock())

    @strawberry.field(description="An epoch by its number; null when there is none.")
    async def epoch(
        self, info: Info, number: Annotated[int, strawberry.argument(description="The epoch's number, from 1.")]
    ) -> Epoch | None:
        """One epoch."""
        return await load_epoch(info.context, self.space_id, number)

    @strawberry.field(description="All epochs, ascending by number.")
    async def epochs(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Epoch]:
        """A page of epochs."""
        return await epoch_page(self.space_id, info, first, after, last, before)

    @strawberry.field(description="The newest sealed title and picture; null when there is none the viewer may read.")
    async def state(self, info: Info) -> EnvelopeEvent | None:
        """The newest envelope of kind 8."""
        row = await load_space(info.context, self.space_id)
        found = None if row.state_seq is None else await load_event(info.context, self.space_id, row.state_seq)
        return cast("EnvelopeEvent | None", found)

    @strawberry.field(
        description="The present members' receipts, at most one each, the viewer's own included; those that have "
        "expired are left out. Only conversations of at most 50 members take any."
    )
    async def markers(self, info: Info) -> list[Marker]:
        """All receipts."""
        return await load_receipts(info.context, self.space_id)

    @strawberry.field(description="How far the viewer has read, for the viewer's own devices; null before the first.")
    async def viewer_marker(self, info: Info) -> Marker | None:
        """The viewer's own marker."""
        return await load_own_marker(info.context, self.space_id)

    @strawberry.field(description="The log, ascending by seq, as far as the viewer may read it.")
    async def events(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Event]:
        """A page of the log."""
        return await event_page(self.space_id, info, first, after, last, before)


async def _fetch_conversations(ctx: Ctx, keys: list[bytes]) -> list[Node | None]:
    return await fetch_spaces(ctx, keys, account=False)


register_node("Conversation", _fetch_conversations)


async def conversations_of_viewer(
    info: Info, first: int | None, after: str | None, last: int | None, before: str | None
) -> Connection[Conversation]:
    """A page of the viewer's conversations, newest activity first. Raises Unauthenticated and INVALID."""

    def convert(row: ConversationRow) -> Conversation:
        return cast("Conversation", space_stub(row.space, row.type))

    found = await list_conversations(info.context, page_of(first, after, last, before))
    return connection(found, convert, conversation_cursor)


@strawberry.type
class ConversationQuery:
    """The fields of `Query` about conversations."""

    @strawberry.field(description="A conversation of the viewer's; null when there is none by that id.")
    async def conversation(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="The conversation's id.")]
    ) -> Conversation | None:
        """One conversation by id."""
        info.context.require_viewer()
        try:
            space = decode_id("Conversation", id)
        except NotFound:
            return None
        return cast("Conversation | None", await load_node(info.context, "Conversation", space))


@strawberry.input(description="What createConversation takes.")
class CreateConversationInput:
    """First link, first epoch, and optionally the sealed title."""

    link: SignedInput = strawberry.field(description="Link 0 of the roster chain, signed by the creator's device.")
    epoch: EpochInput = strawberry.field(description="Epoch 1, sealed to the whole roster.")
    state: Base64Bytes | None = strawberry.field(
        default=None, description="An envelope of kind 8 with title and picture, 97 KiB at most."
    )


@strawberry.type(description="What createConversation answers.")
class CreateConversationPayload:
    """The conversation, or why not."""

    conversation: Conversation | None = strawberry.field(description="The conversation that was made.")
    errors: list[UserError] = strawberry.field(description="Why nothing was changed; empty on success.")


@strawberry.input(description="What changeRoster takes.")
class ChangeRosterInput:
    """The next link."""

    link: SignedInput = strawberry.field(description="The next link of the roster chain; it names the conversation.")


@strawberry.type(description="What changeRoster answers.")
class ChangeRosterPayload:
    """The log's entry, or why not."""

    event: RosterEvent | None = strawberry.field(description="The entry in the conversation's log.")
    errors: list[UserError] = strawberry.field(description="Why nothing was changed; empty on success.")


@strawberry.type
class ConversationMutation:
    """The fields of `Mutation` about conversations."""

    @strawberry.mutation(description="Make a conversation: roster, first epoch and title, all or nothing.")
    async def create_conversation(
        self,
        info: Info,
        input: Annotated[CreateConversationInput, strawberry.argument(description="The conversation.")],
    ) -> CreateConversationPayload:
        """Decode, call the use case, map the result."""
        forget(info.context)
        command = CreateConversation(input.link.body, input.link.signature, input.epoch.parts(), input.state)
        try:
            row = await create_conversation(info.context, command)
        except Refusal as refusal:
            return CreateConversationPayload(conversation=None, errors=user_errors(refusal))
        return CreateConversationPayload(conversation=cast("Conversation", space_stub(row.space, row.type)), errors=[])

    @strawberry.mutation(description="Add or remove a member, change a role or the policy, or leave.")
    async def change_roster(
        self, info: Info, input: Annotated[ChangeRosterInput, strawberry.argument(description="The change.")]
    ) -> ChangeRosterPayload:
        """Decode, call the use case, map the result."""
        forget(info.context)
        try:
            entry = await change_roster(info.context, ChangeRoster(input.link.body, input.link.signature))
        except Refusal as refusal:
            return ChangeRosterPayload(event=None, errors=user_errors(refusal))
        return ChangeRosterPayload(event=cast("RosterEvent", event_of(entry)), errors=[])
