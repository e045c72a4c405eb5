"""Presence: who is shown to whom, what hides it, what ends it, and that nodes agree."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from db.bus import Bus
from db.engine import Connection, Database
from db.presence.states import PresenceState
from db.presence.table import Times
from resolvers.ephemera import PRESENCE
from resolvers.presence import MOST
from schema.node import encode_id
from tests.support import scenes
from tests.support.actors import Actor
from tests.support.inside import World, code_of
from tests.support.moments import QUICK, Hearing, hearing, node, until
from tests.support.redis import RedisServer

WATCH = """subscription($ids: [ID!]!) { presence(memberIds: $ids) {
  presences { member { id handle } presence { state lastSeenAt } } } }"""
ASK = "query($id: ID!) { node(id: $id) { ... on Member { presence { state lastSeenAt } } } }"
PRIVACY = "{ viewer { privacy { presence readReceipts deliveryReceipts } } }"

Shown = dict[str, Any]


def ids(*actors: Actor) -> dict[str, list[str]]:
    return {"ids": [encode_id("Member", actor.id) for actor in actors]}


async def join(world: World, *handles: str) -> list[Actor]:
    """Members, each with one session."""
    return [replace(await world.join(handle), session=uuid4()) for handle in handles]


async def is_now(world: World, actor: Actor, state: str) -> None:
    assert (await world.try_mutation("setPresence", {"state": state}, actor))["errors"] == []


async def shown(world: World, viewer: Actor, actor: Actor) -> Shown:
    """What a query shows the viewer."""
    data = await world.ask(ASK, {"id": encode_id("Member", actor.id)}, viewer)
    found: Shown = data["node"]["presence"]
    return found


def opened(world: World, actor: Actor) -> None:
    """A socket of the actor's session, as the edge would tell of it."""
    assert world.ephemera is not None
    assert actor.session is not None
    world.ephemera.presence.opened(actor.id, actor.session)


def closed(world: World, actor: Actor) -> None:
    assert world.ephemera is not None
    assert actor.session is not None
    world.ephemera.presence.closed(actor.session)


async def update(heard: Hearing) -> dict[str, str]:
    """The next update: handle to state."""
    return {one["member"]["handle"]: one["presence"]["state"] for one in (await heard.next())["presences"]}


async def until_shown(heard: Hearing, **wanted: str) -> None:
    """Read until these have been the last states told."""
    last: dict[str, str] = {}
    while {name: last.get(name) for name in wanted} != wanted:
        last |= await update(heard)


async def test_those_who_share_a_space_see_who_is_there(world: World) -> None:
    ada, bob, eve = await join(world, "ada", "bob", "eve")
    await scenes.create(world, ada, [bob])
    async with hearing(world, WATCH, ids(ada, bob), bob) as bobs, hearing(world, WATCH, ids(ada, eve), eve) as eves:
        assert await update(bobs) == {"ada": "OFFLINE", "bob": "OFFLINE"}
        assert await update(eves) == {"ada": "OFFLINE", "eve": "OFFLINE"}
        opened(world, ada)
        await is_now(world, ada, "ONLINE")
        assert await update(bobs) == {"ada": "ONLINE"}
        await is_now(world, ada, "AWAY")
        assert await update(bobs) == {"ada": "AWAY"}
        assert (await shown(world, bob, ada))["state"] == "AWAY"
        assert await shown(world, eve, ada) == {"state": "OFFLINE", "lastSeenAt": None}
        await is_now(world, eve, "ONLINE")
        assert await update(eves) == {"eve": "ONLINE"}  # oneself, and nothing of ada before it
        await is_now(world, ada, "OFFLINE")
        assert await update(bobs) == {"ada": "OFFLINE"}


async def test_it_holds_while_a_socket_is_open_and_ends_a_grace_after(world: World) -> None:
    ada, bob = await join(world, "ada", "bob")
    await scenes.create(world, ada, [bob])
    opened(world, ada)
    opened(world, ada)
    async with hearing(world, WATCH, ids(ada), bob) as bobs:
        await update(bobs)
        await is_now(world, ada, "ONLINE")
        assert await update(bobs) == {"ada": "ONLINE"}
        closed(world, ada)
        await asyncio.sleep(2 * QUICK.grace)
        assert (await shown(world, bob, ada))["state"] == "ONLINE"
        assert bobs.is_silent
        closed(world, ada)
        gone = (await bobs.next())["presences"][0]["presence"]
        assert gone["state"] == "OFFLINE"
        assert datetime.fromisoformat(gone["lastSeenAt"]) <= world.clock()


async def test_when_it_was_is_kept_to_the_minute(world: World, admin: Connection) -> None:
    ada, bob, eve = await join(world, "ada", "bob", "eve")
    await scenes.create(world, ada, [bob])
    await is_now(world, ada, "ONLINE")
    assert (await shown(world, bob, ada))["lastSeenAt"] is None
    await is_now(world, ada, "OFFLINE")

    async def kept() -> datetime | None:
        found: datetime | None = await admin.fetchval("SELECT seen_at FROM last_seen WHERE member_id = $1", ada.id)
        return found

    seen = None
    async with asyncio.timeout(20):
        while seen is None:
            await asyncio.sleep(0.05)
            seen = await kept()
    assert (seen.second, seen.microsecond) == (0, 0)
    assert world.clock() - seen < timedelta(minutes=3)
    assert datetime.fromisoformat((await shown(world, bob, ada))["lastSeenAt"]) == seen
    assert (await shown(world, eve, ada))["lastSeenAt"] is None


async def test_who_hides_is_offline_to_others_and_sees_no_times(world: World, admin: Connection) -> None:
    ada, bob = await join(world, "ada", "bob")
    await scenes.create(world, ada, [bob])
    for member in (ada, bob):
        await admin.execute("INSERT INTO last_seen VALUES ($1, $2)", member.id, datetime(2026, 1, 1, tzinfo=UTC))
    assert (await shown(world, bob, ada))["lastSeenAt"] == (await shown(world, ada, bob))["lastSeenAt"] is not None
    opened(world, ada)
    await is_now(world, ada, "AWAY")
    async with hearing(world, WATCH, ids(ada), bob) as bobs, hearing(world, WATCH, ids(ada, bob), ada) as adas:
        assert await update(bobs) == {"ada": "AWAY"}
        first = (await adas.next())["presences"]
        assert [one["presence"]["lastSeenAt"] is None for one in first] == [False, False]
        await world.mutate("setPrivacy", {"presence": False}, ada)
        assert (await bobs.next())["presences"][0]["presence"] == {"state": "OFFLINE", "lastSeenAt": None}
        assert await shown(world, bob, ada) == {"state": "OFFLINE", "lastSeenAt": None}
        of_bob = (await adas.next())["presences"]
        assert [(one["member"]["handle"], one["presence"]["lastSeenAt"]) for one in of_bob] == [("bob", None)]
        assert (await shown(world, ada, ada))["state"] == "AWAY"  # oneself one sees
        assert (await shown(world, ada, bob))["lastSeenAt"] is None
        await world.mutate("setPrivacy", {"presence": True}, ada)
        assert await update(bobs) == {"ada": "AWAY"}


async def test_a_setting_of_which_nobody_was_told_is_found_all_the_same(world: World, admin: Connection) -> None:
    ada, bob = await join(world, "ada", "bob")
    await scenes.create(world, ada, [bob])
    opened(world, ada)
    await is_now(world, ada, "ONLINE")
    async with hearing(world, WATCH, ids(ada), bob) as bobs:
        assert await update(bobs) == {"ada": "ONLINE"}
        await admin.execute("INSERT INTO privacy VALUES ($1, false, true, true)", ada.id)
        assert await update(bobs) == {"ada": "OFFLINE"}
        await admin.execute("UPDATE privacy SET presence = true")
        assert await update(bobs) == {"ada": "ONLINE"}


async def test_leaving_the_last_space_in_common_ends_it_and_a_new_one_begins_it(world: World) -> None:
    ada, bob = await join(world, "ada", "bob")
    room = await scenes.create(world, ada, [bob])
    opened(world, ada)
    await is_now(world, ada, "ONLINE")
    async with hearing(world, WATCH, ids(ada), bob) as bobs:
        assert await update(bobs) == {"ada": "ONLINE"}
        await scenes.change(world, room, ada, room.make_remove(ada, bob))
        assert (await bobs.next())["presences"][0]["presence"] == {"state": "OFFLINE", "lastSeenAt": None}
        await scenes.create(world, ada, [bob])
        assert await update(bobs) == {"ada": "ONLINE"}


async def test_what_is_asked_is_bounded(world: World) -> None:
    (ada,) = await join(world, "ada")
    strangers = [encode_id("Member", uuid4()) for _ in range(MOST + 1)]
    for asked, code in ((strangers, "INVALID"), (strangers[:1], "NOT_FOUND"), (["x"], "NOT_FOUND")):
        async with hearing(world, WATCH, {"ids": asked}, ada) as refused:
            assert code_of(await refused.refusal()) == code
    async with hearing(world, WATCH, {"ids": []}, ada) as empty:
        assert await update(empty) == {}
    errors: list[Any] = []
    for _ in range(2 * int(PRESENCE.burst)):
        errors += (await world.try_mutation("setPresence", {"state": "ONLINE"}, ada))["errors"]
    assert (errors[-1]["__typename"], errors[-1]["retryAfter"] >= 1) == ("RateLimitedError", True)


async def test_privacy_is_kept_and_null_leaves_it_as_it_was(world: World) -> None:
    (ada,) = await join(world, "ada")
    everything = {"presence": True, "readReceipts": True, "deliveryReceipts": True}
    assert (await world.ask(PRIVACY, {}, ada))["viewer"]["privacy"] == everything
    changed = await world.mutate("setPrivacy", {"readReceipts": False, "presence": None}, ada)
    assert changed == everything | {"readReceipts": False}
    assert await world.mutate("setPrivacy", {"deliveryReceipts": False}, ada) == changed | {"deliveryReceipts": False}
    assert await world.mutate("setPrivacy", {}, ada) == changed | {"deliveryReceipts": False}
    assert (await world.ask(PRIVACY, {}, ada))["viewer"]["privacy"] == changed | {"deliveryReceipts": False}


@pytest.mark.parametrize("carrier", ["redis", "notify"])
async def test_two_nodes_show_the_same(carrier: str, dsn: str, database: Database, tmp_path: Path) -> None:
    if carrier == "notify":
        await over_two_nodes(dsn, database)
        return
    redis = RedisServer(tmp_path)
    async with redis.running():
        await over_two_nodes(redis.url, database)


async def over_two_nodes(url: str, database: Database) -> None:
    buses = [Bus(url), Bus(url)]
    for one in buses:
        await one.start()
        await one.connected.wait()
    try:
        async with node(database, buses[0]) as here:
            ada, bob = await join(here, "ada", "bob")
            await scenes.create(here, ada, [bob])
            opened(here, ada)
            await is_now(here, ada, "ONLINE")
            async with (
                node(database, buses[1]) as there,  # it learns what was said before it came
                hearing(there, WATCH, ids(ada), bob) as bobs,
            ):
                await until_shown(bobs, ada="ONLINE")
                opened(there, ada)  # the client has moved
                closed(here, ada)
                await asyncio.sleep(2 * QUICK.grace)
                assert bobs.is_silent
                await is_now(there, ada, "AWAY")
                await until_shown(bobs, ada="AWAY")
                assert here.ephemera is not None
                presence = here.ephemera.presence
                await until(lambda: presence.state_of(ada.id)[0] is PresenceState.AWAY)
            # That node has said good-bye, and the client does not come back.
            await until(lambda: presence.state_of(ada.id)[0] is PresenceState.OFFLINE)
    finally:
        for one in buses:
            await one.stop()


async def test_a_node_that_comes_back_with_a_thousand_members_is_no_storm(database: Database, bus: Bus) -> None:
    """Figures per look, of which there is one a second: what a node puts on the bus, however many come at once."""
    slow = Times(grace=3_600, lease=3_600, tick=3_600, shards=30)
    async with node(database, bus, times=slow) as other, node(database, bus, times=slow) as back:
        assert other.ephemera is not None
        assert back.ephemera is not None
        members = [UUID(int=n * 7_919) for n in range(1_000)]
        for world in (other, back):
            assert world.ephemera is not None
            for member in members if world is back else [UUID(int=n) for n in range(1, 1_001)]:
                world.ephemera.presence.opened(member, member)
                world.ephemera.presence.say(member, member, PresenceState.ONLINE)
        first = await per_look(back, bus)
        rest = [await per_look(back, bus) for _ in range(40)]
        assert first == 14  # all of them at once: a hello, and 80 in a message
        assert max(rest) <= 6  # and after that heartbeats; for five looks hurried, by the other node's own hello
        assert sum(rest[-30:]) == 30
        assert back.ephemera.presence.state_of(UUID(int=5))[0] is PresenceState.OFFLINE
        await until_answered(other, back, bus)


async def per_look(world: World, bus: Bus) -> int:
    """Messages that one look puts on the bus."""
    assert world.ephemera is not None
    before = world.ephemera.presence.published
    world.ephemera.presence.look()
    await asyncio.sleep(0)
    return world.ephemera.presence.published - before


async def until_answered(other: World, back: World, bus: Bus) -> None:
    """The other node has heard the hello: within five looks it has said all that it knows."""
    assert other.ephemera is not None
    assert back.ephemera is not None
    looks = [await per_look(other, bus) for _ in range(7)]
    assert max(looks) <= 14
    presence = back.ephemera.presence
    await until(lambda: all(presence.state_of(UUID(int=n))[0] is PresenceState.ONLINE for n in range(1, 1_001)))
