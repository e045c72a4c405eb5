"""Who takes part in a measurement: a running server, its members, and one conversation they share."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import psutil
from circle_client.protocol.envelope import Envelope
from circle_client.protocol.roster import Role

from tests.support.actors import Actor, b64, milliseconds
from tests.support.client import Http
from tests.support.rooms import Room
from tests.support.server import ServerProcess, set_up_token

SEND = "mutation Send($input: SendMessageInput!) { sendMessage(input: $input) { event { seq } errors { code } } }"


@dataclass
class Party:
    """A server process of its own and a group of members in one conversation; `members[0]` owns both."""

    server: ServerProcess
    members: list[Actor]
    clients: list[Http]
    tokens: list[str]
    room: Room
    room_id: str

    def envelope(self, by: Actor) -> Envelope:
        """A fresh envelope that the server will take; many can be made before the first is sent."""
        self.room.now = milliseconds(datetime.now(UTC))
        return self.room.make_envelope(by)

    async def send(self, client: Http, envelope: Envelope) -> int:
        """Send it; its seq."""
        payload = (await client.data(SEND, {"input": {"envelope": b64(envelope.data)}}))["sendMessage"]
        if payload["errors"]:
            raise RuntimeError(f"a send was refused: {payload['errors']}")
        seq: int = payload["event"]["seq"]
        return seq

    def server_cpu(self) -> float:
        """Seconds of CPU that the server has used without its database."""
        assert self.server.process is not None
        times = psutil.Process(self.server.process.pid).cpu_times()
        return times.user + times.system

    def cpu(self) -> float:
        """Seconds of CPU that server and database have used."""
        assert self.server.process is not None
        parent = psutil.Process(self.server.process.pid)
        total = 0.0
        for process in [parent, *parent.children(recursive=True)]:
            try:
                times = process.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += times.user + times.system
        return total


@asynccontextmanager
async def party(size: int, *program: str, **environment: str) -> AsyncIterator[Party]:
    """Start a server, sign `size` members up, put them into one group. `program`: what is run in its place."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="circle-bench-")))
        server = ServerProcess(folder, None, **{"CIRCLE_MAX_SOCKETS_PER_CLIENT": "1000", **environment})
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
        room, room_id = await _conversation(members, clients[0])
        await asyncio.sleep(1)
        yield Party(server, members, clients, tokens, room, room_id)


async def _conversation(members: list[Actor], owner: Http) -> tuple[Room, str]:
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
