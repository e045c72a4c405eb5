"""A server's inside for tests: the schema executed in process against a real database, with members who have keys."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from strawberry.types import ExecutionResult

from db.bus import Bus
from db.hub import Hub
from db.uow import UnitOfWork
from resolvers.context import Ctx, Viewer
from resolvers.ephemera import Ephemera
from resolvers.errors import Refusal
from resolvers.identity_kinds import ServerRole
from resolvers.invites import make_operator_invite
from resolvers.reading import one_moment
from resolvers.sending import Sending
from schema.node import encode_id
from schema.root import schema
from tests.support.actors import Actor, milliseconds
from tests.support.rooms import Room

SERVER_KEY = bytes(range(32))

SIGN_UP = (
    "mutation($input: SignUpInput!) { signUp(input: $input) { errors { code message } viewer { member { id } } } }"
)
EVENT = "event { id seq item logHash acceptedAt space { id } }"
MARKER = "{ scope version envelope acceptedAt conversation { id } member { id protocolId } }"
ERRORS = """errors { __typename code message path
  ... on EpochDueError { reason }
  ... on RateLimitedError { retryAfter }
  ... on StaleEpochError { current { number } }
  ... on DirectExistsError { conversation { id } }
  ... on MarkerConflictError { marker: current { version envelope } }
  ... on RewrapIncompleteError { missing { space epoch branch } missingBoxes } }"""
RESULTS = {
    "createConversation": "conversation { id head }",
    "changeRoster": EVENT,
    "announceEpoch": EVENT,
    "sendMessage": EVENT,
    "setMarker": f"marker {MARKER}",
    "complain": EVENT,
    "grantEpochs": "grant { id generation }",
    "offerDevice": "offer { linkId request mac deviceName createdAt expiresAt answer answerMac }",
    "answerDevice": "device { id protocolId name isActive seal }",
    "recoverDevice": "device { id protocolId name isActive seal }",
    "renameDevice": "device { id name }",
    "setTyping": "",
    "setPresence": "",
    "sendSignal": "acceptedAt",
    "setPrivacy": "privacy { presence readReceipts deliveryReceipts }",
    "publishDeviceSeal": "device { id seal sealSignature }",
    "rotateMemberKey": "key { generation body signature createdAt }",
}


class RefusedError(AssertionError):
    """An operation that should have succeeded was refused."""


@dataclass
class World:
    """The server, and what time it is there."""

    uow: UnitOfWork
    hub: Hub
    bus: Bus
    sending: Sending = field(init=False)
    ephemera: Ephemera | None = None
    moved: timedelta = field(default_factory=timedelta)

    def clock(self) -> datetime:
        """The real time, moved by what the test asked for."""
        return datetime.now(UTC) + self.moved

    @property
    def now(self) -> int:
        """The same in the protocol's terms."""
        return milliseconds(self.clock())

    def ctx(self, actor: Actor | None) -> Ctx:
        """A fresh operation's context."""
        viewer = None
        if actor is not None:
            device = UUID(bytes=actor.device) if actor.device else None
            viewer = Viewer(actor.id, device, actor.session or uuid4())
        return Ctx(viewer, self.uow, self.sending, self.hub, self.bus, self.clock, SERVER_KEY, self.ephemera)

    async def execute(
        self, document: str, variables: Mapping[str, Any] | None = None, actor: Actor | None = None
    ) -> ExecutionResult:
        """Run an operation as the edge does; errors and all."""
        ctx = self.ctx(actor)
        async with one_moment(ctx) if not document.startswith("mutation") else nullcontext():
            result = await schema.execute(document, dict(variables or {}), context_value=ctx)
        assert isinstance(result, ExecutionResult)
        return result

    async def ask(
        self, document: str, variables: Mapping[str, Any] | None = None, actor: Actor | None = None
    ) -> dict[str, Any]:
        """Run an operation that has no top-level errors; returns `data`."""
        result = await self.execute(document, variables, actor)
        if result.errors:
            raise RefusedError(str(result.errors)) from result.errors[0].original_error
        assert result.data is not None
        return result.data

    async def try_mutation(self, name: str, input: Mapping[str, Any], actor: Actor) -> dict[str, Any]:
        """The payload of one of the mutations above, errors and all."""
        type_ = name[0].upper() + name[1:] + "Input"
        document = f"mutation($input: {type_}!) {{ {name}(input: $input) {{ {RESULTS[name]} {ERRORS} }} }}"
        payload: dict[str, Any] = (await self.ask(document, {"input": input}, actor))[name]
        return payload

    async def mutate(self, name: str, input: Mapping[str, Any], actor: Actor) -> dict[str, Any]:
        """The same where it must succeed; returns its result."""
        payload = await self.try_mutation(name, input, actor)
        if payload["errors"]:
            raise RefusedError(str(payload["errors"]))
        result: dict[str, Any] = next(value for key, value in payload.items() if key != "errors")
        return result

    async def refusal(self, name: str, input: Mapping[str, Any], actor: Actor) -> dict[str, Any]:
        """The one error of a mutation that must be refused."""
        payload = await self.try_mutation(name, input, actor)
        (error,) = payload["errors"]
        assert all(value is None for key, value in payload.items() if key != "errors")
        return dict(error)

    # ---- members and rooms

    async def join(self, handle: str, role: ServerRole = ServerRole.MEMBER) -> Actor:
        """A member who has signed up."""
        fragment = await make_operator_invite(self.uow, role, timedelta(hours=1), self.clock())
        token = base64.urlsafe_b64decode(fragment + "=" * (-len(fragment) % 4))
        actor = Actor.make(handle, self.clock())
        payload = (await self.ask(SIGN_UP, {"input": actor.sign_up_input(token)}))["signUp"]
        if payload["errors"]:
            raise RefusedError(str(payload["errors"]))
        return actor

    def room(self, *actors: Actor) -> Room:
        """A conversation that is not made yet; `actors` are all who may ever come into it."""
        return Room.of(actors, self.now)

    def id_of(self, room: Room) -> str:
        """The conversation's node id."""
        return encode_id("Conversation", UUID(bytes=room.space))


def code_of(result: ExecutionResult) -> str:
    """The code of the one top-level error of a refused operation."""
    assert result.errors
    cause = result.errors[0].original_error
    return cause.code.value if isinstance(cause, Refusal) else type(cause).__name__


async def follow(
    world: World, document: str, variables: Mapping[str, Any] | None, actor: Actor | None
) -> AsyncIterator[ExecutionResult]:
    """A subscription's results."""
    stream = await schema.subscribe(document, dict(variables or {}), context_value=world.ctx(actor))
    async for result in stream:
        yield result
