"""The resume cursor: a PostgreSQL snapshot and the log's life, sealed so that a client can only hand it back.

The cursor says what its holder has applied: all that `base` sees and, inside a batch, of what `target` adds everything
up to the position `at`. It names no member: one cursor serves all subscribers, and access is checked on each resume.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VERSION = 1
MOST_OPEN = 64
"""A sealed cursor keeps at most this many open transactions; what is forgotten comes twice, and seq tells."""

At = tuple[int, UUID, int]
"""A position inside a batch: rank (0 for account logs, which come first), space, seq."""


class Resync(Exception):
    """The cursor can't be resumed from: load the state afresh, then subscribe without it."""

    def __init__(self) -> None:
        super().__init__("This position is no longer known here. Load the state afresh and subscribe again.")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What pg_current_snapshot() means: below xmin all seen, from xmax on nothing, between them all but `xip`."""

    xmin: int
    xmax: int
    xip: frozenset[int] = frozenset()

    @classmethod
    def of(cls, value: tuple[int, int, Iterable[int]]) -> Snapshot:
        """From asyncpg's form of a pg_snapshot."""
        return cls(value[0], value[1], frozenset(value[2]))

    def raw(self) -> tuple[int, int, tuple[int, ...]]:
        """asyncpg's form of a pg_snapshot."""
        return (self.xmin, self.xmax, tuple(sorted(self.xip)))

    def sees(self, xid: int) -> bool:
        """Whether a row of that transaction is visible in this snapshot."""
        return xid < self.xmax and xid not in self.xip

    def covers(self, other: Snapshot) -> bool:
        """Exactly: everything that `other` sees, this one sees."""
        return self.xmax >= other.xmax and all(x in other.xip for x in self.xip if x < other.xmax)

    def bounded(self, most: int = MOST_OPEN) -> Snapshot:
        """Forget what lies beyond the first `most` open transactions: some rows come twice, none is lost."""
        if len(self.xip) <= most:
            return self
        keep = sorted(self.xip)
        return Snapshot(self.xmin, keep[most], frozenset(keep[:most]))


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in everything (space None) or in one space's log, within one life of the log."""

    life: UUID
    base: Snapshot
    target: Snapshot | None = None
    at: At | None = None
    space: UUID | None = None

    def had(self, at: At, xid: int) -> bool:
        """Whether the holder has applied the row at that position, appended by that transaction."""
        if self.base.sees(xid):
            return True
        return self.target is not None and self.at is not None and self.target.sees(xid) and at <= self.at


class CursorBox:
    """Seals cursors with AES-256-GCM under a key derived from the server's key; opens only its own."""

    def __init__(self, server_key: bytes) -> None:
        """`server_key`: the server's 32-byte secret; the cursor key is HKDF(server key, info 'circle cursor 1')."""
        self._gcm = AESGCM(HKDF(SHA256(), 32, salt=None, info=b"circle cursor 1").derive(server_key))

    def seal(self, cursor: Cursor) -> str:
        """The opaque text for clients, at most about 700 characters."""
        nonce = secrets.token_bytes(12)
        sealed = self._gcm.encrypt(nonce, _pack(cursor), bytes([VERSION]))
        return base64.urlsafe_b64encode(bytes([VERSION]) + nonce + sealed).rstrip(b"=").decode()

    def open(self, text: str) -> Cursor:
        """The cursor that `seal` made. Raises Resync for anything else."""
        try:
            if len(text) > 4096:
                raise Resync
            data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            if data[:1] != bytes([VERSION]):
                raise Resync
            return _unpack(self._gcm.decrypt(data[1:13], data[13:], data[:1]))
        except (ValueError, InvalidTag, IndexError) as error:
            raise Resync from error


def _varint(n: int) -> bytes:
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


@lru_cache(maxsize=256)  # all cursors of a resume hold the same two
def _pack_snapshot(snapshot: Snapshot) -> bytes:
    """xmin, then differences: two bytes or so per open transaction."""
    s = snapshot.bounded()
    out, last = _varint(s.xmin) + _varint(s.xmax - s.xmin) + _varint(len(s.xip)), s.xmin
    for xid in sorted(s.xip):
        out += _varint(xid - last)
        last = xid
    return bytes(out)


def _pack(cursor: Cursor) -> bytes:
    flags = (cursor.target is not None) | (cursor.at is not None) << 1 | (cursor.space is not None) << 2
    out = bytes([flags]) + cursor.life.bytes + _pack_snapshot(cursor.base)
    if cursor.target is not None:
        out += _pack_snapshot(cursor.target)
    if cursor.at is not None:
        rank, space, seq = cursor.at
        out += _varint(rank) + space.bytes + _varint(seq)
    return out + (cursor.space.bytes if cursor.space is not None else b"")


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.pos = data, 0

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.data[self.pos]
            self.pos += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def uuid(self) -> UUID:
        self.pos += 16
        return UUID(bytes=self.data[self.pos - 16 : self.pos])

    def snapshot(self) -> Snapshot:
        xmin = self.varint()
        xmax = xmin + self.varint()
        xip, last = [], xmin
        for _ in range(self.varint()):
            last += self.varint()
            xip.append(last)
        return Snapshot(xmin, xmax, frozenset(xip))


def _unpack(data: bytes) -> Cursor:
    reader = _Reader(data[1:])
    flags, life, base = data[0], reader.uuid(), reader.snapshot()
    target = reader.snapshot() if flags & 1 else None
    at = (reader.varint(), reader.uuid(), reader.varint()) if flags & 2 else None
    return Cursor(life, base, target, at, reader.uuid() if flags & 4 else None)
