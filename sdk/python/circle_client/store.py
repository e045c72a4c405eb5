"""The local store: one SQLite file whose values are sealed with AES-256-GCM under a random store key.

The store key is wrapped by password-unlock (e2ee.md section 12), so the file is worth nothing without the password.
In the clear are: ids, numbers and hashes that the server knows anyway, sizes, and what a client needs before it knows
the password (handle, salt, parameters). Everything that belongs together is written in one transaction: what was
applied and the cursor after it, what was sealed and its place in the outbox.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cbor2
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from circle_client import store_file
from circle_client.errors import Closed, StoreError
from circle_client.store_file import NONCE, Lock

__all__ = ["ItemRow", "Lock", "OutboxRow", "Store"]


@dataclass(frozen=True, slots=True)
class ItemRow:
    """One entry of a space's log as kept here. `place`: its order among all that is shown live, or None."""

    space: bytes
    seq: int
    item: bytes
    log_hash: bytes
    id: bytes | None
    place: int | None
    expires: int | None
    value: Any


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One entry of the outbox; `position` is the order of sending."""

    position: int
    space: bytes
    id: bytes
    value: Any


class Store:
    """An opened store. One process at a time; not for use from several threads."""

    def __init__(self, connection: sqlite3.Connection, key: bytes, lock: Lock) -> None:
        self._db, self._gcm, self.lock = connection, AESGCM(key), lock
        self._writing = self._closed = False
        row = connection.execute("SELECT max(place) FROM item").fetchone()
        self._place = int(row[0] or 0)

    # ---- opening

    @staticmethod
    def exists(path: str | Path) -> bool:
        """Whether there is a store by this name."""
        return store_file.exists(path)

    @classmethod
    def create(cls, path: str | Path, lock: Lock, unlock_key: bytes) -> Store:
        """A new store, readable by its owner alone. Raises StoreError where there is something already."""
        return cls(*store_file.make(path, lock, unlock_key), lock)

    @staticmethod
    def read_lock(path: str | Path) -> Lock:
        """What the store tells without its password. Raises StoreError."""
        connection = store_file.existing(path)
        try:
            return store_file.read_lock(connection)[0]
        finally:
            connection.close()

    @classmethod
    def open(cls, path: str | Path, unlock_key: bytes) -> Store:
        """Opens with the key from the password. Raises WrongPassword, StoreError."""
        connection = store_file.existing(path)
        try:
            lock, key = store_file.unlock(connection, unlock_key)
            return cls(connection, key, lock)
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        """Close the file; whatever is asked afterwards raises Closed."""
        self._closed = True
        self._db.close()

    def wipe(self) -> None:
        """Erase everything, overwritten as far as SQLite can, and remove the file; then as after `close`."""
        self._closed = True
        path = Path(self._db.execute("PRAGMA database_list").fetchone()[2])
        for table in ("lock", "record", "item", "outbox"):
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - no input in it
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._db.close()
        for suffix in ("", "-wal", "-shm"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)

    def _query(self, query: str, values: tuple[Any, ...] = ()) -> sqlite3.Cursor:
        if self._closed:
            raise Closed
        return self._db.execute(query, values)

    # ---- values

    def _seal(self, context: bytes, value: Any) -> bytes:
        nonce = os.urandom(NONCE)
        return nonce + self._gcm.encrypt(nonce, cbor2.dumps(value), context)

    def _open(self, context: bytes, sealed: bytes) -> Any:
        try:
            return cbor2.loads(self._gcm.decrypt(sealed[:NONCE], sealed[NONCE:], context))
        except (InvalidTag, cbor2.CBORDecodeError) as error:
            raise StoreError("The store is damaged, or was changed from outside.") from error

    # ---- writing

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes inside are kept together or not at all. No nesting. Raises StoreError when the disk refuses."""
        if self._closed:
            raise Closed
        if self._writing:
            raise RuntimeError("store transactions do not nest")
        place = self._place
        try:
            self._writing = True
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except BaseException as error:
            self._place = place
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise StoreError("The store cannot be written.") from error
            raise
        finally:
            self._writing = False

    def put(self, area: str, key: bytes, value: Any) -> None:
        """Write one record."""
        sealed = self._seal(_record_context(area, key), value)
        self._query("INSERT OR REPLACE INTO record VALUES (?, ?, ?)", (area, key, sealed))

    def remove(self, area: str, key: bytes) -> None:
        """Remove one record; nothing happens where there is none."""
        self._query("DELETE FROM record WHERE area = ? AND key = ?", (area, key))

    def put_item(
        self,
        space: bytes,
        seq: int,
        item: bytes,
        log_hash: bytes,
        value: Any,
        *,
        id: bytes | None = None,
        live: bool = True,
        expires: int | None = None,
        place: int | None = None,
    ) -> None:
        """Write or replace a log entry; a `live` one gets the next place in the order of showing, or the one it had."""
        if live and place is None:
            self._place += 1
            place = self._place
        sealed = self._seal(_item_context(space, seq), value)
        self._query(
            "INSERT OR REPLACE INTO item VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (space, seq, item, log_hash, id, place, expires, sealed),
        )

    def rewrite_item(self, space: bytes, seq: int, value: Any, *, show_again: bool = False) -> None:
        """Replace the content of a log entry; with `show_again` it takes the next place in the order of showing."""
        sealed = self._seal(_item_context(space, seq), value)
        self._query("UPDATE item SET value = ? WHERE space = ? AND seq = ?", (sealed, space, seq))
        if show_again:
            self._place += 1
            self._query("UPDATE item SET place = ? WHERE space = ? AND seq = ?", (self._place, space, seq))

    def queue(self, space: bytes, id: bytes, value: Any) -> int:
        """Append to the outbox; returns the position."""
        sealed = self._seal(_outbox_context(space, id), value)
        cursor = self._query("INSERT INTO outbox (space, id, value) VALUES (?, ?, ?)", (space, id, sealed))
        return int(cursor.lastrowid or 0)

    def requeue(self, space: bytes, id: bytes, value: Any) -> None:
        """Rewrite an outbox entry at its position."""
        sealed = self._seal(_outbox_context(space, id), value)
        self._query("UPDATE outbox SET value = ? WHERE space = ? AND id = ?", (sealed, space, id))

    def unqueue(self, id: bytes) -> None:
        """Remove an outbox entry."""
        self._query("DELETE FROM outbox WHERE id = ?", (id,))

    def put_back(self, row: ItemRow) -> None:
        """Write an entry as it was read."""
        sealed = None if row.value is None else self._seal(_item_context(row.space, row.seq), row.value)
        values = (row.space, row.seq, row.item, row.log_hash, row.id, row.place, row.expires, sealed)
        self._query("INSERT OR REPLACE INTO item VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)

    def remove_items(self, space: bytes) -> None:
        """Remove all log entries of a space, which is then loaded afresh."""
        self._query("DELETE FROM item WHERE space = ?", (space,))

    def leave_nothing(self) -> None:
        """After something was erased: let the journal, which still holds it, go as well. Outside a transaction."""
        self._query("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def erase_expired(self, now: int) -> int:
        """Delete the content of items whose time is over (milliseconds since 1970); returns how many."""
        found = self._query(
            "UPDATE item SET value = NULL, expires = NULL WHERE expires IS NOT NULL AND expires <= ?", (now,)
        )
        return int(found.rowcount)

    # ---- reading

    def get(self, area: str, key: bytes) -> Any:
        """One record, or None."""
        row = self._query("SELECT value FROM record WHERE area = ? AND key = ?", (area, key)).fetchone()
        return None if row is None else self._open(_record_context(area, key), row[0])

    def all(self, area: str) -> list[tuple[bytes, Any]]:
        """All records of an area, by key."""
        rows = self._query("SELECT key, value FROM record WHERE area = ? ORDER BY key", (area,)).fetchall()
        return [(key, self._open(_record_context(area, key), value)) for key, value in rows]

    def _item(self, row: tuple[Any, ...] | None) -> ItemRow | None:
        if row is None:
            return None
        value = None if row[7] is None else self._open(_item_context(row[0], row[1]), row[7])
        space, seq, item, log_hash, id_, place, expires = row[:7]
        return ItemRow(space, seq, item, log_hash, id_, place, expires, value)

    def item(self, space: bytes, seq: int) -> ItemRow | None:
        """The log entry at `seq`."""
        return self._item(self._query("SELECT * FROM item WHERE space = ? AND seq = ?", (space, seq)).fetchone())

    def item_by_id(self, space: bytes, id: bytes) -> ItemRow | None:
        """The first log entry whose envelope has this id."""
        # Left alone, SQLite walks the whole log in the order of seq.
        query = "SELECT * FROM item INDEXED BY item_id WHERE space = ? AND id = ? ORDER BY seq LIMIT 1"
        return self._item(self._query(query, (space, id)).fetchone())

    def latest_items(self, space: bytes, before: int, limit: int) -> list[ItemRow]:
        """The newest log entries with seq < `before`, descending."""
        query = "SELECT * FROM item WHERE space = ? AND seq < ? ORDER BY seq DESC LIMIT ?"
        rows = self._query(query, (space, before, limit)).fetchall()
        return [item for row in rows if (item := self._item(row)) is not None]

    def items_after(self, space: bytes, after: int, limit: int = 200) -> list[ItemRow]:
        """The log entries with seq > `after`, ascending."""
        query = "SELECT * FROM item WHERE space = ? AND seq > ? ORDER BY seq LIMIT ?"
        rows = self._query(query, (space, after, limit)).fetchall()
        return [item for row in rows if (item := self._item(row)) is not None]

    def next_expiry(self) -> int | None:
        """When the next content expires, in milliseconds since 1970."""
        row = self._query("SELECT min(expires) FROM item WHERE expires IS NOT NULL").fetchone()
        return None if row[0] is None else int(row[0])

    def expiring_items(self) -> list[ItemRow]:
        """All entries whose content has yet to expire."""
        rows = self._query("SELECT * FROM item WHERE expires IS NOT NULL ORDER BY expires").fetchall()
        return [item for row in rows if (item := self._item(row)) is not None]

    def live_items(self, after_place: int, space: bytes | None = None, limit: int = 200) -> list[ItemRow]:
        """Entries in the order of showing, of one space or of all."""
        where, values = ("AND space = ?", (after_place, space, limit)) if space else ("", (after_place, limit))
        query = f"SELECT * FROM item WHERE place > ? {where} ORDER BY place LIMIT ?"  # noqa: S608 - no input in it
        rows = self._query(query, values).fetchall()
        return [item for row in rows if (item := self._item(row)) is not None]

    def log_hash(self, space: bytes, seq: int) -> bytes | None:
        """l at `seq`, where this store has it."""
        row = self._query("SELECT log_hash FROM item WHERE space = ? AND seq = ?", (space, seq)).fetchone()
        return None if row is None else bytes(row[0])

    def item_at(self, space: bytes, seq: int) -> bytes | None:
        """The item hash at `seq`, where this store has it."""
        row = self._query("SELECT item FROM item WHERE space = ? AND seq = ?", (space, seq)).fetchone()
        return None if row is None else bytes(row[0])

    def has_item(self, space: bytes, item: bytes) -> bool:
        """Whether this item hash is in the space's log as kept here."""
        row = self._query("SELECT 1 FROM item WHERE space = ? AND item = ?", (space, item)).fetchone()
        return row is not None

    def outbox(self) -> list[OutboxRow]:
        """What waits to be sent, in order."""
        rows = self._query("SELECT position, space, id, value FROM outbox ORDER BY position").fetchall()
        return [OutboxRow(p, s, i, self._open(_outbox_context(s, i), v)) for p, s, i, v in rows]


def _record_context(area: str, key: bytes) -> bytes:
    return b"record\x00" + area.encode() + b"\x00" + key


def _item_context(space: bytes, seq: int) -> bytes:
    return b"item\x00" + space + seq.to_bytes(8, "big")


def _outbox_context(space: bytes, id: bytes) -> bytes:
    return b"outbox\x00" + space + id
