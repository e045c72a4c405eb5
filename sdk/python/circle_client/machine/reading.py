"""How far this member and others have read: markers made, opened and merged, and nothing ever goes back.

Two numbers are kept of every own marker: what is so, and what the server is known to store. They differ while something
is to be sent, also after a restart. No I/O (docs/decisions/0113).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from circle_client.machine.loose import KeysLacking, Loose
from circle_client.machine.space import NOT_YET, Space
from circle_client.protocol import markers
from circle_client.protocol.branches import LIFETIMES
from circle_client.protocol.envelope import Envelope, Kind, decode_envelope
from circle_client.protocol.errors import Code, Layer, ProtocolError
from circle_client.protocol.markers import OwnMarker, ReceiptMarker
from circle_client.protocol.roster import SpaceType
from circle_client.types import Privacy

MOST_MEMBERS = 50
"""Larger conversations take no receipts."""
_NOTHING = ReceiptMarker()


class Scope(StrEnum):
    """Whose eyes a marker is for: the member's own devices, or the conversation's members."""

    OWN = "OWN"
    RECEIPT = "RECEIPT"


@dataclass(frozen=True, slots=True)
class MarkerFacts:
    """A marker as received, nothing believed. `space` is the conversation; `envelope` None: it has expired."""

    space: bytes
    scope: Scope
    version: int
    accepted_at: int
    envelope: bytes | None


@dataclass(frozen=True, slots=True)
class Seen:
    """A receipt's numbers, and when they are to be forgotten (milliseconds since 1970; None: never)."""

    delivered: int | None = None
    read: int | None = None
    expires: int | None = None

    def merged(self, said: ReceiptMarker, expires: int | None) -> Seen:
        """With a newer receipt: neither number goes back, and what is not said any more stays as it was."""
        return Seen(_most(self.delivered, said.delivered), _most(self.read, said.read), expires)


@dataclass(slots=True)
class Marks:
    """What is known of one conversation. `read` and `delivered` are this member's, as far as this device knows;
    `stored`: of each scope the version that the server holds and what it says, None where that was not opened.

    `receipts`: everybody's, one's own too. `sealed`: markers by scope and member whose keys have not come yet.
    `asked`: a person has read here since the last receipt. `fetched`: whether the markers of before were loaded.
    `refused`: the roster's number at which the server wanted no receipts.
    """

    read: int = 0
    delivered: int = 0
    versions: dict[Scope, int] = field(default_factory=dict)
    own: int | None = None
    receipt: ReceiptMarker = _NOTHING
    receipts: dict[bytes, Seen] = field(default_factory=dict)
    sealed: dict[tuple[Scope, bytes], MarkerFacts] = field(default_factory=dict)
    asked: bool = False
    fetched: bool = False
    refused: int | None = None

    def dump(self) -> dict[str, Any]:
        """What the store keeps."""
        return {
            "read": self.read,
            "delivered": self.delivered,
            "versions": {scope.value: version for scope, version in self.versions.items()},
            "own": self.own,
            "receipt": [self.receipt.delivered, self.receipt.read],
            "receipts": {member: [seen.delivered, seen.read, seen.expires] for member, seen in self.receipts.items()},
            "sealed": [
                [scope.value, member, facts.space, facts.version, facts.accepted_at, facts.envelope]
                for (scope, member), facts in self.sealed.items()
            ],
            "asked": self.asked,
            "fetched": self.fetched,
            "refused": self.refused,
        }

    @classmethod
    def load(cls, value: Mapping[str, Any]) -> Marks:
        """The marks of a `dump`."""
        return cls(
            read=value["read"],
            delivered=value["delivered"],
            versions={Scope(scope): version for scope, version in value["versions"].items()},
            own=value["own"],
            receipt=ReceiptMarker(*value["receipt"]),
            receipts={member: Seen(*seen) for member, seen in value["receipts"].items()},
            sealed={
                (Scope(scope), member): MarkerFacts(space, Scope(scope), version, at, envelope)
                for scope, member, space, version, at, envelope in value["sealed"]
            },
            asked=value["asked"],
            fetched=value["fetched"],
            refused=value["refused"],
        )


class Reading:
    """The marks of all conversations. Whoever changes them writes `changed` with the next flush."""

    def __init__(self, me: bytes, spaces: Mapping[bytes, Space], loose: Loose, clock: Callable[[], int]) -> None:
        self._me, self._spaces, self._loose, self._clock = me, spaces, loose, clock
        self._marks: dict[bytes, Marks] = {}
        self._tried: dict[tuple[bytes, Scope, bytes], int] = {}
        """How many keys its space held when a sealed marker was last tried."""
        self.changed: set[bytes] = set()
        """Not written to the store yet."""
        self.to_look: set[bytes] = set()
        """Conversations in which something may be to be sent since somebody last looked."""

    def of(self, space: bytes) -> Marks:
        """The marks of a conversation, to be looked at."""
        return self._marks.get(space) or Marks()

    def _to_change(self, space: bytes) -> Marks:
        self.changed.add(space)
        self.to_look.add(space)
        return self._marks.setdefault(space, Marks())

    def read_seq(self, space: Space) -> int:
        """Up to where everything counts as read: what lies before this member's joining is history, never news."""
        before = 0 if space.joined >= NOT_YET else space.joined - 1
        return max(self.of(space.id).read, before)

    # ---- what happens here

    def mark(self, space: Space, seq: int) -> bool:
        """A person has read everything up to `seq`; whether that was new."""
        if seq <= self.read_seq(space):
            return False
        marks = self._to_change(space.id)
        marks.read, marks.asked = seq, True
        return True

    def arrived(self, space: bytes, seq: int) -> None:
        """A message of somebody else's is kept here, and readable."""
        if seq > self.of(space).delivered:
            self._to_change(space).delivered = seq

    def refetch(self, spaces: Iterable[bytes]) -> None:
        """Whatever is known of what the server stores may be wrong: its markers are fetched again."""
        for space in spaces:
            self._to_change(space).fetched = False

    def begin_fetched(self, space: bytes) -> None:
        """All markers of a conversation come now, as the server stores them: what is not among them, it has not."""
        marks = self._to_change(space)
        marks.fetched, marks.own, marks.receipt = True, None, _NOTHING
        marks.versions.clear()
        marks.sealed.clear()

    def members_changed(self, space: Space, gone: bytes | None) -> None:
        """The roster is another: receipts of a stay that has ended say nothing of the next one."""
        if gone is not None and gone in self.of(space.id).receipts:
            self._to_change(space.id).receipts.pop(gone)
        if self.of(space.id).refused not in (None, space.roster.n):
            self._to_change(space.id).refused = None

    def go_back(self, space: bytes, common: int) -> None:
        """By a person's decision the log is another from behind `common` on: what was read of the old one is not what
        comes there now.
        """
        if space in self._marks:
            old = self._to_change(space)
            self._marks[space] = Marks(read=min(old.read, common), delivered=min(old.delivered, common))

    def refused(self, space: Space) -> None:
        """The server takes no receipts here, as long as the members are these."""
        self._to_change(space.id).refused = space.roster.n

    def erase_expired(self, now: int) -> bool:
        """Forget receipts whose time is over; whether there were any."""
        erased = False
        for id, marks in self._marks.items():
            for member in [m for m, seen in marks.receipts.items() if seen.expires is not None and seen.expires <= now]:
                del marks.receipts[member]
                self.changed.add(id)
                erased = True
        return erased

    def next_expiry(self) -> int | None:
        """When the next receipt is to be forgotten, in milliseconds since 1970."""
        ends = [s.expires for marks in self._marks.values() for s in marks.receipts.values() if s.expires is not None]
        return min(ends, default=None)

    # ---- markers of others, and of other devices

    def take(self, facts: MarkerFacts) -> None:
        """Take a marker that came. What does not verify says nothing; what lacks keys is kept until they come."""
        try:
            envelope = decode_envelope(facts.envelope or b"")
        except ProtocolError:
            return
        scope, member = facts.scope, envelope.header.member
        if scope is Scope.OWN and member != self._me:
            return
        marks = self._to_change(facts.space)
        newest = member == self._me and facts.version >= marks.versions.get(scope, 0)
        if newest:
            marks.versions[scope] = facts.version
        waiting = marks.sealed.get((scope, member))
        if waiting is not None and waiting.version <= facts.version:
            del marks.sealed[scope, member]
        try:
            self._merge(marks, facts, envelope, newest)
        except KeysLacking:
            if waiting is None or waiting.version <= facts.version:
                marks.sealed[scope, member] = facts
        except ProtocolError:
            if newest:
                self._stored_is_unknown(marks, scope)

    def _merge(self, marks: Marks, facts: MarkerFacts, envelope: Envelope, newest: bool) -> None:
        space = self.sealed_in(facts)
        if space is None:
            return
        content, member = self._loose.open(space, envelope, Kind.RECEIPT), envelope.header.member
        if facts.scope is Scope.OWN:
            own = markers.read_own(content)
            if own.space != facts.space:
                raise ProtocolError(Code.FORBIDDEN, "The marker is another conversation's.", Layer.ENVELOPE)
            marks.read = max(marks.read, own.read)
            marks.own = own.read if newest else marks.own
            return
        receipt, life = _within(markers.read_receipt(content), envelope.header.seen.n), LIFETIMES[envelope.header.b]
        marks.receipt = receipt if newest else marks.receipt
        expires = None if life is None else min(facts.accepted_at, self._clock()) + life
        if expires is None or expires > self._clock():
            marks.receipts[member] = marks.receipts.get(member, Seen()).merged(receipt, expires)

    def sealed_in(self, facts: MarkerFacts) -> Space | None:
        """The space in which such a marker is sealed, if it is known."""
        if facts.scope is Scope.RECEIPT:
            return self._spaces.get(facts.space)
        return next((space for space in self._spaces.values() if space.roster.type is SpaceType.ACCOUNT), None)

    def replaced(self, facts: MarkerFacts) -> None:
        """The server holds this where it was to hold what an own marker was made to replace."""
        marks = self._to_change(facts.space)
        marks.versions[facts.scope] = facts.version
        self._stored_is_unknown(marks, facts.scope)
        self.take(facts)

    @staticmethod
    def _stored_is_unknown(marks: Marks, scope: Scope) -> None:
        if scope is Scope.OWN:
            marks.own = None
        else:
            marks.receipt = _NOTHING

    def open_sealed(self) -> bool:
        """Try again what lacked keys, where some have come since; whether anything opened."""
        opened = False
        for id, marks in self._marks.items():
            for (scope, member), facts in list(marks.sealed.items()):
                space = self.sealed_in(facts)
                held = 0 if space is None else sum(len(epoch.branches) for epoch in space.epochs.values())
                if self._tried.get((id, scope, member)) != held:
                    self._tried[id, scope, member] = held
                    self.take(facts)
                    opened = opened or (scope, member) not in marks.sealed
        return opened

    # ---- what is to be sent

    def own_due(self, space: Space) -> OwnMarker | None:
        """The own marker that the server should store, where it does not."""
        marks = self.of(space.id)
        if space.left is not None or space.alarm is not None or not marks.fetched or marks.read <= (marks.own or 0):
            return None
        return OwnMarker(space.id, marks.read)

    def receipt_due(self, space: Space, privacy: Privacy) -> ReceiptMarker | None:
        """The receipt that the server should store, where it does not: what may be said, and is new."""
        marks, roster = self.of(space.id), space.roster
        if space.left is not None or space.alarm is not None or not marks.fetched or marks.refused == roster.n:
            return None
        if roster.type not in (SpaceType.DIRECT, SpaceType.GROUP) or len(roster.seats) > MOST_MEMBERS:
            return None
        stored, head = marks.receipt, space.log.head.n
        delivered = max(marks.delivered, stored.delivered or 0) if privacy.delivery_receipts else None
        # Another device may have read further than this one has come: what is not here yet is not said.
        read = max(min(marks.read, head), stored.read or 0) if privacy.read_receipts else None
        if (delivered or 0) <= (stored.delivered or 0) and (read or 0) <= (stored.read or 0):
            return None
        return ReceiptMarker(delivered or None, read or None)

    def stored(self, space: bytes, scope: Scope, version: int, said: OwnMarker | ReceiptMarker) -> None:
        """The server has stored an own marker."""
        marks = self._to_change(space)
        marks.versions[scope] = version
        if isinstance(said, OwnMarker):
            marks.own = said.read
        else:
            marks.receipt = said
            if marks.read <= (said.read or 0) or said.read is None:
                marks.asked = False

    # ---- storage

    def dump(self, space: bytes) -> dict[str, Any]:
        """What the store keeps of a conversation."""
        return self.of(space).dump()

    def load(self, rows: Iterable[tuple[bytes, Any]]) -> None:
        """Take back what `dump` gave."""
        for space, value in rows:
            self._marks[space] = Marks.load(value)
            self.to_look.add(space)

    def unfetched(self) -> list[Space]:
        """Conversations one is in whose markers of before are not known yet."""
        return [
            space
            for space in self._spaces.values()
            if space.roster.type is not SpaceType.ACCOUNT and space.left is None and not self.of(space.id).fetched
        ]


def _within(said: ReceiptMarker, seen: int) -> ReceiptMarker:
    """Nobody has received or read more of a log than they had seen of it when they said so."""
    return ReceiptMarker(
        None if said.delivered is None else min(said.delivered, seen),
        None if said.read is None else min(said.read, seen),
    )


def _most(one: int | None, other: int | None) -> int | None:
    return max((n for n in (one, other) if n is not None), default=None)
