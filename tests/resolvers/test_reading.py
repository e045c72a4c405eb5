"""What queries show: to whom, in pages, of one moment, and with how many statements."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from circle_client.protocol.roster import Policy, Role, SpaceType

from db.engine import Connection
from resolvers.identity_kinds import ServerRole
from resolvers.paging import number_position
from schema.node import encode_id
from tests.support import scenes
from tests.support.actors import Actor
from tests.support.inside import World, code_of
from tests.support.rooms import Room

EVENTS = """query($id: ID!, $first: Int, $last: Int, $after: Cursor, $before: Cursor) { conversation(id: $id) {
  events(first: $first, last: $last, after: $after, before: $before) {
    nodes { seq } edges { cursor node { id } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }"""


async def seqs(world: World, room: Room, actor: Actor, **page: Any) -> list[int]:
    """The numbers of a page of the log."""
    found = await world.ask(EVENTS, {"id": world.id_of(room), **(page or {"first": 100})}, actor)
    return [node["seq"] for node in found["conversation"]["events"]["nodes"]]


async def test_history_begins_with_the_stay_unless_it_is_shared(world: World) -> None:
    ada, bob, eve = [await world.join(name) for name in ("ada", "bob", "eve")]
    room = await scenes.create(world, ada, [bob], policy=Policy(0, shared=False), known=[eve])
    await scenes.send(world, room, ada)
    added = (await scenes.change(world, room, ada, room.make_add(ada, eve)))["seq"]
    sent = (await scenes.send(world, room, ada))["seq"]
    assert await seqs(world, room, eve) == list(range(added, sent + 1))
    assert await seqs(world, room, eve, last=100) == list(range(added, sent + 1))
    assert await seqs(world, room, bob) == list(range(1, sent + 1))
    found = await world.ask(
        "query($id: ID!) { conversation(id: $id) { state { seq } } }", {"id": world.id_of(room)}, eve
    )
    assert found["conversation"]["state"] is None  # the title was set before eve came
    await scenes.change(world, room, ada, room.make_policy(ada, Policy(0, shared=True)))
    assert await seqs(world, room, eve) == list(range(1, room.head.n + 1))


async def test_between_two_stays_there_is_nothing_to_read(world: World) -> None:
    ada, bob = [await world.join(name) for name in ("ada", "bob")]
    room = await scenes.create(world, ada, [bob], policy=Policy(0, shared=False))
    await scenes.change(world, room, ada, room.make_remove(ada, bob))
    left = room.head.n - 1
    await scenes.send(world, room, ada)
    back = (await scenes.change(world, room, ada, room.make_add(ada, bob)))["seq"]
    assert await seqs(world, room, bob) == [*range(1, left + 1), *range(back, room.head.n + 1)]


async def test_who_is_out_sees_what_strangers_see(world: World, admin: Connection) -> None:
    ada, bob, eve = [await world.join(name) for name in ("ada", "bob", "eve")]
    room = await scenes.create(world, ada, [bob])
    event = await scenes.send(world, room, bob)
    await scenes.change(world, room, bob, room.make_remove(bob, bob), renew=False)
    document = """query($id: ID!, $event: ID!, $ids: [ID!]!) {
      conversation(id: $id) { id } node(id: $id) { id } event: node(id: $event) { id }
      nodes(ids: $ids) { id } viewer { conversations(first: 10) { nodes { id } } } }"""
    variables = {"id": world.id_of(room), "event": event["id"], "ids": [world.id_of(room), event["id"]]}
    for outsider in (bob, eve):
        found = await world.ask(document, variables, outsider)
        assert found == {
            "conversation": None,
            "node": None,
            "event": None,
            "nodes": [None, None],
            "viewer": {"conversations": {"nodes": []}},
        }
    found = await world.ask(document, variables, ada)
    assert found["nodes"] == [{"id": world.id_of(room)}, {"id": event["id"]}]


async def test_nobody_reads_without_signing_in(world: World) -> None:
    ada = await world.join("ada")
    room = await scenes.create(world, ada, [])
    for document in (
        "query($id: ID!) { conversation(id: $id) { id } }",
        "query($id: ID!) { node(id: $id) { id } }",
        "query($id: ID!) { nodes(ids: [$id]) { id } }",
    ):
        assert code_of(await world.execute(document, {"id": world.id_of(room)})) == "Unauthenticated"


async def test_pages_of_the_log(world: World) -> None:
    ada = await world.join("ada")
    room = await scenes.create(world, ada, [])
    for _ in range(5):
        await scenes.send(world, room, ada)  # seq 4 to 8
    found = await world.ask(EVENTS, {"id": world.id_of(room), "last": 3}, ada)
    page = found["conversation"]["events"]
    assert [node["seq"] for node in page["nodes"]] == [6, 7, 8]
    assert page["pageInfo"]["hasPreviousPage"]
    assert not page["pageInfo"]["hasNextPage"]
    start, end = page["pageInfo"]["startCursor"], page["pageInfo"]["endCursor"]
    assert [edge["cursor"] for edge in page["edges"]][::2] == [start, end]
    assert await seqs(world, room, ada, last=3, before=start) == [3, 4, 5]
    assert await seqs(world, room, ada, first=2, after=start) == [7, 8]
    assert await seqs(world, room, ada, first=10, after=start, before=end) == [7]
    assert await seqs(world, room, ada, first=10, after=end) == []
    full = (await world.ask(EVENTS, {"id": world.id_of(room), "first": 8}, ada))["conversation"]["events"]["pageInfo"]
    assert not full["hasNextPage"]
    part = (await world.ask(EVENTS, {"id": world.id_of(room), "first": 7}, ada))["conversation"]["events"]["pageInfo"]
    assert part["hasNextPage"]


async def test_a_page_must_be_asked_for_within_its_bounds(world: World) -> None:
    ada = await world.join("ada")
    room = await scenes.create(world, ada, [])
    for page in (
        {},
        {"first": 0},
        {"first": 101},
        {"last": -1},
        {"first": 1, "last": 1},
        {"first": 1, "after": "x"},
        {"first": 1, "after": "AAAA"},
        {"last": 1, "before": "*"},
    ):
        result = await world.execute(EVENTS, {"id": world.id_of(room), **page}, ada)
        assert code_of(result) == "INVALID", page


async def test_conversations_by_activity(world: World) -> None:
    ada, bob = [await world.join(name) for name in ("ada", "bob")]
    rooms = [await scenes.create(world, ada, [bob]) for _ in range(4)]
    await scenes.send(world, rooms[1], bob)
    order = [world.id_of(rooms[index]) for index in (1, 3, 2, 0)]
    document = """query($first: Int, $last: Int, $after: Cursor, $before: Cursor) { viewer {
      conversations(first: $first, last: $last, after: $after, before: $before) {
        nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }"""

    async def page(**variables: Any) -> tuple[list[str], dict[str, Any]]:
        found = (await world.ask(document, variables, ada))["viewer"]["conversations"]
        return [node["id"] for node in found["nodes"]], found["pageInfo"]

    assert (await page(first=10))[0] == order
    ids, info = await page(first=3)
    assert (ids, info["hasNextPage"]) == (order[:3], True)
    assert (await page(first=3, after=info["endCursor"]))[0] == order[3:]
    ids, info = await page(last=2)
    assert (ids, info["hasPreviousPage"]) == (order[2:], True)
    assert (await page(last=2, before=info["startCursor"]))[0] == order[:2]
    result = await world.execute(document, {"first": 1, "after": "A" * 32}, ada)
    assert result.errors is None or code_of(result) == "INVALID"


async def test_members_in_pages(world: World) -> None:
    people = [await world.join(f"m{number}") for number in range(5)]
    room = await scenes.create(world, people[0], people[1:])
    order = [encode_id("Member", actor.id) for actor in sorted(people, key=lambda actor: actor.member)]
    document = """query($id: ID!, $first: Int, $last: Int, $after: Cursor) { conversation(id: $id) {
      members(first: $first, last: $last, after: $after) { nodes { member { id } role identity joinedSeq }
      pageInfo { endCursor hasNextPage } } } }"""
    found = await world.ask(document, {"id": world.id_of(room), "first": 3}, people[2])
    page = found["conversation"]["members"]
    assert [node["member"]["id"] for node in page["nodes"]] == order[:3]
    after = page["pageInfo"]["endCursor"]
    found = await world.ask(document, {"id": world.id_of(room), "first": 3, "after": after}, people[2])
    assert [node["member"]["id"] for node in found["conversation"]["members"]["nodes"]] == order[3:]


async def test_the_account_space(world: World) -> None:
    ada = await world.join("ada", ServerRole.OWNER)
    found = await world.ask(
        """{ viewer { account { __typename id protocolId head headHash rosterLinks(first: 5) { nodes { number } }
          events(first: 5) { nodes { __typename seq space { __typename id } } } } } }""",
        {},
        ada,
    )
    account = found["viewer"]["account"]
    assert account["head"] == 1
    assert account["rosterLinks"]["nodes"] == [{"number": 0}]
    space = {"__typename": "Account", "id": account["id"]}
    assert account["events"]["nodes"] == [{"__typename": "RosterEvent", "seq": 1, "space": space}]
    again = await world.ask("query($id: ID!) { node(id: $id) { __typename id } conversation(id: $id) { id } }", {
        "id": account["id"]
    }, ada)  # fmt: skip
    assert again == {"node": space, "conversation": None}
    assert encode_id("Account", UUID(bytes=ada.account)) == account["id"]


async def test_a_query_reads_one_moment_with_few_statements(world: World, statements: list[str]) -> None:
    ada, bob, eve = [await world.join(name) for name in ("ada", "bob", "eve")]
    rooms = [
        await scenes.create(world, ada, {bob: Role.OWNER}, SpaceType.DIRECT),
        *[await scenes.create(world, ada, [bob, eve]) for _ in range(6)],
    ]
    for room in rooms:
        await scenes.send(world, room, bob)
    document = """query($first: Int!) { viewer { conversations(first: $first) { nodes {
      id type head headHash viewerRole epochDue rosterNumber
      currentEpoch { number seal grants { id giver { handle } } } state { seq envelope space { id } }
      members(first: 8) { nodes { role member { handle } } pageInfo { hasNextPage } }
      events(last: 2) { nodes { seq } } epochs(last: 1) { nodes { number } } rosterLinks(first: 2) { nodes { number } }
    } } } }"""
    members = """query($id: ID!, $first: Int!) { conversation(id: $id) { members(first: $first) { nodes { role member {
      handle chain(first: 10) { nodes { number body } } key { generation body } devices { id name } } } } } }"""

    async def count(first: int) -> int:
        statements.clear()
        found = await world.ask(document, {"first": first}, ada)
        assert len(found["viewer"]["conversations"]["nodes"]) == first
        assert sum(statement.startswith("BEGIN") for statement in statements) == 1
        return len(statements)

    few = await count(1)
    assert await count(7) == few  # no query in a loop
    assert few <= 12
    counts = []
    for first in (1, 3):
        statements.clear()
        await world.ask(members, {"id": world.id_of(rooms[1]), "first": first}, ada)
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 9


async def test_pages_of_several_conversations_at_once_are_those_of_each_one(world: World) -> None:
    ada, bob, eve = [await world.join(name) for name in ("ada", "bob", "eve")]
    rooms = [await scenes.create(world, ada, [bob], policy=Policy(0, shared=n == 0), known=[eve]) for n in range(3)]
    for room in rooms[:2]:
        await scenes.send(world, room, bob)
        await scenes.change(world, room, ada, room.make_add(ada, eve))
        await scenes.send(world, room, eve)
    lists = """ first: events(first: 2) { nodes { seq } pageInfo { hasNextPage hasPreviousPage } }
      all: events(first: 100) { nodes { seq } pageInfo { hasNextPage hasPreviousPage } }
      newest: events(last: 2) { nodes { seq } pageInfo { hasNextPage hasPreviousPage } }
      after: events(first: 2, after: $five) { nodes { seq } pageInfo { hasNextPage hasPreviousPage } }
      epochs(first: 1) { nodes { number } pageInfo { hasNextPage hasPreviousPage } }
      newestEpoch: epochs(last: 1) { nodes { number } pageInfo { hasNextPage hasPreviousPage } }
      rosterLinks(last: 1) { nodes { number } pageInfo { hasNextPage hasPreviousPage } }
      members(first: 2) { nodes { identity } pageInfo { hasNextPage hasPreviousPage } } """
    five = number_position(5)
    alone = f"query($five: Cursor, $id: ID!) {{ conversation(id: $id) {{ id {lists} }} }}"
    together = f"query($five: Cursor) {{ viewer {{ conversations(first: 10) {{ nodes {{ id {lists} }} }} }} }}"
    for reader, count in ((ada, 3), (bob, 3), (eve, 2)):
        found = (await world.ask(together, {"five": five}, reader))["viewer"]["conversations"]["nodes"]
        assert len(found) == count
        for node in found:
            assert node == (await world.ask(alone, {"five": five, "id": node["id"]}, reader))["conversation"]

    # A cursor of another list spoils the field that it stands at, and no other.
    broken = "query($id: ID!) { conversation(id: $id) { good: events(first: 1) { nodes { seq } } bad: %s } }"
    for field in ("events", "epochs", "rosterLinks", "members"):
        document = broken % f'{field}(first: 1, after: "AAAA") {{ pageInfo {{ hasNextPage }} }}'
        result = await world.execute(document, {"id": world.id_of(rooms[0])}, ada)
        assert code_of(result) == "INVALID", field
        assert [error.path[-1] for error in result.errors or [] if error.path] == ["bad"], field


async def test_an_event_knows_its_space_without_a_query(world: World, statements: list[str]) -> None:
    ada = await world.join("ada")
    room = await scenes.create(world, ada, [])
    document = "query($id: ID!) { conversation(id: $id) { events(first: 10) { nodes { seq %s } } } }"
    counts = []
    for more in ("", "space { id protocolId __typename }"):
        statements.clear()
        await world.ask(document % more, {"id": world.id_of(room)}, ada)
        counts.append(len(statements))
    assert counts[0] == counts[1]
