"""Our edge over a store in memory: the real sockets, engine and schema, and a send that is kept and no more.

`python -m bench.memory PORT MEMBER DEVICE`: what its peers in bench/peers do, so that operation paths can be compared.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import uvicorn
import uvloop
from starlette.types import Receive, Scope, Send

from api.app import utc_now
from api.auth import Authenticator, Session
from api.connection import GuardedHttp
from api.execution import Engine
from api.frames import FramedSocket
from api.graphql_http import GraphQLOverHTTP
from api.graphql_ws import Socket, SocketHub
from api.settings import Settings
from api.sharing import Groups
from db.bus import Bus
from db.hub import Hub
from db.uow import UnitOfWork
from resolvers.context import Ctx, Viewer
from resolvers.events import LogEvent
from resolvers.kinds import EventKind, SpaceType
from resolvers.protocol import Asker, Envelope
from resolvers.sending import Sending
from schema.root import schema


class MemorySending:
    """Keeps envelopes by their ids, in order."""

    def __init__(self) -> None:
        self._log: dict[bytes, LogEvent] = {}

    async def send(self, asker: Asker, envelope: Envelope) -> LogEvent:
        """The log's entry; the same one for the same id."""
        header = envelope.header
        known = self._log.get(header.id)
        if known is None:
            known = self._log[header.id] = LogEvent(
                UUID(bytes=header.space), SpaceType.GROUP, len(self._log) + 1, EventKind.ENVELOPE, envelope.item,
                envelope.item, envelope.data, utc_now(),
            )  # fmt: skip
        return known


class Everybody:
    """Whatever the token, it is the one member's."""

    def __init__(self, member: UUID, device: UUID) -> None:
        now = utc_now()
        self._session = Session(Viewer(member, device, member), now + timedelta(days=1), now)

    async def bearer(self, authorization: str) -> Session:
        """The session."""
        return self._session


def build(member: UUID, device: UUID) -> Any:
    """The ASGI application."""
    settings = Settings()
    engine, everybody, sending = Engine(schema, settings), Everybody(member, device), MemorySending()
    nothing = cast("Any", None)

    def new_ctx(scope: Scope, session: Session | None) -> Ctx:
        return Ctx(
            None if session is None else session.viewer, cast("UnitOfWork", nothing), cast("Sending", sending),
            cast("Hub", nothing), cast("Bus", nothing), utc_now, bytes(32),
        )  # fmt: skip

    groups = Groups(engine, schema._schema, cast("Hub", nothing), lambda: new_ctx({}, None))
    sockets = SocketHub(engine, groups, settings, everybody.bearer, new_ctx)
    over_http = GraphQLOverHTTP(engine, settings, cast("Authenticator", everybody), new_ctx)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await Socket(scope, receive, send, sockets, None).run()
        elif scope["type"] == "http":
            await over_http(scope, receive, send)

    return app


def main() -> None:
    """Serve on the port given."""
    config = uvicorn.Config(
        build(UUID(sys.argv[2]), UUID(sys.argv[3])), port=int(sys.argv[1]), http=GuardedHttp, ws=FramedSocket,
        ws_per_message_deflate=False, ws_ping_interval=None, log_level="warning", lifespan="off", loop="none",
        access_log=False, server_header=False,
    )  # fmt: skip
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(uvicorn.Server(config).serve())


if __name__ == "__main__":
    main()
