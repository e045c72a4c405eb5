"""The graphql-transport-ws protocol: one socket, many operations, each with a context of its own.

Source: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md. The close codes are the protocol's; 4403 also
says that the session has ended, after an `error` for each operation that says why, and 4408 that the client stopped
answering pings.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
from starlette.types import Receive, Scope, Send

from api.auth import Session
from api.execution import Engine, Prepared, Request, Response
from api.frames import EXTENSION
from api.pouring import Pouring
from api.refusals import UNAUTHENTICATED, RequestError, explain, mask
from api.settings import Settings
from api.sharing import Groups
from api.socket_queue import Closed, Outgoing
from db.errors import Busy, DatabaseUnavailable
from db.hub import Sink
from resolvers.context import Ctx, EndReason

log = logging.getLogger("circle.api.ws")

SUBPROTOCOL = "graphql-transport-ws"
INVALID_MESSAGE, UNAUTHORIZED, FORBIDDEN, BAD_SUBPROTOCOL = 4400, 4401, 4403, 4406
TIMED_OUT, DUPLICATE_ID, TOO_MANY_INITS = 4408, 4409, 4429
RESTARTING = 1012  # RFC 6455's registry: come again, here or elsewhere, and resume
TRY_AGAIN = 1013  # RFC 6455's registry: a passing condition, so clients come again
GOODBYE = "The server restarts"
MAX_ID_LENGTH = 128
COURTESY_SECONDS = 0.05
"""After a session's end: the answer to the very request that ended it goes out first."""
ENDS_KEPT = 1024
ENDS = {
    EndReason.EXPIRED: "This session has expired. Sign in again.",
    EndReason.REVOKED: "This session was ended. Sign in again.",
    EndReason.DEVICE: "This device was removed from the account.",
}


class Socket:
    """One client's socket. `authenticate` turns an authorization text into a session, or None when it is no good."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, hub: SocketHub, session: Session | None) -> None:
        self._receive, self._hub, self.session = receive, hub, session
        self._subprotocols: list[str] = scope.get("subprotocols", [])
        self._scope = scope
        frames = scope.get("extensions", {}).get(EXTENSION)
        self._out = Outgoing(send, hub.settings.max_queued_messages_per_socket, frames)
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._sinks: dict[str, Pouring] = {}
        self._running: set[asyncio.Task[None]] = set()  # these, and mutations whose client has lost interest
        self._acknowledged = False
        self._initialised = False
        self._heard = True
        self._ended: list[dict[str, Any]] | None = None

    async def run(self) -> None:
        """Serve the socket until either side closes it. Never raises for what a client does."""
        message = await self._receive()
        if message["type"] != "websocket.connect":
            return
        accepted = SUBPROTOCOL if SUBPROTOCOL in self._subprotocols else None
        if not await self._out.accept(accepted):
            return
        jobs = (self._read(), self._out.closing.wait(), self._out.run(), self._keep_alive())
        tasks: list[asyncio.Task[Any]] = [asyncio.create_task(job) for job in jobs]
        if accepted is None:
            self.close(BAD_SUBPROTOCOL, "Subprotocol not acceptable")
        self._hub.enter(self)
        try:
            await asyncio.wait(tasks[:2], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._hub.leave(self)
            await self._tear_down(tasks)

    def close(self, code: int, reason: str) -> None:
        """Close the socket soon, dropping what was not yet sent. The first code wins."""
        self._out.close(code, reason)

    def end(self, reason: EndReason) -> None:
        """The session has ended: no stream brings anything more from here on, each is told why, then the socket closes.

        Mutations that have begun are let finish.
        """
        if self._ended is not None:
            return
        refusal = RequestError(UNAUTHENTICATED, ENDS[reason], reason=reason.value)
        self._ended = refusal.errors
        for operation_id, task in list(self._operations.items()):
            if task not in self._hub.mutations:
                self._complete(operation_id)
                self._out.put_if_room({"id": operation_id, "type": "error", "payload": self._ended})
        asyncio.get_running_loop().call_later(COURTESY_SECONDS, self.close, FORBIDDEN, "The session has ended")

    async def drain(self) -> None:
        """Begin nothing more; answer the mutations that have begun, then close so that the client resumes elsewhere."""
        mutations = self._running & self._hub.mutations
        if not mutations:
            self.close(RESTARTING, GOODBYE)
            return
        await asyncio.wait(mutations)
        self._out.close_behind(RESTARTING, GOODBYE)
        await self._out.closing.wait()

    async def _tear_down(self, tasks: list[asyncio.Task[Any]]) -> None:
        self._out.stop()
        ending = [*tasks, *(task for task in self._operations.values() if task not in self._hub.mutations)]
        for task in ending:
            task.cancel()
        for result in await asyncio.gather(*ending, return_exceptions=True):
            if isinstance(result, Exception) and not isinstance(result, Closed):
                mask(result, "a socket")
        await self._out.finish()

    async def _read(self) -> None:
        while True:
            event = await self._receive()
            if event["type"] != "websocket.receive":
                self._out.vanished()
                return
            self._heard = True
            try:
                message = msgspec.json.decode(event.get("text") or b"")
            except (msgspec.DecodeError, RecursionError):
                message = None
            if not isinstance(message, dict) or not await self._handle(message):
                self.close(INVALID_MESSAGE, "Invalid message received")
            if self._out.closing.is_set():
                return

    async def _handle(self, message: dict[str, Any]) -> bool:
        kind, payload = message.get("type"), message.get("payload")
        if kind == "ping":
            await self._out.put({"type": "pong"})
        elif kind == "connection_init":
            return await self._initialise(payload)
        elif kind == "subscribe":
            return await self._subscribe(message.get("id"), payload)
        elif kind == "complete":
            self._complete(message.get("id"))
        elif kind != "pong":
            return False
        return True

    async def _initialise(self, payload: object) -> bool:
        if payload is not None and not isinstance(payload, dict):
            return False
        if self._initialised:
            self.close(TOO_MANY_INITS, "Too many initialisation requests")
            return True
        self._initialised = True
        authorization = next((v for k, v in (payload or {}).items() if str(k).lower() == "authorization"), None)
        if authorization is not None:
            try:
                session = await self._hub.authenticate(str(authorization))
            except (Busy, DatabaseUnavailable) as failure:
                explain(failure, "a socket's start")
                self.close(TRY_AGAIN, "Try again later")
                return True
            if session is None:
                self.close(FORBIDDEN, "Forbidden")
                return True
            self._hub.leave(self)
            self.session = session
            self._hub.enter(self)
        self._acknowledged = True
        await self._out.put({"type": "connection_ack"})
        return True

    async def _subscribe(self, operation_id: object, payload: object) -> bool:
        if not isinstance(operation_id, str) or not 0 < len(operation_id) <= MAX_ID_LENGTH:
            return False
        if not self._acknowledged:
            self.close(UNAUTHORIZED, "Unauthorized")
            return True
        if self._ended is not None:
            await self._out.put({"id": operation_id, "type": "error", "payload": self._ended})
            return True
        if self._hub.is_draining:
            return True  # never begun: its client hears the close, and asks elsewhere
        if operation_id in self._operations:
            self.close(DUPLICATE_ID, f"Subscriber for {operation_id} already exists"[:120])
            return True
        try:
            if len(self._running) >= self._hub.settings.max_operations_per_socket:
                raise RequestError("TOO_MANY_OPERATIONS", "This socket runs as many operations as it may.")
            request = Request.read(payload)
            prepared = self._hub.engine.prepare(request)
        except RequestError as refusal:
            if refusal.errors[0]["extensions"]["code"] == "BAD_REQUEST":
                return False
            await self._out.put({"id": operation_id, "type": "error", "payload": refusal.errors})
            return True
        task = asyncio.create_task(self._operate(operation_id, prepared))
        self._operations[operation_id] = task
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        if prepared.is_mutation:
            # A mutation that began is let finish even when its client is gone: the client's retry finds the result.
            self._hub.mutations.add(task)
            task.add_done_callback(self._hub.mutations.discard)
        return True

    def _complete(self, operation_id: object) -> None:
        task = self._operations.pop(str(operation_id), None)
        if task is not None and task not in self._hub.mutations:
            self._running.discard(task)
            task.cancel()
            if (sink := self._sinks.pop(str(operation_id), None)) is not None:
                sink.stop()

    async def _operate(self, operation_id: str, prepared: Prepared) -> None:
        try:
            if prepared.is_subscription:
                await self._stream(operation_id, prepared)
            else:
                await self._next(operation_id, await self._hub.engine.execute(prepared, self._new_ctx()))
            self._forget(operation_id)
            await self._out.put({"id": operation_id, "type": "complete"})
        except RequestError as refusal:
            await self._fail(operation_id, refusal.errors)
        except Closed:
            pass
        except Exception as failure:
            await self._fail(operation_id, [explain(failure, "socket operation")])
        finally:
            self._forget(operation_id)

    def _forget(self, operation_id: str) -> None:
        # Before `complete` or `error` goes out, as the client may use the id again; never another operation's id.
        if self._operations.get(operation_id) is asyncio.current_task():
            del self._operations[operation_id]

    async def _stream(self, operation_id: str, prepared: Prepared) -> None:
        with self._sharing(operation_id, prepared) as sink:
            async with aclosing(self._hub.engine.subscribe(prepared, partial(self._new_ctx, sink))) as responses:
                async for response in responses:
                    if "data" not in response:
                        failure = RequestError("", "")
                        failure.errors = response["errors"]
                        raise failure
                    await self._next(operation_id, response)

    @contextmanager
    def _sharing(self, operation_id: str, prepared: Prepared) -> Iterator[Sink | None]:
        """What takes a stream whose responses are shared; None for one of its own."""
        joined = self._hub.groups.join(prepared)
        if joined is None:
            yield None
            return
        key, group = joined
        self._sinks[operation_id] = sink = Pouring(self._out, group, operation_id)
        try:
            yield sink
        finally:
            if self._sinks.get(operation_id) is sink:
                del self._sinks[operation_id]
            self._hub.groups.leave(key)

    async def _next(self, operation_id: str, response: Response) -> None:
        await self._out.put({"id": operation_id, "type": "next", "payload": response})

    async def _fail(self, operation_id: str, errors: list[dict[str, Any]]) -> None:
        self._forget(operation_id)
        with suppress(Closed):
            await self._out.put({"id": operation_id, "type": "error", "payload": errors})

    @property
    def client(self) -> object:
        """Whose socket this is, to count: the session's, or anybody's at that address."""
        if self.session is not None:
            return self.session.id
        return (self._scope.get("client") or ("",))[0]

    def _new_ctx(self, sink: Sink | None = None) -> Ctx:
        ctx = self._hub.new_ctx(self._scope, self.session)
        ctx.sink = sink
        return ctx

    async def _keep_alive(self) -> None:
        await asyncio.sleep(self._hub.settings.socket_init_seconds)
        if not self._acknowledged:
            self.close(TIMED_OUT, "Connection initialisation timeout")
        while True:
            self._heard = False
            self._out.put_if_room({"type": "ping"})
            await asyncio.sleep(self._hub.settings.socket_ping_seconds)
            if not self._heard:
                self.close(TIMED_OUT, "No answer to a ping")


class SocketHub:
    """What all sockets of the process share."""

    def __init__(
        self,
        engine: Engine,
        groups: Groups,
        settings: Settings,
        authenticate: Callable[[str], Any],
        new_ctx: Callable[[Scope, Session | None], Ctx],
    ) -> None:
        self.engine, self.groups, self.settings = engine, groups, settings
        self.authenticate, self.new_ctx = authenticate, new_ctx
        self.sockets: set[Socket] = set()
        self._ends: dict[UUID, EndReason] = {}  # the latest, for sockets that are authenticated meanwhile
        self._by_client: Counter[object] = Counter()
        self.mutations: set[asyncio.Task[None]] = set()
        self.is_draining = False
        self.opened: Callable[[UUID, UUID], None] = lambda _member, _session: None
        self.closed: Callable[[UUID], None] = lambda _session: None
        """Told of each socket of a session, as it comes and goes."""

    def enter(self, socket: Socket) -> None:
        """Count a socket in; one too many of its client's is closed."""
        self.sockets.add(socket)
        self._by_client[socket.client] += 1
        if socket.session is not None:
            self.opened(socket.session.viewer.member, socket.session.id)
        if self._by_client[socket.client] > self.settings.max_sockets_per_client:
            socket.close(TRY_AGAIN, "Too many sockets")
        if self.is_draining:
            socket.close(RESTARTING, GOODBYE)
        if socket.session is not None and (reason := self._ends.get(socket.session.id)) is not None:
            socket.end(reason)

    def leave(self, socket: Socket) -> None:
        """Count a socket out."""
        self.sockets.discard(socket)
        if socket.session is not None:
            self.closed(socket.session.id)
        self._by_client[socket.client] -= 1
        if self._by_client[socket.client] <= 0:
            del self._by_client[socket.client]

    def end_sessions(self, ended: Mapping[UUID, EndReason]) -> None:
        """End every socket of these sessions, saying why."""
        self._ends.update(ended)
        while len(self._ends) > ENDS_KEPT:
            del self._ends[next(iter(self._ends))]
        for socket in list(self.sockets) if ended else ():
            reason = None if socket.session is None else ended.get(socket.session.id)
            if reason is not None:
                socket.end(reason)

    def give_device(self, session: UUID, device: UUID) -> None:
        """What the session's sockets ask from now on, they ask as that device."""
        for socket in self.sockets:
            if socket.session is not None and socket.session.id == session:
                socket.session = replace(socket.session, viewer=replace(socket.session.viewer, device=device))

    async def drain(self, seconds: float) -> None:
        """Answer the mutations that are under way and close all sockets with 1012; at most this long."""
        self.is_draining = True
        draining = [asyncio.create_task(socket.drain()) for socket in self.sockets]
        if waiting := {*draining, *self.mutations}:
            await asyncio.wait(waiting, timeout=seconds)
        for task in [*draining, *self.mutations]:
            task.cancel()  # out of time: whoever sent it finds out by sending it again
        for socket in list(self.sockets):
            socket.close(RESTARTING, GOODBYE)
        await asyncio.gather(*draining, return_exceptions=True)
