"""Many members in many conversations on a running server, by bare GraphQL: whom fault tests let send and follow."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from circle_client.protocol.envelope import Envelope
from circle_client.protocol.roster import Role

from tests.support.actors import Actor, milliseconds
from tests.support.client import Http
from tests.support.rooms import Room
from tests.support.server import invite

FIRST_SEQ = 3
"""The first envelope of a conversation: before it come its first roster link and its first epoch."""


@dataclass
class Person:
    """A member and the token of their session."""

    actor: Actor
    token: str


@dataclass
class Conversation:
    """A conversation and who is in it."""

    id: str
    room: Room
    people: list[Person]

    @property
    def space(self) -> UUID:
        """Its id in the database."""
        return UUID(bytes=self.room.space)

    def envelope(self, by: Person) -> Envelope:
        """A fresh envelope that the server takes."""
        self.room.now = milliseconds(datetime.now(UTC))
        return self.room.make_envelope(by.actor)


@dataclass
class Company:
    """Everybody, and where they talk."""

    people: list[Person] = field(default_factory=list)
    conversations: list[Conversation] = field(default_factory=list)

    def of(self, person: Person) -> list[Conversation]:
        """Where that person is."""
        return [one for one in self.conversations if person in one.people]

    async def sign_up(self, url: str, token: bytes) -> None:
        """The owner comes, by the set-up link's token."""
        await self._come(url, token, None)

    async def fill(self, url: str, size: int, rooms: int, width: int) -> None:
        """Members until there are `size`, and `rooms` conversations of `width` neighbours each."""
        owner = Http(url, self.people[0].token)
        while len(self.people) < size:
            token = os.urandom(16)
            await invite(owner, token)
            await self._come(url, token, os.urandom(32))
        await owner.raw.aclose()
        for number in range(rooms):
            members = [self.people[(number + step) % size] for step in range(width)]
            self.conversations.append(await _converse(url, members))

    async def _come(self, url: str, token: bytes, mac: bytes | None) -> None:
        http, actor = Http(url), Actor.make(f"member{len(self.people)}")
        payload = await http.mutate("signUp", "token", "SignUpInput", actor.sign_up_input(token, mac))
        assert payload["errors"] == [], payload
        await http.raw.aclose()
        self.people.append(Person(actor, payload["token"]))


async def _converse(url: str, people: list[Person]) -> Conversation:
    owner, http = people[0].actor, Http(url, people[0].token)
    room = Room.of([person.actor for person in people], milliseconds(datetime.now(UTC)))
    link = room.make_link0(owner, {person.actor.member: Role.WRITER for person in people[1:]})
    room.took_link(link)
    epoch = room.make_epoch(owner)
    room.took_epoch(epoch)
    payload = await http.mutate(
        "createConversation", "conversation { id head }", "CreateConversationInput", room.create_input(link, epoch)
    )
    assert payload["errors"] == [], payload
    assert payload["conversation"]["head"] == FIRST_SEQ - 1
    await http.raw.aclose()
    return Conversation(payload["conversation"]["id"], room, people)
