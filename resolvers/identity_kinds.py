"""The words of accounts: roles on the server, kinds of session."""

from __future__ import annotations

from db.models.kinds import ServerRole as ServerRole
from db.models.kinds import SessionKind as SessionKind
