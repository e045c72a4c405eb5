"""What a signed-in member sees of the own account: session, device, box, sessions, invites."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, cast
from uuid import UUID

import strawberry

from resolvers.context import Ctx
from resolvers.devices import get_recovery_box
from resolvers.identity_kinds import SessionKind
from resolvers.invites import list_invites
from resolvers.members import BoxRow, get_account_space, get_box
from resolvers.paging import page_of, position
from resolvers.sessions import SessionRow, get_sessions, list_sessions
from schema.connection import After, Before, Connection, First, Last, connection
from schema.context import Info
from schema.devices import DeviceViewer
from schema.enums import describe
from schema.invites import Invite
from schema.members import Device, Member, load_device, load_member
from schema.node import Node, encode_id, load_node, register_node
from schema.privacy import PrivacyViewer
from schema.rotation import RotationViewer
from schema.scalars import Base64Bytes

if TYPE_CHECKING:
    from schema.conversations import Account, Conversation

describe(
    SessionKind,
    "SessionKind",
    "How a session's token travels.",
    {
        SessionKind.COOKIE: "In an HttpOnly cookie, for browsers.",
        SessionKind.BEARER: "In the header `Authorization: Bearer <token>`, for programs.",
    },
)


@strawberry.type(description="The newest generation of the viewer's key, sealed to one device.")
class KeyBox:
    """One box."""

    row: strawberry.Private[BoxRow]
    holder: strawberry.Private[UUID]
    generation: int = strawberry.field(description="The generation of the member key inside.")
    box: Base64Bytes = strawberry.field(description="The sealed key (label member-box of e2ee.md section 2).")

    @strawberry.field(description="The device that can open it; null when it is no longer active.")
    async def device(self, info: Info) -> Device | None:
        """The device."""
        return await load_device(info.context, self.holder)


@strawberry.type(description="A client that is signed in. Its token is shown when it is made and never again.")
class Session(Node):
    """One session of the viewer."""

    row: strawberry.Private[SessionRow]
    label: str = strawberry.field(description="What the client called itself; may be empty.")
    created_at: datetime = strawberry.field(description="When it signed in.")
    last_seen_at: datetime = strawberry.field(description="When it was last used, to the hour.")
    expires_at: datetime = strawberry.field(description="When it ends unless it is used before.")

    @classmethod
    def of(cls, row: SessionRow) -> Session:
        """The GraphQL object of a row."""
        return cls(
            id=encode_id("Session", row.id),
            row=row,
            label=row.label,
            created_at=row.created_at,
            last_seen_at=row.last_seen_at,
            expires_at=row.expires_at,
        )

    @strawberry.field(description="How its token travels.")
    def kind(self) -> SessionKind:
        """The kind by its name."""
        return SessionKind(self.row.kind)

    @strawberry.field(description="The device whose keys it holds; null without keys and for a revoked device.")
    async def device(self, info: Info) -> Device | None:
        """The device."""
        return await load_device(info.context, self.row.device)

    @strawberry.field(description="Whether it is the session that asks.")
    def is_current(self, info: Info) -> bool:
        """Compared with the viewer's session."""
        viewer = info.context.viewer
        return viewer is not None and viewer.session == self.row.id


@strawberry.type(description="The signed-in member's own account.")
class Viewer(DeviceViewer, RotationViewer, PrivacyViewer):
    """The root of what is the viewer's alone."""

    @strawberry.field(description="The viewer as a member.")
    async def member(self, info: Info) -> Member:
        """The member."""
        return await load_member(info.context, info.context.require_viewer().member)

    @strawberry.field(description="The session that asks.")
    async def session(self, info: Info) -> Session:
        """The session."""
        return cast("Session", await load_node(info.context, "Session", info.context.require_viewer().session))

    @strawberry.field(description="The device whose keys this session holds; null when it named none.")
    async def device(self, info: Info) -> Device | None:
        """The device."""
        return await load_device(info.context, info.context.require_viewer().device)

    @strawberry.field(description="The viewer's own space.")
    async def account(self, info: Info) -> Annotated[Account, strawberry.lazy("schema.conversations")]:
        """The account space."""
        space = await get_account_space(info.context)
        return cast("Account", await load_node(info.context, "Account", space))

    @strawberry.field(description="The newest box of the viewer's key for this session's device.")
    async def key_box(self, info: Info) -> KeyBox | None:
        """The box, null when the session has no device."""
        row, viewer = await get_box(info.context), info.context.require_viewer()
        if row is None or viewer.device is None:
            return None
        return KeyBox(row=row, holder=viewer.device, generation=row.generation, box=Base64Bytes(row.box))

    @strawberry.field(description="The newest box of the viewer's key for the recovery key; its device is null.")
    async def recovery_box(self, info: Info) -> KeyBox | None:
        """The box."""
        row = await get_recovery_box(info.context)
        if row is None:
            return None
        return KeyBox(row=row, holder=UUID(int=0), generation=row.generation, box=Base64Bytes(row.box))

    @strawberry.field(description="The viewer's living sessions, newest first.")
    async def sessions(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Session]:
        """A page of sessions."""
        found = await list_sessions(info.context, page_of(first, after, last, before))
        return connection(found, Session.of, lambda row: position(row.id.bytes))

    @strawberry.field(description="The invites that the viewer made, newest first.")
    async def invites(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Invite]:
        """A page of invites."""
        found = await list_invites(info.context, page_of(first, after, last, before))
        return connection(found, Invite.of, lambda row: position(row.id.bytes))

    @strawberry.field(description="The viewer's conversations, newest activity first.")
    async def conversations(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Annotated[Conversation, strawberry.lazy("schema.conversations")]]:
        """A page of conversations."""
        from schema.conversations import conversations_of_viewer

        return await conversations_of_viewer(info, first, after, last, before)


async def fetch_sessions(ctx: Ctx, keys: list[bytes]) -> Sequence[Session | None]:
    """The viewer's sessions by raw ids, in order; None where there is none."""
    rows = await get_sessions(ctx, [UUID(bytes=key) for key in keys if len(key) == 16])
    return [Session.of(rows[key]) if key in rows else None for key in keys]


register_node("Session", fetch_sessions)
