"""The small numbers of e2ee.md, by name: what the log, the roster and the envelopes mean by them."""

from __future__ import annotations

from enum import IntEnum


class SpaceRole(IntEnum):
    """e2ee.md section 5: what a member may do in a space; a higher role includes the lower ones."""

    READER = 0
    WRITER = 1
    ADMIN = 2
    OWNER = 3


class SpaceType(IntEnum):
    """e2ee.md section 5."""

    DIRECT = 0
    GROUP = 1
    BROADCAST = 2
    VAULT = 3
    ACCOUNT = 4


class ConversationType(IntEnum):
    """The space types in which people talk."""

    DIRECT = 0
    GROUP = 1
    BROADCAST = 2


class HistoryPolicy(IntEnum):
    """e2ee.md section 5, roster link of kind 4: what a newcomer may read."""

    JOINING = 0
    SHARED = 1


class EventKind(IntEnum):
    """What a row of the log holds (`event.kind`)."""

    ENVELOPE = 1
    ROSTER = 2
    EPOCH = 3
    COMPLAINT = 4
    MEMBER_LINK = 5


class RosterKind(IntEnum):
    """e2ee.md section 5: kinds of roster links."""

    CREATE = 0
    ADD = 1
    REMOVE = 2
    ROLE = 3
    POLICY = 4


class EnvelopeKind(IntEnum):
    """e2ee.md section 7: kinds of envelopes."""

    MESSAGE = 1
    EDIT = 2
    DELETE = 3
    REACTION = 4
    RECEIPT = 5
    VAULT_ENTRY = 6
    SIGNAL = 7
    STATE = 8
