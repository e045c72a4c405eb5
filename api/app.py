"""The wiring: the one place that builds database, bus and hub, and the ASGI application on top of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from api.auth import Authenticator, Session, cookie_token, same_origin
from api.database import join_database, open_database
from api.execution import Engine
from api.graphql_http import GraphQLOverHTTP
from api.graphql_ws import TRY_AGAIN, Socket, SocketHub
from api.jobs import expiring
from api.refusals import explain, mask
from api.security import SecureHeaders
from api.sessions import SessionWatch
from api.settings import Settings
from api.sharing import Groups
from api.web import WebClient
from db.batch import Batches
from db.bus import Bus
from db.ending import end
from db.errors import Busy, DatabaseUnavailable
from db.hub import Hub
from db.uow import UnitOfWork
from resolvers.context import Ctx
from resolvers.ephemera import Ephemera
from resolvers.limits import Buckets, sends
from resolvers.members import is_ready
from resolvers.sending import Sending
from schema.root import schema

READY_SECONDS = 2.0
LOOK_SECONDS = 0.5
"""The hub looks that often where no poke comes: a bus that loses everything delays a removal by no more."""
END_SECONDS = 1.0
"""What a job may take to end once nobody is served any more."""


def utc_now() -> datetime:
    """The clock of all use cases: aware, in UTC, cut to milliseconds as the API shows times."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


@dataclass(slots=True)
class Circle:
    """The running server's parts. `new_ctx` makes an operation's context."""

    settings: Settings
    server_key: bytes
    uow: UnitOfWork
    sending: Sending
    sends: Buckets
    ephemera: Ephemera
    hub: Hub
    bus: Bus
    engine: Engine
    authenticator: Authenticator
    sockets: SocketHub
    watch: SessionWatch
    version: str

    def new_ctx(self, scope: Scope, session: Session | None) -> Ctx:
        """A fresh context: nothing loaded, the session's viewer."""
        client = scope.get("client")
        return Ctx(
            viewer=None if session is None else session.viewer,
            uow=self.uow,
            sending=self.sending,
            sends=self.sends,
            ephemera=self.ephemera,
            hub=self.hub,
            bus=self.bus,
            clock=utc_now,
            server_key=self.server_key,
            client_address=client[0] if client else "",
            sessions_ended=self.watch.tell,
            session_signs_as=self.watch.tell_device,
            server_name=self.settings.server_name,
            server_version=self.version,
        )


@asynccontextmanager
async def open_circle(settings: Settings, server_key: bytes, *, worker: bool = False) -> AsyncIterator[Circle]:
    """Start everything, newest parts last, and stop it in the opposite order.

    `worker`: the parent process keeps the database and has migrated it.
    Raises EmbeddedError, MigrationError or DatabaseUnavailable with a plain sentence.
    """
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context((join_database if worker else open_database)(settings))
        bus = Bus(settings.bus_url)
        await bus.start()
        stack.push_async_callback(bus.stop)
        hub = Hub(database, bus, server_key, interval=LOOK_SECONDS)
        await hub.start()
        stack.push_async_callback(hub.stop)

        def on_append() -> None:
            hub.poke()
            bus.poke()

        sending = Sending(Batches(database), utc_now, on_append)
        await sending.start()
        stack.push_async_callback(sending.stop)
        ephemera = Ephemera(database, bus, hub, utc_now)
        await ephemera.start()
        stack.push_async_callback(ephemera.stop)
        circle = _assemble(settings, server_key, UnitOfWork(database, on_append), sending, hub, bus, ephemera)
        stack.callback(bus.subscribe(circle.watch.hear))
        await stack.enter_async_context(_running(circle.watch.run(), circle.watch.keep_house()))
        patience = min(settings.drain_seconds, END_SECONDS)
        await stack.enter_async_context(expiring(database, utc_now, settings.expiry_seconds, patience))
        yield circle


def _assemble(
    settings: Settings, server_key: bytes, uow: UnitOfWork, sending: Sending, hub: Hub, bus: Bus, ephemera: Ephemera
) -> Circle:
    engine = Engine(schema, settings)
    authenticator = Authenticator(uow, utc_now)

    def new_ctx(scope: Scope, session: Session | None) -> Ctx:
        return circle.new_ctx(scope, session)

    groups = Groups(engine, schema._schema, hub, lambda: new_ctx({}, None))
    sockets = SocketHub(engine, groups, settings, authenticator.bearer, new_ctx)
    sockets.opened, sockets.closed = ephemera.presence.opened, ephemera.presence.closed
    watch = SessionWatch(uow, bus, sockets, authenticator, utc_now, settings.socket_recheck_seconds)
    limit = sends(settings.sends_per_second, settings.sends_burst)
    circle = Circle(
        settings, server_key, uow, sending, limit, ephemera, hub, bus, engine, authenticator, sockets, watch, version()
    )
    return circle


def version() -> str:
    """The installed version; 'development' in a source folder that is not installed."""
    try:
        return metadata.version("circle")
    except metadata.PackageNotFoundError:
        return "development"


@asynccontextmanager
async def _running(*jobs: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        yield
    finally:
        await asyncio.gather(*(end(task) for task in tasks))


def build_app(circle: Circle) -> Starlette:
    """The ASGI application: API, health, web client."""
    over_http = GraphQLOverHTTP(circle.engine, circle.settings, circle.authenticator, circle.new_ctx)
    over_socket = GraphQLOverSocket(circle)
    web = WebClient(circle.settings.web_dir)

    async def livez(_: Request) -> Response:
        return PlainTextResponse("ok\n", headers={"Cache-Control": "no-store"})

    async def readyz(_: Request) -> Response:
        try:
            async with asyncio.timeout(READY_SECONDS):
                await is_ready(circle.uow)
        except Exception as failure:
            mask(failure, "the readiness check")
            return PlainTextResponse("the database does not answer\n", 503, headers={"Cache-Control": "no-store"})
        return PlainTextResponse("ok\n", headers={"Cache-Control": "no-store"})

    routes = [
        # Classes, so that Starlette hands the request over as it is, whatever its method.
        Route("/graphql", over_http, methods=None),
        WebSocketRoute("/graphql", over_socket),
        Route("/livez", livez, methods=["GET"]),
        Route("/readyz", readyz, methods=["GET"]),
        Route("/{path:path}", web.__call__, methods=["GET"]),
    ]
    return Starlette(routes=routes, middleware=[Middleware(SecureHeaders, secure=circle.settings.secure)])


class GraphQLOverSocket:
    """The ASGI application behind the WebSocket at /graphql."""

    def __init__(self, circle: Circle) -> None:
        self._circle = circle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one socket. Pages of other sites are refused; a cookie counts only where a browser says whose page."""
        headers = Headers(scope=scope)
        ours = same_origin(headers, self._circle.settings.origin)
        if ours is False:
            await receive()
            await send({"type": "websocket.close", "code": 4403, "reason": "Forbidden"})
            return
        token = cookie_token(headers, secure=self._circle.settings.secure) if ours and "origin" in headers else None
        try:
            session = None if token is None else await self._circle.authenticator.session(token)
        except (Busy, DatabaseUnavailable) as failure:
            explain(failure, "a socket's start")
            await receive()
            await send({"type": "websocket.close", "code": TRY_AGAIN, "reason": "Try again later"})
            return
        await Socket(scope, receive, send, self._circle.sockets, session).run()
