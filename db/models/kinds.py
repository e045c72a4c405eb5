"""The small numbers that columns hold, by name."""

from enum import IntEnum


class ServerRole(IntEnum):
    """`member.role`, `invite.role`: what a member may do on this server."""

    MEMBER = 0
    ADMIN = 1
    OWNER = 2


class SpaceRole(IntEnum):
    """`roster_member.role` (e2ee.md section 5)."""

    READER = 0
    WRITER = 1
    ADMIN = 2
    OWNER = 3


class SpaceType(IntEnum):
    """`space.type` (e2ee.md section 5)."""

    DIRECT = 0
    GROUP = 1
    BROADCAST = 2
    VAULT = 3
    ACCOUNT = 4


class History(IntEnum):
    """`space.history`: what a newcomer may read (e2ee.md section 5, kind 4)."""

    JOINING = 0
    SHARED = 1


class MarkerScope(IntEnum):
    """`marker.scope`: whose eyes a marker is for."""

    OWN = 0
    RECEIPT = 1


class SessionKind(IntEnum):
    """`session.kind`: how the session's token travels."""

    COOKIE = 0
    BEARER = 1


class EventKind(IntEnum):
    """`event.kind`: what a row of the log is (e2ee.md section 7)."""

    ENVELOPE = 1
    ROSTER = 2
    EPOCH = 3
    COMPLAINT = 4
    MEMBER_LINK = 5
