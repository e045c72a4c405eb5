"""Typing: who hears it, how often, and that a removed member hears nothing any more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from circle_client.protocol.roster import Role

from db.bus import Bus, Message
from db.engine import Connection, Database
from resolvers.ephemera import TYPING
from tests.support import scenes
from tests.support.actors import Actor
from tests.support.inside import World, code_of
from tests.support.moments import Hearing, hearing, node, until
from tests.support.rooms import Room

WHO = "subscription($id: ID) { typing(conversationId: $id) { conversation { id } member { id handle } until } }"


async def types(world: World, room: Room, actor: Actor, typing: bool = True) -> None:
    payload = await world.try_mutation("setTyping", {"conversationId": world.id_of(room), "typing": typing}, actor)
    assert payload["errors"] == []


async def heard(hearing: Hearing) -> tuple[str, bool]:
    """Who types (or has stopped) next."""
    event = await hearing.next()
    return event["member"]["handle"], event["until"] is not None


async def test_the_others_hear_who_types_and_that_it_stopped(world: World) -> None:
    ada, bob = [await world.join(name) for name in ("ada", "bob")]
    room = await scenes.create(world, ada, [bob])
    async with hearing(world, WHO, {"id": world.id_of(room)}, bob) as bobs, hearing(world, WHO, {}, ada) as adas:
        await types(world, room, ada)
        event = await bobs.next()
        assert event["conversation"] == {"id": world.id_of(room)}
        assert event["member"]["handle"] == "ada"
        assert datetime.fromisoformat(event["until"]) > world.clock()
        await types(world, room, ada, typing=False)
        assert await heard(bobs) == ("ada", False)
        await types(world, room, bob)
        assert await heard(adas) == ("bob", True)  # and nothing of the own before it
        assert bobs.is_silent


async def test_it_is_told_once_in_a_while_and_that_it_stopped_at_once(database: Database, bus: Bus) -> None:
    async with node(database, bus, typing_every=3_600) as world:
        ada, bob = [await world.join(name) for name in ("ada", "bob")]
        room = await scenes.create(world, ada, [bob])
        async with hearing(world, WHO, {}, bob) as bobs:
            for _ in range(10):
                await types(world, room, ada)
            await types(world, room, ada, typing=False)
            for _ in range(5):
                await types(world, room, ada)
            await types(world, room, ada, typing=False)
            assert [await heard(bobs) for _ in range(3)] == [("ada", True), ("ada", False), ("ada", False)]


async def test_what_came_too_early_is_told_when_its_time_has_come(world: World) -> None:
    ada, bob = [await world.join(name) for name in ("ada", "bob")]
    room = await scenes.create(world, ada, [bob])
    async with hearing(world, WHO, {}, bob) as bobs:
        await types(world, room, ada)
        await types(world, room, ada)
        first, second = await bobs.next(), await bobs.next()
        assert first["until"] < second["until"]


async def test_only_ones_own_conversations_are_heard(world: World) -> None:
    ada, bob, cleo = [await world.join(name) for name in ("ada", "bob", "cleo")]
    ours, theirs = await scenes.create(world, ada, [bob]), await scenes.create(world, ada, [cleo])
    async with (
        hearing(world, WHO, {}, bob) as bobs,
        hearing(world, WHO, {}, cleo) as cleos,
        hearing(world, WHO, {"id": world.id_of(theirs)}, bob) as refused,
    ):
        assert code_of(await refused.refusal()) == "NOT_FOUND"
        await types(world, theirs, ada)
        await types(world, ours, ada)
        assert (await bobs.next())["conversation"]["id"] == world.id_of(ours)
        assert (await cleos.next())["conversation"]["id"] == world.id_of(theirs)


async def test_readers_strangers_and_floods_are_refused(world: World) -> None:
    ada, bob, eve = [await world.join(name) for name in ("ada", "bob", "eve")]
    room = await scenes.create(world, ada, {bob: Role.READER})
    asked = {"conversationId": world.id_of(room), "typing": True}
    assert (await world.refusal("setTyping", asked, bob))["code"] == "FORBIDDEN"
    assert (await world.refusal("setTyping", asked, eve))["code"] == "NOT_FOUND"
    assert (await world.refusal("setTyping", asked | {"conversationId": "x"}, ada))["code"] == "NOT_FOUND"
    refused: dict[str, Any] = {}
    for _ in range(2 * int(TYPING.burst)):
        errors = (await world.try_mutation("setTyping", asked, ada))["errors"]
        refused = errors[0] if errors else refused
    assert (refused["__typename"], refused["code"]) == ("RateLimitedError", "RATE_LIMITED")
    assert refused["retryAfter"] >= 1


class DeafToPokes(Bus):
    """Carries everything but what wakes the hub; another bus of the same process is its carrier."""

    def __init__(self, carrier: Bus) -> None:
        super().__init__()
        self._carrier = carrier

    def subscribe(self, callback: Callable[[Message], None]) -> Callable[[], None]:
        """All but pokes."""
        return self._carrier.subscribe(lambda message: None if message["kind"] == "poke" else callback(message))

    def publish(self, message: Message) -> None:
        """To everybody."""
        self._carrier.publish(message)

    mention = publish


@pytest.fixture
async def late(database: Database, bus: Bus, world: World) -> AsyncIterator[World]:
    """A second process whose hub learns nothing by itself for an hour."""
    async with node(database, DeafToPokes(bus), interval=3_600) as made:
        yield made


async def test_a_removed_member_hears_nothing_even_where_the_removal_is_not_known_yet(
    world: World, late: World
) -> None:
    ada, bob, cleo = [await world.join(name) for name in ("ada", "bob", "cleo")]
    room = await scenes.create(world, ada, [bob, cleo])
    async with (
        hearing(late, WHO, {"id": world.id_of(room)}, bob) as of_room,
        hearing(late, WHO, {}, bob) as of_all,
        hearing(late, WHO, {}, cleo) as cleos,
    ):
        await types(world, room, ada)
        for one in (of_room, of_all, cleos):
            assert await heard(one) == ("ada", True)
        await scenes.change(world, room, ada, room.make_remove(ada, bob))
        await types(world, room, ada, typing=False)
        assert await heard(cleos) == ("ada", False)
        # The same process, the same moment: what was for bob would be there before cleo's.
        assert of_room.is_silent
        assert of_all.is_silent
        assert not late.hub.watching.is_member(UUID(bytes=room.space), bob.id)


async def test_listeners_hear_on_after_the_hub_has_lost_its_connection(world: World, admin: Connection) -> None:
    ada, bob = [await world.join(name) for name in ("ada", "bob")]
    room = await scenes.create(world, ada, [bob])
    async with hearing(world, WHO, {}, bob) as bobs:
        lost = asyncio.Event()
        world.hub.watching.on_look(lambda changed: lost.set() if changed is None else None)
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'circle_hub'"
        )
        async with asyncio.timeout(20):
            await lost.wait()
        await until(lambda: world.hub.watching.knows(bob.id))
        await types(world, room, ada)
        assert await heard(bobs) == ("ada", True)


async def test_who_comes_in_hears_from_then_on(world: World, late: World) -> None:
    ada, bob = [await world.join(name) for name in ("ada", "bob")]
    room = await scenes.create(world, ada, [], known=[bob])
    async with hearing(late, WHO, {}, bob) as bobs:
        await scenes.change(world, room, ada, room.make_add(ada, bob))
        await types(world, room, ada, typing=False)
        assert await heard(bobs) == ("ada", False)
