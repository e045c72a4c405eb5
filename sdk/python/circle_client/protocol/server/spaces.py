"""The server's checks of roster links, announcements, complaints and grants (e2ee.md sections 5, 6, 13)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from circle_client.protocol.epoch import (
    SEAL,
    Announcement,
    Complaint,
    Recipient,
    decode_announcement,
    decode_complaint,
    decode_recipients,
    recipients_hash,
)
from circle_client.protocol.errors import Code
from circle_client.protocol.grant import EMPTY, GRANT_CAP
from circle_client.protocol.labels import Label, verify_body
from circle_client.protocol.member import MemberState
from circle_client.protocol.primitives import sha256
from circle_client.protocol.roster import Role, RosterKind, RosterLink, Seat, decode_roster_link
from circle_client.protocol.roster_state import Roster, apply_roster_link
from circle_client.protocol.server.state import Asker, EpochInput, RecipientState, SpaceState, due_reason, refuse
from circle_client.protocol.structures import Head, Signed, SignerHead


def _check_signer(signer: SignerHead, asker: Asker, chain: MemberState) -> bytes:
    dk = chain.devices.get(signer.device)
    if (signer.member, signer.device) != (asker.member, asker.device) or chain.member != signer.member or dk is None:
        raise refuse(Code.STALE_DEVICE, "The signing device is not this session's, or no longer active.")
    return dk


def check_roster_link(
    signed: Signed,
    asker: Asker,
    chain: MemberState,
    roster: Roster | None,
    epoch: Head,
    identity: Callable[[bytes], bytes | None],
) -> tuple[RosterLink, Roster]:
    """Section 13's row for roster links, in its order.

    `chain`: the asker's, current. `roster`: the space's, None for a creation. `epoch`: its newest, [0, Z32] if none.
    `identity`: a member's present ID, None for a member that does not exist (asked for those the link names).
    Raises MALFORMED, STALE_DEVICE, CHAIN_CONFLICT (also for an outdated ID), FORBIDDEN, NOT_FOUND.
    """
    link = decode_roster_link(signed.body)
    _check_signer(link.signer, asker, chain)
    after = apply_roster_link(roster, signed, lambda _: chain, epoch)
    named = dict(link.seats)
    if link.kind == RosterKind.ADD and link.member is not None:
        named[link.member] = after.seats[link.member]
    for member, seat in named.items():
        present = identity(member)
        if present is None:
            raise refuse(Code.NOT_FOUND, "There is no such member.")
        if present != seat.identity:
            raise refuse(Code.CHAIN_CONFLICT, "A member's identity is not the present one.")
    return link, after


def check_announcement(
    sent: EpochInput,
    asker: Asker,
    chain: MemberState,
    space: SpaceState,
    roster: Roster,
    members: Mapping[bytes, RecipientState],
    now: int,
) -> tuple[Announcement, tuple[Recipient, ...]]:
    """Section 13's row for announcements, in its order. `members`: the rows of all roster members.

    Raises MALFORMED, STALE_DEVICE, EPOCH_CONFLICT, EPOCH_NOT_DUE, RECIPIENTS_CHANGED, FORBIDDEN.
    """
    announcement = decode_announcement(sent.announcement.body)
    dk = _check_signer(announcement.creator, asker, chain)
    if (announcement.space, announcement.epoch, announcement.before) != (
        space.space,
        space.epoch.n + 1,
        space.epoch.hash,
    ):
        raise refuse(Code.EPOCH_CONFLICT, "The epoch does not follow the newest one.")
    if due_reason(space, now) is None:
        raise refuse(Code.EPOCH_NOT_DUE, "The conversation needs no new keys yet.")
    rows = _check_list(sent, announcement, chain, roster, members)
    seat = roster.seats.get(announcement.creator.member)
    if seat is None or seat.role < Role.WRITER or seat.identity != chain.identity:
        raise refuse(Code.FORBIDDEN, "An epoch is made by a writer or above.")
    verify_body(dk, sent.announcement.signature, Label.EPOCH, announcement.body)
    return announcement, rows


def _check_list(
    sent: EpochInput,
    announcement: Announcement,
    chain: MemberState,
    roster: Roster,
    members: Mapping[bytes, RecipientState],
) -> tuple[Recipient, ...]:
    creator = announcement.creator
    if announcement.roster != roster.head or (creator.n, creator.hash) != (chain.n, chain.hash):
        raise refuse(Code.RECIPIENTS_CHANGED, "The roster or the creator's chain has moved on.")
    rows = decode_recipients(sent.recipients)
    if recipients_hash(sent.recipients) != announcement.recipients:
        raise refuse(Code.RECIPIENTS_CHANGED, "The list is not the announced one.")
    expected = roster.recipients({member: row.identity for member, row in members.items()})
    if [row.member for row in rows] != expected:
        raise refuse(Code.RECIPIENTS_CHANGED, "The list does not name all members of the roster, and them alone.")
    for row in rows:
        state = members[row.member]
        if (row.n, row.hash, row.generation, row.key_hash) != (
            state.head.n,
            state.head.hash,
            state.generation,
            state.key_hash,
        ):
            raise refuse(Code.RECIPIENTS_CHANGED, "A member's chain or key has moved on.")
    if len(sent.seals) != len(rows) or any(
        len(seal) != SEAL or sha256(seal) != row.seal_hash for seal, row in zip(sent.seals, rows, strict=False)
    ):
        raise refuse(Code.RECIPIENTS_CHANGED, "The seals are not the listed ones.")
    return rows


def check_complaint(
    signed: Signed,
    asker: Asker,
    chain: MemberState,
    space: bytes,
    epoch_hash: bytes | None,
    row: Recipient | None,
    complained_this_hour: bool,
) -> Complaint:
    """A complaint about an epoch of this space that lists the asker (docs/decisions/0012).

    `epoch_hash`: h_e of the epoch it names, None if there is none; `row`: the asker's row of that epoch's list.
    Raises MALFORMED, STALE_DEVICE, STALE_EPOCH, FORBIDDEN, RATE_LIMITED (one per member, epoch and hour).
    """
    complaint = decode_complaint(signed.body)
    dk = _check_signer(complaint.signer, asker, chain)
    if (complaint.signer.n, complaint.signer.hash) != (chain.n, chain.hash):
        raise refuse(Code.STALE_DEVICE, "The device does not know its member's newest link.")
    if complaint.space != space or epoch_hash is None or complaint.epoch.hash != epoch_hash:
        raise refuse(Code.STALE_EPOCH, "The complaint is about an unknown epoch.")
    if row is None or row.member != asker.member or row.seal_hash != complaint.seal_hash:
        raise refuse(Code.FORBIDDEN, "The complaint is not about a seal that the epoch lists for this member.")
    verify_body(dk, signed.signature, Label.COMPLAINT, complaint.body)
    if complained_this_hour:
        raise refuse(Code.RATE_LIMITED, "One complaint per epoch and hour is enough.")
    return complaint


def check_grant(sealed: bytes, giver: Seat | None, seat: Seat | None, taker: RecipientState, generation: int) -> None:
    """What the server can check of a grant: sizes, both in the roster, sealed to the taker's newest generation.

    `seat`: the taker's in the roster. Raises MALFORMED, FORBIDDEN, GENERATION_CONFLICT.
    """
    if not EMPTY <= len(sealed) <= GRANT_CAP:
        raise refuse(Code.MALFORMED, "A grant has another size.")
    if giver is None or seat is None or seat.identity != taker.identity:
        raise refuse(Code.FORBIDDEN, "Keys pass between members of the roster alone.")
    if generation != taker.generation:
        raise refuse(Code.GENERATION_CONFLICT, "The member has a newer key; seal the grant to that.")
