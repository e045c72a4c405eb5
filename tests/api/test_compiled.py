"""Compiled operations answer byte for byte as graphql-core does, for any document and input, errors included."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import Any
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio
from circle_client.protocol.envelope import decode_envelope
from circle_client.protocol.roster import Role
from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLUnionType, get_named_type, is_composite_type
from graphql.type import is_required_argument
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.app import Circle
from api.compiled_run import MISFITS, Plan, Run, Unforeseen
from api.execution import Engine, Prepared, Request
from api.refusals import RequestError
from api.settings import Settings
from db.errors import DatabaseUnavailable
from resolvers.context import Ctx
from resolvers.protocol import Asker, Envelope
from resolvers.sending import Sending
from schema.events import event_id
from schema.node import encode_id
from schema.root import schema
from tests.support import scenes
from tests.support.actors import Actor, b64, unb64
from tests.support.inside import World
from tests.support.rooms import Room
from tests.support.server import RunningServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

CORE = schema._schema
WIDE = Settings(max_aliases=5_000, max_selections=5_000, max_cost=100_000, max_depth=20)
QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much]


class Plain(Engine):
    """Everything by graphql-core."""

    def plan(self, prepared: Prepared) -> Plan | None:
        """None, ever."""
        return None


COMPILED, PLAIN = Engine(schema, WIDE), Plain(schema, WIDE)


class Place:
    """A conversation with two members, and somebody who is in none."""

    def __init__(self, world: World, room: Room, people: Sequence[Actor], circle: Circle) -> None:
        self.world, self.room, self.circle = world, room, circle
        self.ada, self.bob, self.eve = people

    def __repr__(self) -> str:
        return "the place"

    def ctx(self, name: str) -> Ctx:
        """A fresh context of a viewer by name; nobody's for another name."""
        actor = {"ada": self.ada, "bob": self.bob, "eve": self.eve}.get(name)
        ctx = self.circle.new_ctx({}, None)
        ctx.viewer = self.world.ctx(actor).viewer
        ctx.sends = None
        return ctx


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(shared: RunningServer) -> Place:
    circle = shared.circle
    world = World(circle.uow, circle.hub, circle.bus)
    world.sending = circle.sending
    ada, bob, eve = [await world.join(name) for name in ("ada", "bob", "eve")]
    room = await scenes.create(world, ada, {bob: Role.WRITER})
    for by in (ada, bob, ada):
        await scenes.send(world, room, by)
    return Place(world, room, (ada, bob, eve), circle)


VALUES = {"first": "2", "number": "1", "ids": "$ids", "protocolIds": "$members", "search": '"a"', "handle": '"ada"'}
IDS = ("$room", "$room", "$member", "$event", '"nothing"')
DEEP = 5


class Writer:
    """Writes selections: any fields, fragments and aliases, now and then a condition or a field twice."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def selection(self, type_: Any, depth: int = 0) -> str:
        """A selection on the type."""
        parts = [self._part(type_, depth, number) for number in range(self._random.randint(1, 5))]
        return "{ " + " ".join(parts) + " }"

    def _part(self, type_: Any, depth: int, number: int) -> str:
        chance = self._random.random()
        if isinstance(type_, GraphQLUnionType | GraphQLInterfaceType) and depth < DEEP and chance < 0.6:
            one = self._random.choice(sorted(CORE.get_possible_types(type_), key=str))
            return f"... on {one}{self._condition()} {self.selection(one, depth + 1)}"
        if isinstance(type_, GraphQLUnionType) or chance > 0.9:
            return "__typename"
        name, field = self._random.choice(sorted(type_.fields.items()))
        arguments, inner = self._arguments(field), get_named_type(field.type)
        if arguments is None or (is_composite_type(inner) and depth >= DEEP):
            return "__typename"
        below = f" {self.selection(inner, depth + 1)}" if is_composite_type(inner) else ""
        # Fragments for several types may say the same alias of fields that differ: validation would refuse them.
        return f"{name}{depth}{number}: {name}{arguments}{self._condition()}{below}"

    def _condition(self) -> str:
        return self._random.choice([*[""] * 25, " @include(if: $yes)", " @skip(if: $yes)"])

    def _arguments(self, field: Any) -> str | None:
        parts = []
        for name, argument in field.args.items():
            if name in ("id", "conversationId", "memberId"):
                parts.append(f"{name}: {self._random.choice(IDS)}")
            elif name in VALUES:
                parts.append(f"{name}: {VALUES[name]}")
            elif is_required_argument(argument):
                return None
        return f"({', '.join(parts)})" if parts else ""


SEEDS = st.integers(min_value=0, max_value=2**32)


def type_of(root: GraphQLObjectType | None, name: str) -> Any:
    """The named type of a root's field."""
    assert root is not None
    return get_named_type(root.fields[name].type)


def known(place: Place, text: str) -> tuple[str, dict[str, Any]]:
    """The document with the variables that it uses, and their values."""
    room = place.world.id_of(place.room)
    values = {
        "room": ("ID!", room), "member": ("ID!", encode_id("Member", place.bob.id)), "yes": ("Boolean!", True),
        "event": ("ID!", event_id(UUID(bytes=place.room.space), 3)), "ids": ("[ID!]!", [room, room, "x"]),
        "members": ("[Base64Bytes!]!", [b64(place.bob.member)]), "input": ("SendMessageInput!", None),
    }  # fmt: skip
    used = {name: value for name, value in values.items() if f"${name}" in text}
    head = [f"${name}: {kind}" for name, (kind, _) in used.items()]
    return (f"({', '.join(head)})" if head else ""), {name: value for name, (_, value) in used.items()}


async def answer(engine: Engine, ctx: Ctx, document: str, variables: dict[str, Any]) -> bytes:
    """The response's bytes; references of masked failures are random."""
    try:
        prepared = engine.prepare(Request(document, variables, None))
        response: Any = await engine.execute(prepared, ctx)
    except RequestError as refusal:
        response = {"errors": refusal.errors}
    return re.sub(rb"[0-9a-f]{12}", b"reference", msgspec.json.encode(response))


@settings(max_examples=150, deadline=None, suppress_health_check=QUIET)
@given(seed=SEEDS, viewer=st.sampled_from(["ada", "ada", "bob", "eve", "nobody"]))
async def test_queries_are_answered_alike(place: Place, seed: int, viewer: str) -> None:
    selection = Writer(seed).selection(CORE.query_type)
    head, variables = known(place, selection)
    document = f"query {head} {selection}"
    both = [await answer(e, place.ctx(viewer), document, variables) for e in (COMPILED, PLAIN)]
    assert both[0] == both[1], document


class Counting:
    """The batcher, and how often it was asked."""

    def __init__(self, sending: Sending) -> None:
        self.sending, self.count = sending, 0

    async def send(self, asker: Asker, envelope: Envelope) -> Any:
        """As the batcher does."""
        self.count += 1
        return await self.sending.send(asker, envelope)


SPOILS: dict[str, Callable[[Place], Any]] = {
    "good": lambda place: {"envelope": b64(place.room.make_envelope(place.ada).data)},
    "stale": lambda place: {
        "envelope": b64(place.room.make_envelope(place.ada, epoch=place.room.head.__class__(9, bytes(32))).data)
    },
    "other's": lambda place: {"envelope": b64(place.room.make_envelope(place.bob).data)},
    "no envelope": lambda place: {"envelope": b64(b"no envelope")},
    "no base64": lambda place: {"envelope": "*"},
    "number": lambda place: {"envelope": 3},
    "nothing": lambda place: None,
    "more": lambda place: {"envelope": "", "more": 1},
    "empty": lambda place: {},
}


@settings(max_examples=100, deadline=None, suppress_health_check=QUIET)
@given(seed=SEEDS, spoil=st.sampled_from(["good", *SPOILS]), viewer=st.sampled_from(["ada", "ada", "nobody"]))
async def test_sends_are_answered_alike_and_run_once(place: Place, seed: int, spoil: str, viewer: str) -> None:
    selection = Writer(seed).selection(type_of(CORE.mutation_type, "sendMessage"))
    place.room.now = place.world.now
    head, variables = known(place, "$input " + selection)
    variables["input"] = sent = SPOILS[spoil](place)
    document = f"mutation {head} {{ sent: sendMessage(input: $input) {selection} }}"
    both, counts = [], []
    for engine in (COMPILED, PLAIN):
        ctx = place.ctx(viewer)
        counting = Counting(place.world.sending)
        ctx.sending = counting  # type: ignore[assignment]  # all that a send asks of it
        both.append(await answer(engine, ctx, document, variables))
        counts.append(counting.count)
    assert both[0] == both[1], document
    assert counts[0] == counts[1] <= 1
    if spoil == "good" and counts[0] == 1:
        place.room.took_envelope(decode_envelope(unb64(sent["envelope"])))


@settings(max_examples=60, deadline=None, suppress_health_check=QUIET)
@given(seed=SEEDS, viewer=st.sampled_from(["ada", "bob"]))
async def test_events_are_answered_alike(place: Place, seed: int, viewer: str) -> None:
    selection = Writer(seed).selection(type_of(CORE.subscription_type, "events"))
    start = await _take(COMPILED, place, "subscription { events { ... on CaughtUp { cursor } } }", {}, 1)
    cursor = msgspec.json.decode(start[0])["data"]["events"]["cursor"]
    place.room.now = place.world.now
    await scenes.send(place.world, place.room, place.ada)
    selection = re.sub(r"cursor\d\d: cursor", "__typename", selection)  # sealed anew each time
    head, variables = known(place, selection)
    inner = head.strip("()")
    document = f"subscription ($after: Cursor{', ' if inner else ''}{inner}) {{ events(after: $after) {selection} }}"
    given = variables | {"after": cursor}
    both = [await _take(engine, place, document, given, 2, viewer) for engine in (COMPILED, PLAIN)]
    assert both[0] == both[1], document


async def _take(
    engine: Engine, place: Place, document: str, variables: dict[str, Any], count: int, viewer: str = "ada"
) -> list[bytes]:
    try:
        prepared = engine.prepare(Request(document, variables, None))
    except RequestError as refusal:
        return [msgspec.json.encode(refusal.errors)]
    responses: AsyncIterator[Any] = engine.subscribe(prepared, lambda: place.ctx(viewer))
    async with asyncio.timeout(20), aclosing(responses):  # type: ignore[type-var]  # it is a generator
        return [
            re.sub(rb"[0-9a-f]{12}", b"reference", msgspec.json.encode(await anext(responses))) for _ in range(count)
        ]


async def test_what_is_hot_has_a_plan_and_what_varies_has_none(place: Place) -> None:
    send = "mutation ($input: SendMessageInput!) { sendMessage(input: $input) { event { seq } errors { code } } }"
    screen = "{ viewer { conversations(first: 50) { nodes { id members(first: 10) { nodes { role } } } } } }"
    for text, compiled in (
        (send, True),
        (screen, True),
        (
            "subscription { events { ... on EventDelivery { event { seq ...E } } } } fragment E on Event { logHash }",
            True,
        ),
        ("{ viewer { member { id @include(if: true) } } }", False),
        ("{ __schema { queryType { name } } }", False),
        (send.replace("{ sendMessage", "{ again: sendMessage(input: $input) { errors { code } } sendMessage"), False),
    ):
        assert (COMPILED.plan(COMPILED.prepare(Request(text, {}, None))) is not None) is compiled, text


async def test_a_plan_that_never_fits_is_given_up(place: Place) -> None:
    engine = Engine(schema, WIDE)
    prepared = engine.prepare(Request("{ server { name } }", {}, None))
    plan = engine.plan(prepared)
    assert plan is not None

    def misfit(value: Any, run: Run) -> Any:
        raise Unforeseen

    plan.complete = misfit
    for _ in range(MISFITS):
        assert engine.plan(prepared) is plan
        assert await engine.execute(prepared, place.ctx("nobody")) == {"data": {"server": {"name": "Circle"}}}
    assert engine.plan(prepared) is None


async def test_a_query_that_finds_the_database_away_waits_for_it_once(place: Place) -> None:
    ctx, asked = place.ctx("ada"), []

    class Away:
        """A database that is not there."""

        def read(self, member: object) -> Any:
            """Never."""
            asked.append(member)
            raise DatabaseUnavailable("It is away.")

    ctx.uow = Away()  # type: ignore[assignment]  # all that this query asks of it
    prepared = COMPILED.prepare(Request("{ viewer { member { displayName } } }", {}, None))
    response = await COMPILED.execute(prepared, ctx)
    assert [error["extensions"]["code"] for error in response["errors"]] == ["UNAVAILABLE"]
    assert len(asked) == 1
