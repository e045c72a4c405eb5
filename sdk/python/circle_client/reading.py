"""What is new to a member, and how far others are."""

from __future__ import annotations

from circle_client.clock import millis
from circle_client.engine.engine import Engine
from circle_client.engine.kept import entry_of
from circle_client.machine.events import Entry, EntryKind
from circle_client.machine.space import Space
from circle_client.protocol.envelope import Kind
from circle_client.store import ItemRow
from circle_client.types import Receipt


def is_news(entry: Entry, me: bytes) -> bool:
    """Whether an entry is a message of somebody else's that is there to be read, or will be when its keys come."""
    waits = entry.kind is EntryKind.UNREADABLE and entry.waiting and entry.sealed == Kind.MESSAGE
    return (entry.kind is EntryKind.MESSAGE or waits) and entry.sender != me and not entry.deleted


def unread(engine: Engine, space: Space) -> int:
    """How many messages of others have a seq above the own read seq; deleted and expired ones do not count."""
    now, count, after = millis(), 0, engine.machine.reading.read_seq(space)
    while rows := engine.store.items_after(space.id, after):
        count += sum(_counts(engine, row, now) for row in rows)
        after = rows[-1].seq
    return count


def _counts(engine: Engine, row: ItemRow, now: int) -> bool:
    entry = entry_of(row)
    return entry is not None and is_news(entry, engine.machine.me) and (row.expires is None or row.expires > now)


def newest_message(engine: Engine, space: Space) -> int:
    """The seq of the newest message here, one's own too; 0 where there is none."""
    before = space.log.head.n + 1
    while rows := engine.store.latest_items(space.id, before, 50):
        for row in rows:
            entry = entry_of(row)
            if entry is not None and entry.kind is EntryKind.MESSAGE:
                return row.seq
        before = rows[-1].seq
    return 0


def receipts(engine: Engine, space: Space) -> list[Receipt]:
    """What the others in a conversation have said, by handle."""
    found, now = [], millis()
    for member, seen in engine.machine.reading.of(space.id).receipts.items():
        person = engine.machine.people.person(member)
        expired = seen.expires is not None and seen.expires <= now
        if person is not None and member != engine.machine.me and member in space.roster.seats and not expired:
            found.append(Receipt(person, seen.delivered, seen.read))
    return sorted(found, key=lambda receipt: receipt.person.handle)
