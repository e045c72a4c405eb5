"""e2ee.md section 13, row 'envelope': what sendMessage accepts, repeats and refuses, and in which order it looks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from circle_client.protocol.contents import message, reaction
from circle_client.protocol.envelope import Envelope, Kind, make_id
from circle_client.protocol.primitives import random_bytes
from circle_client.protocol.roster import Policy, Role, SpaceType
from circle_client.protocol.structures import Head

from db.engine import Connection
from tests.support import scenes
from tests.support.actors import Actor, b64
from tests.support.dump import unchanged
from tests.support.inside import World
from tests.support.rooms import Room

DAY = 24 * 3600 * 1000


async def refuse(world: World, by: Actor, data: bytes | Envelope) -> dict[str, Any]:
    """The error with which an envelope is refused."""
    raw = data.data if isinstance(data, Envelope) else data
    return await world.refusal("sendMessage", {"envelope": b64(raw)}, by)


async def test_envelopes_that_do_not_fit_are_refused(world: World, admin: Connection) -> None:
    ada, bob, eve = [await world.join(name) for name in ("ada", "bob", "eve")]
    room = await scenes.create(world, ada, {bob: Role.READER}, known=[eve])
    elsewhere = await scenes.create(world, ada, [])
    await scenes.send(world, room, ada)
    good = room.make_envelope(ada)
    flipped = bytearray(good.data)
    flipped[-100] ^= 1  # in the ciphertext or the signature: either way it is not what was signed
    cases: list[tuple[str, Actor, bytes | Envelope]] = [
        ("MALFORMED", ada, b""),
        ("MALFORMED", ada, good.data[:-1]),
        ("MALFORMED", ada, good.data + b"\0"),
        ("MALFORMED", ada, bytes(100 * 1024)),
        ("MALFORMED", ada, room.make_envelope(ada, id=make_id(room.now - 14 * DAY - 60_000, random_bytes(10)))),
        ("MALFORMED", ada, room.make_envelope(ada, id=make_id(room.now + DAY + 60_000, random_bytes(10)))),
        ("MALFORMED", ada, room.make_envelope(ada, id=bytes(16))),
        ("STALE_DEVICE", bob, good),
        ("STALE_DEVICE", ada, room.make_envelope(ada, device=bob.device)),
        ("STALE_DEVICE", ada, room.make_envelope(ada, n=1)),
        ("NOT_FOUND", eve, room.make_envelope(eve)),
        ("NOT_FOUND", ada, room.make_envelope(ada, space=bytes(16))),
        ("FORBIDDEN", ada, bytes(flipped)),
        ("FORBIDDEN", ada, room.make_envelope(replace_key(ada, eve))),
        ("FORBIDDEN", bob, room.make_envelope(bob)),  # a reader writes nothing
        ("FORBIDDEN", bob, room.make_envelope(bob, {0: "x"}, Kind.STATE)),
        ("FORBIDDEN", ada, room.make_envelope(ada, {}, Kind.SIGNAL, b=1)),
        ("FORBIDDEN", ada, room.make_envelope(ada, {}, 9)),
        ("FORBIDDEN", ada, room.make_envelope(ada, b=7)),
        ("FORBIDDEN", ada, room.make_envelope(ada, ref=random_bytes(16))),
        ("FORBIDDEN", ada, room.make_envelope(ada, message("x"), Kind.EDIT)),
        ("FORBIDDEN", ada, room.make_envelope(ada, {0: 1, 1: 1}, Kind.RECEIPT, ref=good.header.id)),
        ("STALE_EPOCH", ada, room.make_envelope(ada, epoch=Head(2, room.epoch.hash))),
        ("STALE_EPOCH", ada, room.make_envelope(ada, epoch=Head(1, bytes(32)))),
        ("STALE_EPOCH", ada, room.make_envelope(ada, epoch=elsewhere.epoch)),
        ("FORKED_LOG", ada, room.make_envelope(ada, seen=Head(room.head.n, bytes(32)))),
        ("FORKED_LOG", ada, room.make_envelope(ada, seen=Head(room.head.n + 1, room.head.hash))),
        ("FORKED_LOG", ada, room.make_envelope(ada, seen=Head(1, room.head.hash))),
        ("FORKED_LOG", ada, room.make_envelope(ada, seen=Head(0, room.head.hash))),
        ("FORKED_LOG", ada, room.make_envelope(ada, seen=Head(2**53 - 1, room.head.hash))),
    ]
    async with unchanged(admin):
        for number, (code, by, sent) in enumerate(cases):
            assert (number, (await refuse(world, by, sent))["code"]) == (number, code)
    await scenes.send(world, room, ada, good)
    await scenes.send(world, room, ada, room.make_envelope(ada, seen=Head(0, bytes(32))))  # l_0 is our log too


def replace_key(actor: Actor, other: Actor) -> Actor:
    """The actor with another's signing key: a thief without the right one."""
    return Actor(**{name: getattr(actor, name) for name in Actor.__dataclass_fields__} | {"dk_seed": other.dk_seed})


async def test_the_same_envelope_again_gives_the_first_result(world: World, admin: Connection) -> None:
    ada, bob = [await world.join(name) for name in ("ada", "bob")]
    room = await scenes.create(world, ada, [bob])
    envelope = room.make_envelope(ada)
    first = await scenes.send(world, room, ada, envelope)
    again = {"envelope": b64(envelope.data)}
    async with unchanged(admin):
        assert await world.mutate("sendMessage", again, ada) == first
    other = room.make_envelope(ada, message("Something else"), id=envelope.header.id)
    async with unchanged(admin):
        assert (await refuse(world, ada, other))["code"] == "ID_CONFLICT"
    # A retry is known whatever came after: a new epoch that is due, or the end of the sender's rights.
    await scenes.change(world, room, ada, room.make_policy(ada, Policy(1)), renew=False)
    async with unchanged(admin):
        assert await world.mutate("sendMessage", again, ada) == first
        assert (await refuse(world, ada, room.make_envelope(ada, b=1)))["code"] == "EPOCH_DUE"
    await scenes.announce(world, room, ada)
    async with unchanged(admin):
        assert await world.mutate("sendMessage", again, ada) == first
    # Expired: the ciphertext is gone, the entry stays.
    await admin.execute("UPDATE event SET body = NULL WHERE space_id = $1 AND kind = 1", UUID(bytes=room.space))
    async with unchanged(admin):
        assert await world.mutate("sendMessage", again, ada) == first


async def test_an_id_belongs_to_one_conversation_alone(world: World) -> None:
    ada = await world.join("ada")
    one, two = await scenes.create(world, ada, []), await scenes.create(world, ada, [])
    first = one.make_envelope(ada)
    await scenes.send(world, one, ada, first)
    await scenes.send(world, two, ada, two.make_envelope(ada, id=first.header.id))


async def test_a_stale_epoch_names_the_current_one(world: World) -> None:
    ada = await world.join("ada")
    room = await scenes.create(world, ada, [])
    old = room.make_envelope(ada)
    await scenes.change(world, room, ada, room.make_policy(ada, Policy(0, shared=True)))
    error = await refuse(world, ada, old)
    assert (error["code"], error["__typename"]) == ("STALE_EPOCH", "StaleEpochError")
    assert error["current"] == {"number": 2}
    assert error["path"] == []
    # The same id, sealed again under the current epoch, is a new envelope to a server that took none.
    await scenes.send(world, room, ada, room.make_envelope(ada, id=old.header.id))


async def test_checks_come_in_the_order_of_the_protocol(world: World) -> None:
    ada, bob = [await world.join(name) for name in ("ada", "bob")]
    room = await scenes.create(world, ada, {bob: Role.READER})
    sent = room.make_envelope(ada)
    await scenes.send(world, room, ada, sent)
    wrong: dict[str, Any] = {"seen": Head(1, bytes(32))}
    assert (await refuse(world, ada, room.make_envelope(ada, **wrong)))["code"] == "FORKED_LOG"
    await scenes.change(world, room, ada, room.make_policy(ada, Policy(2)), renew=False)
    wrong["b"] = 1
    assert (await refuse(world, ada, room.make_envelope(ada, **wrong)))["code"] == "EPOCH_DUE"
    wrong["epoch"] = Head(9, bytes(32))
    assert (await refuse(world, ada, room.make_envelope(ada, **wrong)))["code"] == "STALE_EPOCH"
    wrong["n"] = 5
    assert (await refuse(world, ada, room.make_envelope(ada, **wrong)))["code"] == "STALE_DEVICE"
    wrong["b"] = 3  # longer than the policy
    assert (await refuse(world, ada, room.make_envelope(ada, **wrong)))["code"] == "FORBIDDEN"
    wrong["id"] = sent.header.id
    assert (await refuse(world, ada, room.make_envelope(ada, **wrong)))["code"] == "ID_CONFLICT"
    wrong["device"] = bob.device
    assert (await refuse(world, ada, room.make_envelope(ada, **wrong)))["code"] == "STALE_DEVICE"
    wrong["id"] = bytes(16)
    assert (await refuse(world, ada, room.make_envelope(ada, **wrong)))["code"] == "MALFORMED"


async def test_who_may_edit_delete_react(world: World) -> None:
    ada, bob, eve = [await world.join(name) for name in ("ada", "bob", "eve")]
    room = await scenes.create(world, ada, {bob: Role.WRITER, eve: Role.READER}, SpaceType.BROADCAST)
    text = room.make_envelope(bob)
    await scenes.send(world, room, bob, text)
    ref = text.header.id

    def about(by: Actor, kind: Kind, ref_: bytes = ref, **other: Any) -> Envelope:
        content = reaction("x") if kind is Kind.REACTION else message("x") if kind is Kind.EDIT else {}
        return room.make_envelope(by, content, kind, ref=ref_, **other)

    for by, kind in ((ada, Kind.EDIT), (eve, Kind.EDIT), (eve, Kind.DELETE), (eve, Kind.MESSAGE)):
        assert (await refuse(world, by, about(by, kind)))["code"] == "FORBIDDEN"
    for by, kind in ((bob, Kind.EDIT), (eve, Kind.REACTION), (ada, Kind.DELETE), (bob, Kind.DELETE)):
        await scenes.send(world, room, by, about(by, kind))
    await scenes.send(world, room, eve, room.make_envelope(eve, {0: 3, 1: 3}, Kind.RECEIPT))
    await scenes.send(world, room, ada, room.make_envelope(ada, {0: "New", 1: None, 2: None}, Kind.STATE))
    found = await world.ask(
        "query($id: ID!) { conversation(id: $id) { head state { seq } } }", {"id": world.id_of(room)}, eve
    )
    assert found["conversation"]["state"]["seq"] == found["conversation"]["head"] == room.head.n


async def test_lifetimes(world: World, admin: Connection) -> None:
    ada = await world.join("ada")
    room = await scenes.create(world, ada, [], policy=Policy(3), title=None)
    for b, allowed in ((0, False), (1, True), (3, True), (4, False)):
        envelope = room.make_envelope(ada, b=b)
        if not allowed:
            assert (await refuse(world, ada, envelope))["code"] == "FORBIDDEN"
            continue
        event = await scenes.send(world, room, ada, envelope)
        row = await admin.fetchrow(
            "SELECT accepted_at, expires_at FROM event WHERE space_id = $1 AND seq = $2",
            UUID(bytes=room.space),
            event["seq"],
        )
        assert row is not None
        assert row["expires_at"] - row["accepted_at"] == {1: timedelta(hours=1), 3: timedelta(days=1)}[b]
    short = room.make_envelope(ada, b=1)
    await scenes.send(world, room, ada, short)
    longer = room.make_envelope(ada, message("x"), Kind.EDIT, ref=short.header.id, b=2)
    assert (await refuse(world, ada, longer))["code"] == "FORBIDDEN"
    await admin.execute("UPDATE event SET body = NULL WHERE space_id = $1 AND kind = 1", UUID(bytes=room.space))
    gone = room.make_envelope(ada, message("x"), Kind.EDIT, ref=short.header.id, b=1)
    assert (await refuse(world, ada, gone))["code"] == "FORBIDDEN"


async def test_without_a_removed_members_rights(world: World) -> None:
    ada, bob = [await world.join(name) for name in ("ada", "bob")]
    room = await scenes.create(world, ada, [bob])
    early = room.make_envelope(bob)
    first = await scenes.send(world, room, bob, early)
    late = room.make_envelope(bob)
    await scenes.change(world, room, ada, room.make_remove(ada, bob))
    assert (await refuse(world, bob, late))["code"] == "NOT_FOUND"
    assert await world.mutate("sendMessage", {"envelope": b64(early.data)}, bob) == first


async def test_sending_takes_four_round_trips(world: World, statements: list[str]) -> None:
    ada = await world.join("ada")
    room: Room = await scenes.create(world, ada, [])
    statements.clear()
    await scenes.send(world, room, ada)
    heads = [" ".join(statement.split())[:24] for statement in statements]
    assert len(heads) == 4, heads
    assert heads[0].startswith("BEGIN")
    assert heads[-1] == "COMMIT"
