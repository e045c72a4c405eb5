"""What every use case is given: who asks, and the ports it may use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from db.bus import Bus
from db.hub import Hub
from db.uow import UnitOfWork
from resolvers.errors import Unauthenticated


@dataclass(frozen=True, slots=True)
class Viewer:
    """A credential's meaning: the member, the device this session signs as (if any), the session, its scopes."""

    member: UUID
    device: UUID | None
    session: UUID
    scopes: frozenset[str] = frozenset({"all"})


@dataclass(slots=True)
class Ctx:
    """One GraphQL operation's context. `clock` returns aware UTC; `server_key` is 32 bytes, never logged."""

    viewer: Viewer | None
    uow: UnitOfWork
    hub: Hub
    bus: Bus
    clock: Callable[[], datetime]
    server_key: bytes
    client_address: str = ""
    loaders: dict[str, Any] = field(default_factory=dict)

    def require_viewer(self) -> Viewer:
        """The signed-in viewer. Raises Unauthenticated when there is none."""
        if self.viewer is None:
            raise Unauthenticated
        return self.viewer
