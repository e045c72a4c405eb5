"""Which epochs of its own a device can give back to a server that lost them."""

from __future__ import annotations

from pathlib import Path

import pytest
from circle_client.engine.own_epochs import LONGEST, MOST, keep_epoch, kept_epoch
from circle_client.protocol.epoch_keys import NewEpoch
from circle_client.protocol.structures import Head, Signed
from circle_client.store import Lock, Store

SPACE, OTHER = b"s" * 16, b"o" * 16
LOCK = Lock("ada", b"m" * 16, b"d" * 16, b"salt" * 4, 64, 1, 1)
SIGNED = Signed(b"announcement", b"signature")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "store", LOCK, b"k" * 32)


def keep(store: Store, name: bytes, size: int, now: int, space: bytes = SPACE) -> None:
    made = NewEpoch(SIGNED, b"list", (b"x" * size,), Head(1, name.ljust(32)), ())
    with store.transaction():
        keep_epoch(store, space, made, now)


def held(store: Store, *names: bytes) -> list[bool]:
    return [kept_epoch(store, name.ljust(32), SIGNED) is not None for name in names]


def test_an_epoch_comes_back_as_it_was_made(store: Store) -> None:
    keep(store, b"one", 10, 1)
    found = kept_epoch(store, b"one".ljust(32), SIGNED)
    assert found is not None
    assert (found.announcement, found.recipients, found.seals) == (SIGNED, b"list", (b"x" * 10,))


def test_the_newest_of_large_conversations_are_kept(store: Store) -> None:
    third = MOST // 3
    for now, name in enumerate([b"one", b"two", b"three", b"four"]):
        keep(store, name, third - 100, now)
    keep(store, b"other", third, 9, OTHER)
    assert held(store, b"one", b"two", b"three", b"four", b"other") == [False, True, True, True, True]
    keep(store, b"huge", 2 * MOST, 10)
    assert held(store, b"four", b"huge", b"other") == [False, True, True]


def test_what_no_backup_lacks_any_more_goes(store: Store) -> None:
    keep(store, b"old", 10, 0)
    keep(store, b"young", 10, LONGEST)
    assert held(store, b"old", b"young") == [True, True]
    keep(store, b"new", 10, LONGEST + 1)
    assert held(store, b"old", b"young", b"new") == [False, True, True]
