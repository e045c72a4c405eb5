"""A member gathers every id and cursor that there is, and asks with them for everything: nothing of others comes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from circle_client.protocol.roster import Policy

from db.engine import Connection
from tests.resolvers.test_streams import streaming
from tests.support import scenes
from tests.support.actors import Actor, b64
from tests.support.inside import World

SPACE = """id protocolId head
  events(first: 50) { nodes { id seq item logHash
    ... on EnvelopeEvent { envelope } ... on RosterEvent { body } ... on EpochEvent { announcement } } }
  rosterLinks(first: 20) { nodes { number body } }"""
CONVERSATION = f"""... on Conversation {{ {SPACE} type lifetimeClass history viewerRole rosterHash epochDue
  members(first: 20) {{ nodes {{ identity member {{ id }} }} }}
  currentEpoch {{ number seal recipients grants {{ id grant }} }}
  first: epoch(number: 1) {{ number seal announcement }} second: epoch(number: 2) {{ seal }}
  state {{ id seq envelope }} }}"""
NODES = f"""query($ids: [ID!]!) {{ nodes(ids: $ids) {{ __typename id
  {CONVERSATION}
  ... on Account {{ {SPACE} }}
  ... on Event {{ seq item space {{ id }} }}
  ... on EnvelopeEvent {{ envelope }} ... on RosterEvent {{ body signature }} ... on EpochEvent {{ announcement }}
  ... on Session {{ label createdAt lastSeenAt }} ... on Invite {{ mac tokenHash usedBy {{ id }} }} }} }}"""
MINE = f"""{{ viewer {{
  account {{ {SPACE} }} sessions(first: 20) {{ nodes {{ id label }} pageInfo {{ endCursor }} }}
  invites(first: 20) {{ nodes {{ id tokenHash }} pageInfo {{ endCursor }} }} keyBox {{ box }}
  conversations(first: 20) {{ nodes {{ {CONVERSATION} }}
    pageInfo {{ endCursor }} }} }} }}"""
INVITE = """mutation($input: CreateInviteInput!) { createInvite(input: $input) { invite { id } errors { code } } }"""


def texts(value: Any) -> Iterator[tuple[str, str]]:
    """Every text in an answer, with the name of its field."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from [(name, inner)] if isinstance(inner, str) else texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


async def asked_one_by_one(world: World, ids: list[str], actor: Actor) -> list[Any]:
    """What each id leads to; one at a time, so that a refused field hides nothing of another."""
    return [(await world.execute(NODES, {"ids": [id]}, actor)).data for id in ids]


async def test_with_all_ids_of_others_one_sees_nothing_of_theirs(world: World, admin: Connection) -> None:
    ada, bob, eve = [await world.join(name) for name in ("ada", "bob", "eve")]
    await admin.execute("UPDATE member SET role = 2 WHERE handle = 'ada'")
    value = {"tokenHash": b64(bytes(range(32))), "expiresInHours": 1, "role": "MEMBER"}
    made = await world.ask(INVITE, {"input": value}, ada)
    assert made["createInvite"]["errors"] == []
    room = await scenes.create(world, ada, [bob], policy=Policy(0, shared=False), known=[eve])
    await scenes.send(world, room, bob)
    theirs = [await world.ask(MINE, actor=actor) for actor in (ada, bob)]
    ids = sorted({text for answer in theirs for name, text in texts(answer) if name == "id"})
    own = [answer["nodes"][0] for answer in await asked_one_by_one(world, ids, ada) if answer is not None]
    assert {node and node["__typename"] for node in own} >= {None, "Conversation", "Session", "Invite", "EnvelopeEvent"}
    secret = {
        text
        for answer in theirs
        for name, text in texts(answer)
        if name in {"envelope", "seal", "body", "announcement", "item", "logHash", "box", "tokenHash", "label"}
    }
    found = await asked_one_by_one(world, ids, eve)
    seen = {text for answer in found for _, text in texts(answer)}
    assert not seen & secret
    assert all(
        node is None or node["__typename"] in {"Member", "Device"}
        for answer in found
        if answer is not None
        for node in answer["nodes"]
    )
    # Let in later, without shared history: from the own add on, and no seal of before.
    await scenes.change(world, room, ada, room.make_add(ada, eve))
    earlier = {text for answer in theirs for name, text in texts(answer) if name in {"envelope", "seal"}}
    assert earlier
    seen = {text for answer in await asked_one_by_one(world, ids, eve) for _, text in texts(answer)}
    assert not seen & earlier
    assert room.head.n > 4
    # And let out again: nothing at all.
    ids += [text for name, text in texts(await world.ask(MINE, actor=eve)) if name == "id"]
    account = {text for _, text in texts((await world.ask(MINE, actor=eve))["viewer"]["account"])}
    await scenes.change(world, room, ada, room.make_remove(ada, eve))
    await scenes.send(world, room, ada)
    after = json.dumps(await asked_one_by_one(world, [id for id in ids if id not in account], eve))
    assert '"__typename": "Conversation"' not in after
    late = {text for name, text in texts(await world.ask(MINE, actor=ada)) if name in {"envelope", "seal"}}
    assert not any(text in after for text in late)


async def test_cursors_of_others_open_nothing(world: World) -> None:
    ada, bob, eve = [await world.join(name) for name in ("ada", "bob", "eve")]
    async with streaming(world, ada) as stream:
        start = await stream.caught_up()
    room = await scenes.create(world, ada, [bob])
    await scenes.send(world, room, bob)
    async with streaming(world, ada, start) as stream:
        assert (await stream.event())["seq"] == 1
    # Eve replays ada's cursor: where ada has a backlog, eve has nothing.
    async with streaming(world, eve, start) as stream:
        await stream.caught_up()
    pages = "query($after: Cursor) { viewer { %s(first: 20, after: $after) { nodes { id } } } }"
    answer = (await world.ask(MINE, actor=ada))["viewer"]
    for field in ("sessions", "conversations"):
        cursor = answer[field]["pageInfo"]["endCursor"]
        theirs = {node["id"] for node in answer[field]["nodes"]}
        found = (await world.ask(pages % field, {"after": cursor}, eve))["viewer"][field]["nodes"]
        assert not {node["id"] for node in found} & theirs
