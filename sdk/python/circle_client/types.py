"""The values of the public API: people, roles, messages. Immutable, without behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from uuid import UUID


class Role(IntEnum):
    """What a member may do in a conversation (e2ee.md section 5)."""

    READER = 0
    WRITER = 1
    ADMIN = 2
    OWNER = 3


class ConversationType(IntEnum):
    """Direct: exactly two. Group: writers talk. Broadcast: readers listen and react."""

    DIRECT = 0
    GROUP = 1
    BROADCAST = 2


class History(IntEnum):
    """What a newcomer may read: what follows the joining, or all that is unexpired."""

    JOINING = 0
    SHARED = 1


@dataclass(frozen=True, slots=True)
class Person:
    """A member of this server. `id` is the server's opaque id, `protocol_id` the 16 bytes that signatures speak of."""

    id: str
    protocol_id: bytes
    handle: str
    display_name: str


@dataclass(frozen=True, slots=True)
class Device:
    """A device of one's own. `id` is the server's opaque id; `name` and the times are what the server says."""

    id: str
    protocol_id: bytes
    name: str
    created_at: datetime
    last_seen_at: datetime | None
    is_current: bool


@dataclass(frozen=True, slots=True)
class Participant:
    """A person's place in a conversation."""

    person: Person
    role: Role


@dataclass(frozen=True, slots=True)
class Message:
    """One message, decrypted and verified, or in its place the reason why it cannot be read.

    `seq` is its place in the conversation's log: contiguous, the same for everybody. `unreadable` is None, or a
    plain sentence, and then `text` is empty. An unreadable message can come once more when its keys arrive.
    `edited` and `deleted` tell what later entries did to it (a deleted one has no text).
    """

    conversation_id: str
    seq: int
    id: UUID
    sender: Person | None
    mine: bool
    text: str
    time: datetime
    accepted_at: datetime
    unreadable: str | None = None
    edited: bool = False
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Unsent:
    """A message of one's own that the server refused for good; it waits for `retry` or `discard`."""

    conversation_id: str
    id: UUID
    text: str
    reason: str
