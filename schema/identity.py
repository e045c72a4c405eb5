"""Accounts in the roots: what may be asked before and after signing in, and what changes sessions and invites."""

from __future__ import annotations

from typing import Annotated

import strawberry

from resolvers.errors import Refusal
from resolvers.invites import create_invite, get_invite_preview, revoke_invite
from resolvers.members import get_has_owner, get_members_by_protocol_id, list_members
from resolvers.paging import page_of, position
from resolvers.passwords import get_password_parameters
from resolvers.sessions import revoke_session, sign_out
from resolvers.sign_in import SignIn, sign_in
from resolvers.sign_up import sign_up
from schema.connection import After, Before, Connection, First, Last, connection
from schema.context import Info
from schema.errors import user_errors
from schema.identity_decoding import sign_up_command
from schema.identity_inputs import (
    CreateInviteInput,
    CreateInvitePayload,
    RevokeInviteInput,
    RevokeInvitePayload,
    RevokeSessionInput,
    RevokeSessionPayload,
    SignInInput,
    SignInPayload,
    SignOutInput,
    SignOutPayload,
    SignUpInput,
    SignUpPayload,
)
from schema.invites import Invite, InvitePreview
from schema.loaders import forget
from schema.members import Device as Device
from schema.members import Member as Member
from schema.members import MemberKey as MemberKey
from schema.members import MemberLink as MemberLink
from schema.members import load_device as load_device
from schema.members import load_member as load_member
from schema.node import decode_id
from schema.scalars import Base64Bytes
from schema.viewer import Session, Viewer


@strawberry.type(description="This server, as anyone may see it.")
class Server:
    """Name, version, and whether it is set up."""

    name: str = strawberry.field(description="What its operator calls it.")
    version: str = strawberry.field(description="The version of Circle that runs here.")
    has_owner: bool = strawberry.field(description="False until someone has used the set-up link.")


@strawberry.type(description="How a client derives its keys from a password (e2ee.md sections 1 and 12).")
class PasswordParameters:
    """Argon2id's parameters. Clients refuse weaker ones than the protocol's."""

    salt: Base64Bytes = strawberry.field(description="16 bytes, always the same for a handle, taken or not.")
    memory_kib: int = strawberry.field(description="Memory in KiB.")
    iterations: int = strawberry.field(description="Passes over the memory.")
    lanes: int = strawberry.field(description="Degree of parallelism.")


@strawberry.type
class IdentityQuery:
    """The fields of `Query` about accounts."""

    @strawberry.field(description="This server. Public.")
    async def server(self, info: Info) -> Server:
        """Name, version, set up or not."""
        ctx = info.context
        return Server(name=ctx.server_name, version=ctx.server_version, has_owner=await get_has_owner(ctx))

    @strawberry.field(description="How to derive keys from the password of a handle, taken or not. Public.")
    async def password_parameters(
        self, info: Info, handle: Annotated[str, strawberry.argument(description="The handle to sign in or up with.")]
    ) -> PasswordParameters:
        """The parameters. Raises Refusal HANDLE_INVALID, RateLimited."""
        found = await get_password_parameters(info.context, handle)
        return PasswordParameters(
            salt=Base64Bytes(found.salt), memory_kib=found.memory_kib, iterations=found.iterations, lanes=found.lanes
        )

    @strawberry.field(description="An open invite by its token; null when there is none (any more). Public.")
    async def invite(
        self, info: Info, token: Annotated[Base64Bytes, strawberry.argument(description="The 16-byte token.")]
    ) -> InvitePreview | None:
        """What the token's holder may see. Raises RateLimited."""
        found = await get_invite_preview(info.context, token)
        if found is None:
            return None
        inviter = None if found.inviter is None else Member.of(found.inviter)
        return InvitePreview(role=found.role, inviter=inviter, expires_at=found.expires_at)

    @strawberry.field(description="The signed-in member; null when nobody is signed in.")
    def viewer(self, info: Info) -> Viewer | None:
        """The viewer, if any."""
        return None if info.context.viewer is None else Viewer()

    @strawberry.field(description="The members of this server, by handle.")
    async def members(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        search: Annotated[
            str | None, strawberry.argument(description="A part of handle or name, 100 characters at most.")
        ] = None,
    ) -> Connection[Member]:
        """A page of the directory."""
        found = await list_members(info.context, page_of(first, after, last, before), search or "")
        return connection(found, Member.of, lambda row: position(row.id.bytes))

    @strawberry.field(description="Members by protocol id, in the same order, 100 at most; null where there is none.")
    async def members_by_protocol_id(
        self,
        info: Info,
        protocol_ids: Annotated[list[Base64Bytes], strawberry.argument(description="16 raw bytes each, 100 at most.")],
    ) -> list[Member | None]:
        """Members by raw id. Raises Refusal INVALID beyond 100."""
        rows = await get_members_by_protocol_id(info.context, protocol_ids)
        return [None if row is None else Member.of(row) for row in rows]


@strawberry.type
class IdentityMutation:
    """The fields of `Mutation` about accounts."""

    @strawberry.mutation(
        description="Make an account with an invite, and sign in. The very same input again, when the answer was lost, "
        "gives the same account and a new session."
    )
    async def sign_up(
        self, info: Info, input: Annotated[SignUpInput, strawberry.argument(description="The account's beginning.")]
    ) -> SignUpPayload:
        """Decode, call the use case, map the result."""
        forget(info.context)
        try:
            session = await sign_up(info.context, sign_up_command(input))
        except Refusal as refusal:
            return SignUpPayload(viewer=None, token=None, errors=user_errors(refusal))
        return SignUpPayload(viewer=Viewer(), token=session.token, errors=[])

    @strawberry.mutation(description="Sign in with handle and password.")
    async def sign_in(
        self, info: Info, input: Annotated[SignInInput, strawberry.argument(description="Who signs in.")]
    ) -> SignInPayload:
        """Decode, call the use case, map the result."""
        forget(info.context)
        command = SignIn(input.handle, input.auth_key, input.device, input.session, input.label or "")
        try:
            session = await sign_in(info.context, command)
        except Refusal as refusal:
            return SignInPayload(viewer=None, token=None, errors=user_errors(refusal))
        return SignInPayload(viewer=Viewer(), token=session.token, errors=[])

    @strawberry.mutation(description="End the session that asks.")
    async def sign_out(
        self, info: Info, input: Annotated[SignOutInput, strawberry.argument(description="Nothing to say.")]
    ) -> SignOutPayload:
        """Call the use case."""
        return SignOutPayload(signed_out=await sign_out(info.context), errors=[])

    @strawberry.mutation(description="End a session of the viewer's; its open sockets are closed.")
    async def revoke_session(
        self, info: Info, input: Annotated[RevokeSessionInput, strawberry.argument(description="Which session.")]
    ) -> RevokeSessionPayload:
        """Decode, call the use case, map the result."""
        forget(info.context)
        try:
            row = await revoke_session(info.context, decode_id("Session", input.session_id))
        except Refusal as refusal:
            return RevokeSessionPayload(session=None, errors=user_errors(refusal))
        return RevokeSessionPayload(session=Session.of(row), errors=[])

    @strawberry.mutation(description="Make an invite whose token only its maker knows. For the owner and admins.")
    async def create_invite(
        self, info: Info, input: Annotated[CreateInviteInput, strawberry.argument(description="The invite.")]
    ) -> CreateInvitePayload:
        """Decode, call the use case, map the result."""
        forget(info.context)
        try:
            row = await create_invite(info.context, input.token_hash, input.expires_in_hours, input.role)
        except Refusal as refusal:
            return CreateInvitePayload(invite=None, errors=user_errors(refusal))
        return CreateInvitePayload(invite=Invite.of(row), errors=[])

    @strawberry.mutation(description="Take back an unused invite.")
    async def revoke_invite(
        self, info: Info, input: Annotated[RevokeInviteInput, strawberry.argument(description="Which invite.")]
    ) -> RevokeInvitePayload:
        """Decode, call the use case, map the result."""
        forget(info.context)
        try:
            row = await revoke_invite(info.context, decode_id("Invite", input.invite_id))
        except Refusal as refusal:
            return RevokeInvitePayload(invite=None, errors=user_errors(refusal))
        return RevokeInvitePayload(invite=Invite.of(row), errors=[])
