"""The words of accounts: roles on the server, kinds of session."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class ServerRole(IntEnum):
    """What a member may do on the server; a higher role includes the lower ones."""

    MEMBER = 0
    ADMIN = 1
    OWNER = 2


class SessionKind(StrEnum):
    """How a session's token travels: a browser's HttpOnly cookie, or an Authorization header."""

    COOKIE = "cookie"
    BEARER = "bearer"
