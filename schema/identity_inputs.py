"""Inputs and payloads of the mutations on accounts."""

from __future__ import annotations

import strawberry

from resolvers.identity_kinds import ServerRole, SessionKind
from schema.errors import UserError
from schema.inputs import BoxInput, MemberLinkInput, SignedInput
from schema.invites import Invite
from schema.scalars import Base64Bytes
from schema.viewer import Session, Viewer

_ERRORS = "Why nothing was changed; empty on success."
_TOKEN = "The session's token, shown this once; null for a cookie and on failure."  # noqa: S105 - a description


@strawberry.input(description="What signUp takes: everything that makes an account, in one piece.")
class SignUpInput:
    """An account's beginning."""

    invite: Base64Bytes = strawberry.field(description="The invite's token, 16 bytes.")
    mac: Base64Bytes | None = strawberry.field(
        default=None,
        description="Proof of knowing the link's secret (e2ee.md section 12), 32 bytes; absent for links without one.",
    )
    handle: str = strawberry.field(
        description="2 to 32 of a-z, 0-9, point, hyphen, underscore, starting with a-z or 0-9; taken in lower case."
    )
    display_name: str = strawberry.field(description="The name that people read, 1 to 80 characters.")
    auth_key: Base64Bytes = strawberry.field(description="The password-auth value of e2ee.md section 12, 32 bytes.")
    identity: MemberLinkInput = strawberry.field(description="Link 0 of the member chain, signed by DK and RS.")
    device_seal: SignedInput = strawberry.field(description="The first device's seal, k = 1, signed by DK.")
    device_name: str = strawberry.field(description="What to call the device, 1 to 120 characters.")
    member_key: SignedInput = strawberry.field(description="The member key of generation 1, signed by DK.")
    boxes: list[BoxInput] = strawberry.field(description="Exactly two: the device's, and the recovery key's.")
    account: SignedInput = strawberry.field(description="Roster link 0 of the account space (type 4), signed by DK.")
    session: SessionKind = strawberry.field(description="How the new session's token travels.")
    platform: str | None = strawberry.field(
        default=None, description="What the device runs on, such as 'Chromium on Linux'; 120 characters at most."
    )


@strawberry.type(description="What signUp answers.")
class SignUpPayload:
    """The new member's view, or why not."""

    viewer: Viewer | None = strawberry.field(description="The new account; null on failure.")
    token: str | None = strawberry.field(description=_TOKEN)
    errors: list[UserError] = strawberry.field(description=_ERRORS)


@strawberry.input(description="What signIn takes.")
class SignInInput:
    """Handle, password-auth, device."""

    handle: str = strawberry.field(description="The member's handle.")
    auth_key: Base64Bytes = strawberry.field(description="The password-auth value of e2ee.md section 12, 32 bytes.")
    device: Base64Bytes | None = strawberry.field(
        default=None, description="The 16 raw bytes of the device whose keys this client holds, if it holds any."
    )
    session: SessionKind = strawberry.field(description="How the new session's token travels.")
    label: str | None = strawberry.field(
        default=None, description="What the client calls itself, 120 characters at most; may be empty or left out."
    )


@strawberry.type(description="What signIn answers.")
class SignInPayload:
    """The member's view, or why not."""

    viewer: Viewer | None = strawberry.field(description="The account; null on failure.")
    token: str | None = strawberry.field(description=_TOKEN)
    errors: list[UserError] = strawberry.field(description=_ERRORS)


@strawberry.input(description="What signOut takes: nothing.")
class SignOutInput:
    """The session that asks is the one that ends."""

    client_mutation_id: str | None = strawberry.field(
        default=None, description="Not read; an input must have a field. 100 characters at most."
    )


@strawberry.type(description="What signOut answers.")
class SignOutPayload:
    """Whether there was a session to end."""

    signed_out: bool = strawberry.field(description="Whether a session was ended by this.")
    errors: list[UserError] = strawberry.field(description=_ERRORS)


@strawberry.input(description="What revokeSession takes.")
class RevokeSessionInput:
    """Which session."""

    session_id: strawberry.ID = strawberry.field(description="A session of the viewer's.")


@strawberry.type(description="What revokeSession answers.")
class RevokeSessionPayload:
    """The session that ended, or why not."""

    session: Session | None = strawberry.field(description="The session that was ended; null on failure.")
    errors: list[UserError] = strawberry.field(description=_ERRORS)


@strawberry.input(description="What createInvite takes.")
class CreateInviteInput:
    """The invite's maker keeps the token; the server knows its hash."""

    token_hash: Base64Bytes = strawberry.field(description="SHA-256 of the 16-byte token, 32 bytes.")
    expires_in_hours: int = strawberry.field(description="How long it can be used, 1 to 720 hours.")
    role: ServerRole = strawberry.field(
        default=ServerRole.MEMBER, description="The role of whoever uses it; below the viewer's own."
    )


@strawberry.type(description="What createInvite answers.")
class CreateInvitePayload:
    """The invite, or why not."""

    invite: Invite | None = strawberry.field(description="The new invite; null on failure.")
    errors: list[UserError] = strawberry.field(description=_ERRORS)


@strawberry.input(description="What revokeInvite takes.")
class RevokeInviteInput:
    """Which invite."""

    invite_id: strawberry.ID = strawberry.field(description="An unused invite that the viewer made.")


@strawberry.type(description="What revokeInvite answers.")
class RevokeInvitePayload:
    """The invite that was taken back, or why not."""

    invite: Invite | None = strawberry.field(description="The invite that was taken back; null on failure.")
    errors: list[UserError] = strawberry.field(description=_ERRORS)
