"""Conversations: made, changed, left."""

from __future__ import annotations

from circle_client.protocol.roster import Role

from tests.support import scenes
from tests.support.inside import World


async def test_a_group_is_made_and_written_in(world: World) -> None:
    ada, bob = await world.join("ada"), await world.join("bob")
    room = await scenes.create(world, ada, [bob])
    event = await scenes.send(world, room, bob)
    assert event["seq"] == 4
    assert event["space"]["id"] == world.id_of(room)
    found = await world.ask(
        """query($id: ID!) { conversation(id: $id) { id type viewerRole head headHash rosterNumber epochDue
          lifetimeClass history currentEpoch { number seal recipients } state { seq envelope }
          members(first: 10) { nodes { role member { handle } joinedSeq } }
          rosterLinks(first: 10) { nodes { number } }
          events(last: 10) { nodes { __typename seq } } } }""",
        {"id": world.id_of(room)},
        bob,
    )
    conversation = found["conversation"]
    assert conversation["head"] == 4
    assert conversation["viewerRole"] == "WRITER"
    assert conversation["currentEpoch"]["number"] == 1
    assert [node["__typename"] for node in conversation["events"]["nodes"]] == [
        "RosterEvent", "EpochEvent", "EnvelopeEvent", "EnvelopeEvent",
    ]  # fmt: skip
    assert conversation["state"]["seq"] == 3


async def test_members_come_and_go(world: World) -> None:
    ada, bob, eve = await world.join("ada"), await world.join("bob"), await world.join("eve")
    room = await scenes.create(world, ada, [bob], known=[eve])
    await scenes.change(world, room, ada, room.make_add(ada, eve))
    await scenes.send(world, room, eve)
    await scenes.change(world, room, ada, room.make_role(ada, eve, Role.READER))
    await scenes.change(world, room, eve, room.make_remove(eve, eve), renew=False)
    await scenes.announce(world, room, bob)
    await scenes.send(world, room, bob)
