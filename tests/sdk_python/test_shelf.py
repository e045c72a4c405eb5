"""What a device keeps of messages that a restored server no longer has."""

from __future__ import annotations

from pathlib import Path

import pytest
from circle_client.engine.kept import Kept, entry_of
from circle_client.engine.shelf import keep_lost, shelved
from circle_client.machine.events import Entry, EntryKind
from circle_client.store import ItemRow, Lock, Store

SPACE = b"s" * 16
LOCK = Lock("ada", b"m" * 16, b"d" * 16, b"salt" * 4, 64, 1, 1)
EVER = 2**53


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "store", LOCK, b"k" * 32)


def message(seq: int, text: str, accepted_at: int = 1) -> Entry:
    return Entry(seq, EntryKind.MESSAGE, accepted_at, id=text.encode().ljust(16), text=text)


def log(store: Store, *entries: Entry, life: str = "", expires: int | None = None) -> list[ItemRow]:
    """Put a log in the place of the one before; its rows, newest first."""
    with store.transaction():
        store.remove_items(SPACE)
        for entry in entries:
            chain = f"{entry.seq}{life}".encode()
            store.put_item(SPACE, entry.seq, chain, chain, Kept().value(entry), id=entry.id, expires=expires)
    return store.latest_items(SPACE, EVER, 100)


def restore(store: Store, old: list[ItemRow]) -> int:
    with store.transaction():
        return keep_lost(store, SPACE, old)


def kept(store: Store) -> list[tuple[int, str]]:
    found = [(row.seq, entry_of(row)) for row in reversed(shelved(store, SPACE, EVER))]
    return [(seq, entry.text) for seq, entry in found if entry is not None]


def test_what_is_lost_twice_stays_in_order(store: Store) -> None:
    old = log(store, message(1, "one"), message(2, "two", 2), message(3, "three", 3))
    log(store, message(1, "one"), message(2, "two", 2))
    assert restore(store, old) == 2
    assert kept(store) == [(2, "three")]
    old = log(store, message(1, "one"), message(2, "two", 2), message(3, "four", 4))
    log(store, message(1, "one"))
    assert restore(store, old) == 1
    assert kept(store) == [(1, "two"), (1, "three"), (1, "four")]


def test_what_comes_into_the_log_again_stands_there_alone(store: Store) -> None:
    old = log(store, message(1, "one"), message(2, "two"), message(3, "three"))
    log(store, message(1, "one"))
    restore(store, old)
    log(store, message(1, "one"), message(2, "three"))
    assert kept(store) == [(1, "two")]


def test_what_nobody_shares_stands_before_everything(store: Store) -> None:
    old = log(store, message(1, "one"))
    log(store, message(1, "other"), life="b")
    assert restore(store, old) == 0
    assert kept(store) == [(0, "one")]


def test_what_is_kept_expires_as_it_would_have(store: Store) -> None:
    old = log(store, message(2, "short"), expires=1_000)
    log(store)
    restore(store, old)
    assert store.next_expiry() == 1_000
    with store.transaction():
        store.erase_expired(1_000)
    assert kept(store) == []


def test_a_deleted_message_is_not_kept_and_does_not_come_back(store: Store) -> None:
    changed = [message(1, "").but(deleted=True), message(2, "new").but(edited=True), message(3, "").but(deleted=True)]
    old = log(store, *changed)
    log(store, message(1, "one"), message(2, "two"))
    restore(store, old)
    assert kept(store) == []
    entries = [entry_of(row) for row in reversed(store.latest_items(SPACE, EVER, 9))]
    assert [(one.text, one.edited, one.deleted) for one in entries if one] == [("", False, True), ("new", True, False)]
