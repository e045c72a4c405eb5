"""Subscriptions: backlog, then live, without a gap; what a cursor is good for; whom the stream ends for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from circle_client.protocol.roster import Policy
from strawberry.types import ExecutionResult

from db.engine import Connection
from tests.support import scenes
from tests.support.actors import Actor
from tests.support.inside import World, code_of, follow

ITEM = """{ __typename ... on CaughtUp { cursor } ... on ResyncRequired { message }
  ... on EventDelivery { cursor event { __typename id seq item logHash space { __typename id }
    ... on EnvelopeEvent { envelope } ... on RosterEvent { body signature }
    ... on EpochEvent { announcement signature } } } }"""
EVENTS = f"subscription($after: Cursor) {{ events(after: $after) {ITEM} }}"
MESSAGES = f"subscription($id: ID!, $after: Cursor) {{ messages(conversationId: $id, after: $after) {ITEM} }}"


class Stream:
    """One subscription as its client sees it."""

    def __init__(self, results: AsyncIterator[ExecutionResult]) -> None:
        self._results = results

    async def next(self) -> dict[str, Any]:
        """The next item."""
        async with asyncio.timeout(20):
            result = await anext(self._results)
        assert not result.errors, result.errors
        assert result.data is not None
        item: dict[str, Any] = next(iter(result.data.values()))
        return item

    async def event(self) -> dict[str, Any]:
        """The next item, which must be an entry; with its cursor."""
        item = await self.next()
        assert item["__typename"] == "EventDelivery", item
        event: dict[str, Any] = item["event"] | {"cursor": item["cursor"]}
        return event

    async def caught_up(self) -> str:
        """The next item, which must say that the backlog is done; its cursor."""
        item = await self.next()
        assert item["__typename"] == "CaughtUp", item
        return str(item["cursor"])


@asynccontextmanager
async def streaming(
    world: World, actor: Actor, after: str | None = None, conversation: str | None = None
) -> AsyncIterator[Stream]:
    """A running subscription."""
    document, variables = (EVENTS, {}) if conversation is None else (MESSAGES, {"id": conversation})
    results = follow(world, document, variables | {"after": after}, actor)
    try:
        yield Stream(results)
    finally:
        await results.aclose()  # type: ignore[attr-defined]  # an async generator


async def test_live_events_follow_the_cursor_of_now(world: World) -> None:
    ada, bob = [await world.join(name) for name in ("ada", "bob")]
    async with streaming(world, bob) as stream:
        await stream.caught_up()
        room = await scenes.create(world, ada, [bob])
        kinds = [(await stream.event())["__typename"] for _ in range(3)]
        assert kinds == ["RosterEvent", "EpochEvent", "EnvelopeEvent"]
        envelope = room.make_envelope(ada)
        sent = await scenes.send(world, room, ada, envelope)
        event = await stream.event()
        assert {key: event[key] for key in ("id", "seq", "item", "logHash")} == {
            key: sent[key] for key in ("id", "seq", "item", "logHash")
        }
        assert event["space"] == {"__typename": "Conversation", "id": world.id_of(room)}


async def test_a_cursor_resumes_without_a_gap(world: World) -> None:
    ada, bob = [await world.join(name) for name in ("ada", "bob")]
    async with streaming(world, bob) as stream:
        now = await stream.caught_up()
    room = await scenes.create(world, ada, [bob])
    async with streaming(world, bob, now) as stream:
        assert [(await stream.event())["seq"] for _ in range(3)] == [1, 2, 3]
        behind = await stream.caught_up()
        await scenes.send(world, room, ada)
        last = await stream.event()
    await scenes.send(world, room, ada)
    for cursor, seqs in ((behind, [4, 5]), (last["cursor"], [5])):
        async with streaming(world, bob, cursor) as stream:
            assert [(await stream.event())["seq"] for _ in seqs] == seqs
            await stream.caught_up()


async def test_one_conversation_alone(world: World) -> None:
    ada, bob = [await world.join(name) for name in ("ada", "bob")]
    room, other = await scenes.create(world, ada, [bob]), await scenes.create(world, ada, [bob])
    async with streaming(world, bob, conversation=world.id_of(room)) as stream:
        await stream.caught_up()
        await scenes.send(world, other, ada)
        sent = await scenes.send(world, room, ada)
        assert (await stream.event())["id"] == sent["id"]


async def test_one_gets_the_own_removal_and_nothing_after(world: World) -> None:
    ada, bob = [await world.join(name) for name in ("ada", "bob")]
    room = await scenes.create(world, ada, [bob])
    async with streaming(world, bob) as stream:
        now = await stream.caught_up()
        removed = await scenes.change(world, room, ada, room.make_remove(ada, bob))
        await scenes.send(world, room, ada)
        own = await scenes.create(world, bob, [])
        first = await stream.event()
        assert (first["__typename"], first["id"]) == ("RosterEvent", removed["id"])
        assert (await stream.event())["space"]["id"] == world.id_of(own)
    async with streaming(world, bob, now) as stream:
        ids = [(await stream.event())["space"]["id"] for _ in range(4)]
        assert sorted(ids) == sorted([world.id_of(room), *[world.id_of(own)] * 3])
        await stream.caught_up()


async def test_an_unusable_cursor_asks_for_a_resync_and_ends(world: World, admin: Connection) -> None:
    ada = await world.join("ada")
    room = await scenes.create(world, ada, [])
    async with streaming(world, ada, conversation=world.id_of(room)) as stream:
        of_one = await stream.caught_up()
    for after in ("nonsense", "A" * 80, of_one):
        async with streaming(world, ada, after) as stream:
            item = await stream.next()
            assert item["__typename"] == "ResyncRequired"
            assert await anext(stream._results, None) is None


async def test_strangers_cannot_follow(world: World) -> None:
    ada, eve = [await world.join(name) for name in ("ada", "eve")]
    room = await scenes.create(world, ada, [])
    for document, variables, actor, code in (
        (MESSAGES, {"id": world.id_of(room)}, eve, "NOT_FOUND"),
        (MESSAGES, {"id": "nonsense"}, ada, "NOT_FOUND"),
        (MESSAGES, {"id": world.id_of(room)}, None, "Unauthenticated"),
        (EVENTS, {}, None, "Unauthenticated"),
    ):
        raised: list[str] = []
        try:
            async for result in follow(world, document, variables, actor):
                raised.append(code_of(result))
        except Exception as error:
            raised.append(getattr(getattr(error, "code", None), "value", type(error).__name__))
        assert raised == [code]


async def test_a_delivery_costs_no_query(world: World, statements: list[str]) -> None:
    ada, bob = [await world.join(name) for name in ("ada", "bob")]
    room = await scenes.create(world, ada, [bob])
    async with streaming(world, bob) as stream:
        await stream.caught_up()
        await scenes.change(world, room, ada, room.make_policy(ada, Policy(0, shared=True)))
        await stream.event()  # the first of a space asks for its type
        await stream.event()
        statements.clear()
        await scenes.send(world, room, ada)
        await stream.event()
        assert len(statements) == 4  # those of the send
