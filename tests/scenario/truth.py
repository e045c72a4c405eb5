"""What is true of the conversations: read from the server's database, judged by the signed chains in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import asyncpg
from circle_client.protocol.envelope import Kind, decode_envelope
from circle_client.protocol.roster import RosterKind, RosterLink, decode_roster_link

from db.models import EventKind


@dataclass(frozen=True, slots=True)
class Sealed:
    """An accepted message; `data` None: emptied when its time was over."""

    seq: int
    id: str
    sender: str
    expires_at: datetime | None
    data: bytes | None


@dataclass(frozen=True, slots=True)
class Stay:
    """From the entry that let a member in to the one that ended it (None: still there), both included."""

    joined: int
    left: int | None
    shared: bool

    def covers(self, seq: int) -> bool:
        """Whether this entry came while the member was in."""
        return self.joined < seq and (self.left is None or seq <= self.left)


@dataclass
class Room:
    """A conversation: its messages by seq, its members' stays and present roles, by handle.

    `barred`: who at any time could not write here any more: was a reader, was removed, or left.
    """

    space: str
    head: int = 0
    type: int = 1
    shared: bool = False
    lifetime: int = 0
    messages: dict[int, Sealed] = field(default_factory=dict)
    stays: dict[str, list[Stay]] = field(default_factory=dict)
    roles: dict[str, int] = field(default_factory=dict)
    barred: set[str] = field(default_factory=set)

    def living(self, now: datetime) -> Iterator[Sealed]:
        """The messages whose time is not over."""
        return (m for m in self.messages.values() if m.expires_at is None or m.expires_at > now)

    def _apply(self, seq: int, link: RosterLink, handles: dict[bytes, str]) -> None:
        if link.kind is RosterKind.CREATE:
            for member, seat in link.seats:
                self._join(handles[member], 0, int(seat.role))
            self.type = int(link.type or 0)
        if link.policy is not None:
            self.shared, self.lifetime = link.policy.shared, link.policy.lifetime
        who = handles[link.member] if link.member else ""
        if link.kind is RosterKind.ADD and who not in self.roles:
            self._join(who, seq, int(link.role or 0))
        elif link.kind is RosterKind.ROLE:
            self._take(who, int(link.role or 0))
        elif link.kind is RosterKind.REMOVE:
            self.barred.add(who)
            del self.roles[who]
            stay = self.stays[who][-1]
            self.stays[who][-1] = Stay(stay.joined, seq, stay.shared)

    def _take(self, who: str, role: int) -> None:
        self.roles[who] = role
        if role == 0:
            self.barred.add(who)

    def _join(self, who: str, seq: int, role: int) -> None:
        self._take(who, role)
        self.stays.setdefault(who, []).append(Stay(seq, None, self.shared and seq > 0))


@dataclass
class Truth:
    """All conversations by id in hexadecimal."""

    rooms: dict[str, Room]
    handles: dict[bytes, str]


_EVENTS = """
SELECT e.space_id, e.seq, e.kind, e.id, e.actor_id, e.item, e.body, e.expires_at, l.body AS link
FROM event e JOIN space s ON s.id = e.space_id
LEFT JOIN roster_link l ON l.space_id = e.space_id AND l.hash = e.item
WHERE s.type < 3 AND (e.kind = 2 OR e.kind = 1) ORDER BY e.space_id, e.seq"""


async def read_truth(dsn: str, kinds: dict[str, int]) -> Truth:
    """The present truth. `kinds` remembers what expired envelopes were: their headers are gone."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            members = await connection.fetch("SELECT id, handle FROM member")
            heads = await connection.fetch("SELECT id, head_seq FROM space WHERE type < 3")
            events = await connection.fetch(_EVENTS)
    finally:
        await connection.close()
    handles = {row["id"].bytes: row["handle"] for row in members}
    rooms = {row["id"].hex: Room(row["id"].hex, row["head_seq"]) for row in heads}
    for row in events:
        room = rooms[row["space_id"].hex]
        if row["kind"] == EventKind.ROSTER:
            room._apply(row["seq"], decode_roster_link(row["link"]), handles)
            continue
        key = row["id"].hex
        if row["body"] is not None:
            kinds[key] = decode_envelope(row["body"]).header.kind
        if kinds.get(key) == Kind.MESSAGE:
            sender = handles[row["actor_id"].bytes]
            room.messages[row["seq"]] = Sealed(row["seq"], key, sender, row["expires_at"], row["body"])
    return Truth(rooms, handles)
