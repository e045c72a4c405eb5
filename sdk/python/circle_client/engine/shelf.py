"""What a restored server no longer has and this device keeps: messages beside the log (docs/decisions/0094).

They lie among the log's rows under a space id of their own, so that they expire as those do. Each knows the entry of
the log that it stands after.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from circle_client.engine.kept import Kept, entry_of
from circle_client.machine.events import EntryKind
from circle_client.protocol.primitives import sha256
from circle_client.store import ItemRow, Store

_PAGE = 500


def _shelf(space: bytes) -> bytes:
    return sha256(b"circle-client shelf\x00" + space)[:16]


def _rows(store: Store, space: bytes) -> list[ItemRow]:
    """Newest first, as they were put there."""
    found: list[ItemRow] = []
    while rows := store.latest_items(_shelf(space), found[-1].seq if found else 2**53, _PAGE):
        found += rows
    return found


def shelved(store: Store, space: bytes, before: int) -> list[ItemRow]:
    """The rows of messages that only this device has, newest first. `seq` is that of the entry that both sides had
    last, and lower than `before`. What has expired, or has come into the log again, is not among them.
    """
    found = [replace(row, space=space, seq=row.value["after"]) for row in _rows(store, space) if row.value is not None]
    found = [row for row in found if row.seq < before and not _is_back(store, row)]
    return sorted(found, key=lambda row: (row.seq, row.value["entry"]["accepted_at"]), reverse=True)


def _is_back(store: Store, row: ItemRow) -> bool:
    return row.id is not None and store.item_by_id(row.space, row.id) is not None


def keep_lost(store: Store, space: bytes, old: Sequence[ItemRow]) -> int:
    """After a space was loaded afresh, inside a transaction: keep the messages of before, `old`, newest first, that its
    log does not have any more, and what had become of those that it has. Returns the seq that both sides had last.
    """
    common = next((row.seq for row in old if store.log_hash(space, row.seq) == row.log_hash), 0)
    place = 1
    for row in _rows(store, space):
        place = max(place, row.seq + 1)
        if row.value is not None and row.value["after"] > common:
            store.rewrite_item(row.space, row.seq, {**row.value, "after": common})
    for row in reversed(old):
        entry = entry_of(row)
        if entry is None or entry.kind is not EntryKind.MESSAGE:
            continue
        if row.seq <= common:
            _restore_changes(store, space, row)
        elif not entry.deleted and not _is_back(store, row):
            value = {"entry": entry.dump(), "after": common}
            store.put_item(
                _shelf(space), place, row.item, row.log_hash, value, id=row.id, live=False, expires=row.expires
            )
            place += 1
    return common


def _restore_changes(store: Store, space: bytes, row: ItemRow) -> None:
    """An edit or a deletion that the server has lost goes on holding here."""
    before, found = entry_of(row), store.item(space, row.seq)
    now = None if found is None else entry_of(found)
    if before is None or found is None or now is None or now.kind is not EntryKind.MESSAGE:
        return
    if before.deleted and not now.deleted:
        store.rewrite_item(space, row.seq, Kept().value(now.but(text="", deleted=True)))
    elif before.edited and not now.edited and not now.deleted:
        store.rewrite_item(space, row.seq, Kept(sent=Kept.of(found).sent).value(now.but(text=before.text, edited=True)))
