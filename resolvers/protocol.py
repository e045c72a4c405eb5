"""The server's one door to the protocol core: everything that verifies signed structures comes in through here.

The core refuses with ProtocolError; `refusing` turns that into the use cases' Refusal, so no use case sees it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from circle_client.protocol import errors as protocol_errors
from circle_client.protocol.branches import LIFETIMES as LIFETIMES
from circle_client.protocol.cbor import array, blob, decode, encode
from circle_client.protocol.envelope import Envelope as Envelope
from circle_client.protocol.envelope import Kind
from circle_client.protocol.envelope import decode_envelope as decode_envelope
from circle_client.protocol.epoch import Announcement as Announcement
from circle_client.protocol.epoch import Complaint as Complaint
from circle_client.protocol.epoch import Recipient as Recipient
from circle_client.protocol.epoch import decode_announcement as decode_announcement
from circle_client.protocol.epoch import decode_complaint as decode_complaint
from circle_client.protocol.epoch import decode_recipients as decode_recipients
from circle_client.protocol.linking import ANSWER_CAP as ANSWER_CAP
from circle_client.protocol.linking import LINK_MAC as LINK_MAC
from circle_client.protocol.linking import REQUEST_CAP as REQUEST_CAP
from circle_client.protocol.linking import LinkRequest as LinkRequest
from circle_client.protocol.linking import check_request_seal as check_request_seal
from circle_client.protocol.linking import decode_link_answer as decode_link_answer
from circle_client.protocol.linking import decode_link_request as decode_link_request
from circle_client.protocol.log import next_hash as next_hash
from circle_client.protocol.member import ENDS_KEY as ENDS_KEY
from circle_client.protocol.member import LinkKind as LinkKind
from circle_client.protocol.member import MemberLink as MemberLink
from circle_client.protocol.member import MemberState as MemberState
from circle_client.protocol.member import SignedMemberLink as SignedMemberLink
from circle_client.protocol.member import decode_member_link as decode_member_link
from circle_client.protocol.member_key import BOX as BOX
from circle_client.protocol.member_key import DeviceSeal as DeviceSeal
from circle_client.protocol.member_key import MemberKey as MemberKey
from circle_client.protocol.member_key import decode_device_seal as decode_device_seal
from circle_client.protocol.member_key import decode_member_key as decode_member_key
from circle_client.protocol.member_key import verify_device_seal as verify_device_seal
from circle_client.protocol.primitives import ED25519_SIGNATURE, Z16, Z32
from circle_client.protocol.primitives import check_xwing_key as check_xwing_key
from circle_client.protocol.primitives import sha256 as sha256
from circle_client.protocol.roster import Policy as Policy
from circle_client.protocol.roster import Role as Role
from circle_client.protocol.roster import RosterKind as RosterKind
from circle_client.protocol.roster import RosterLink as RosterLink
from circle_client.protocol.roster import Seat as Seat
from circle_client.protocol.roster import SpaceType as SpaceType
from circle_client.protocol.roster import decode_roster_link as decode_roster_link
from circle_client.protocol.roster_state import Roster as Roster
from circle_client.protocol.rules import Ref as Ref
from circle_client.protocol.server import Asker as Asker
from circle_client.protocol.server import EpochInput as EpochInput
from circle_client.protocol.server import Known as Known
from circle_client.protocol.server import RecipientState as RecipientState
from circle_client.protocol.server import Rotation as Rotation
from circle_client.protocol.server import SenderState as SenderState
from circle_client.protocol.server import SignedUp as SignedUp
from circle_client.protocol.server import SignUp as SignUp
from circle_client.protocol.server import SpaceState
from circle_client.protocol.server import Verdict as Verdict
from circle_client.protocol.server import check_announcement as check_announcement
from circle_client.protocol.server import check_complaint as check_complaint
from circle_client.protocol.server import check_envelope as check_envelope
from circle_client.protocol.server import check_grant as check_grant
from circle_client.protocol.server import check_link_answer as check_link_answer
from circle_client.protocol.server import check_member_link as check_member_link
from circle_client.protocol.server import check_roster_link as check_roster_link
from circle_client.protocol.server import check_rotation as check_rotation
from circle_client.protocol.server import check_sign_up as check_sign_up
from circle_client.protocol.server import check_signal as check_signal
from circle_client.protocol.server import due_reason as due_reason
from circle_client.protocol.structures import Head as Head
from circle_client.protocol.structures import Signed as Signed

from resolvers.errors import Code, DueReason, EpochDue, Refusal, RewrapIncomplete, StaleEpoch

EnvelopeKind = Kind
ProtocolSpace = SpaceState
NO_EPOCH = Head(0, Z32)
RECOVERY = Z16
"""The signer of links that RS signs, and the holder of the recovery key's box."""
ENTRY_CAP = 1024 * 1024

# Codes that only clients know: what they mean to a server that is asked to accept such a thing.
_CLIENT_CODES = {
    protocol_errors.Code.FORK: Code.CHAIN_CONFLICT,
    protocol_errors.Code.BAD_SEAL: Code.MALFORMED,
}


@contextmanager
def refusing(*path: str, space: UUID | None = None, epoch: int = 0) -> Iterator[None]:
    """Inside the block the core's refusals become Refusals on the input field `path`.

    `space` and its newest `epoch` are for the refusals that tell a client about it.
    """
    try:
        yield
    except protocol_errors.ProtocolError as error:
        raise _refusal(error, path, space, epoch) from None


def _refusal(error: protocol_errors.ProtocolError, path: tuple[str, ...], space: UUID | None, epoch: int) -> Refusal:
    code = _CLIENT_CODES.get(error.code)
    if code is None:
        code = Code(error.code.value) if error.code.value in Code.__members__ else Code.FORBIDDEN
    if space is not None and code is Code.STALE_EPOCH:
        return StaleEpoch(space, epoch)
    if space is not None and error.reason is not None:
        return EpochDue(space, DueReason(error.reason.value))
    if code is Code.REWRAP_INCOMPLETE:
        branches = [(UUID(bytes=one[0]), one[1], one[2]) for one in error.missing if isinstance(one, tuple)]
        return RewrapIncomplete(error.message, path, branches, [one for one in error.missing if isinstance(one, bytes)])
    return Refusal(code, error.message, path)


def check_signed(body: bytes, signature: bytes, *path: str) -> Signed:
    """A signed body as the core takes it. Raises Refusal MALFORMED for a signature of another size."""
    if len(signature) != ED25519_SIGNATURE:
        raise Refusal(Code.MALFORMED, "A signature has 64 bytes.", path)
    return Signed(body, signature)


def due_at(space: ProtocolSpace, now: int) -> DueReason | None:
    """Why the next epoch is due at `now` (e2ee.md section 6); None while envelopes are taken."""
    reason = due_reason(space, now)
    return None if reason is None else DueReason(reason.value)


def due_mark(text: str | None) -> protocol_errors.DueReason | None:
    """What a space's row was marked with since its newest epoch."""
    return None if text is None else protocol_errors.DueReason(text)


def pack_entry(*parts: bytes | None) -> bytes:
    """A log entry's body for roster links, announcements and complaints: E([body, signature])."""
    return encode(list(parts))


def unpack_entry(data: bytes) -> tuple[bytes, bytes, bytes | None]:
    """Body, signature and cosignature (None where there is none) of a log entry that `pack_entry` made."""
    parts = array(decode(data, ENTRY_CAP))
    body, signature, cosignature = [*parts, None][:3]
    return (
        blob(body, ENTRY_CAP),
        blob(signature, ED25519_SIGNATURE),
        None if cosignature is None else blob(cosignature, ED25519_SIGNATURE),
    )
