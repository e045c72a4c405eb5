"""The directory: members by handle, by search, by protocol id, as nodes."""

from __future__ import annotations

import os
from typing import Any
from uuid import uuid4

import pytest

from tests.support.actors import Actor, b64
from tests.support.server import RunningServer

PAGE = """query($first: Int, $after: Cursor, $last: Int, $before: Cursor, $search: String) {
  members(first: $first, after: $after, last: $last, before: $before, search: $search) {
    edges { cursor node { handle } } nodes { handle }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""


async def people(server: RunningServer, *handles: str) -> Any:
    first, *others = handles
    _, http = await server.owner(Actor.make(handle=first))
    for handle in others:
        await server.member(http, Actor.make(handle=handle, display_name=f"The {handle.title()}"))
    return http


async def test_pages_go_forth_and_back_and_search_finds_parts(server: RunningServer) -> None:
    http = await people(server, "dora", "ada", "cleo", "bob")

    async def page(**arguments: Any) -> tuple[list[str], dict[str, Any]]:
        found = (await http.data(PAGE, arguments))["members"]
        handles = [node["handle"] for node in found["nodes"]]
        assert handles == [edge["node"]["handle"] for edge in found["edges"]]
        return handles, found["pageInfo"]

    handles, info = await page(first=2)
    assert (handles, info["hasNextPage"], info["hasPreviousPage"]) == (["ada", "bob"], True, False)
    handles, info = await page(first=2, after=info["endCursor"])
    assert (handles, info["hasNextPage"], info["hasPreviousPage"]) == (["cleo", "dora"], False, True)
    handles, info = await page(last=1, before=info["startCursor"])
    assert (handles, info["hasNextPage"], info["hasPreviousPage"]) == (["bob"], True, True)
    assert (await page(first=10, search="THE b"))[0] == ["bob"]
    assert (await page(first=10, search="d"))[0] == ["ada", "dora"]
    assert (await page(first=10, search="%"))[0] == []


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"first": 0},
        {"first": 101},
        {"first": -1},
        {"last": 101},
        {"first": 1, "last": 1},
        {"first": 1, "after": "x"},
    ],
)
async def test_a_page_has_bounds(server: RunningServer, arguments: dict[str, Any]) -> None:
    _, http = await server.owner()
    assert await http.codes(PAGE, arguments) == ["INVALID"]


async def test_members_by_protocol_id_come_in_order_with_gaps(server: RunningServer) -> None:
    ada, http = await server.owner()
    bob, _ = await server.member(http)
    query = "query($ids: [Base64Bytes!]!) { membersByProtocolId(protocolIds: $ids) { handle devices { name } } }"
    ids = [bob.member, uuid4().bytes, b"short", ada.member, bob.member]
    found = (await http.data(query, {"ids": [b64(id) for id in ids]}))["membersByProtocolId"]
    assert [member and member["handle"] for member in found] == [bob.handle, None, None, ada.handle, bob.handle]
    assert await http.codes(query, {"ids": [b64(os.urandom(16))] * 101}) == ["INVALID"]


async def test_a_member_is_a_node_for_members_alone(server: RunningServer) -> None:
    ada, http = await server.owner()
    bob, bobs = await server.member(http)
    query = "query($id: ID!) { node(id: $id) { id ... on Member { handle key { generation } devices { id } } } }"
    id = (await http.data("{ viewer { member { id } } }"))["viewer"]["member"]["id"]
    node = (await bobs.data(query, {"id": id}))["node"]
    assert (node["handle"], node["key"]["generation"], len(node["devices"])) == (ada.handle, 1, 1)
    device = "query($id: ID!) { node(id: $id) { ... on Device { protocolId } } }"
    assert (await bobs.data(device, node["devices"][0]))["node"]["protocolId"] == b64(ada.device)
    assert await server.http().codes(query, {"id": id}) == ["UNAUTHENTICATED"]
    assert bob.handle != ada.handle


async def test_a_page_of_members_costs_the_same_few_queries_for_one_as_for_many(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, http = await server.owner()
    for _ in range(4):
        await server.member(http)
    from db.transaction import Raw

    asked: list[str] = []
    fetch = Raw.fetch

    async def counted(self: Raw, query: str, *args: object) -> Any:
        asked.append(query)
        return await fetch(self, query, *args)

    monkeypatch.setattr(Raw, "fetch", counted)
    query = "query($n: Int!) { members(first: $n) { nodes { key { generation } devices { name } } } }"
    await http.data(query, {"n": 1})
    one = len(asked)
    asked.clear()
    await http.data(query, {"n": 5})
    assert len(asked) == one
