"""A hostile server for tests: a man in the middle that answers with what an `Attack` makes of the real server's words.

It sits between one client (the victim) and the server, on a port of its own: GraphQL over HTTP and the subscription's
frames pass through it as JSON. Who connects to the server directly sees the truth. `POST /hostile` with
`{"attack": name, "with": {...}}` arms an attack of `tests.support.attacks` from another process; `{}` disarms;
`{"do": name}` does one of `orders`, which the test that opened it gives.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from tests.support.hostile_view import Attack, View

Json = dict[str, Any]
_END = b"\r\n\r\n"


class Hostile:
    """The man in the middle. `url` is where the victim connects; `attack` is what is done to it from now on."""

    def __init__(self, target: str) -> None:
        self._target = ("", 0)
        self.orders: dict[str, Callable[[], Awaitable[None]]] = {}
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.view = View()
        self.url = ""
        self.faults: list[BaseException] = []
        self.aim(target)

    @property
    def attack(self) -> Attack:
        """What is done now."""
        return self.view.attack

    def arm(self, attack: Attack | None) -> None:
        """Do this from now on; None: tell the truth again."""
        self.view.attack = attack or Attack()

    def aim(self, target: str) -> None:
        """Pass on to this server from the next connection on."""
        parts = urlsplit(target)
        self._target = (parts.hostname or "", parts.port or 0)

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=1 << 24)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self.cut()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._server.wait_closed()

    def cut(self, but: asyncio.StreamWriter | None = None) -> None:
        """Break every connection, `but` this one: the victim comes back and asks anew."""
        for writer in list(self._writers):
            if writer is not but:
                writer.transport.abort()

    # ---- connections

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while True:
                head = await reader.readuntil(_END)
                if b"upgrade: websocket" in head.lower():
                    await self._socket(head, reader, writer)
                    return
                body = await reader.readexactly(_length(head))
                writer.write(await self._answer(head, body, writer))
                await writer.drain()
        except (ConnectionError, OSError, asyncio.IncompleteReadError):
            pass
        except Exception as error:
            self.faults.append(error)  # the test sees it when the hostile server is closed
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _far(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(*self._target, limit=1 << 24)
        self._writers.add(writer)
        return reader, writer

    # ---- HTTP

    async def _answer(self, head: bytes, body: bytes, asker: asyncio.StreamWriter) -> bytes:
        if head.startswith(b"POST /hostile "):
            from tests.support.attacks import ATTACKS
            from tests.support.attacks_on_devices import ON_DEVICES
            from tests.support.attacks_on_trust import ON_TRUST

            order = json.loads(body)
            if "do" in order:
                await self.orders[order["do"]]()
                return _response(200, b"{}")
            known = {**ATTACKS, **ON_TRUST, **ON_DEVICES}
            self.arm(known[order["attack"]](**order.get("with", {})) if "attack" in order else None)
            if order.get("cut"):
                self.cut(asker)  # before it is told: nothing that is asked afterwards is cut
            return _response(200, b"{}")
        reader, writer = await self._far()
        try:
            lines = head.decode("latin-1").split("\r\n")
            kept = [x for x in lines if x and not x.lower().startswith(("connection:", "accept-encoding:"))]
            writer.write("\r\n".join([*kept, "Connection: close", "", ""]).encode("latin-1") + body)
            await writer.drain()
            answer_head = await reader.readuntil(_END)
            answer = await reader.read(-1)
        finally:
            self._writers.discard(writer)
            writer.close()
        if b"transfer-encoding: chunked" in answer_head.lower():
            answer = _unchunked(answer)
        status = int(answer_head.split(b" ", 2)[1])
        if status == 200 and head.startswith(b"POST /graphql"):
            refused = self.view.attack.refusal(b"\r\nauthorization:" in head.lower(), self.view)
            if refused is not None:
                return _response(401, json.dumps({"errors": [refused]}).encode(), answer_head)
            answer = self._rewritten(json.loads(body), answer)
        return _response(status, answer, answer_head)

    def _rewritten(self, request: Json, answer: bytes) -> bytes:
        parsed = json.loads(answer)
        if isinstance(parsed.get("data"), dict):
            operation = str(request.get("operationName") or "")
            parsed["data"] = self.view.answer(operation, request.get("variables") or {}, parsed["data"])
        return json.dumps(parsed).encode()

    # ---- WebSocket

    async def _socket(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await self._far()
        lines = head.decode("latin-1").split("\r\n")
        kept = [line for line in lines if not line.lower().startswith("sec-websocket-extensions:")]
        far_writer.write("\r\n".join(kept).encode("latin-1"))
        writer.write(await far_reader.readuntil(_END))
        up = asyncio.create_task(_pump(reader, far_writer))
        try:
            await self._frames(far_reader, writer)
        finally:
            up.cancel()
            await asyncio.gather(up, return_exceptions=True)
            self._writers.discard(far_writer)
            far_writer.close()

    async def _frames(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Frames of the server: text is rewritten, all else goes on as it is. The server does not mask."""
        while True:
            first, second = await reader.readexactly(2)
            length = second & 0x7F
            if length >= 126:
                length = int.from_bytes(await reader.readexactly(2 if length == 126 else 8), "big")
            payload = await reader.readexactly(length)
            if first != 0x81:
                writer.write(_frame(first, payload))
            else:
                for text in self._texts(payload):
                    writer.write(_frame(first, text))
            await writer.drain()

    def _texts(self, payload: bytes) -> list[bytes]:
        message = json.loads(payload)
        if message.get("type") != "next" or not isinstance(message["payload"].get("data"), dict):
            return [payload]
        shown = self.view.delivery(message["payload"]["data"])
        return [json.dumps({**message, "payload": {**message["payload"], "data": data}}).encode() for data in shown]


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


def _frame(first: int, payload: bytes) -> bytes:
    length = len(payload)
    if length < 126:
        return bytes([first, length]) + payload
    if length < 1 << 16:
        return bytes([first, 126]) + length.to_bytes(2, "big") + payload
    return bytes([first, 127]) + length.to_bytes(8, "big") + payload


def _unchunked(data: bytes) -> bytes:
    whole = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        length = int(size, 16)
        whole, data = whole + data[:length], data[length + 2 :]
    return whole


def _response(status: int, body: bytes, head: bytes = b"") -> bytes:
    dropped = (b"content-length:", b"transfer-encoding:", b"connection:")
    lines = [line for line in head.split(b"\r\n")[1:] if line and not line.lower().startswith(dropped)]
    start = [b"HTTP/1.1 %d Answer" % status, *lines, b"Content-Length: %d" % len(body), b"", b""]
    return b"\r\n".join(start) + body


@asynccontextmanager
async def hostile(target: str) -> AsyncIterator[Hostile]:
    """An open hostile server that tells the truth until it is armed. Raises at the end what went wrong inside it."""
    found = Hostile(target)
    await found.open()
    try:
        yield found
    finally:
        await found.close()
    if found.faults:
        raise found.faults[0]
