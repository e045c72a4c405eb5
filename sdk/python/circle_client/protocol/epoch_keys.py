"""Making an epoch and opening one (e2ee.md section 6): secrets, seals, and what a client checks before it trusts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from circle_client.protocol.branches import Branches, branches, check_branch, commits, epoch_secret
from circle_client.protocol.cbor import Value
from circle_client.protocol.epoch import (
    SEAL,
    Announcement,
    Recipient,
    decode_announcement,
    decode_recipients,
    encode_recipients,
    make_announcement,
    recipients_hash,
    refuse,
)
from circle_client.protocol.errors import Code, ProtocolError
from circle_client.protocol.labels import Label, open_seal, seal, verify_body
from circle_client.protocol.member_chain import MemberChain
from circle_client.protocol.primitives import Random, random_bytes, sha256
from circle_client.protocol.roster import Role
from circle_client.protocol.roster_state import Roster
from circle_client.protocol.structures import Chains, Head, Signed, SignerHead


@dataclass(frozen=True, slots=True)
class RecipientKey:
    """Whom to seal to: chain head, generation and MK, taken from a verified, living member key."""

    member: bytes
    head: Head
    generation: int
    mk: bytes


@dataclass(frozen=True, slots=True)
class NewEpoch:
    """What is sent (`announcement`, `recipients` = E(list), `seals` in its order) and what is kept (`branches`)."""

    announcement: Signed
    recipients: bytes
    seals: tuple[bytes, ...]
    head: Head
    branches: Branches


def _seal_context(
    space: bytes, epoch: int, before: bytes, roster_hash: bytes, member: bytes, generation: int, key_hash: bytes
) -> Value:
    return [space, epoch, before, roster_hash, member, generation, key_hash]


def make_epoch(
    roster: Roster,
    previous: Head,
    recipients: Iterable[RecipientKey],
    creator: SignerHead,
    dk_seed: bytes,
    time: int,
    random: Random = random_bytes,
) -> NewEpoch:
    """Makes epoch `previous.n` + 1 ([0, Z32] before the first) for `roster.recipients(...)`, from a fresh secret.

    Raises MALFORMED (`seal`) where a member's key is none. A refused epoch is thrown away whole, never sent again.
    """
    space, epoch = roster.space, previous.n + 1
    secret = epoch_secret(random(32), previous.hash, space, epoch)
    rows: list[Recipient] = []
    seals: list[bytes] = []
    for to in sorted(recipients, key=lambda key: key.member):
        key_hash = sha256(to.mk)
        context = _seal_context(space, epoch, previous.hash, roster.hash, to.member, to.generation, key_hash)
        sealed = seal(to.mk, Label.EPOCH_SEAL, context, secret)
        rows.append(Recipient(to.member, to.head.n, to.head.hash, to.generation, key_hash, sha256(sealed)))
        seals.append(sealed)
    keys = branches(secret, space, epoch)
    announcement = make_announcement(
        space, previous, roster.head, rows, commits(keys, space, epoch), creator, dk_seed, time
    )
    head = decode_announcement(announcement.body).head
    return NewEpoch(announcement, encode_recipients(rows), tuple(seals), head, keys)


def verify_announcement(signed: Signed, roster: Roster, previous: Head, chains: Chains) -> Announcement:
    """Chain, roster head, creator and signature. Raises EPOCH_CONFLICT, RECIPIENTS_CHANGED, FORBIDDEN, FORK."""
    announcement = decode_announcement(signed.body)
    if (announcement.space, announcement.epoch, announcement.before) != (roster.space, previous.n + 1, previous.hash):
        raise refuse(Code.EPOCH_CONFLICT, "The epoch does not follow the one before.")
    if announcement.roster != roster.head:
        raise refuse(Code.RECIPIENTS_CHANGED, "The epoch is made for another roster.")
    creator = announcement.creator
    key = chains(creator.member).signer(creator.device, creator.n, creator.hash)
    seat = roster.seats.get(creator.member)
    if seat is None or seat.role < Role.WRITER or seat.identity != key.identity:
        raise refuse(Code.FORBIDDEN, "An epoch is made by a writer or above.")
    verify_body(key.dk, signed.signature, Label.EPOCH, announcement.body)
    return announcement


def announced_rows(announcement: Announcement, recipients: bytes) -> tuple[Recipient, ...]:
    """The rows of the announced list. Raises RECIPIENTS_CHANGED (`epoch`) for another list."""
    if recipients_hash(recipients) != announcement.recipients:
        raise refuse(Code.RECIPIENTS_CHANGED, "The list is not the announced one.")
    return decode_recipients(recipients)


def own_row(announcement: Announcement, recipients: bytes, member: bytes) -> Recipient:
    """This member's row of the announced list. Raises RECIPIENTS_CHANGED (`epoch`)."""
    for row in announced_rows(announcement, recipients):
        if row.member == member:
            return row
    raise refuse(Code.RECIPIENTS_CHANGED, "The list does not name this member.")


def check_own_row(row: Recipient, chain: MemberChain, least_n: int, keys: Mapping[int, bytes]) -> None:
    """The row is true of oneself: a head of the own chain, not below `least_n` (the newest own link before the
    announcement in the log), and one of `keys` (g -> #MK: the current generation, and those whose epochs the
    rotation since has wrapped). Raises RECIPIENTS_CHANGED or FORK (`epoch`).
    """
    if row.n < least_n or row.n > chain.state.n:
        raise refuse(Code.RECIPIENTS_CHANGED, "The epoch was made for an older or unknown state of this member.")
    if chain.hashes[row.n] != row.hash:
        raise refuse(Code.FORK, "The epoch names another chain of this member.")
    if keys.get(row.generation) != row.key_hash:
        raise refuse(Code.RECIPIENTS_CHANGED, "The epoch was sealed to another key of this member.")


def open_epoch(announcement: Announcement, row: Recipient, sealed: bytes, mk_seed: bytes) -> Branches:
    """Opens the own seal; all seven commits must fit.

    Raises SEAL_MISMATCH for a seal that is not the listed one (the server's doing: alarm), BAD_SEAL and BAD_COMMIT
    where the creator's seal fails: send nothing but a complaint about `row.seal_hash`.
    """
    if sha256(sealed) != row.seal_hash:
        raise refuse(Code.SEAL_MISMATCH, "The server handed out another seal than the announced one.")
    space, epoch, before = announcement.space, announcement.epoch, announcement.before
    context = _seal_context(space, epoch, before, announcement.roster.hash, row.member, row.generation, row.key_hash)
    secret = open_seal(mk_seed, Label.EPOCH_SEAL, context, sealed)
    if len(sealed) != SEAL:
        raise refuse(Code.BAD_SEAL, "The seal holds no epoch secret.")
    keys = branches(secret, space, epoch)
    for b, key in enumerate(keys):
        check_branch(space, epoch, b, key, announcement.commits)
    return keys


def check_recipients(recipients: bytes, announcement: Announcement, expected: Sequence[RecipientKey]) -> None:
    """Before sending: the whole list against what this client knows of every member (verified chains and keys).

    `expected` names, for each member, the newest head and key, or those that a row may still stand by: a link after the
    newest of kind 2, 3, 4, and a living key made at or before it (docs/decisions/0022). A row may be newer than what
    is known; then fetch first. Raises RECIPIENTS_CHANGED (`epoch`).
    """
    rows = announced_rows(announcement, recipients)
    listed = [(row.member, row.n, row.hash, row.generation, row.key_hash) for row in rows]
    wanted = [
        (key.member, key.head.n, key.head.hash, key.generation, sha256(key.mk))
        for key in sorted(expected, key=lambda key: key.member)
    ]
    if listed != wanted:
        raise refuse(Code.RECIPIENTS_CHANGED, "The list does not fit the members' chains and keys.")


def must_complain(error: ProtocolError) -> bool:
    """Whether this failure of `open_epoch` is answered with a complaint (and not with an alarm)."""
    return error.code in (Code.BAD_SEAL, Code.BAD_COMMIT)
