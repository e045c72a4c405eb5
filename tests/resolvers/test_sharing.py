"""Shared execution: the bytes that all subscribers of a group get are those that each would have got alone."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec
import pytest
from circle_client.protocol.envelope import Envelope
from circle_client.protocol.roster import Role
from graphql import (
    GraphQLCompositeType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
    is_composite_type,
)
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from api.execution import Engine, Prepared, Request
from api.settings import Settings
from api.sharing import Group, Groups, _is_shared
from db.hub import Delivery, Live, Resync
from resolvers.context import Ctx
from schema.root import schema
from tests.support import scenes
from tests.support.actors import Actor
from tests.support.inside import World
from tests.support.markers import account_of, mark, own, receipt
from tests.support.rooms import Room

CORE = schema._schema
ENGINE = Engine(schema, Settings(max_aliases=5_000, max_selections=5_000))


def possible(type_: GraphQLCompositeType) -> list[GraphQLObjectType]:
    return [type_] if isinstance(type_, GraphQLObjectType) else list(CORE.get_possible_types(type_))


@st.composite
def selections(draw: st.DrawFn, type_name: str, shared: bool, depth: int = 0) -> str:
    """Any selection on the type, alias by alias; what needs arguments or goes on for ever is left out, and with
    `shared` what needs an execution of its own."""
    type_ = CORE.type_map[type_name]
    assert is_composite_type(type_)
    options: list[tuple[str, str | None]] = [("__typename", None)]
    if isinstance(type_, GraphQLUnionType | GraphQLInterfaceType) and depth < 4:
        options += [(f"... on {one.name}", one.name) for one in possible(type_)]
    if not isinstance(type_, GraphQLUnionType):
        for name, field in type_.fields.items():
            inner = get_named_type(field.type)
            if shared and not _is_shared(field.extensions):
                continue
            if not field.args and not is_composite_type(inner):
                options.append((name, None))
            elif not field.args and depth < 4:
                options.append((name, inner.name))
    found = []
    for head, below in draw(st.lists(st.sampled_from(options), min_size=1, max_size=4 if depth < 2 else 2)):
        text = head if below is None else f"{head} {draw(selections(below, shared, depth + 1))}"
        found.append(
            (text, draw(st.sampled_from(["", "", "", " @include(if: $yes)", " @skip(if: $yes)", " @skip(if: $no)"])))
        )
    return _braces(found, depth)


def _braces(found: list[tuple[str, str]], depth: int) -> str:
    parts = []
    for text, condition in found:
        if text.startswith("..."):
            head, _, rest = text.partition("{")
            parts.append(f"{head}{condition} {{{rest}")
        else:
            head, brace, rest = text.partition(" ")
            parts.append(f"{head}{depth}: {head}{condition}{brace}{rest}")
    return "{ __typename " + " ".join(parts) + " }"


item = get_named_type(CORE.subscription_type.fields["events"].type)  # type: ignore[union-attr]
assert isinstance(item, GraphQLUnionType)
USED = "yes: __typename @include(if: $yes) no: __typename @skip(if: $no)"  # an unused variable is refused
documents = (
    st.sampled_from([True, True, True, False])
    .flatmap(lambda shared: selections(item.name, shared))
    .map(lambda inner: inner.replace("{", f"{{ {USED}", 1))
)
MARKERS = f"""{{ {USED} ... on MarkerDelivery {{ cursor marker {{ scope version envelope acceptedAt
  conversation {{ id protocolId }} }} }} ... on EventDelivery {{ cursor event {{ seq }} }} }}"""


def prepare(document: str, variables: dict[str, Any]) -> Prepared:
    return ENGINE.prepare(Request(document, variables, None))


@dataclass(repr=False)
class Place:
    """A conversation, its two members, and the account of one of them."""

    room: Room
    ada: Actor
    bob: Actor
    account: Room
    versions: Counter[str] = field(default_factory=Counter)

    def __repr__(self) -> str:
        return "Place"  # hypothesis would print all keys

    async def happen(self, world: World, of_one: bool) -> int:
        """Entries and markers that bob hears of, one by one; how many."""
        await scenes.send(world, self.room, self.ada)
        await scenes.send(world, self.room, self.ada)
        await self.mark(world, self.ada, receipt(self.room, self.ada), "RECEIPT")
        if of_one:
            await self.mark(world, self.bob, receipt(self.room, self.bob), "RECEIPT")
        else:
            await self.mark(world, self.bob, own(self.account, self.room, self.bob), "OWN")
        await scenes.send(world, self.room, self.ada)
        return 5

    async def mark(self, world: World, by: Actor, envelope: Envelope, scope: str) -> None:
        key = by.handle + scope
        await mark(world, self.room, by, envelope, self.versions[key], scope)
        self.versions[key] += 1


@dataclass(frozen=True)
class Poured:
    """A socket's sink."""

    group: Group
    into: list[bytes]

    def live(self, live: Live) -> bool:
        self.into.append(self.group.tail(live))
        return True

    async def missed(self, page: Sequence[Delivery]) -> bool:
        self.into.extend(map(self.group.missed, page))
        return True


class Both:
    """A subscription that is executed for each and one that is shared, side by side."""

    def __init__(self, world: World, actor: Actor, groups: Groups) -> None:
        self.world, self.actor, self.groups = world, actor, groups
        self.poured: list[bytes] = []

    @asynccontextmanager
    async def stream(self, prepared: Prepared, group: Group | None) -> AsyncIterator[AsyncIterator[Any]]:
        def new_ctx() -> Ctx:
            ctx = self.world.ctx(self.actor)
            if group is not None:
                ctx.sink = Poured(group, self.poured)
            return ctx

        async with aclosing(ENGINE.subscribe(prepared, new_ctx)) as responses:
            yield responses


async def take(responses: AsyncIterator[Any], count: int) -> list[bytes]:
    async with asyncio.timeout(20):
        return [msgspec.json.encode(await anext(responses)) for _ in range(count)]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(document=documents, of_one=st.booleans())
@example(document=MARKERS, of_one=False)
@example(document=MARKERS, of_one=True)
async def test_shared_bytes_are_what_each_would_have_got(
    world: World, place: Place, document: str, of_one: bool
) -> None:
    room, bob = place.room, place.bob
    root, more = (
        ("messages(conversationId: $id, after: $after)", ", $id: ID!") if of_one else ("events(after: $after)", "")
    )
    text = f"subscription ($yes: Boolean!, $no: Boolean!, $after: Cursor{more}) {{ {root} {document} }}"
    variables: dict[str, Any] = {"yes": True, "no": False} | ({"id": world.id_of(room)} if of_one else {})
    prepared = prepare(text, variables)
    begin = await now(world, bob, UUID(bytes=room.space) if of_one else None)
    groups = Groups(ENGINE, CORE, world.hub, lambda: world.ctx(None))
    joined = groups.join(prepared)
    if joined is None:
        return  # it asks for what depends on the viewer: executed for each
    both = Both(world, bob, groups)
    async with both.stream(prepared, joined[1]) as shared, both.stream(prepared, None) as alone:
        await asyncio.gather(take(shared, 1), take(alone, 1))  # caught up
        following = asyncio.create_task(take(shared, 2))  # the first goes the long way, and then the sink takes over
        expected = asyncio.create_task(take(alone, 5))
        sent = await place.happen(world, of_one)
        each = await expected
        async with asyncio.timeout(20):
            while len(both.poured) < sent - 1:  # noqa: ASYNC110  (what is waited for sets no event)
                await asyncio.sleep(0.001)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
    assert both.poured == [one + b"}" for one in each[1:]]

    both.poured.clear()
    late = prepare(text, {**variables, "after": begin})
    async with both.stream(late, joined[1]) as shared, both.stream(late, None) as alone:
        await take(shared, 1)  # caught up: all else was poured
        each = await take(alone, len(both.poured) + 1)
    found = [plain(world, one[:-1]) for one in both.poured]
    assert len(found) >= sent - 1
    assert found == [plain(world, one) for one in each[:-1]]


async def now(world: World, actor: Actor, space: UUID | None) -> str:
    """Where the log ends."""
    async with aclosing(world.hub.subscribe(UUID(bytes=actor.member), None, space)) as stream:
        return world.hub.seal((await anext(stream)).cursor)


def plain(world: World, response: bytes) -> Any:
    """A response with what each cursor says: no two are sealed alike."""

    def opened(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: opened(one) for key, one in value.items()}
        if isinstance(value, str) and len(value) > 60:
            with suppress(Resync):
                cursor = world.hub.open(value)
                return [str(cursor.at), str(cursor.space)]
        return value

    return opened(msgspec.json.decode(response))


@pytest.fixture
async def place(world: World) -> Place:
    ada, bob = [await world.join(name) for name in ("ada", "bob")]
    room = await scenes.create(world, ada, {bob: Role.WRITER})
    return Place(room, ada, bob, await account_of(world, bob))


ITEM = "{ ... on EventDelivery { cursor event { id seq space { id } ... on EnvelopeEvent { envelope } } } }"


def test_who_shares_and_who_does_not(world: World) -> None:
    groups = Groups(ENGINE, CORE, world.hub, lambda: world.ctx(None))
    events = f"subscription ($after: Cursor) {{ events(after: $after) {ITEM} }}"
    one, other = (groups.join(prepare(events, {"after": after})) for after in ("a", None))
    assert one is not None
    assert other is not None
    assert one[1] is other[1]  # from wherever they resume
    for key, _ in (one, other):
        groups.leave(key)
    again = groups.join(prepare(events, {}))
    assert again is not None
    assert again[1] is not one[1]  # the last one took the group along
    marker = "... on MarkerDelivery { cursor marker { scope version envelope acceptedAt conversation { id } %s } }"
    assert groups.join(prepare(f"subscription {{ events {{ {marker % ''} }} }}", {})) is not None
    for asked in (
        f"subscription {{ events {{ {marker % 'member { id }'} }} }}",
        "subscription { events { ... on EventDelivery { event { space { head } } } } }",
        "subscription { events { ...A } } fragment A on EventDelivery { event { space { ... on Conversation "
        "{ members(first: 1) { nodes { role } } } } } }",
    ):
        assert groups.join(prepare(asked, {})) is None
