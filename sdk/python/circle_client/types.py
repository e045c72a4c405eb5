"""The values of the public API: people, roles, messages. Immutable, without behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any
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
    """What a newcomer may read: what follows the joining, or also what came before, as far as whoever adds them can."""

    JOINING = 0
    SHARED = 1


class Lifetime(IntEnum):
    """How long a message stays, in the classes of e2ee.md section 3."""

    NONE = 0
    HOUR = 1
    HOURS_8 = 2
    DAY = 3
    DAYS_7 = 4
    DAYS_30 = 5
    DAYS_90 = 6


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
    """A person's place in a conversation. `changed`: their identity is new since they lost all devices and the recovery
    key; they read nothing here until somebody lets them in again (`Conversation.readmit`).
    """

    person: Person
    role: Role
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """One message, decrypted and verified, or in its place the reason why it cannot be read.

    `seq` is its place in the conversation's log: contiguous, the same for everybody. `unreadable` is None, or a
    plain sentence, and then `text` is empty. An unreadable message can come once more when its keys arrive.
    `edited` and `deleted` tell what later entries did to it (a deleted one has no text). `expires_at`: when it is gone
    from here, None where it stays. `only_here`: the server has lost it, and a person went on without it
    (`Conversation.accept_state`); `seq` is then that of the last entry before it that the server has.
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
    lifetime: Lifetime = Lifetime.NONE
    expires_at: datetime | None = None
    only_here: bool = False


class ChangeKind(StrEnum):
    """What changed in a conversation."""

    CREATED = "created"
    ADDED = "added"
    READMITTED = "readmitted"
    REMOVED = "removed"
    LEFT = "left"
    ROLE = "role"
    POLICY = "policy"
    TITLE = "title"
    DEVICE_REMOVED = "device-removed"
    RECOVERY_KEY = "recovery-key"
    IDENTITY = "identity"
    KEYS_UNREADABLE = "keys-unreadable"


@dataclass(frozen=True, slots=True)
class Change:
    """A notice of something that changed in a conversation; `text` says it in a plain sentence.

    `by` did it, `about` is whom it happened to, where there is somebody. `seq` is its place among the messages.
    IDENTITY: the person lost everything and began anew; nothing is readable to them until somebody calls `readmit`.
    KEYS_UNREADABLE: a device was given keys that it could not open; they are given to it again by themselves.
    """

    conversation_id: str
    seq: int
    kind: ChangeKind
    text: str
    by: Person | None
    about: Person | None
    time: datetime


@dataclass(frozen=True, slots=True)
class Receipt:
    """How far a person's devices have received (`delivered_seq`) and the person has read (`read_seq`) a conversation,
    as they say, signed and sealed; None: not said, or switched off. Neither ever goes back while it lasts.
    """

    person: Person
    delivered_seq: int | None
    read_seq: int | None


@dataclass(frozen=True, slots=True)
class Privacy:
    """What a member lets others know: `presence` whether they are there, `read_receipts` what they have read,
    `delivery_receipts` what has arrived on their devices. True is the default of all.
    """

    presence: bool = True
    read_receipts: bool = True
    delivery_receipts: bool = True


class PresenceState(StrEnum):
    """What somebody's devices are doing; of a member the best of them."""

    ONLINE = "ONLINE"
    AWAY = "AWAY"
    OFFLINE = "OFFLINE"


@dataclass(frozen=True, slots=True)
class Presence:
    """What the server says of a person: nobody has signed it. OFFLINE without `last_seen_at` also for strangers, and
    for people who hide their presence. `last_seen_at` is to the minute, None while ONLINE or where it is not shown.
    """

    person: Person
    state: PresenceState
    last_seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class Typing:
    """Somebody types in a conversation, as the server says: show it until `until`, unless another event comes; None:
    they have stopped.
    """

    conversation_id: str
    person: Person
    until: datetime | None


@dataclass(frozen=True, slots=True)
class CallSignal:
    """A signal of a call, opened and verified: who sent it, from which device (the 16 bytes that signatures speak of),
    when by that device's clock, and what it says, a map with whole numbers as keys.
    """

    conversation_id: str
    id: UUID
    person: Person
    device: bytes
    time: datetime
    content: Mapping[int, Any]


@dataclass(frozen=True, slots=True)
class SafetyNumber:
    """What two people compare to be sure of each other: `groups` of five digits, or `qr`, the same on both sides.

    `verified`: they were compared on one of this member's devices. `identity_changed`: the person was known by another
    identity before, and the new one was not compared yet.
    """

    groups: tuple[str, ...]
    qr: str
    verified: bool
    identity_changed: bool


@dataclass(frozen=True, slots=True)
class Offered:
    """What came of giving a restored server back what it had lost.

    `taken`: how many entries the server took; `given`: those of them that are messages. `lacking`: how many entries it
    still lacks, 0: nothing, and the alarm is over; `missing`: those of them that are messages kept here. Who wrote one
    can give it back, from the device on which it was written. `refused`: why the server did not take what came next of
    this device, a plain sentence; None where it refused nothing.
    """

    taken: int
    given: tuple[Message, ...]
    lacking: int
    missing: tuple[Message, ...]
    refused: str | None


class Alarm(str):
    """Why sending stopped in a conversation, a plain sentence, with what a person can decide.

    `can_offer`: what this device has signed can be offered to a server that was restored from a backup
    (`Conversation.offer_missing`). `can_accept`: one may go on with what the server shows now
    (`Conversation.accept_state`).
    """

    __slots__ = ("can_accept", "can_offer")

    can_offer: bool
    can_accept: bool

    def __new__(cls, text: str, *, can_offer: bool = False, can_accept: bool = False) -> Alarm:
        """The sentence, and the two."""
        made = super().__new__(cls, text)
        made.can_offer, made.can_accept = can_offer, can_accept
        return made

    @property
    def text(self) -> str:
        """The sentence alone."""
        return str(self)


@dataclass(frozen=True, slots=True)
class Unsent:
    """A message of one's own that the server refused for good; it waits for `retry` or `discard`."""

    conversation_id: str
    id: UUID
    text: str
    reason: str
