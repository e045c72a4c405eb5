"""Call signals: checked as sends are, passed on once, kept nowhere."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from circle_client.protocol.envelope import Envelope, Kind, make_id
from circle_client.protocol.primitives import random_bytes
from circle_client.protocol.roster import Role
from circle_client.protocol.structures import Head

from db.bus import Bus
from db.engine import Connection, Database
from resolvers.calls import send_signal
from resolvers.errors import RateLimited
from resolvers.limits import sends
from tests.support import scenes
from tests.support.actors import Actor, b64
from tests.support.dump import unchanged
from tests.support.inside import World, code_of
from tests.support.moments import hearing, node, until
from tests.support.redis import RedisServer
from tests.support.rooms import Room

SIGNALS = "subscription($id: ID) { callSignals(conversationId: $id) { conversation { id } envelope acceptedAt } }"
BIG = 60_000
"""Bytes: sixteen parts of what NOTIFY takes."""


def signal(room: Room, by: Actor, content: dict[int, Any] | None = None, **other: Any) -> Envelope:
    return room.make_envelope(by, content or {0: "offer"}, Kind.SIGNAL, **{"b": 1, **other})


async def passed(world: World, by: Actor, envelope: Envelope) -> str:
    return str(await world.mutate("sendSignal", {"envelope": b64(envelope.data)}, by))


async def refusal(world: World, by: Actor, envelope: Envelope) -> str:
    return str((await world.refusal("sendSignal", {"envelope": b64(envelope.data)}, by))["code"])


def elsewhere(actor: Actor) -> Actor:
    """The same member and device in another session."""
    return replace(actor, session=None)


async def test_a_signal_reaches_the_members_and_is_kept_nowhere(world: World, admin: Connection) -> None:
    ada, bob, eve = [await world.join(name) for name in ("ada", "bob", "eve")]
    room = await scenes.create(world, ada, {bob: Role.READER}, known=[eve])
    async with (
        hearing(world, SIGNALS, {"id": world.id_of(room)}, bob) as bobs,
        hearing(world, SIGNALS, {}, elsewhere(ada)) as others_of_ada,
        hearing(world, SIGNALS, {}, eve) as eves,
        hearing(world, SIGNALS, {"id": world.id_of(room)}, eve) as refused,
        unchanged(admin),
    ):
        assert code_of(await refused.refusal()) == "NOT_FOUND"
        sent = signal(room, ada)
        accepted_at = await passed(world, ada, sent)
        for heard in (bobs, others_of_ada):
            event = await heard.next()
            assert event == {
                "conversation": {"id": world.id_of(room)},
                "envelope": b64(sent.data),
                "acceptedAt": accepted_at,
            }
        answer = signal(room, bob)  # readers signal, too
        await passed(world, bob, answer)
        assert (await others_of_ada.next())["envelope"] == b64(answer.data)
        assert eves.is_silent


async def test_ones_own_session_does_not_hear_itself(world: World) -> None:
    ada, bob = [await world.join(name) for name in ("ada", "bob")]
    room = await scenes.create(world, ada, [bob])
    ada = replace(ada, session=ada.id)
    async with hearing(world, SIGNALS, {}, ada) as adas:
        await passed(world, ada, signal(room, ada))
        answer = signal(room, bob)
        await passed(world, bob, answer)
        assert (await adas.next())["envelope"] == b64(answer.data)


async def test_what_does_not_fit_is_refused_and_nobody_hears_it(world: World) -> None:
    ada, bob, eve = [await world.join(name) for name in ("ada", "bob", "eve")]
    room = await scenes.create(world, ada, [bob], known=[eve])
    good = signal(room, ada)
    flipped = bytearray(good.data)
    flipped[-100] ^= 1
    thief = replace(ada, dk_seed=eve.dk_seed)
    async with hearing(world, SIGNALS, {}, bob) as bobs:
        for number, (code, by, sent) in enumerate(
            [
                ("FORBIDDEN", ada, room.make_envelope(ada)),  # a message
                ("FORBIDDEN", ada, signal(room, ada, b=2)),
                ("FORBIDDEN", ada, signal(room, ada, ref=random_bytes(16))),
                ("FORBIDDEN", ada, signal(room, thief)),
                ("FORBIDDEN", ada, replace(good, data=bytes(flipped))),
                ("MALFORMED", ada, replace(good, data=good.data[:-1])),
                ("MALFORMED", ada, signal(room, ada, id=make_id(room.now - 15 * 86_400_000, random_bytes(10)))),
                ("STALE_DEVICE", bob, good),
                ("STALE_DEVICE", ada, signal(room, ada, device=bob.device)),
                ("STALE_DEVICE", ada, signal(room, ada, n=1)),
                ("NOT_FOUND", eve, signal(room, eve)),
                ("INVALID", ada, signal(room, ada, time=world.now - 61_000)),
                ("INVALID", ada, signal(room, ada, time=world.now + 61_000)),
                ("STALE_EPOCH", ada, signal(room, ada, epoch=Head(2, room.epoch.hash))),
                ("FORKED_LOG", ada, signal(room, ada, seen=Head(room.head.n, bytes(32)))),
            ]
        ):
            assert (number, await refusal(world, by, sent)) == (number, code)
        await passed(world, ada, good)
        assert (await bobs.next())["envelope"] == b64(good.data)


async def test_a_signal_goes_out_once(world: World, database: Database, bus: Bus) -> None:
    """Repeated here or at another node, by its very bytes or by its id."""
    ada, bob = [await world.join(name) for name in ("ada", "bob")]
    room = await scenes.create(world, ada, [bob])
    async with node(database, bus) as second, hearing(world, SIGNALS, {}, bob) as bobs:
        sent = signal(room, ada)
        await passed(world, ada, sent)
        assert (await bobs.next())["envelope"] == b64(sent.data)
        assert second.ephemera is not None
        known = second.ephemera.repeats
        await until(lambda: known.has((UUID(bytes=room.space), sent.header.id)))
        for where in (world, second):
            assert await refusal(where, ada, sent) == "ID_CONFLICT"
            assert await refusal(where, ada, signal(room, ada, {0: "other"}, id=sent.header.id)) == "ID_CONFLICT"
        last = signal(room, ada)
        await passed(world, ada, last)
        assert (await bobs.next())["envelope"] == b64(last.data)


@pytest.mark.parametrize("carrier", ["redis", "notify"])
async def test_two_nodes_pass_on_large_signals_in_order(
    carrier: str, dsn: str, database: Database, tmp_path: Path
) -> None:
    redis = RedisServer(tmp_path)
    if carrier == "redis":
        async with redis.running():
            await between_two_nodes(redis.url, database)
    else:
        await between_two_nodes(dsn, database)


async def between_two_nodes(url: str, database: Database) -> None:
    buses = [Bus(url), Bus(url)]
    for one in buses:
        await one.start()
        await one.connected.wait()
    try:
        async with node(database, buses[0]) as here, node(database, buses[1]) as there:
            ada, bob, cleo = [await here.join(name) for name in ("ada", "bob", "cleo")]
            room = await scenes.create(here, ada, [bob, cleo])
            async with hearing(there, SIGNALS, {}, bob) as bobs, hearing(there, SIGNALS, {}, cleo) as cleos:
                for size in (10, BIG, 5_000, 20_000):
                    sent = signal(room, ada, {0: base64.b64encode(random_bytes(size)).decode()})
                    await passed(here, ada, sent)
                    assert (await bobs.next())["envelope"] == b64(sent.data)
                    assert (await cleos.next())["envelope"] == b64(sent.data)
                await scenes.change(here, room, ada, room.make_remove(ada, bob))
                sent = signal(room, ada)
                await passed(here, ada, sent)
                assert (await cleos.next())["envelope"] == b64(sent.data)
                assert bobs.is_silent
    finally:
        for one in buses:
            await one.stop()


async def test_a_flood_is_refused(world: World) -> None:
    ada, bob = [await world.join(name) for name in ("ada", "bob")]
    room = await scenes.create(world, ada, [bob])
    ctx = world.ctx(ada)
    ctx.sends = sends(0.01, 3)
    for _ in range(3):
        await send_signal(ctx, signal(room, ada).data)
    with pytest.raises(RateLimited) as refused:
        await send_signal(ctx, signal(room, ada).data)
    assert refused.value.retry_after > 1
