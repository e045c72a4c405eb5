"""What every use case is given: who asks, and the ports it may use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

from db.bus import Bus
from db.hub import Hub, Sink
from db.uow import UnitOfWork
from resolvers.errors import Unauthenticated
from resolvers.reading import Moment

if TYPE_CHECKING:
    from resolvers.ephemera import Ephemera
    from resolvers.limits import Buckets
    from resolvers.sending import Sending


@dataclass(frozen=True, slots=True)
class Viewer:
    """A credential's meaning: the member, the device this session signs as (if any), the session, its scopes."""

    member: UUID
    device: UUID | None
    session: UUID
    scopes: frozenset[str] = frozenset({"all"})


@dataclass(frozen=True, slots=True)
class NewCookie:
    """A session's token for the edge to set as the browser's cookie; an empty one takes the cookie away."""

    token: str
    max_age: int


class EndReason(StrEnum):
    """Why a session has ended, as its open sockets are told."""

    EXPIRED = "SESSION_EXPIRED"
    REVOKED = "SESSION_REVOKED"
    DEVICE = "DEVICE_REVOKED"


def _tell_nobody(_sessions: Sequence[UUID], _reason: EndReason) -> None:
    """Where no edge listens, ended sessions are found at the next look."""


def _tell_no_device(_session: UUID, _device: UUID) -> None:
    """Where no edge listens, every request looks the session up."""


@dataclass(slots=True)
class Ctx:
    """One GraphQL operation's context. `clock` returns aware UTC; `server_key` is 32 bytes, never logged.

    `sessions_ended` tells the edge (of every process) that sessions were revoked, `session_signs_as` that one has a
    device from now on. `new_cookie` is for the edge to set, possible where `may_set_cookie`.
    """

    viewer: Viewer | None
    uow: UnitOfWork
    sending: Sending
    hub: Hub
    bus: Bus
    clock: Callable[[], datetime]
    server_key: bytes
    ephemera: Ephemera | None = None
    """None where nothing is told that is not kept."""
    client_address: str = ""
    sessions_ended: Callable[[Sequence[UUID], EndReason], None] = _tell_nobody
    session_signs_as: Callable[[UUID, UUID], None] = _tell_no_device
    may_set_cookie: bool = False
    new_cookie: NewCookie | None = None
    server_name: str = "Circle"
    server_version: str = ""
    sends: Buckets | None = None
    """How much each member may send; None: without a limit."""
    sink: Sink | None = None
    """Where a stream of the log may pour what is live (see Hub.subscribe)."""
    loaders: dict[str, Any] = field(default_factory=dict)
    moment: Moment | None = None

    def require_viewer(self) -> Viewer:
        """The signed-in viewer. Raises Unauthenticated when there is none."""
        if self.viewer is None:
            raise Unauthenticated
        return self.viewer

    def require_ephemera(self) -> Ephemera:
        """The ports of typing, presence and signals. Raises LookupError where the process was built without them."""
        if self.ephemera is None:
            raise LookupError("this process tells nothing that is not kept")
        return self.ephemera
