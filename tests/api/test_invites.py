"""Invites: who may make them, for whom, and what their holder sees."""

from __future__ import annotations

import os
from hashlib import sha256
from typing import Any

import pytest

from tests.support.actors import b64
from tests.support.client import Http
from tests.support.server import RunningServer, invite

PREVIEW = "query($t: Base64Bytes!) { invite(token: $t) { role inviter { handle } } }"


async def create(http: Http, **changes: Any) -> dict[str, Any]:
    value = {"tokenHash": b64(os.urandom(32)), "expiresInHours": 24, **changes}
    return await http.mutate("createInvite", "invite { id role }", "CreateInviteInput", value)


def code(payload: dict[str, Any]) -> str | None:
    return payload["errors"][0]["code"] if payload["errors"] else None


async def test_the_owner_invites_members_and_admins_and_admins_members(server: RunningServer) -> None:
    _, owner = await server.owner()
    _, admin = await server.member(owner, role="ADMIN")
    _, member = await server.member(admin)
    roles = ("MEMBER", "ADMIN", "OWNER")
    assert [code(await create(owner, role=role)) for role in roles] == [None, None, "FORBIDDEN"]
    assert [code(await create(admin, role=role)) for role in roles] == [None, "FORBIDDEN", "FORBIDDEN"]
    assert [code(await create(member, role=role)) for role in roles] == ["FORBIDDEN"] * 3
    assert (await create(owner))["invite"]["role"] == "MEMBER"


@pytest.mark.parametrize(
    "changes",
    [{"tokenHash": b64(b"short")}, {"expiresInHours": 0}, {"expiresInHours": 721}, {"expiresInHours": -(2**31)}],
)
async def test_inputs_have_bounds(server: RunningServer, changes: dict[str, Any]) -> None:
    _, owner = await server.owner()
    assert code(await create(owner, **changes)) == "INVALID"


async def test_a_token_is_invited_with_once(server: RunningServer) -> None:
    _, owner = await server.owner()
    same = {"tokenHash": b64(os.urandom(32))}
    assert code(await create(owner, **same)) is None
    assert code(await create(owner, **same)) == "ID_TAKEN"


async def test_without_a_session_nobody_invites(server: RunningServer) -> None:
    query = "mutation($h: Base64Bytes!) { createInvite(input: {tokenHash: $h, expiresInHours: 1}) { errors { code } } }"
    assert await server.http().codes(query, {"h": b64(bytes(32))}) == ["UNAUTHENTICATED"]


async def test_taking_an_invite_back_ends_it(server: RunningServer) -> None:
    _, owner = await server.owner()
    _, admin = await server.member(owner, role="ADMIN")
    token = os.urandom(16)
    made = await invite(owner, token)
    assert (await server.http().data(PREVIEW, {"t": b64(token)}))["invite"]["role"] == "MEMBER"
    value = {"inviteId": made["invite"]["id"]}
    foreign = await admin.mutate("revokeInvite", "invite { revokedAt }", "RevokeInviteInput", value)
    assert code(foreign) == "NOT_FOUND"
    payload = await owner.mutate("revokeInvite", "invite { revokedAt }", "RevokeInviteInput", value)
    assert code(payload) is None
    assert payload["invite"]["revokedAt"] is not None
    assert await server.http().data(PREVIEW, {"t": b64(token)}) == {"invite": None}
    assert (
        code(await owner.mutate("revokeInvite", "invite { id }", "RevokeInviteInput", {"inviteId": "x"})) == "NOT_FOUND"
    )


async def test_the_set_up_link_is_previewed_until_it_is_used(server: RunningServer) -> None:
    variables = {"t": b64(server.set_up_token)}
    assert await server.http().data(PREVIEW, variables) == {"invite": {"role": "OWNER", "inviter": None}}
    await server.owner()
    assert await server.http().data(PREVIEW, variables) == {"invite": None}


async def test_guessing_tokens_is_limited(server: RunningServer) -> None:
    http = server.http()
    for _ in range(3):
        assert await http.data(PREVIEW, {"t": b64(os.urandom(16))}) == {"invite": None}
    assert await http.data(PREVIEW, {"t": b64(server.set_up_token)}) != {"invite": None}
    assert [row["count"] for row in await server.fetch("SELECT count FROM attempt")] == [3]
    await server.fetch("UPDATE attempt SET count = 100 RETURNING count")
    assert await http.codes(PREVIEW, {"t": b64(os.urandom(16))}) == ["RATE_LIMITED"]
    rows = await server.fetch("SELECT key FROM attempt")
    assert all(len(row["key"]) == len(sha256(b"").digest()) for row in rows)
