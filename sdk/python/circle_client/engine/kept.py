"""What the store keeps of log entries, and the past as the machine asks for it."""

from __future__ import annotations

from dataclasses import dataclass
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
        self.before: dict[bytes, ItemRow] = {}
        """Rows by item of a space that is being loaded afresh, as they were."""

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

    def seen_before(self, item: bytes) -> Entry | None:
        """The entry of an item that was held before its space was loaded afresh."""
        row = self.before.get(item)
        return None if row is None else entry_of(row)


def entry_of(row: ItemRow) -> Entry | None:
    """The entry that a row keeps; None where it has expired."""
    return None if row.value is None else Entry.load(row.value["entry"])


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept beside an entry: `raw`, the envelope, while it waits for keys; `sent`, what this device itself has
    signed, in the form that the server takes it in, should it lose it (docs/decisions/0082).
    """

    raw: bytes | None = None
    sent: Any = None

    @classmethod
    def of(cls, row: ItemRow) -> Kept:
        """What a row keeps."""
        value = row.value or {}
        return cls(value.get("raw"), value.get("sent"))

    def value(self, entry: Entry) -> dict[str, Any]:
        """The row's value."""
        value: dict[str, Any] = {"entry": entry.dump()}
        if self.raw is not None:
            value["raw"] = self.raw
        if self.sent is not None:
            value["sent"] = self.sent
        return value


def keep(
    store: Store, space: Space, event: LogEvent, applied: Applied, now: int, sent: Any, before: ItemRow | None
) -> None:
    """Write an applied entry, inside a transaction; an edit or delete also changes what it is about. `before`: the row
    that held the same item before the space was loaded afresh.
    """
    entry = applied.entry
    life = LIFETIMES[entry.b] if event.kind is EventKind.ENVELOPE and entry.b < len(LIFETIMES) else None
    expires = None if life is None else min(event.accepted_at, now) + life
    store.put_item(
        space.id,
        event.seq,
        event.item,
        applied.log_hash,
        Kept(applied.raw, sent).value(entry),
        id=entry.id,
        live=event.seq >= space.joined,
        expires=expires
        if before is None or before.expires is None or expires is None
        else min(expires, before.expires),
        place=None if before is None else before.place,
    )
    _carry_out(store, space, entry)


def _carry_out(store: Store, space: Space, entry: Entry) -> None:
    if entry.kind not in (EntryKind.EDIT, EntryKind.DELETE) or entry.ref is None:
        return
    row = store.item_by_id(space.id, entry.ref)
    about = entry_of(row) if row is not None else None
    if row is None or about is None or about.kind is not EntryKind.MESSAGE or about.deleted:
        return
    if entry.kind is EntryKind.DELETE:
        store.rewrite_item(space.id, row.seq, Kept().value(about.but(text="", deleted=True)))
    else:
        after = about.but(text=entry.text, edited=True)
        store.rewrite_item(space.id, row.seq, Kept(sent=Kept.of(row).sent).value(after))


def keep_again(store: Store, space: Space, entry: Entry, row: ItemRow) -> None:
    """Write an entry that has become readable; a live one is shown once more."""
    value = Kept(sent=Kept.of(row).sent).value(entry)
    store.rewrite_item(space.id, entry.seq, value, show_again=entry.seq >= space.joined)
    _carry_out(store, space, entry)
