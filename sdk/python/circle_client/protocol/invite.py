"""Pinned invites (e2ee.md section 12; docs/decisions/0001): inviter and newcomer learn each other's ID."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from circle_client.protocol.errors import Code, Layer, Refuser
from circle_client.protocol.labels import Label, kdf
from circle_client.protocol.primitives import equal, mac

TOKEN = 16
SECRET = 32
IDENTITY = 32

_refuse = Refuser(Layer.DERIVATION)


@dataclass(frozen=True, slots=True)
class InviteLink:
    """What the fragment of a join link holds; set-up and command-line links hold the token alone."""

    token: bytes
    secret: bytes | None = None
    inviter: bytes | None = None

    def fragment(self) -> str:
        """base64url without padding of token ‖ i ‖ inviter ID."""
        data = self.token + (self.secret or b"") + (self.inviter or b"")
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def parse_fragment(fragment: str) -> InviteLink:
    """The link of a fragment (without '#'). Raises BAD_INVITE (`derivation`)."""
    try:
        data = base64.b64decode(fragment + "=" * (-len(fragment) % 4), altchars=b"-_", validate=True)
    except (ValueError, UnicodeError) as error:
        raise _refuse(Code.BAD_INVITE, "This is not an invite link.") from error
    if len(data) == TOKEN:
        link = InviteLink(data)
    elif len(data) == TOKEN + SECRET + IDENTITY:
        link = InviteLink(data[:TOKEN], data[TOKEN : TOKEN + SECRET], data[TOKEN + SECRET :])
    else:
        raise _refuse(Code.BAD_INVITE, "This invite link is cut or changed.")
    if link.fragment() != fragment:
        raise _refuse(Code.BAD_INVITE, "This invite link is cut or changed.")
    return link


def invite_mac(secret: bytes, token: bytes, inviter: bytes, newcomer: bytes) -> bytes:
    """MAC(KDF(i, -, invite, [invite], 32), inviter ID ‖ newcomer's ID): sent by the newcomer at sign-up."""
    return mac(kdf(secret, b"", Label.INVITE, [token], 32), inviter + newcomer)


def check_invite_mac(secret: bytes, token: bytes, inviter: bytes, newcomer: bytes, value: bytes) -> None:
    """The inviter's check before pinning the newcomer's ID. Raises BAD_INVITE (`derivation`)."""
    if not equal(invite_mac(secret, token, inviter, newcomer), value):
        raise _refuse(Code.BAD_INVITE, "The newcomer did not use this invite, or the server changed their keys.")
