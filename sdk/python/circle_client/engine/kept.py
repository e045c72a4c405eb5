"""What the store keeps of log entries, and the past as the machine asks for it."""

from __future__ import annotations

from typing import Any

from circle_client.machine.apply import Applied
from circle_client.machine.events import Entry, EntryKind, EventKind, LogEvent
from circle_client.machine.space import Space
from circle_client.protocol.branches import LIFETIMES
from circle_client.store import ItemRow, Store


class StoredPast:
    """The machine's `Past`, answered by the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def log_hash(self, space: bytes, seq: int) -> bytes | None:
        """l at `seq`."""
        return self._store.log_hash(space, seq)

    def item_at(self, space: bytes, seq: int) -> bytes | None:
        """The item hash at `seq`."""
        return self._store.item_at(space, seq)

    def has_item(self, space: bytes, item: bytes) -> bool:
        """Whether this item was applied before."""
        return self._store.has_item(space, item)

    def entry_by_id(self, space: bytes, id: bytes) -> Entry | None:
        """The first entry whose envelope has this id; EXPIRED where its content is gone."""
        row = self._store.item_by_id(space, id)
        if row is None:
            return None
        return entry_of(row) or Entry(row.seq, EntryKind.EXPIRED, 0, id=id)


def entry_of(row: ItemRow) -> Entry | None:
    """The entry that a row keeps; None where it has expired."""
    return None if row.value is None else Entry.load(row.value["entry"])


def _value(entry: Entry, raw: bytes | None) -> dict[str, Any]:
    return {"entry": entry.dump()} if raw is None else {"entry": entry.dump(), "raw": raw}


def keep(store: Store, space: Space, event: LogEvent, applied: Applied, now: int) -> None:
    """Write an applied entry, inside a transaction; an edit or delete also changes what it is about."""
    entry = applied.entry
    life = LIFETIMES[entry.b] if event.kind is EventKind.ENVELOPE and entry.b < len(LIFETIMES) else None
    store.put_item(
        space.id,
        event.seq,
        event.item,
        applied.log_hash,
        _value(entry, applied.raw),
        id=entry.id,
        live=event.seq >= space.joined,
        expires=None if life is None else min(event.accepted_at, now) + life,
    )
    _carry_out(store, space, entry)


def _carry_out(store: Store, space: Space, entry: Entry) -> None:
    if entry.kind not in (EntryKind.EDIT, EntryKind.DELETE) or entry.ref is None:
        return
    row = store.item_by_id(space.id, entry.ref)
    about = entry_of(row) if row is not None else None
    if row is None or about is None or about.kind is not EntryKind.MESSAGE or about.deleted:
        return
    after = (
        about.but(text="", deleted=True) if entry.kind is EntryKind.DELETE else about.but(text=entry.text, edited=True)
    )
    store.rewrite_item(space.id, row.seq, _value(after, None))


def keep_again(store: Store, space: Space, entry: Entry) -> None:
    """Write an entry that has become readable; a live one is shown once more."""
    store.rewrite_item(space.id, entry.seq, _value(entry, None), show_again=entry.seq >= space.joined)
    _carry_out(store, space, entry)
