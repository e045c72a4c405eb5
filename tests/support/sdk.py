"""Members with the Python SDK on a running server, and a wire between them that tests can cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from circle_client import Circle, Conversation, Message
from circle_client.protocol.invite import InviteLink

PASSWORD = "correct horse battery staple"
PATIENCE = 30.0


@dataclass
class Party:
    """People on one server. The first that comes is the owner."""

    url: str
    set_up_token: bytes
    folder: Path
    circles: dict[str, Circle] = field(default_factory=dict)

    def store(self, handle: str) -> Path:
        return self.folder / f"{handle}.circle"

    async def come(self, handle: str, url: str | None = None) -> Circle:
        """Somebody signs up, invited by the owner."""
        if self.circles:
            link = await next(iter(self.circles.values())).create_invite(1)
        else:
            link = f"{self.url}/join#{InviteLink(self.set_up_token).fragment()}"
        circle = await Circle.sign_up(url or self.url, link, handle, handle.title(), PASSWORD, self.store(handle))
        self.circles[handle] = circle
        return circle

    async def restart(self, handle: str, url: str | None = None) -> Circle:
        """Close somebody's client and open it again from its store."""
        await self.circles[handle].close()
        circle = await Circle.open(url or self.url, self.store(handle), password=PASSWORD)
        self.circles[handle] = circle
        return circle

    async def linked(self, old: Circle, path: Path, *, by_qr: bool = False) -> Circle:
        """A second device of a member, let in by the first."""
        asks: list[asyncio.Task[None]] = []

        def show(words: list[str], qr: str) -> None:
            asks.append(asyncio.create_task(old.answer_link(qr if by_qr else words)))

        handle = old.me.handle
        circle = await Circle.link(self.url, handle, PASSWORD, path, show)
        await asyncio.gather(*asks)
        self.circles[f"{handle}'s second"] = circle
        return circle

    async def close(self) -> None:
        for circle in self.circles.values():
            await circle.close()


@asynccontextmanager
async def party(url: str, set_up_token: bytes, folder: Path) -> AsyncIterator[Party]:
    """A party, all of whose clients are closed at the end."""
    people = Party(url, set_up_token, folder)
    try:
        yield people
    finally:
        await people.close()


async def until(true: Callable[[], bool], patience: float = PATIENCE) -> None:
    """Wait for something that other tasks bring about."""
    async with asyncio.timeout(patience):
        while not true():  # noqa: ASYNC110 - what is waited for is anything, from outside
            await asyncio.sleep(0.02)


async def theirs(circle: Circle, conversation: Conversation) -> Conversation:
    """Somebody's own view of a conversation, as soon as they know of it."""

    def known() -> bool:
        return any(mine.protocol_id == conversation.protocol_id for mine in circle.conversations)

    await until(known)
    return next(mine for mine in circle.conversations if mine.protocol_id == conversation.protocol_id)


async def hear(messages: AsyncIterator[Message], count: int) -> list[Message]:
    """The next `count` messages; the last one is taken, too."""
    heard: list[Message] = []
    async with asyncio.timeout(PATIENCE):
        while len(heard) < count:
            heard.append(await anext(messages))
    return heard


def texts(messages: list[Message]) -> list[str]:
    """What they say, or in brackets why it cannot be read."""
    return [message.text or f"[{message.unreadable}]" for message in messages]


class Wire:
    """A TCP proxy before a server. `cut` breaks every connection; while `down` it takes no new ones."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname or "", parts.port or 0)
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.down = False
        self.url = ""

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self.cut()
            await self._server.wait_closed()

    def cut(self) -> None:
        """Break all connections without a word."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.down:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, far_writer}
        try:
            await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        finally:
            self._writers -= {writer, far_writer}
            writer.close()
            far_writer.close()

    @staticmethod
    async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except (ConnectionError, OSError):
            pass
        finally:
            writer.transport.abort() if writer.is_closing() else writer.close()


@asynccontextmanager
async def wire(target: str) -> AsyncIterator[Wire]:
    """An open wire."""
    found = Wire(target)
    await found.open()
    try:
        yield found
    finally:
        await found.close()
