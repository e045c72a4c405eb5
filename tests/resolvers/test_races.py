"""Many at once: the log stays contiguous, nothing is doubled, and of two that exclude each other one is refused."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

from circle_client.protocol.roster import Policy, Role, SpaceType

from db.engine import Connection
from tests.support import scenes
from tests.support.actors import b64, signed_input
from tests.support.inside import World
from tests.support.rooms import epoch_input


async def test_concurrent_sends_with_retries_are_each_taken_once(world: World, admin: Connection) -> None:
    ada, bob = [await world.join(name) for name in ("ada", "bob")]
    room = await scenes.create(world, ada, [bob])
    envelopes = [(by, room.make_envelope(by)) for _ in range(10) for by in (ada, bob)]
    calls = [world.mutate("sendMessage", {"envelope": b64(envelope.data)}, by) for by, envelope in envelopes * 3]
    results = await asyncio.gather(*calls)
    for index in range(len(envelopes)):
        first, second, third = results[index :: len(envelopes)]
        assert first == second == third
    assert sorted({result["seq"] for result in results}) == list(range(4, 24))
    rows = await admin.fetch("SELECT seq FROM event WHERE space_id = $1 ORDER BY seq", UUID(bytes=room.space))
    assert [row["seq"] for row in rows] == list(range(1, 24))


async def test_of_two_links_with_one_number_one_is_refused(world: World) -> None:
    ada, bob = [await world.join(name) for name in ("ada", "bob")]
    room = await scenes.create(world, ada, {bob: Role.OWNER})
    links = [(ada, room.make_policy(ada, Policy(1))), (bob, room.make_policy(bob, Policy(2)))]
    calls = [world.try_mutation("changeRoster", {"link": signed_input(link)}, by) for by, link in links]
    codes = [[error["code"] for error in payload["errors"]] for payload in await asyncio.gather(*calls)]
    assert sorted(codes) == [[], ["CHAIN_CONFLICT"]]


async def test_of_two_announcements_one_is_refused(world: World) -> None:
    ada, bob = [await world.join(name) for name in ("ada", "bob")]
    room = await scenes.create(world, ada, [bob])
    await scenes.change(world, room, ada, room.make_policy(ada, Policy(0, shared=True)), renew=False)
    epochs = [(by, epoch_input(room.make_epoch(by))) for by in (ada, bob)]
    calls = [world.try_mutation("announceEpoch", {"epoch": epoch}, by) for by, epoch in epochs]
    codes = [[error["code"] for error in payload["errors"]] for payload in await asyncio.gather(*calls)]
    assert sorted(codes) == [[], ["EPOCH_CONFLICT"]]


async def test_both_may_begin_a_direct_conversation_and_get_one(world: World, admin: Connection) -> None:
    ada, bob = [await world.join(name) for name in ("ada", "bob")]
    inputs: list[tuple[Any, dict[str, Any]]] = []
    for by, other in ((ada, bob), (bob, ada)):
        room = world.room(ada, bob)
        link = room.make_link0(by, {other.member: Role.OWNER}, SpaceType.DIRECT)
        inputs.append((by, scenes.create_input(room, by, link, title=None)))
    calls = [world.try_mutation("createConversation", input_, by) for by, input_ in inputs]
    payloads = await asyncio.gather(*calls)
    (made,) = [payload["conversation"] for payload in payloads if payload["conversation"]]
    (error,) = [error for payload in payloads for error in payload["errors"]]
    assert (error["code"], error["conversation"]["id"]) == ("DIRECT_EXISTS", made["id"])
    assert await admin.fetchval("SELECT count(*) FROM space WHERE type = 0") == 1


async def test_the_same_creation_twice_at_once_is_made_once(world: World, admin: Connection) -> None:
    ada = await world.join("ada")
    room = world.room(ada)
    input_ = scenes.create_input(room, ada, room.make_link0(ada, {}))
    one, two = await asyncio.gather(*[world.mutate("createConversation", input_, ada) for _ in range(2)])
    assert one["id"] == two["id"]
    assert await admin.fetchval("SELECT count(*) FROM event WHERE space_id = $1", UUID(bytes=room.space)) == 3


async def test_a_removal_and_a_send_are_in_one_order(world: World, admin: Connection) -> None:
    ada, bob = [await world.join(name) for name in ("ada", "bob")]
    for _ in range(5):
        room = await scenes.create(world, ada, [bob])
        sent, removed = await asyncio.gather(
            world.try_mutation("sendMessage", {"envelope": b64(room.make_envelope(bob).data)}, bob),
            world.try_mutation("changeRoster", {"link": signed_input(room.make_remove(ada, bob))}, ada),
        )
        assert removed["event"]
        codes = [error["code"] for error in sent["errors"]]
        # Who waited for the lock while being removed is told so; who came later sees no conversation.
        assert codes in ([], ["NOT_FOUND"], ["FORBIDDEN"])
        if not codes:
            assert sent["event"]["seq"] < removed["event"]["seq"]
