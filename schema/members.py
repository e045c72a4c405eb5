"""Members as others see them: profile, member chain, key, devices."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, cast
from uuid import UUID

import strawberry

from resolvers.context import Ctx
from resolvers.identity_kinds import ServerRole
from resolvers.members import (
    DeviceRow,
    LinkRow,
    MemberKeyRow,
    MemberRow,
    get_chain_pages,
    get_devices,
    get_devices_of,
    get_keys,
    get_members,
)
from resolvers.paging import number_position, page_of
from resolvers.rotation import get_key_pages
from schema.connection import After, Before, Connection, First, Last, connection
from schema.context import Info
from schema.enums import describe
from schema.loaders import loader
from schema.node import Node, encode_id, load_node, register_node
from schema.scalars import Base64Bytes

if TYPE_CHECKING:
    from schema.presence import Presence

describe(
    ServerRole,
    "ServerRole",
    "What a member may do on the server.",
    {
        ServerRole.OWNER: "Runs the server: everything an admin may, and appoints admins.",
        ServerRole.ADMIN: "Invites members.",
        ServerRole.MEMBER: "Takes part.",
    },
)


@strawberry.type(description="A link of a member chain (e2ee.md section 4), as the bytes that were signed.")
class MemberLink:
    """One link."""

    number: int = strawberry.field(description="Its number in the chain, from 0.")
    body: Base64Bytes = strawberry.field(description="The link, canonical CBOR.")
    signature: Base64Bytes = strawberry.field(description="Ed25519 by the signing device or the recovery key.")
    cosignature: Base64Bytes | None = strawberry.field(description="The second signature where the kind asks for one.")


@strawberry.type(description="A generation of a member's key (e2ee.md section 4).")
class MemberKey:
    """One member key."""

    generation: int = strawberry.field(description="Counts rotations, from 1.")
    body: Base64Bytes = strawberry.field(description="The member key, canonical CBOR.")
    signature: Base64Bytes = strawberry.field(description="Ed25519 by an active device.")
    created_at: datetime = strawberry.field(description="When the server accepted it.")

    @classmethod
    def of(cls, row: MemberKeyRow) -> MemberKey:
        """The GraphQL object of a row."""
        return cls(
            generation=row.generation,
            body=Base64Bytes(row.body),
            signature=Base64Bytes(row.signature),
            created_at=row.created_at,
        )


@strawberry.type(description="A device that holds a member's keys, or did until it was revoked.")
class Device(Node):
    """One device."""

    protocol_id: Base64Bytes = strawberry.field(description="The 16 raw bytes by which signed bodies name it.")
    name: str = strawberry.field(description="What its owner calls it.")
    platform: str | None = strawberry.field(description="What it runs on, as it said when it came in.")
    created_at: datetime = strawberry.field(description="When it was added.")
    last_seen_at: datetime | None = strawberry.field(description="About when it was last signed in; null if never.")
    seal: Base64Bytes = strawberry.field(description="Its newest device seal, canonical CBOR.")
    seal_signature: Base64Bytes = strawberry.field(description="Ed25519 by the device.")
    is_active: bool = strawberry.field(description="False once it was revoked, or ended by a reset.")

    @classmethod
    def of(cls, row: DeviceRow) -> Device:
        """The GraphQL object of a row."""
        return cls(
            id=encode_id("Device", row.id),
            protocol_id=Base64Bytes(row.id.bytes),
            name=row.name,
            platform=row.platform,
            created_at=row.created_at,
            last_seen_at=row.last_seen_at,
            seal=Base64Bytes(row.seal),
            seal_signature=Base64Bytes(row.seal_signature),
            is_active=row.active,
        )


@strawberry.type(description="A member of this server.")
class Member(Node):
    """One member. Handle, name and protocol id are public to holders of an invite, the rest to members."""

    row: strawberry.Private[MemberRow]
    protocol_id: Base64Bytes = strawberry.field(description="The 16 raw bytes by which signed bodies name the member.")
    handle: str = strawberry.field(description="The unique name to sign in with and to be found by.")
    display_name: str = strawberry.field(description="The name that people read.")

    @classmethod
    def of(cls, row: MemberRow) -> Member:
        """The GraphQL object of a row."""
        return cls(
            id=encode_id("Member", row.id),
            row=row,
            protocol_id=Base64Bytes(row.id.bytes),
            handle=row.handle,
            display_name=row.display_name,
        )

    @strawberry.field(description="What the member may do on the server.")
    def role(self, info: Info) -> ServerRole:
        """For members alone."""
        info.context.require_viewer()
        return ServerRole(self.row.role)

    @strawberry.field(description="When the member signed up.")
    def created_at(self, info: Info) -> datetime:
        """For members alone."""
        info.context.require_viewer()
        return self.row.created_at

    @strawberry.field(description="The member chain, ascending by number.")
    async def chain(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[MemberLink]:
        """A page of links."""
        page = page_of(first, after, last, before)
        found = await loader(info.context, "member-chain", get_chain_pages).load((self.row.id, page))
        return connection(found, _link, lambda row: number_position(row.number))

    @strawberry.field(description="The newest generation of the member's key.")
    async def key(self, info: Info) -> MemberKey:
        """The newest key, through the operation's loader."""
        return MemberKey.of(await loader(info.context, "member-key", get_keys).load(self.row.id))

    @strawberry.field(description="All generations of the member's key, ascending.")
    async def keys(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[MemberKey]:
        """A page of keys."""
        page = page_of(first, after, last, before)
        found = await loader(info.context, "member-keys", get_key_pages).load((self.row.id, page))
        return connection(found, MemberKey.of, lambda row: number_position(row.generation))

    @strawberry.field(description="The active devices, 20 at most.")
    async def devices(self, info: Info) -> list[Device]:
        """Active devices, through the operation's loader."""
        rows = await loader(info.context, "member-devices", get_devices_of).load(self.row.id)
        return [Device.of(row) for row in rows]

    @strawberry.field(description="Whether the member is there, as far as the viewer is shown it.")
    async def presence(self, info: Info) -> Annotated[Presence, strawberry.lazy("schema.presence")] | None:
        """The presence at this moment."""
        from schema.presence import load_presence

        return await load_presence(info, self.row.id)


def _link(row: LinkRow) -> MemberLink:
    cosignature = None if row.cosignature is None else Base64Bytes(row.cosignature)
    return MemberLink(
        number=row.number, body=Base64Bytes(row.body), signature=Base64Bytes(row.signature), cosignature=cosignature
    )


async def fetch_members(ctx: Ctx, keys: list[bytes]) -> Sequence[Member | None]:
    """Members by raw ids, in order; None where there is none."""
    rows = await get_members(ctx, [UUID(bytes=key) for key in keys if len(key) == 16])
    return [Member.of(rows[key]) if key in rows else None for key in keys]


async def fetch_devices(ctx: Ctx, keys: list[bytes]) -> Sequence[Device | None]:
    """Devices by raw ids, active or not, in order; None where there is none."""
    rows = await get_devices(ctx, [UUID(bytes=key) for key in keys if len(key) == 16])
    return [Device.of(rows[key]) if key in rows else None for key in keys]


register_node("Member", fetch_members)
register_node("Device", fetch_devices)


async def load_member(ctx: Ctx, member: UUID) -> Member:
    """A member that stored rows refer to, through the operation's loader. Never missing: members are not deleted."""
    return cast("Member", await load_node(ctx, "Member", member))


async def load_members(ctx: Ctx, members: Sequence[UUID]) -> list[Member]:
    """Several of them at once."""
    return list(await asyncio.gather(*(load_member(ctx, member) for member in members)))


async def load_device(ctx: Ctx, device: UUID | None) -> Device | None:
    """An active device, None for none and for one that was revoked."""
    found = None if device is None else cast("Device | None", await load_node(ctx, "Device", device))
    return found if found is not None and found.is_active else None
