"""What is new to a member, and how far others are."""

from __future__ import annotations

from circle_client.clock import millis
from circle_client.engine.kept import entry_of
from circle_client.machine.events import EntryKind
from circle_client.machine.machine import Machine
from circle_client.machine.space import Space
from circle_client.store import ItemRow, Store
from circle_client.types import Receipt


def unread(machine: Machine, store: Store, space: Space) -> int:
    """How many messages of others have a seq above the own read seq. Deleted and expired ones do not count, nor what
    cannot be read yet: it does once its keys have come.
    """
    now, count, after = millis(), 0, machine.reading.read_seq(space)
    while rows := store.items_after(space.id, after):
        count += sum(_counts(row, machine.me, now) for row in rows)
        after = rows[-1].seq
    return count


def _counts(row: ItemRow, me: bytes, now: int) -> bool:
    entry = entry_of(row)
    if entry is None or entry.kind is not EntryKind.MESSAGE or entry.sender == me or entry.deleted:
        return False
    return row.expires is None or row.expires > now


def newest_message(store: Store, space: Space) -> int:
    """The seq of the newest message here, one's own too; 0 where there is none."""
    before = space.log.head.n + 1
    while rows := store.latest_items(space.id, before, 50):
        for row in rows:
            entry = entry_of(row)
            if entry is not None and entry.kind is EntryKind.MESSAGE:
                return row.seq
        before = rows[-1].seq
    return 0


def receipts(machine: Machine, space: Space) -> list[Receipt]:
    """What the others in a conversation have said, by handle."""
    found, now = [], millis()
    for member, seen in machine.reading.of(space.id).receipts.items():
        person = machine.people.person(member)
        expired = seen.expires is not None and seen.expires <= now
        if person is not None and member != machine.me and member in space.roster.seats and not expired:
            found.append(Receipt(person, seen.delivered, seen.read))
    return sorted(found, key=lambda receipt: receipt.person.handle)
