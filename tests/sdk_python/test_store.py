"""The store: sealed values, transactions that are whole or not at all, one process at a time."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from circle_client.errors import StoreError, WrongPassword
from circle_client.store import Lock, Store

KEY, SPACE = bytes(range(32)), bytes(16)
LOCK = Lock("ada", b"m" * 16, b"d" * 16, b"s" * 16, 65536, 3, 1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ada.circle"


@pytest.fixture
def store(path: Path) -> Store:
    return Store.create(path, LOCK, KEY)


def put(store: Store, seq: int, text: str, **options: object) -> None:
    store.put_item(SPACE, seq, bytes([seq]) * 32, bytes([seq]) * 32, {"text": text}, **options)  # type: ignore[arg-type]


def test_what_was_written_is_there_after_opening_again(store: Store, path: Path) -> None:
    with store.transaction():
        store.put("space", SPACE, {"title": "Tea", "seq": 3})
        put(store, 1, "one", id=b"i" * 16)
        store.queue(SPACE, b"o" * 16, {"text": "later"})
    store.close()
    store = Store.open(path, KEY)
    assert store.lock == LOCK
    assert store.get("space", SPACE) == {"title": "Tea", "seq": 3}
    assert [row.value for row in store.live_items(0)] == [{"text": "one"}]
    found = store.item_by_id(SPACE, b"i" * 16)
    assert found is not None
    assert found.seq == 1
    assert [row.value for row in store.outbox()] == [{"text": "later"}]
    assert store.has_item(SPACE, bytes([1]) * 32)
    assert store.log_hash(SPACE, 1) == bytes([1]) * 32
    store.close()


def test_no_plaintext_lies_in_the_file(store: Store, path: Path) -> None:
    with store.transaction():
        store.put("space", SPACE, {"title": "Elderflower"})
        put(store, 1, "Elderflower")
        store.queue(SPACE, b"o" * 16, {"text": "Elderflower"})
    store.close()
    files = list(path.parent.glob("ada.circle*"))
    assert files
    for file in files:
        assert b"Elderflower" not in file.read_bytes()
        assert file.stat().st_mode & 0o077 == 0


def test_only_the_password_opens_it(store: Store, path: Path) -> None:
    store.close()
    with pytest.raises(WrongPassword):
        Store.open(path, bytes(32))
    assert Store.read_lock(path).handle == "ada"


def test_values_cannot_change_places(store: Store, path: Path) -> None:
    with store.transaction():
        store.put("a", b"1", "one")
        store.put("a", b"2", "two")
    store.close()
    with sqlite3.connect(path) as database:
        database.execute("UPDATE record SET value = (SELECT value FROM record WHERE key = x'32') WHERE key = x'31'")
    database.close()
    store = Store.open(path, KEY)
    with pytest.raises(StoreError):
        store.get("a", b"1")
    store.close()


def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    with store.transaction():
        put(store, 1, "one")
        store.put("cursor", b"", "first")

    def fails() -> None:
        with store.transaction():
            put(store, 2, "two")
            store.put("cursor", b"", "second")
            raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert store.get("cursor", b"") == "first"
    assert [row.seq for row in store.live_items(0)] == [1]
    with store.transaction():
        put(store, 2, "two")
    assert [row.place for row in store.live_items(0)] == [1, 2]
    store.close()


def test_history_has_no_place_until_it_is_shown(store: Store) -> None:
    with store.transaction():
        put(store, 1, "history", live=False)
        put(store, 2, "waiting")
        put(store, 3, "three")
    with store.transaction():
        store.rewrite_item(SPACE, 2, {"text": "two"}, show_again=True)
    assert [row.value["text"] for row in store.live_items(0)] == ["three", "two"]
    assert [row.seq for row in store.latest_items(SPACE, 10, 10)] == [3, 2, 1]
    store.close()


def test_expired_content_is_gone(store: Store) -> None:
    with store.transaction():
        put(store, 1, "short", expires=1000)
        put(store, 2, "long", expires=2000)
    with store.transaction():
        assert store.erase_expired(1500) == 1
    row = store.item(SPACE, 1)
    assert row is not None
    assert row.value is None
    assert [row.value for row in store.live_items(0)] == [None, {"text": "long"}]
    store.close()


def test_one_process_at_a_time(store: Store, path: Path) -> None:
    with pytest.raises(StoreError, match="in use"):
        Store.open(path, KEY)
    store.close()


def test_strange_files_are_refused(tmp_path: Path, path: Path) -> None:
    with pytest.raises(StoreError):
        Store.open(path, KEY)
    path.write_bytes(b"not a database, but a file of some length" * 100)
    with pytest.raises(StoreError):
        Store.open(path, KEY)
    with pytest.raises(StoreError):
        Store.create(path, LOCK, KEY)


WRITER = """
import sys
from circle_client.store import Store
store = Store.open(sys.argv[1], bytes(range(32)))
seq = 0
while True:
    seq += 1
    with store.transaction():
        store.put_item(bytes(16), seq, seq.to_bytes(32), bytes(32), {"seq": seq})
        store.put("cursor", b"", seq)
    if seq == 50:
        print("running", flush=True)
"""


def test_a_killed_process_leaves_cursor_and_items_that_fit(store: Store, path: Path) -> None:
    store.close()
    for _ in range(3):
        path.unlink()
        Store.create(path, LOCK, KEY).close()
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        with subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE, env=environment) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"running\n"
            process.send_signal(signal.SIGKILL)
        store = Store.open(path, KEY)
        cursor = store.get("cursor", b"")
        assert cursor >= 50
        assert [row.seq for row in store.live_items(0, limit=2**31)] == list(range(1, cursor + 1))
        store.close()


def test_a_long_log_is_not_walked_to_find_one_entry(store: Store) -> None:
    with store.transaction():
        for seq in range(1, 1001):
            hashes = seq.to_bytes(32), bytes(32)
            store.put_item(SPACE, seq, *hashes, {"seq": seq}, id=seq.to_bytes(16), expires=seq)
    steps: list[int] = []
    store._db.set_progress_handler(lambda: steps.append(1), 10)
    assert store.item_by_id(SPACE, (999).to_bytes(16)) is not None
    assert store.item_by_id(SPACE, bytes(16)) is None
    assert store.has_item(SPACE, (999).to_bytes(32))
    assert store.next_expiry() == 1
    assert [row.seq for row in store.latest_items(SPACE, 1001, 2)] == [1000, 999]
    assert [row.seq for row in store.live_items(998)] == [999, 1000]
    assert len(steps) < 50
    store.close()
