"""Applying a space's log entry by entry: all is verified before it changes anything (e2ee.md sections 5 to 7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from circle_client.machine.alarms import FORKED, WITHHELD_MESSAGE, Why
from circle_client.machine.content import filled, framed
from circle_client.machine.events import Entry, EntryKind, EventKind, LogEvent, Past
from circle_client.machine.keyring import Keyring
from circle_client.machine.people import People
from circle_client.machine.seals import SealFacts, SealTaker
from circle_client.machine.space import NOT_YET, Epoch, Space
from circle_client.machine.wraps import Wraps
from circle_client.protocol.branches import CLASSES, LIFETIMES
from circle_client.protocol.envelope import Envelope, Kind, decode_envelope, open_envelope
from circle_client.protocol.epoch import decode_announcement, decode_complaint
from circle_client.protocol.epoch_keys import verify_announcement
from circle_client.protocol.errors import Code, Layer, ProtocolError
from circle_client.protocol.labels import Label, verify_body
from circle_client.protocol.log import LogView, next_hash
from circle_client.protocol.member import decode_member_link
from circle_client.protocol.primitives import Z32
from circle_client.protocol.roster import RosterKind, RosterLink, decode_roster_link
from circle_client.protocol.roster_state import Roster, apply_roster_link, replay_roster
from circle_client.protocol.rules import Ref, check_rules
from circle_client.protocol.structures import Head, Signed

WAITING = "The keys for this message have not arrived yet."
BEFORE_RESET = "This was sealed before your identity was reset, so it cannot be read any more."
OUTSIDE = "Your identity was reset: this can be read when somebody here has let you in again."
_HOUR, _SKEW = 3_600_000, 120_000
_OWED_FOR, _SIBLINGS_WAIT = 7 * 24 * _HOUR, 600_000
_DECODED = 500


@dataclass(frozen=True, slots=True)
class Applied:
    """The decoded entry; `raw` is the envelope to keep while the entry waits for keys."""

    entry: Entry
    log_hash: bytes
    raw: bytes | None = None


class Applier:
    """Applies events to spaces, given this device's keys and the members it knows."""

    def __init__(self, keyring: Keyring, people: People, past: Past, wraps: Wraps, clock: Callable[[], int]) -> None:
        self._keys, self._people, self._past, self._clock = keyring, people, past, clock
        self.seals = SealTaker(keyring, people, wraps)
        self._decoded: dict[bytes, Envelope] = {}

    # ---- beginning

    def begin(self, node: str, event: LogEvent) -> Space:
        """A space from its first entry, the roster's link 0. Raises ProtocolError."""
        roster = apply_roster_link(None, Signed(event.body or b"", event.signature), self._people.chain)
        if (
            event.seq != 1
            or event.kind is not EventKind.ROSTER
            or roster.hash != event.item
            or roster.space != event.space
        ):
            raise ProtocolError(Code.FORK, "The log does not begin with the roster.", Layer.LOG)
        joined = 1 if self._keys.member in roster.seats else NOT_YET
        return Space(event.space, node, roster, LogView(), joined=joined)

    def join(self, node: str, links: list[Signed], event: LogEvent) -> Space:
        """A space from the entry that added this member on: `links` are the roster's from link 0.

        What lies before is not shown and not held; the next `seen` confirms it. Raises ProtocolError.
        """
        link = decode_roster_link(event.body or b"")
        if event.kind is not EventKind.ROSTER or link.hash != event.item or link.space != event.space or link.n < 1:
            raise ProtocolError(Code.FORK, "What is shown does not begin with this member's add.", Layer.ROSTER)
        rosters = replay_roster(links[: link.n], event.space, self._people.chain)
        roster = apply_roster_link(rosters[-1], Signed(link.body, event.signature), self._people.chain)
        if link.kind is not RosterKind.ADD or link.member != self._keys.member:
            raise ProtocolError(Code.FORK, "What is shown does not begin with this member's add.", Layer.ROSTER)
        log = LogView(start=Head(event.seq, event.log_hash), epoch=link.epoch if link.epoch.n else None)
        log.entered_roster()
        return Space(event.space, node, roster, log, first=event.seq, joined=event.seq)

    def first_entry(self, space: Space, event: LogEvent) -> Applied:
        """The entry with which `join` began."""
        return Applied(_roster_entry(event, decode_roster_link(event.body or b"")), space.log.head.hash)

    # ---- going on

    def _decode(self, data: bytes) -> Envelope:
        """An envelope; what `needs` has decoded, `apply` takes from here."""
        found = self._decoded.pop(data, None)
        if found is None:
            found = decode_envelope(data)
            if len(self._decoded) < _DECODED:
                self._decoded[data] = found
        return found

    def needs(self, event: LogEvent) -> set[bytes]:
        """Members whose chains must be known (further) before this event is applied."""
        try:
            if event.kind is EventKind.ENVELOPE and event.body is not None:
                header = self._decode(event.body).header
                named = [(header.member, header.n)]
            else:
                named = _named(event)
        except ProtocolError:
            return set()
        return {member for member, n in named if not self._people.knows(member, n)}

    def apply(self, space: Space, event: LogEvent, seal: SealFacts | None = None) -> Applied:
        """Apply the next entry. Never raises for what is in it: a bad entry comes out unreadable, with the reason, and
        what puts the log or its lists in doubt raises the space's `alarm`.
        """
        if event.seq != space.log.head.n + 1:
            raise ValueError("entries are applied in order")
        entry, raw = Entry(event.seq, EntryKind.UNREADABLE, event.accepted_at), None
        if event.item != Z32 and (event.item in space.log.items or self._past.has_item(space.id, event.item)):
            space.warn(FORKED, Why.FORKED)
            entry = entry.but(reason="The server shows an entry a second time.")
        else:
            try:
                entry, raw = self._entry(space, event)
            except ProtocolError as error:
                entry = self._refused(space, event, error)
        digest = self._advance(space, event, entry)
        promised = space.told.pop(event.seq, None)
        if digest != event.log_hash or (promised is not None and promised != event.item):
            space.warn(FORKED, Why.FORKED)
        if event.kind is EventKind.EPOCH and entry.reason is None:
            self.seals.take_seal(space, space.newest.n, seal or SealFacts(None, None))
        return Applied(entry, digest, raw)

    def _refused(self, space: Space, event: LogEvent, error: ProtocolError) -> Entry:
        if error.code is Code.FORK:
            space.warn(FORKED, Why.FORKED)
        elif event.kind in (EventKind.ROSTER, EventKind.EPOCH, EventKind.MEMBER):
            sentence = f"The server accepted what it must not, so nothing more is sent here. {error.message}"
            space.warn(sentence, Why.INVALID)
        entry = Entry(event.seq, EntryKind.UNREADABLE, event.accepted_at, reason=error.message)
        if event.kind is EventKind.ENVELOPE and event.body is not None:
            try:
                header = decode_envelope(event.body).header
            except ProtocolError:
                return entry
            return framed(event.seq, event.accepted_at, header).but(reason=error.message)
        return entry

    def _advance(self, space: Space, event: LogEvent, entry: Entry) -> bytes:
        log = space.log
        digest = next_hash(log.head.hash, event.seq, event.item)
        log.hashes[event.seq] = digest
        log.head = Head(event.seq, digest)
        log.items[event.item] = event.seq
        if event.kind is EventKind.ENVELOPE:
            log.entered_envelope()
        elif entry.reason is None and event.kind is EventKind.ROSTER:
            log.entered_roster()
        elif entry.reason is None and event.kind is EventKind.EPOCH:
            log.entered_epoch(decode_announcement(event.body or b"").head)
            log.items.clear()  # an older epoch's envelope is refused for its epoch
        elif entry.reason is None and event.kind is EventKind.COMPLAINT:
            log.entered_complaint()
        if len(log.hashes) > 8192:
            log.trim(4096)
        return digest

    def _entry(self, space: Space, event: LogEvent) -> tuple[Entry, bytes | None]:
        if event.kind is EventKind.ENVELOPE:
            if event.body is None:
                return self._expired(space, event), None
            return self._envelope(space, event, event.body)
        if event.kind is EventKind.OTHER:
            return Entry(event.seq, EntryKind.OTHER, event.accepted_at), None
        signed = Signed(event.body or b"", event.signature)
        if event.kind is EventKind.ROSTER:
            return self._roster(space, event, signed), None
        if event.kind is EventKind.EPOCH:
            return self._epoch(space, event, signed), None
        if event.kind is EventKind.COMPLAINT:
            return self._complaint(space, event, signed), None
        return self._member_link(space, event), None

    # ---- envelopes

    def _expired(self, space: Space, event: LogEvent) -> Entry:
        """Said to be expired: plausible an hour after its acceptance, the shortest lifetime, and where this device has
        seen the envelope before, after that one's (docs/decisions/0082).
        """
        least: int | None = _HOUR
        since = event.accepted_at
        if (seen := self._past.seen_before(event.item)) is not None and seen.sealed and seen.b < CLASSES:
            least, since = LIFETIMES[seen.b], max(since, seen.accepted_at)
        if least is None or since + least > self._clock() + _SKEW:
            space.warn(WITHHELD_MESSAGE, Why.WITHHELD)
        return Entry(event.seq, EntryKind.EXPIRED, event.accepted_at)

    def _envelope(self, space: Space, event: LogEvent, data: bytes) -> tuple[Entry, bytes | None]:
        envelope = self._decode(data)
        self._decoded.pop(data, None)
        _same(envelope.item, event.item)
        header = envelope.header
        if header.space != space.id:
            raise ProtocolError(Code.FORBIDDEN, "The message belongs to another conversation.", Layer.ENVELOPE)
        chain = self._people.chain(header.member)
        dk = space.log.check_envelope(envelope, chain)
        seen = self._past.log_hash(space.id, header.seen.n) if header.seen.n not in space.log.hashes else None
        if seen is not None and seen != header.seen.hash:
            raise ProtocolError(Code.FORK, "The log is not the one that others see.", Layer.LOG)
        first = self._past.entry_by_id(space.id, header.id)
        if first is not None and (first.reason is None or first.waiting):
            raise ProtocolError(Code.ID_CONFLICT, "Another message has come by this id before.", Layer.ENVELOPE)
        seat = space.roster.seats.get(header.member)
        if seat is None or chain.identity_at(header.n) != seat.identity:
            raise ProtocolError(Code.FORBIDDEN, "The sender is not in the roster with this ID.", Layer.ENVELOPE)
        check_rules(header, seat.role, space.roster.policy.lifetime, self._ref(space, envelope))
        envelope.verify(dk)
        entry = self.read(space, envelope, event.seq, event.accepted_at)
        space.show(entry)
        space.wait_for(entry)
        return entry, data if entry.waiting else None

    def _ref(self, space: Space, envelope: Envelope) -> Ref | None:
        header = envelope.header
        if header.ref is None:
            return None
        found = self._past.entry_by_id(space.id, header.ref)
        if found is not None and found.sealed and found.sender is not None:
            return Ref(found.sealed, found.sender, found.b)
        unknown = space.first > 1 if found is None else found.kind is EntryKind.EXPIRED
        # What it is about lies before this member's joining, or has expired: the server alone could check it.
        return Ref(int(Kind.MESSAGE), header.member, header.b) if unknown else None

    def read(self, space: Space, envelope: Envelope, seq: int, accepted_at: int) -> Entry:
        """Open an envelope whose signature and rules are checked; waiting where the epoch's keys are missing."""
        header = envelope.header
        frame = framed(seq, accepted_at, header)
        epoch = space.epochs.get(header.epoch.n)
        branch = epoch.branches.get(header.b) if epoch and epoch.announcement.head == header.epoch else None
        if branch is None and epoch is not None and epoch.foreign:
            return frame.but(waiting=True, reason=OUTSIDE if space.roster.policy.shared else BEFORE_RESET)
        if branch is None:
            return frame.but(waiting=True, reason=WAITING)
        try:
            return filled(frame, open_envelope(envelope, branch), space.roster.type)
        except ProtocolError as error:
            return frame.but(reason=error.message)

    # ---- chains

    def _roster(self, space: Space, event: LogEvent, signed: Signed) -> Entry:
        link = decode_roster_link(signed.body)
        _same(link.hash, event.item)
        if event.seq == 1 and link.n == 0 and space.roster.head == Head(0, link.hash):
            return _roster_entry(event, link)  # `begin` has applied it
        before: Roster = space.roster
        space.roster = apply_roster_link(before, signed, self._people.chain, space.newest)
        me = self._keys.member
        if link.kind is RosterKind.REMOVE and link.member == me:
            space.left, space.joined = event.seq, NOT_YET
        if link.kind is RosterKind.ADD and link.member == me and me not in before.seats:
            space.joined, space.left = event.seq, None
        self._owe(space, link)
        return _roster_entry(event, link).but(again=link.kind is RosterKind.ADD and link.member in before.seats)

    def _owe(self, space: Space, link: RosterLink) -> None:
        """Note whom this member owes earlier history: only the adder may give it, and what signed may be cut off."""
        if link.kind is RosterKind.REMOVE and link.member is not None:
            space.owed.pop(link.member, None)
        me, now = self._keys.member, self._clock()
        is_own = link.kind is RosterKind.ADD and link.signer.member == me and link.member != me
        if is_own and link.member is not None and space.roster.policy.shared and link.time > now - _OWED_FOR:
            is_here = link.signer.device == self._keys.device
            space.owed[link.member] = (link.epoch.n, 0 if is_here else link.time + _SIBLINGS_WAIT)

    def _epoch(self, space: Space, event: LogEvent, signed: Signed) -> Entry:
        announcement = verify_announcement(signed, space.roster, space.newest, self._people.chain)
        _same(announcement.hash, event.item)
        me = self._keys.member
        seat, least_n = space.roster.seats.get(me), space.log.linked.get(me, 0)
        foreign = seat is not None and seat.identity != self._people.chain(me).identity
        space.epochs[announcement.epoch] = Epoch(announcement, event.accepted_at, least_n=least_n, foreign=foreign)
        space.complainers.clear()
        creator = announcement.creator.member
        return Entry(
            event.seq, EntryKind.EPOCH, event.accepted_at, creator, announcement.time, number=announcement.epoch
        )

    def _complaint(self, space: Space, event: LogEvent, signed: Signed) -> Entry:
        complaint = decode_complaint(signed.body)
        _same(complaint.hash, event.item)
        signer = complaint.signer
        key = self._people.chain(signer.member).signer(signer.device, signer.n, signer.hash)
        seat = space.roster.seats.get(signer.member)
        about = space.epochs.get(complaint.epoch.n)
        known = about.announcement.head if about else (complaint.epoch if complaint.epoch.n < space.newest.n else None)
        if complaint.space != space.id or complaint.epoch != known or not seat or seat.identity != key.identity:
            raise ProtocolError(Code.FORBIDDEN, "The complaint is not about an epoch of this member.", Layer.EPOCH)
        verify_body(key.dk, signed.signature, Label.COMPLAINT, signed.body)
        space.complaints.setdefault(signer.member, set()).add(complaint.epoch.n)
        space.complainers.add(signer.member)
        number = complaint.epoch.n
        return Entry(event.seq, EntryKind.COMPLAINT, event.accepted_at, signer.member, complaint.time, number=number)

    def _member_link(self, space: Space, event: LogEvent) -> Entry:
        link = decode_member_link(event.body or b"")
        _same(link.hash, event.item)
        chain = self._people.chain(link.member)
        if link.n > chain.head.n or chain.hashes[link.n] != link.hash:
            raise ProtocolError(Code.FORK, "The link is not of the member's chain.", Layer.MEMBER)
        space.log.entered_member_link(link.member, link.n)
        action = link.kind.name.lower()
        return Entry(
            event.seq, EntryKind.MEMBER, event.accepted_at, link.member, link.time, action=action, member=link.member
        )


def _same(computed: bytes, claimed: bytes) -> None:
    if computed != claimed:
        raise ProtocolError(Code.FORK, "The log's entry does not fit its content.", Layer.LOG)


def _named(event: LogEvent) -> list[tuple[bytes, int]]:
    if event.body is None or event.kind is EventKind.OTHER:
        return []
    if event.kind is EventKind.ROSTER:
        link = decode_roster_link(event.body)
        added = [(link.member, 0)] if link.kind is RosterKind.ADD and link.member else []
        return [(link.signer.member, link.signer.n), *added, *((member, 0) for member, _ in link.seats)]
    if event.kind is EventKind.EPOCH:
        creator = decode_announcement(event.body).creator
        return [(creator.member, creator.n)]
    if event.kind is EventKind.COMPLAINT:
        signer = decode_complaint(event.body).signer
        return [(signer.member, signer.n)]
    link_of_member = decode_member_link(event.body)
    return [(link_of_member.member, link_of_member.n)]


def _roster_entry(event: LogEvent, link: RosterLink) -> Entry:
    return Entry(
        event.seq,
        EntryKind.ROSTER,
        event.accepted_at,
        link.signer.member,
        link.time,
        action=link.kind.name.lower(),
        member=link.member,
        number=int(link.role) if link.role is not None else 0,
    )
