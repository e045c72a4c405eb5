"""The client's mind without a body: keys, members, spaces. No I/O; the engine feeds it and keeps what it dumps."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from circle_client.clock import millis
from circle_client.machine.alarms import SEEN_MORE, SEEN_OTHER, Why
from circle_client.machine.apply import Applied, Applier
from circle_client.machine.book import Bookkeeper
from circle_client.machine.events import Entry, EntryKind, LogEvent, NoPast, Past
from circle_client.machine.keyring import Keyring
from circle_client.machine.loose import Loose
from circle_client.machine.make import Maker
from circle_client.machine.people import Known, MemberFacts, People
from circle_client.machine.reading import MarkerFacts, Reading
from circle_client.machine.rotation import Rotator
from circle_client.machine.seals import SealFacts
from circle_client.machine.signup import SignUpBundle
from circle_client.machine.space import Epoch, Space
from circle_client.machine.wraps import Wraps
from circle_client.protocol.branches import LIFETIMES
from circle_client.protocol.envelope import Envelope, Kind, decode_envelope
from circle_client.protocol.errors import ProtocolError
from circle_client.protocol.structures import Signed
from circle_client.types import Person

Put = Callable[[str, bytes, Any], None]


class Machine:
    """One member on one device. `flush` writes what changed; write it in one transaction with what was applied."""

    def __init__(self, keyring: Keyring, past: Past | None = None, clock: Callable[[], int] = millis) -> None:
        self.keyring, self.people = keyring, People()
        self.spaces: dict[bytes, Space] = {}
        self.make = Maker(keyring, self.people)
        self._past = past or NoPast()
        self.wraps = Wraps(keyring.member)
        self.rotator = Rotator(keyring, self.people, self.spaces, self.wraps)
        self.books = Bookkeeper(self.people, self.spaces, self._past)
        self._applier = Applier(keyring, self.people, self._past, self.wraps, clock)
        self.loose = Loose(self.people, self._past)
        self.reading = Reading(keyring.member, self.spaces, self.loose, clock)
        self._changed: set[bytes] = set()
        self._moved: set[bytes] = set()
        self._seals: dict[bytes, int] = {}
        self._written: dict[tuple[bytes, int], tuple[int, bool, bool]] = {}

    @property
    def me(self) -> bytes:
        """This member's protocol id."""
        return self.keyring.member

    @classmethod
    def signed_up(cls, bundle: SignUpBundle, person: Person, past: Past | None = None) -> Machine:
        """The machine of a new member; their own chain is the first that it knows."""
        machine = cls(bundle.keyring, past)
        machine.people.learn(MemberFacts(person, [bundle.identity], bundle.member_key))
        return machine

    # ---- members

    def learn(self, facts: MemberFacts) -> Known:
        """Verify and keep what the server tells of a member. Raises Forked, Untrusted."""
        return self.people.learn(facts)

    @property
    def behind(self) -> bool:
        """Whether a sibling has made an M that this device has not taken yet."""
        known = self.people.get(self.me)
        return known is not None and known.key.generation > self.keyring.generation

    def lacks(self, space: bytes, epoch: int, b: int) -> bool:
        """Whether a branch is not held."""
        found = self.spaces[space].epochs.get(epoch) if space in self.spaces else None
        return found is None or b not in found.branches

    # ---- spaces

    def needs(self, events: Iterable[LogEvent]) -> set[bytes]:
        """Members whose chains must be known (further) before these events are applied."""
        return {member for event in events for member in self._applier.needs(event)}

    def prepare(self, node: str, event: LogEvent) -> Space:
        """A space from its first entry; `adopt` it, then `apply` that entry. Raises ProtocolError."""
        return self._applier.begin(node, event)

    def join(self, node: str, links: list[Signed], event: LogEvent) -> Applied:
        """A space, new or anew, from the entry of one's own add, which is applied by this. Raises ProtocolError.

        Of an earlier stay the epochs are kept; that the roster goes on from the one known then, the engine has checked.
        """
        old = self.spaces.get(event.space)
        space = self._applier.join(node, links, event)
        if old is not None:
            space.epochs.update(old.epochs)
        self.adopt(space)
        return self._applier.first_entry(space, event)

    def adopt(self, space: Space) -> None:
        """Know a space from now on; in one go with what is applied to it, so that nobody meets it half made."""
        self.spaces[space.id] = space
        self._changed.add(space.id)
        self._moved.add(space.id)

    def apply(self, event: LogEvent, seal: SealFacts | None = None) -> Applied:
        """Apply the next entry of a known space; see `Applier.apply`."""
        space = self.spaces[event.space]
        before = (space.roster.n, space.alarm, space.state, space.left, space.newest.n, len(space.waiting))
        applied = self._applier.apply(space, event, seal)
        self._moved.add(space.id)
        if before != (space.roster.n, space.alarm, space.state, space.left, space.newest.n, len(space.waiting)):
            self._changed.add(space.id)
        if applied.entry.action or space.denied or space.complainers:
            self._changed.add(space.id)
        self.books.take(applied.entry, space)
        self._note(applied.entry, space)
        return applied

    def _note(self, entry: Entry, space: Space) -> None:
        """What an entry means for who has read what."""
        if entry.kind is EntryKind.MESSAGE and entry.sender != self.me:
            self.reading.arrived(space.id, entry.seq)
        elif entry.kind is EntryKind.ROSTER:
            self.reading.members_changed(space, entry.member if entry.action in {"add", "remove"} else None)
        if entry.kind is EntryKind.EPOCH or entry.seq <= self.reading.of(space.id).read:
            self.reading.to_look.add(space.id)  # what was put off can be said

    def take_marker(self, facts: MarkerFacts) -> None:
        """Take a marker that came; never raises for what is in it. One that proves another past raises the alarm."""
        space = self.reading.sealed_in(facts)
        calm = space is not None and space.alarm is None
        self.reading.take(facts)
        if space is not None and calm and space.alarm is not None:
            self._changed.add(space.id)

    def take_fetched(self, space: Space, found: Iterable[MarkerFacts]) -> None:
        """All markers of a conversation as the server stores them now."""
        self.reading.begin_fetched(space.id)
        for facts in found:
            if facts.space == space.id:
                self.take_marker(facts)

    def open_signal(self, space: Space, envelope: Envelope) -> dict[int, Any]:
        """The content of a signal under the newest epoch. Raises ProtocolError, KeysLacking; a foreign `seen` also
        raises the alarm, which is written with the next flush.
        """
        calm = space.alarm is None
        try:
            self.loose.check_current(space, envelope)
            return self.loose.open(space, envelope, Kind.SIGNAL)
        finally:
            if calm and space.alarm is not None:
                self._changed.add(space.id)

    def take_seal(self, space: Space, number: int, facts: SealFacts) -> None:
        """Keep the keys of an epoch whose seal came later; see `SealTaker.take_seal`."""
        self._applier.seals.take_seal(space, number, facts)
        self._changed.add(space.id)

    def take_grant(self, space: Space, generation: int, sealed: bytes) -> bool:
        """Take what a grant gives; a bad one gives nothing. Whether there was something new."""
        try:
            new = self.make.take_grant(space, generation, sealed)
        except ProtocolError:
            return False
        self.touch(space)
        return new

    def reread(self, space: Space, entry: Entry, raw: bytes) -> Entry:
        """Decode an entry again that waited for keys; it may go on waiting."""
        found = self._applier.read(space, decode_envelope(raw), entry.seq, entry.accepted_at)
        space.show(found)
        self.books.take(found, space)
        self._note(found, space)
        self._changed.add(space.id)
        return found

    def promise(self, space: Space, seq: int, item: bytes) -> None:
        """The server says that an own send lies at `seq`: hold it to that (e2ee.md section 7)."""
        if seq > space.log.head.n:
            space.told[seq] = item
            self._moved.add(space.id)
        elif self._past.item_at(space.id, seq) not in (None, item):
            sentence = "The server put an own message elsewhere than it said. Nothing more is sent here."
            self.alarm(space, sentence, Why.FORKED)

    def alarm(self, space: Space, sentence: str, why: Why) -> None:
        """Stop sending in a space."""
        space.warn(sentence, why)
        self._changed.add(space.id)

    def check_bound(self, space: Space) -> None:
        """Hold a space, caught up with the server, against what another device of this account saw of it."""
        fits = self.books.fits(space)
        if fits is not None and not fits:
            self.alarm(space, SEEN_OTHER, Why.FORKED)
        elif fits is None:
            self.alarm(space, SEEN_MORE, Why.LOST)

    def touch(self, space: Space, *, seldom: bool = False) -> None:
        """What was done to a space is written with the next `flush`; `seldom`: also what changes seldom."""
        self._moved.add(space.id)
        if seldom:
            self._changed.add(space.id)

    def erase_expired(self, now: int) -> bool:
        """Drop titles and receipts that have expired, and branches whose lifetime after their epoch's close is over
        (section 9); whether there were any.
        """
        erased = self.reading.erase_expired(now)
        for space in self.spaces.values():
            if (ends := space.state_ends()) is not None and ends <= now:
                space.state, erased = None, True
                self._changed.add(space.id)
            for number, epoch in space.epochs.items():
                closed = epoch.closes(space.epochs.get(number + 1))
                for b in [b for b in epoch.branches if (life := LIFETIMES[b]) is not None and closed + life <= now]:
                    del epoch.branches[b]
                    erased = True
                    self._moved.add(space.id)
        return erased

    def forget(self, space: Space) -> None:
        """Drop a space, which is then loaded afresh, by a person's decision."""
        del self.spaces[space.id]
        for known in (self._changed, self._moved):
            known.discard(space.id)
        for key in [key for key in self._written if key[0] == space.id]:
            del self._written[key]

    # ---- storage

    def flush(self, put: Put) -> None:
        """Hand every changed record to `put(area, key, value)`; call inside the store's transaction."""
        if self.keyring.changed or self.rotator.seals != self._seals:
            self._seals = dict(self.rotator.seals)
            put("keyring", b"", {**self.keyring.dump(), "seals": self._seals})
            self.keyring.changed = False
        if self.books.changed:
            put("book", b"", self.books.book.dump())
            self.books.changed = False
        for member in self.people.changed:
            put("person", member, self.people.dump(member))
        for id in self._changed:
            put("space", id, self.spaces[id].dump())
        for id in self._moved | self._changed:
            space = self.spaces[id]
            put("log", id, space.dump_log())
            for number, epoch in space.epochs.items():
                state = _state(epoch)
                if self._written.get((id, number)) != state:
                    put("epoch", id + number.to_bytes(8, "big"), epoch.dump())
                    self._written[id, number] = state
        for id in self.reading.changed:
            put("reading", id, self.reading.dump(id))
        self.reading.changed.clear()
        self.people.changed.clear()
        self._changed.clear()
        self._moved.clear()

    @classmethod
    def load(
        cls,
        keyring: dict[str, Any],
        people: Iterable[tuple[bytes, Any]],
        spaces: Iterable[tuple[bytes, Any]],
        logs: Iterable[tuple[bytes, Any]],
        epochs: Iterable[tuple[bytes, Any]],
        book: list[list[Any]] | None = None,
        past: Past | None = None,
        marks: Iterable[tuple[bytes, Any]] = (),
    ) -> Machine:
        """The machine of what `flush` wrote. Raises Untrusted for records that do not verify."""
        machine = cls(Keyring.load(keyring), past)
        machine._seals = dict(keyring["seals"])
        machine.rotator.seals.update(machine._seals)
        if book is not None:
            machine.books.load(book)
        machine.reading.load(marks)
        for member, value in people:
            machine.people.load(member, value)
        by_space = dict(logs)
        for id, value in spaces:
            machine.spaces[id] = Space.load(id, value, by_space[id])
        for key, value in epochs:
            space, number = machine.spaces.get(key[:16]), int.from_bytes(key[16:], "big")
            if space is not None:
                space.epochs[number] = epoch = Epoch.load(value)
                machine._written[key[:16], number] = _state(epoch)
        return machine


def _state(epoch: Epoch) -> tuple[int, bool, bool]:
    return len(epoch.branches), epoch.recipients is None, epoch.checked
