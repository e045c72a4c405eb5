"""Who takes part in a measurement: a running server, its members, and one conversation they share."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from circle_client.protocol.envelope import Envelope
from circle_client.protocol.roster import Role

from bench.meter import cpu, own_cpu
from bench.wire import Wire, frame
from tests.support.actors import Actor, b64, milliseconds
from tests.support.client import Http
from tests.support.rooms import Room
from tests.support.server import ServerProcess, set_up_token

SEND = """mutation SendMessage($input: SendMessageInput!) { sendMessage(input: $input) {
  event { seq item acceptedAt }
  errors { message path code ... on RateLimitedError { retryAfter } ... on EpochDueError { reason } } } }"""
LIVE = """subscription Live($after: Cursor) { events(after: $after) { __typename
  ... on CaughtUp { cursor } ... on EventDelivery { cursor event { seq ... on EnvelopeEvent { envelope } } } } }"""


@dataclass
class Party:
    """A server process of its own and its members; `room` has them all, `rooms` may be more. `members[0]` owns them."""

    server: ServerProcess
    members: list[Actor]
    clients: list[Http]
    tokens: list[str]
    room: Room
    room_id: str
    rooms: list[Room]

    def envelope(self, by: Actor, room: int = 0) -> Envelope:
        """A fresh envelope that the server will take; many can be made before the first is sent."""
        self.rooms[room].now = milliseconds(datetime.now(UTC))
        return self.rooms[room].make_envelope(by)

    @property
    def pid(self) -> int:
        """The server's process."""
        assert self.server.process is not None
        return self.server.process.pid

    async def listen(self, member: int, query: str = LIVE, variables: object = None) -> Wire:
        """A socket of that member's, which follows live; it has been told that it is caught up, and no more."""
        wire = await Wire.open(self.server.url, self.tokens[member])
        wire.subscribe(query, variables)
        await wire.heard(2)
        wire.count = 0
        return wire

    async def cursor(self, member: int) -> str:
        """Where a member who follows everything is now."""
        heard: list[bytes] = []
        wire = await Wire.open(self.server.url, self.tokens[member])
        wire.on_message = heard.append
        wire.subscribe(LIVE)
        await wire.heard(2)
        wire.close()
        cursor: str = json.loads(heard[0])["payload"]["data"]["events"]["cursor"]
        return cursor

    async def send(self, client: Http, envelope: Envelope) -> int:
        """Send it; its seq."""
        payload = (await client.data(SEND, {"input": {"envelope": b64(envelope.data)}}))["sendMessage"]
        if payload["errors"]:
            raise RuntimeError(f"a send was refused: {payload['errors']}")
        seq: int = payload["event"]["seq"]
        return seq

    def server_cpu(self) -> float:
        """Seconds of CPU that the server has used without its database."""
        return own_cpu(self.pid)

    def cpu(self) -> float:
        """Seconds of CPU that server and database have used."""
        return cpu(self.pid)


def operation(id_: str, variables: object, query: str = SEND) -> bytes:
    """A frame that begins an operation."""
    return frame({"id": id_, "type": "subscribe", "payload": {"query": query, "variables": variables}})


@asynccontextmanager
async def party(
    size: int, *program: str, rooms: int = 1, pairs: bool = False, **environment: str
) -> AsyncIterator[Party]:
    """Start a server, sign `size` members up, put them into `rooms` groups, or (`pairs`) each two into one of theirs.

    `program`: what is run in the server's place.
    """
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="circle-bench-")))
        server = ServerProcess(folder, None, **{"CIRCLE_MAX_SOCKETS_PER_CLIENT": "10000", **environment})
        server.program = program or server.program
        token = set_up_token(await server.greeting())
        stack.push_async_callback(server.stop)
        members: list[Actor] = []
        clients: list[Http] = []
        tokens: list[str] = []
        for number in range(size):
            actor = Actor.make(f"member{number}")
            if number:
                token = os.urandom(16)
                value = {"tokenHash": b64(sha256(token).digest()), "expiresInHours": 1}
                await clients[0].mutate("createInvite", "invite { id }", "CreateInviteInput", value)
            mac = os.urandom(32) if number else None
            newcomer = Http(server.url)
            stack.push_async_callback(newcomer.raw.aclose)
            payload = await newcomer.mutate("signUp", "token", "SignUpInput", actor.sign_up_input(token, mac))
            if payload["errors"]:
                raise RuntimeError(f"a sign-up was refused: {payload['errors']}")
            client = Http(server.url, payload["token"])
            stack.push_async_callback(client.raw.aclose)
            members.append(actor)
            clients.append(client)
            tokens.append(payload["token"])
        if pairs:
            made = [await conversation(members[n : n + 2], clients[n]) for n in range(0, size, 2)]
        else:
            made = [await conversation(members, clients[0]) for _ in range(rooms)]
        await asyncio.sleep(1)
        yield Party(server, members, clients, tokens, *made[0], [room for room, _ in made])


async def conversation(members: list[Actor], owner: Http) -> tuple[Room, str]:
    """A group of these members, made by the first of them; and its id."""
    room = Room.of(members, milliseconds(datetime.now(UTC)))
    link = room.make_link0(members[0], {member.member: Role.WRITER for member in members[1:]})
    room.took_link(link)
    epoch = room.make_epoch(members[0])
    room.took_epoch(epoch)
    value = room.create_input(link, epoch)
    payload = await owner.mutate("createConversation", "conversation { id }", "CreateConversationInput", value)
    if payload["errors"]:
        raise RuntimeError(f"the conversation was refused: {payload['errors']}")
    return room, payload["conversation"]["id"]
