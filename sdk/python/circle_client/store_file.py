"""The file of a local store: its shape, how it is opened and kept from other processes, and its lock."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from circle_client.errors import StoreError, WrongPassword

NONCE = 12
_VERSION = 2
_SCHEMA = """
CREATE TABLE lock (
    only INTEGER PRIMARY KEY CHECK (only = 1), version INTEGER NOT NULL, handle TEXT NOT NULL, member BLOB NOT NULL,
    device BLOB NOT NULL, salt BLOB NOT NULL, memory INTEGER NOT NULL, iterations INTEGER NOT NULL,
    lanes INTEGER NOT NULL, wrapped BLOB NOT NULL);
CREATE TABLE record (area TEXT NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, PRIMARY KEY (area, key))
    WITHOUT ROWID;
CREATE TABLE item (
    space BLOB NOT NULL, seq INTEGER NOT NULL, item BLOB NOT NULL, log_hash BLOB NOT NULL, id BLOB,
    place INTEGER UNIQUE, expires INTEGER, value BLOB, PRIMARY KEY (space, seq)) WITHOUT ROWID;
CREATE INDEX item_hash ON item (space, item);
CREATE INDEX item_id ON item (space, id) WHERE id IS NOT NULL;
CREATE INDEX item_expires ON item (expires) WHERE expires IS NOT NULL;
CREATE TABLE outbox (
    position INTEGER PRIMARY KEY AUTOINCREMENT, space BLOB NOT NULL, id BLOB NOT NULL UNIQUE, value BLOB NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Lock:
    """What the file tells before the password is known: whose it is and how its password is stretched."""

    handle: str
    member: bytes
    device: bytes
    salt: bytes
    memory_kib: int
    iterations: int
    lanes: int


def exists(path: str | Path) -> bool:
    """Whether there is a store by this name."""
    return Path(path).is_file() and Path(path).stat().st_size > 0


def connect(path: str | Path) -> sqlite3.Connection:
    """A connection with the settings of a store."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=1.0)
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")  # a power cut may take the newest commits, whole: they come again
    connection.execute("PRAGMA secure_delete = ON")
    return connection


def existing(path: str | Path) -> sqlite3.Connection:
    """A connection to a store that is there, with the file's lock. Raises StoreError."""
    if not exists(path):
        raise StoreError("There is no store by that name.")
    try:
        connection = connect(path)
        connection.execute("BEGIN IMMEDIATE")  # takes the lock that keeps other processes out
        connection.execute("COMMIT")
    except sqlite3.OperationalError as error:
        raise StoreError("The store is in use by another process, or cannot be read.") from error
    except sqlite3.DatabaseError as error:
        raise StoreError("The file is no store of Circle.") from error
    return connection


def make(path: str | Path, lock: Lock, unlock_key: bytes) -> tuple[sqlite3.Connection, bytes]:
    """A new file, readable by its owner alone, and its store key. Raises StoreError where there is one already."""
    if Path(path).exists():
        raise StoreError("There is a file by that name already.")
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        connection = connect(path)
    except OSError as error:
        raise StoreError(f"The store cannot be created: {error.strerror}.") from error
    key = AESGCM.generate_key(256)
    connection.execute("BEGIN IMMEDIATE")
    for statement in _SCHEMA.split(";"):
        connection.execute(statement)
    connection.execute("INSERT INTO lock VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?)", _lock_row(lock, key, unlock_key))
    connection.execute("COMMIT")
    return connection, key


def unlock(connection: sqlite3.Connection, unlock_key: bytes) -> tuple[Lock, bytes]:
    """The lock and the store key. Raises WrongPassword, StoreError."""
    lock, wrapped = read_lock(connection)
    try:
        return lock, AESGCM(unlock_key).decrypt(wrapped[:NONCE], wrapped[NONCE:], _lock_context(lock))
    except InvalidTag as error:
        raise WrongPassword("The password does not open this store.") from error


def _lock_row(lock: Lock, key: bytes, unlock_key: bytes) -> tuple[Any, ...]:
    nonce = os.urandom(NONCE)
    wrapped = nonce + AESGCM(unlock_key).encrypt(nonce, key, _lock_context(lock))
    numbers = (lock.memory_kib, lock.iterations, lock.lanes)
    return (_VERSION, lock.handle, lock.member, lock.device, lock.salt, *numbers, wrapped)


def read_lock(connection: sqlite3.Connection) -> tuple[Lock, bytes]:
    """The lock, and the wrapped store key. Raises StoreError."""
    try:
        row = connection.execute("SELECT * FROM lock").fetchone()
    except sqlite3.DatabaseError as error:
        raise StoreError("The file is no store of Circle.") from error
    if row is None or row[1] != _VERSION:
        raise StoreError("The store is of another version of this client.")
    return Lock(*row[2:9]), row[9]


def _lock_context(lock: Lock) -> bytes:
    return b"circle-client store\x00" + lock.member + lock.device
