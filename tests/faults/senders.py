"""Senders that send each envelope until it is acknowledged, over HTTP or a socket, at whatever node; and writers that
commit in the reverse order of their transactions' start."""

from __future__ import annotations

import asyncio
import random
from abc import ABC, abstractmethod
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import msgspec
from circle_client.protocol.envelope import Envelope
from circle_client.protocol.log import next_hash
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from db.engine import Database
from db.errors import Busy, DatabaseUnavailable
from db.log import Entry, append, lock_spaces
from db.models import EventKind
from db.uow import UnitOfWork
from tests.faults.followers import AWAY, WAIT, Broken, say
from tests.support.actors import b64
from tests.support.company import Conversation, Person
from tests.support.nodes import Node

SEND = "mutation Send($input: SendMessageInput!) { sendMessage(input: $input) { event { seq } errors { code } } }"
PASSING = {"RATE_LIMITED", "UNAVAILABLE"}
ANSWER_LOST = 0.05
"""Of the acknowledgements, so many are thrown away: the envelope is sent again and must get the same place."""


@dataclass
class Ledger:
    """What was acknowledged: envelope id to its place in a log."""

    acknowledged: dict[UUID, tuple[UUID, int]] = field(default_factory=dict)
    unknown: set[UUID] = field(default_factory=set)
    """Written past the API, and cut off at the commit: they are in the log or not, and nobody was told."""
    stats: Counter[str] = field(default_factory=Counter)

    def take(self, envelope: Envelope, conversation: Conversation, seq: int) -> None:
        """An acknowledgement came; one that differs from an earlier one is counted."""
        id, place = UUID(bytes=envelope.header.id), (conversation.space, seq)
        self.stats["acknowledged otherwise"] += self.acknowledged.setdefault(id, place) != place


@dataclass
class Sender:
    """One device that talks in one conversation."""

    person: Person
    conversation: Conversation
    nodes: list[Node]
    random: random.Random
    ledger: Ledger
    by_socket: bool

    async def run(self, count: int, pause: float, done: asyncio.Event) -> None:
        """Send at least so many and until that is set, each until it is acknowledged."""
        sent, envelope = 0, self.conversation.envelope(self.person)
        is_open = False  # tried, and nobody knows yet what became of it
        while is_open or sent < count or not done.is_set():
            node = self.random.choice(self.nodes)
            try:
                async with way_of(node.url, self.person.token, by_socket=self.by_socket) as way:
                    while is_open or sent < count or not done.is_set():
                        is_open = True
                        self.ledger.take(envelope, self.conversation, await way.send(envelope))
                        is_open = False
                        if self.random.random() >= ANSWER_LOST:
                            sent, envelope = sent + 1, self.conversation.envelope(self.person)
                        if self.random.random() < 0.01:
                            break  # another node's turn
                        await asyncio.sleep(self.random.uniform(0, 2 * pause))
            except (*AWAY, Broken) as failure:
                self.ledger.stats[f"retried after {type(failure).__name__}"] += 1
                await asyncio.sleep(self.random.uniform(0.02, 0.4))


class Way(ABC):
    """A way to one server for one session."""

    @abstractmethod
    async def __aenter__(self) -> Way: ...

    @abstractmethod
    async def __aexit__(self, *_: object) -> None: ...

    @abstractmethod
    async def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """The response to one operation."""

    async def send(self, envelope: Envelope) -> int:
        """Send an envelope; its seq. Raises Broken for what passes, and what the connection raises."""
        answer = await self.ask({"query": SEND, "variables": {"input": {"envelope": b64(envelope.data)}}})
        errors = answer.get("errors") or answer["data"]["sendMessage"]["errors"]
        if errors:
            code = errors[0].get("code") or errors[0]["extensions"]["code"]
            if code not in PASSING:
                raise AssertionError(f"a send was refused: {errors}")
            raise Broken(code)
        seq: int = answer["data"]["sendMessage"]["event"]["seq"]
        return seq


def way_of(url: str, token: str, *, by_socket: bool) -> Way:
    """Over HTTP or a socket."""
    return (_OverSocket if by_socket else _OverHttp)(url, token)


class _OverHttp(Way):
    def __init__(self, url: str, token: str) -> None:
        self._http = httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=WAIT)

    async def __aenter__(self) -> _OverHttp:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        answer = await self._http.post("/graphql", json=request)
        if answer.status_code in {429, 502, 503}:
            raise Broken(str(answer.status_code))
        body: dict[str, Any] = answer.json()
        return body


class _OverSocket(Way):
    def __init__(self, url: str, token: str) -> None:
        self._url, self._token, self._number = url.replace("http://", "ws://") + "/graphql", token, 0
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> _OverSocket:
        protocols = [Subprotocol("graphql-transport-ws")]
        self._socket: ClientConnection = await self._stack.enter_async_context(
            connect(self._url, subprotocols=protocols, open_timeout=WAIT, close_timeout=0.5, ping_interval=None)
        )
        await self._socket.send(say("connection_init", {"authorization": f"Bearer {self._token}"}))
        await self._hear("connection_ack")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        self._number += 1
        await self._socket.send(say("subscribe", request, str(self._number)))
        answer = await self._hear("next")
        await self._hear("complete")
        return answer

    async def _hear(self, kind: str) -> dict[str, Any]:
        while True:
            message = msgspec.json.decode(await asyncio.wait_for(self._socket.recv(), WAIT))
            if message["type"] == "ping":
                await self._socket.send(say("pong"))
            elif message["type"] == "error":
                return {"errors": message["payload"]} if kind == "next" else {}
            elif message["type"] == kind:
                payload: dict[str, Any] = message.get("payload") or {}
                return payload
            else:
                raise Broken(str(message))


class Reversed:
    """Transactions that take their number early and append late, committed in the reverse order of their start."""

    def __init__(self, dsn: str, conversations: list[Conversation], random: random.Random, ledger: Ledger) -> None:
        self._database, self._random, self._ledger = Database(dsn, pool_size=12), random, ledger
        self._conversations = conversations

    async def run(self) -> None:
        """Work until cancelled, and poke nobody: whoever follows finds the rows by the clock or by another's poke."""
        uow = UnitOfWork(self._database)
        while True:
            try:
                await self._nest(uow, self._random.randint(2, 4))
            except (Busy, DatabaseUnavailable):
                self._ledger.stats["reversed writers cut off"] += 1
            await asyncio.sleep(self._random.uniform(0, 0.3))

    async def close(self) -> None:
        """Close the connections."""
        await self._database.close()

    async def _nest(self, uow: UnitOfWork, depth: int) -> None:
        conversation = self._random.choice(self._conversations)
        envelope = conversation.envelope(self._random.choice(conversation.people))
        id, actor = UUID(bytes=envelope.header.id), UUID(bytes=envelope.header.member)
        async with uow.write(actor) as tx:
            await tx.raw.fetchval("SELECT pg_current_xact_id()")  # its number: lower than those of all within
            await asyncio.sleep(self._random.uniform(0, 0.2))
            if depth > 1:
                await self._nest(uow, depth - 1)
            await lock_spaces(tx, [conversation.space])
            entry = Entry(
                conversation.space, id, EventKind.ENVELOPE, envelope.item, envelope.data, actor=actor,
                epoch=envelope.header.epoch.n, lifetime=envelope.header.b,
            )  # fmt: skip
            done = await append(tx, entry, next_hash)
            self._ledger.unknown.add(id)  # until the commit's answer
        self._ledger.unknown.discard(id)
        self._ledger.take(envelope, conversation, done.seq)
        self._ledger.stats["committed in reverse"] += depth > 1
