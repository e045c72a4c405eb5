"""Clients that follow everything of one member, awkwardly: they hang up, vanish inside a frame, read slowly, resume.

What they keep survives their connections, as a device's store does: what was applied, and the cursor behind it. After
a ResyncRequired they load each conversation from where they are, then go on from now.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidMessage, WebSocketException
from websockets.typing import Subprotocol

from tests.support.company import FIRST_SEQ, Person
from tests.support.nodes import Node

WAIT = 8.0
"""Seconds without a word after which a follower takes its connection for dead: servers ping, so nothing living is."""

FIELDS = "id item seq space { id }"
LIVE = f"""subscription Live($after: Cursor) {{ events(after: $after) {{ __typename
  ... on CaughtUp {{ cursor }} ... on EventDelivery {{ cursor event {{ {FIELDS} }} }} }} }}"""
HEAVY = LIVE.replace(FIELDS, f"{FIELDS} ... on EnvelopeEvent {{ envelope }}")
LOG = """query Log($id: ID!, $before: Cursor) { conversation(id: $id) {
  events(last: 100, before: $before) { nodes { item seq } pageInfo { startCursor hasPreviousPage } } } }"""
AWAY = (OSError, TimeoutError, WebSocketException, InvalidHandshake, InvalidMessage, httpx.HTTPError, EOFError)


class Broken(Exception):
    """The connection said something that ends it: a refusal for now, or nonsense."""


@dataclass
class Follower:
    """One device's view. `places` are the conversations it must hear, by node id."""

    person: Person
    places: list[str]
    nodes: list[Node]
    random: random.Random
    cursor: str | None = None
    got: dict[tuple[str, int], str] = field(default_factory=dict)
    last: dict[str, int] = field(default_factory=dict)
    stats: Counter[str] = field(default_factory=Counter)
    loaded: dict[str, int] = field(default_factory=dict)
    """How far each conversation was loaded afresh: what is delivered up to there is known, and no repetition."""
    steady: bool = False
    """Whether it has done with mischief and only catches up."""
    began: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            node = self.random.choice(self.nodes)
            try:
                async with self._socket(node) as socket:
                    await self._follow(socket, node)
            except (*AWAY, Broken) as failure:
                self.stats[f"ended by {type(failure).__name__}"] += 1
            await asyncio.sleep(self.random.uniform(0.02, 0.4))

    def _socket(self, node: Node) -> connect:
        url = node.url.replace("http://", "ws://") + "/graphql"
        protocols = [Subprotocol("graphql-transport-ws")]
        return connect(
            url, subprotocols=protocols, open_timeout=WAIT, close_timeout=0.5, ping_interval=None, max_queue=4,
            compression=None,
        )  # fmt: skip

    async def _follow(self, socket: ClientConnection, node: Node) -> None:
        self.stats["connections"] += 1
        await socket.send(say("connection_init", {"authorization": f"Bearer {self.person.token}"}))
        query = HEAVY if self.random.random() < 0.3 else LIVE
        mood = "steady" if self.steady else self.random.choice(["steady", "steady", "leaves", "vanishes", "slow"])
        left = self.random.choice([1, 3, 10, 100, 1000]) if mood in {"leaves", "vanishes"} else 10**9
        while left > 0:
            message = msgspec.json.decode(await asyncio.wait_for(socket.recv(), WAIT))
            match message["type"]:
                case "connection_ack":
                    variables = {"after": self.cursor}
                    await socket.send(say("subscribe", {"query": query, "variables": variables}, "1"))
                case "ping":
                    await socket.send(say("pong"))
                case "next":
                    await self._take(message["payload"]["data"]["events"], node)
                    left -= 1
                case "complete":
                    self.stats["streams completed"] += 1
                    return
                case _:
                    raise Broken(str(message))
            if mood == "slow" and not self.steady and self.random.random() < 0.05:
                await asyncio.sleep(self.random.uniform(0, 1))
        if mood == "vanishes":
            self.stats["vanished inside a frame"] += 1
            socket.transport.write(b"\x81\xfe\x01\x00\x00\x00")  # the head of a frame, its payload never comes
            socket.transport.abort()

    async def _take(self, item: dict[str, Any], node: Node) -> None:
        kind = item["__typename"]
        if kind == "EventDelivery":
            event = item["event"]
            if event["seq"] <= self.loaded.get(event["space"]["id"], 0):
                self.stats["known from loading"] += 1
            else:
                self._apply(event["space"]["id"], event["seq"], event["item"])
                self.stats["delivered"] += 1
            self.cursor = item["cursor"]
        elif kind == "CaughtUp":
            if self.cursor is None:
                await self._load(node)
            self.cursor = item["cursor"]
            self.began.set()
        elif kind == "ResyncRequired":
            self.stats["resyncs"] += 1
            self.cursor = None

    def _apply(self, place: str, seq: int, item: str) -> None:
        if place not in self.places:
            self.stats["not theirs"] += 1
            return
        before = self.last.get(place, FIRST_SEQ - 1)
        self.stats["doubled"] += (place, seq) in self.got
        self.stats["out of order"] += seq <= before
        self.stats["skipped"] += seq > before + 1
        self.got[place, seq] = item
        self.last[place] = max(seq, before)

    async def _load(self, node: Node) -> None:
        """Load each conversation from its head back to what is known; nothing is taken before all are there."""
        headers = {"Authorization": f"Bearer {self.person.token}"}
        async with httpx.AsyncClient(base_url=node.url, headers=headers, timeout=WAIT) as http:
            fresh = {place: await self._missing(http, place) for place in self.places}
        for place, rows in fresh.items():
            for row in rows:
                self._apply(place, row["seq"], row["item"])
            self.stats["loaded"] += len(rows)
            self.loaded[place] = self.last.get(place, 0)

    async def _missing(self, http: httpx.AsyncClient, place: str) -> list[dict[str, Any]]:
        known, rows, before = self.last.get(place, FIRST_SEQ - 1), list[dict[str, Any]](), None
        while True:
            variables = {"id": place, "before": before}
            answer = (await http.post("/graphql", json={"query": LOG, "variables": variables})).json()
            if answer.get("errors"):
                raise Broken(str(answer["errors"]))
            page = answer["data"]["conversation"]["events"]
            rows = [row for row in page["nodes"] if row["seq"] > known] + rows
            if not page["pageInfo"]["hasPreviousPage"] or page["nodes"][0]["seq"] <= known:
                return rows
            before = page["pageInfo"]["startCursor"]


def say(kind: str, payload: object = None, id: str | None = None) -> str:
    message: dict[str, object] = {"type": kind}
    if id is not None:
        message["id"] = id
    if payload is not None:
        message["payload"] = payload
    return msgspec.json.encode(message).decode()
