"""The account's book at work: what other devices of this account saw, what this one has to tell them (section 12)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from circle_client.machine.events import Entry, EntryKind, Past
from circle_client.machine.people import Known, People
from circle_client.machine.space import Space
from circle_client.protocol.account import ROWS_CAP, AccountBook, AccountContent, MemberPin, SpacePin
from circle_client.protocol.roster import SpaceType

_ENDS_CONFIRMATION = ("recovery", "reset")


class Bookkeeper:
    """Keeps `AccountBook` and holds what is known against it. `changed`: not yet written to the store."""

    def __init__(self, people: People, spaces: Mapping[bytes, Space], past: Past) -> None:
        self.book = AccountBook()
        self._people, self._spaces, self._past = people, spaces, past
        self.changed = False
        self._doubted: set[bytes] = set()
        people.bounds = self.book.members

    def load(self, rows: list[list[Any]]) -> None:
        """Take back what the store keeps."""
        self.book = AccountBook.load(rows)
        self._people.bounds = self.book.members
        self._doubted.update(self.book.spaces)

    def begin_again(self) -> None:
        """Forget everything: the account's log is read afresh, by a person's decision."""
        self.book, self.changed = AccountBook(), True
        self._people.bounds = self.book.members

    def take(self, entry: Entry, space: Space) -> None:
        """What an applied entry says, if it is one of the account's space."""
        if space.roster.type is not SpaceType.ACCOUNT:
            return
        if entry.kind is EntryKind.ACCOUNT and entry.account is not None:
            self.book.take(entry.account, entry.seq)
            self._doubted.update(pin.space for pin in entry.account.spaces)
            self.changed = True
        elif entry.kind is EntryKind.MEMBER and entry.action in _ENDS_CONFIRMATION:
            self.book.recovery_key_changed(entry.seq)
            self.changed = True

    # ---- bounds

    def members_behind(self) -> list[bytes]:
        """Known members of whom another device saw more than this one, or something else: ask the server anew."""
        return [member for member in self.book.members if self._people.is_behind(member)]

    def spaces_to_check(self) -> list[tuple[Space, SpacePin]]:
        """Spaces held here with a pin that was not compared yet."""
        found = [(self._spaces[id], self.book.spaces[id]) for id in self._doubted if id in self._spaces]
        return [(space, pin) for space, pin in found if space.left is None and space.alarm is None]

    def fits(self, space: Space) -> bool | None:
        """Whether a space that has caught up with the server goes on from its pin; None where it ends before it."""
        self._doubted.discard(space.id)
        pin = self.book.spaces.get(space.id)
        if pin is None:
            return True
        newest, roster = space.newest, space.roster
        if space.log.head.n < pin.log.n or newest.n < pin.epoch.n or roster.n < pin.roster.n:
            return None
        shown = self._past.log_hash(space.id, pin.log.n) or space.log.hashes.get(pin.log.n)
        if shown is not None and shown != pin.log.hash:
            return False
        epoch = space.epochs.get(pin.epoch.n)
        if epoch is not None and epoch.announcement.hash != pin.epoch.hash:
            return False
        if roster.n == pin.roster.n:
            return roster.hash == pin.roster.hash
        return space.first > 1 or self._past.has_item(space.id, pin.roster.hash)

    # ---- what to tell

    def news(self, *, all_of_it: bool) -> Iterator[AccountContent]:
        """Contents that tell the other devices what this one knows and the book does not: members seen for the first
        time, or `all_of_it`.
        """
        members = [pin for known in self._people.all() if (pin := self._member(known, all_of_it)) is not None]
        for start in range(0, len(members), ROWS_CAP):
            yield AccountContent(members=tuple(members[start : start + ROWS_CAP]))
        if all_of_it:
            spaces = [place for space in self._spaces.values() if (place := self._space(space)) is not None]
            for start in range(0, len(spaces), ROWS_CAP):
                yield AccountContent(spaces=tuple(spaces[start : start + ROWS_CAP]))

    def _member(self, known: Known, all_of_it: bool) -> MemberPin | None:
        pin = MemberPin(known.chain.member, known.chain.identity, known.chain.head, known.key.generation)
        old = self.book.members.get(pin.member)
        if old is None:
            return pin
        if old.identity != pin.identity and not self.book.verified(pin.member, pin.identity):
            return None  # a pin tells the other devices that the new identity was accepted
        further = (pin.chain.n, pin.generation) > (old.chain.n, old.generation)
        return pin if further and all_of_it else None

    def _space(self, space: Space) -> SpacePin | None:
        if space.alarm is not None or space.roster.type is SpaceType.ACCOUNT or space.left is not None:
            return None
        pin = SpacePin(space.id, space.roster.head, space.newest, space.log.head)
        old = self.book.spaces.get(space.id)
        return pin if old is None or pin.log.n > old.log.n else None
