"""From the generated types to plain values, and back: what the rest of the engine speaks in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from circle_client.gql.input_types import EpochInput, MemberLinkInput, SignedInput
from circle_client.machine.events import EventKind, LogEvent
from circle_client.machine.reading import MarkerFacts
from circle_client.machine.seals import SealFacts
from circle_client.protocol.epoch_keys import NewEpoch
from circle_client.protocol.member import SignedMemberLink
from circle_client.protocol.structures import Signed
from circle_client.types import Person

_KINDS = {
    "EnvelopeEvent": EventKind.ENVELOPE,
    "RosterEvent": EventKind.ROSTER,
    "EpochEvent": EventKind.EPOCH,
    "ComplaintEvent": EventKind.COMPLAINT,
    "MemberLinkEvent": EventKind.MEMBER,
}


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """A new session: its token, whose it is, and the node id and protocol id of their account."""

    token: str
    me: Person
    node: str
    space: bytes


@dataclass(frozen=True, slots=True)
class ConversationFacts:
    """What the server tells of a conversation."""

    node: str
    space: bytes
    head: int
    head_hash: bytes


@dataclass(frozen=True, slots=True)
class EpochFacts:
    """What the server hands out of an epoch: list, own seal, and (the server's id, generation, grant) of each grant."""

    seal: SealFacts
    grants: tuple[tuple[str, int, bytes], ...]


@dataclass(frozen=True, slots=True)
class Accepted:
    """Where the server put what was sent."""

    seq: int
    item: bytes


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event of the stream, and the cursor after it."""

    cursor: str
    node: str
    event: LogEvent


@dataclass(frozen=True, slots=True)
class MarkerChange:
    """A marker of the stream, in its newest state, and the cursor after it."""

    cursor: str
    marker: MarkerFacts


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """The backlog is done."""

    cursor: str


@dataclass(frozen=True, slots=True)
class Resync:
    """The cursor is worth nothing any more."""


StreamItem = Delivery | MarkerChange | CaughtUp | Resync


def millis_of(time: datetime) -> int:
    """Milliseconds since 1970."""
    return int(time.timestamp() * 1000)


def event_of(space: bytes, node: Any) -> LogEvent:
    """An entry of a log."""
    kind = _KINDS.get(node.typename__, EventKind.OTHER)
    body = None
    if kind is EventKind.ENVELOPE:
        body = node.envelope
    elif kind is EventKind.EPOCH:
        body = node.announcement
    elif kind is not EventKind.OTHER:
        body = node.body
    return LogEvent(
        space=space,
        seq=node.seq,
        kind=kind,
        item=node.item,
        log_hash=node.log_hash,
        accepted_at=millis_of(node.accepted_at),
        body=body,
        signature=getattr(node, "signature", b""),
        cosignature=getattr(node, "cosignature", None),
    )


def person_of(node: Any) -> Person:
    """A member's public side."""
    return Person(node.id, node.protocol_id, node.handle, node.display_name)


def link_of(node: Any) -> SignedMemberLink:
    """A link of a member's chain."""
    return SignedMemberLink(node.body, node.signature, node.cosignature)


def signed_input(signed: Signed) -> SignedInput:
    """A signed body to send."""
    return SignedInput(body=signed.body, signature=signed.signature)


def link_input(link: SignedMemberLink) -> MemberLinkInput:
    """A link of the own chain to send."""
    return MemberLinkInput(body=link.body, signature=link.signature, cosignature=link.cosignature)


def epoch_input(epoch: NewEpoch) -> EpochInput:
    """An epoch to send."""
    return EpochInput(
        announcement=epoch.announcement.body,
        signature=epoch.announcement.signature,
        recipients=epoch.recipients,
        seals=list(epoch.seals),
    )
