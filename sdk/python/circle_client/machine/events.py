"""What goes into the machine, an entry of the log as the server gives it, and what comes out, decoded."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any, Protocol

from circle_client.protocol.account import AccountContent


class EventKind(StrEnum):
    """Kinds of log entries (e2ee.md section 7). OTHER: the server's own, or of a later version."""

    ENVELOPE = "envelope"
    ROSTER = "roster"
    EPOCH = "epoch"
    COMPLAINT = "complaint"
    MEMBER = "member"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One entry as received, nothing believed. `body`: the envelope's bytes (None: expired), the signed body else."""

    space: bytes
    seq: int
    kind: EventKind
    item: bytes
    log_hash: bytes
    accepted_at: int
    body: bytes | None = None
    signature: bytes = b""
    cosignature: bytes | None = None


class EntryKind(StrEnum):
    """What an entry turned out to be."""

    MESSAGE = "message"
    EDIT = "edit"
    DELETE = "delete"
    REACTION = "reaction"
    RECEIPT = "receipt"
    STATE = "state"
    ACCOUNT = "account"
    ROSTER = "roster"
    EPOCH = "epoch"
    COMPLAINT = "complaint"
    MEMBER = "member"
    EXPIRED = "expired"
    UNREADABLE = "unreadable"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Entry:
    """A decoded log entry. `reason` is set where it cannot be read or believed, a plain sentence.

    `epoch` and `waiting` tell that only the keys of that epoch are missing, so that it can be decoded later. `sealed`
    is the envelope's kind as its header names it, `b` its lifetime class; `picture` and `media` belong to STATE,
    `action` and `member` to ROSTER and MEMBER (`again`: an add of a present member), `account` to ACCOUNT (not kept
    here, but in the account's book).
    """

    seq: int
    kind: EntryKind
    accepted_at: int
    sender: bytes | None = None
    time: int = 0
    id: bytes | None = None
    ref: bytes | None = None
    sealed: int = 0
    b: int = 0
    text: str = ""
    number: int = 0
    picture: bytes | None = None
    media: str | None = None
    action: str = ""
    member: bytes | None = None
    reason: str | None = None
    epoch: int = 0
    waiting: bool = False
    edited: bool = False
    deleted: bool = False
    again: bool = False
    account: AccountContent | None = None

    def dump(self) -> dict[str, Any]:
        """What the store keeps: the fields that say something."""
        kept: dict[str, Any] = {"seq": self.seq, "kind": self.kind.value, "accepted_at": self.accepted_at}
        for name in _KEPT:
            if value := getattr(self, name):
                kept[name] = value
        return kept

    @classmethod
    def load(cls, value: dict[str, Any]) -> Entry:
        """The entry of a `dump`."""
        return cls(**{**value, "kind": EntryKind(value["kind"])})

    def but(self, **changes: Any) -> Entry:
        """A copy with other values."""
        return replace(self, **changes)


_KEPT = tuple(f.name for f in fields(Entry) if f.name not in {"seq", "kind", "accepted_at", "account"})


class Past(Protocol):
    """What the machine asks of entries applied before; the store answers, or a dict in tests."""

    def log_hash(self, space: bytes, seq: int) -> bytes | None:
        """l at `seq`, None where it is not held."""

    def item_at(self, space: bytes, seq: int) -> bytes | None:
        """The item hash at `seq`, None where it is not held."""

    def has_item(self, space: bytes, item: bytes) -> bool:
        """Whether this item was applied before."""

    def entry_by_id(self, space: bytes, id: bytes) -> Entry | None:
        """The first entry whose envelope has this id."""

    def seen_before(self, item: bytes) -> Entry | None:
        """The entry of an item that was held before its space was loaded afresh."""


class NoPast:
    """A past in which nothing is held."""

    def log_hash(self, space: bytes, seq: int) -> bytes | None:
        """Nothing."""
        return None

    def item_at(self, space: bytes, seq: int) -> bytes | None:
        """Nothing."""
        return None

    def has_item(self, space: bytes, item: bytes) -> bool:
        """Nothing."""
        return False

    def entry_by_id(self, space: bytes, id: bytes) -> Entry | None:
        """Nothing."""
        return None

    def seen_before(self, item: bytes) -> Entry | None:
        """Nothing."""
        return None
