"""The server's check of an answer to a device that asks to be linked (e2ee.md sections 8 and 13)."""

from __future__ import annotations

from circle_client.protocol.errors import Code
from circle_client.protocol.linking import LinkRequest
from circle_client.protocol.member import MemberLink
from circle_client.protocol.primitives import Z16
from circle_client.protocol.server.state import refuse
from circle_client.protocol.structures import Signed


def check_link_answer(
    request: LinkRequest, link: MemberLink, device_seal: Signed, *, answered: bool, late: bool
) -> None:
    """Single use, five minutes, and device.add by a linked device for the very device, key and seal that asked.

    The link itself is `check_member_link`'s. Raises NOT_FOUND (late), ID_CONFLICT (answered before), FORBIDDEN.
    """
    if late:
        raise refuse(Code.NOT_FOUND, "No device asks under this code (any more).")
    if answered:
        raise refuse(Code.ID_CONFLICT, "This request was answered already.")
    if link.signer == Z16:
        raise refuse(Code.FORBIDDEN, "A linked device signs for the new one.")
    asked = (request.member, request.device, request.dk, request.device_seal)
    if (link.member, link.device, link.dk, device_seal) != asked:
        raise refuse(Code.FORBIDDEN, "The link is for another device than the one that asked.")
