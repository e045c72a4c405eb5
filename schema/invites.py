"""Invites, as their maker and as their holder see them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import strawberry

from resolvers.context import Ctx
from resolvers.identity_kinds import ServerRole
from resolvers.invites import InviteRow, get_invites
from schema.context import Info
from schema.members import Member, load_member
from schema.node import Node, encode_id, register_node
from schema.scalars import Base64Bytes


@strawberry.type(description="What the holder of an invite's token may see before signing up.")
class InvitePreview:
    """The public side of an open invite."""

    role: ServerRole = strawberry.field(description="The role of whoever uses it.")
    inviter: Member | None = strawberry.field(
        description="Who invites: handle, name and protocol id alone. Null for a set-up or command-line invite."
    )
    expires_at: datetime = strawberry.field(description="Until when it can be used.")


@strawberry.type(description="A single-use invite that the viewer made.")
class Invite(Node):
    """The maker's side of an invite."""

    row: strawberry.Private[InviteRow]
    role: ServerRole = strawberry.field(description="The role of whoever uses it.")
    created_at: datetime = strawberry.field(description="When it was made.")
    expires_at: datetime = strawberry.field(description="Until when it can be used.")
    used_at: datetime | None = strawberry.field(description="When it was used; null if it was not.")
    mac: Base64Bytes | None = strawberry.field(
        description="What the newcomer sent to prove knowing the link's secret (e2ee.md section 12); check it."
    )
    revoked_at: datetime | None = strawberry.field(description="When it was taken back; null if it was not.")
    token_hash: Base64Bytes = strawberry.field(description="SHA-256 of its token, by which its maker knows it.")

    @classmethod
    def of(cls, row: InviteRow) -> Invite:
        """The GraphQL object of a row."""
        return cls(
            id=encode_id("Invite", row.id),
            row=row,
            role=ServerRole(row.role),
            created_at=row.created_at,
            expires_at=row.expires_at,
            used_at=row.used_at,
            mac=None if row.mac is None else Base64Bytes(row.mac),
            revoked_at=row.revoked_at,
            token_hash=Base64Bytes(row.token_hash),
        )

    @strawberry.field(description="Who used it; null if nobody did.")
    async def used_by(self, info: Info) -> Member | None:
        """The newcomer."""
        return None if self.row.used_by is None else await load_member(info.context, self.row.used_by)


async def fetch_invites(ctx: Ctx, keys: list[bytes]) -> Sequence[Invite | None]:
    """The viewer's invites by raw ids, in order; None where there is none."""
    rows = await get_invites(ctx, [UUID(bytes=key) for key in keys if len(key) == 16])
    return [Invite.of(rows[key]) if key in rows else None for key in keys]


register_node("Invite", fetch_invites)
