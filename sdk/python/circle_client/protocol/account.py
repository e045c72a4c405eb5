"""What the devices of a member tell each other in the account space: pins, marks, the recovery key's confirmation.

Contents of kind 8 in a space of type 4 (e2ee.md sections 5 and 12; docs/decisions/0080). Each holds one of the keys
below; of two rows about the same member or space the later one of the log holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from circle_client.protocol.cbor import Value, array, raw, uint
from circle_client.protocol.envelope import refuse
from circle_client.protocol.errors import Code, ProtocolError
from circle_client.protocol.member_chain import MemberChain
from circle_client.protocol.structures import HASH, ID, Head

ROWS_CAP = 400
MEMBERS, SPACES, MARKS, CONFIRMED = 16, 17, 18, 19
_KEYS = (MEMBERS, SPACES, MARKS, CONFIRMED)


@dataclass(frozen=True, slots=True)
class MemberPin:
    """[member, ID, n, hash, g]: the newest chain head and generation that a device saw of a member."""

    member: bytes
    identity: bytes
    chain: Head
    generation: int

    def check(self, chain: MemberChain, generation: int) -> None:
        """Whether what is shown goes on from the pin. Raises FORK: shorter, other, another ID, or an older key."""
        chain.check_pin(self.chain)
        if chain.identity_at(self.chain.n) != self.identity or generation < self.generation:
            raise refuse(Code.FORK, "The member's keys are not those that another device of this account saw.")


@dataclass(frozen=True, slots=True)
class SpacePin:
    """[space, roster n, roster hash, e, h_e, seq, l]: the newest heads that a device saw of a space."""

    space: bytes
    roster: Head
    epoch: Head
    log: Head


@dataclass(frozen=True, slots=True)
class Mark:
    """[member, ID, verified]: somebody compared the safety number with exactly this ID, or took that back."""

    member: bytes
    identity: bytes
    verified: bool


@dataclass(frozen=True, slots=True)
class AccountContent:
    """One content; of the four one is set, or none where a later version wrote something else."""

    members: tuple[MemberPin, ...] = ()
    spaces: tuple[SpacePin, ...] = ()
    marks: tuple[Mark, ...] = ()
    confirmed: bool | None = None

    def content(self) -> dict[int, Value]:
        """The map to seal. Raises UNREADABLE unless exactly one of the four is set, with at most 400 rows."""
        content: dict[int, Value] = {}
        if self.members:
            content[MEMBERS] = [[p.member, p.identity, p.chain.n, p.chain.hash, p.generation] for p in self.members]
        if self.spaces:
            content[SPACES] = [
                [p.space, p.roster.n, p.roster.hash, p.epoch.n, p.epoch.hash, p.log.n, p.log.hash] for p in self.spaces
            ]
        if self.marks:
            content[MARKS] = [[mark.member, mark.identity, mark.verified] for mark in self.marks]
        if self.confirmed is not None:
            content[CONFIRMED] = self.confirmed
        if len(content) != 1:
            raise refuse(Code.UNREADABLE, "A content of the account holds exactly one thing.")
        read_account(content)
        return content


def read_account(content: Mapping[int, Any]) -> AccountContent:
    """Decodes a content. Raises UNREADABLE (`envelope`) for another shape, two of the keys, more than 400 rows."""
    found = [key for key in _KEYS if key in content]
    if len(found) > 1:
        raise refuse(Code.UNREADABLE, "A content of the account holds exactly one thing.")
    if not found:
        return AccountContent()
    key, value = found[0], content[found[0]]
    try:
        if key == CONFIRMED:
            return AccountContent(confirmed=_flag(value))
        rows = array(value)
        if len(rows) > ROWS_CAP:
            raise refuse(Code.UNREADABLE, "A content of the account has at most 400 rows.")
        if key == MEMBERS:
            return AccountContent(members=tuple(_member(row) for row in rows))
        if key == SPACES:
            return AccountContent(spaces=tuple(_space(row) for row in rows))
        return AccountContent(marks=tuple(_mark(row) for row in rows))
    except ProtocolError as error:
        raise refuse(Code.UNREADABLE, "The content has not the shape of its kind.") from error


def _flag(value: object) -> bool:
    if type(value) is not bool:
        raise refuse(Code.UNREADABLE, "True or false is expected.")
    return value


def _member(row: object) -> MemberPin:
    member, identity, n, digest, generation = array(row, 5)
    return MemberPin(raw(member, ID), raw(identity, HASH), Head(uint(n), raw(digest, HASH)), uint(generation))


def _space(row: object) -> SpacePin:
    space, roster, roster_hash, epoch, epoch_hash, seq, log = array(row, 7)
    return SpacePin(
        raw(space, ID),
        Head(uint(roster), raw(roster_hash, HASH)),
        Head(uint(epoch), raw(epoch_hash, HASH)),
        Head(uint(seq), raw(log, HASH)),
    )


def _mark(row: object) -> Mark:
    member, identity, verified = array(row, 3)
    return Mark(raw(member, ID), raw(identity, HASH), _flag(verified))


@dataclass(slots=True)
class AccountBook:
    """What the account's log says so far: for each member, space and mark the row with the highest seq."""

    members: dict[bytes, MemberPin] = field(default_factory=dict)
    spaces: dict[bytes, SpacePin] = field(default_factory=dict)
    marks: dict[bytes, Mark] = field(default_factory=dict)
    confirmed: bool = False
    _seqs: dict[tuple[int, bytes], int] = field(default_factory=dict)

    def take(self, content: AccountContent, seq: int) -> None:
        """The content of the entry at `seq`; entries may come in any order."""
        for pin in content.members:
            if self._is_later(MEMBERS, pin.member, seq):
                self.members[pin.member] = pin
        for place in content.spaces:
            if self._is_later(SPACES, place.space, seq):
                self.spaces[place.space] = place
        for mark in content.marks:
            if self._is_later(MARKS, mark.member, seq):
                self.marks[mark.member] = mark
        if content.confirmed is not None and self._is_later(CONFIRMED, b"", seq):
            self.confirmed = content.confirmed

    def recovery_key_changed(self, seq: int) -> None:
        """The link of a new recovery key stands at `seq`: what was confirmed before, was another one's."""
        if self._is_later(CONFIRMED, b"", seq):
            self.confirmed = False

    def _is_later(self, key: int, about: bytes, seq: int) -> bool:
        later = seq >= self._seqs.get((key, about), 0)
        if later:
            self._seqs[key, about] = seq
        return later

    def verified(self, member: bytes, identity: bytes) -> bool:
        """Whether the mark holds for this ID: another ID is unverified by itself."""
        mark = self.marks.get(member)
        return mark is not None and mark.verified and mark.identity == identity

    # ---- storage

    def dump(self) -> list[list[Any]]:
        """What a store keeps: contents, with the seq of each row."""
        rows: list[list[Any]] = []
        for key, found in ((MEMBERS, self.members), (SPACES, self.spaces), (MARKS, self.marks)):
            rows += [[self._seqs[key, about], _content_of(row)] for about, row in found.items()]
        if (seq := self._seqs.get((CONFIRMED, b""))) is not None:
            rows.append([seq, AccountContent(confirmed=self.confirmed).content()])
        return rows

    @classmethod
    def load(cls, rows: list[list[Any]]) -> AccountBook:
        """The book of a `dump`."""
        book = cls()
        for seq, content in rows:
            book.take(read_account(content), seq)
        return book


def _content_of(row: MemberPin | SpacePin | Mark) -> dict[int, Value]:
    if isinstance(row, MemberPin):
        return AccountContent(members=(row,)).content()
    if isinstance(row, SpacePin):
        return AccountContent(spaces=(row,)).content()
    return AccountContent(marks=(row,)).content()
