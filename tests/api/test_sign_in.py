"""Signing in, sessions, and too many tries."""

from __future__ import annotations

import asyncio
import os
from typing import Any
from uuid import uuid4

from tests.support.actors import Actor, b64, unb64
from tests.support.client import Http
from tests.support.server import RunningServer

SELECTION = "token viewer { device { protocolId } member { handle } session { kind label } }"


async def sign_in(http: Http, person: Actor, **changes: Any) -> dict[str, Any]:
    value = {"handle": person.handle, "authKey": b64(person.auth_key), "session": "BEARER", "label": "A script"}
    return await http.mutate("signIn", SELECTION, "SignInInput", {**value, **changes})


async def test_the_right_password_opens_a_session(server: RunningServer) -> None:
    person, _ = await server.owner()
    payload = await sign_in(server.http(), person, handle=f" {person.handle.upper()} ", device=b64(person.device))
    assert payload["errors"] == []
    assert payload["viewer"]["device"]["protocolId"] == b64(person.device)
    assert payload["viewer"]["session"] == {"kind": "BEARER", "label": "A script"}
    me = await server.http(payload["token"]).data("{ viewer { member { handle } keyBox { generation } } }")
    assert me["viewer"] == {"member": {"handle": person.handle}, "keyBox": {"generation": 1}}


async def test_without_device_there_is_no_box(server: RunningServer) -> None:
    person, _ = await server.owner()
    payload = await sign_in(server.http(), person)
    me = await server.http(payload["token"]).data("{ viewer { device { id } keyBox { generation } } }")
    assert me == {"viewer": {"device": None, "keyBox": None}}


async def test_wrong_password_and_unknown_handle_are_told_alike(server: RunningServer) -> None:
    person, _ = await server.owner()
    wrong = await sign_in(server.http(), person, authKey=b64(os.urandom(32)))
    unknown = await sign_in(server.http(), Actor.make(handle="nobody"))
    assert wrong == unknown
    assert wrong["errors"][0]["code"] == "WRONG_PASSWORD"


async def test_a_device_must_be_an_active_one_of_this_member(server: RunningServer) -> None:
    person, http = await server.owner()
    other, _ = await server.member(http)
    for device in (uuid4().bytes, other.device, b"short", b""):
        payload = await sign_in(server.http(), person, device=b64(device))
        assert payload["errors"][0]["code"] == "STALE_DEVICE"
    await server.fetch("UPDATE device SET active = false RETURNING id")
    assert (await sign_in(server.http(), person, device=b64(person.device)))["errors"][0]["code"] == "STALE_DEVICE"
    async with asyncio.timeout(1):  # a session ends with its device; found out at the latest after a second
        while (await http.send("{ viewer { session { id } } }")).status_code != 401:  # noqa: ASYNC110 - over HTTP
            await asyncio.sleep(0.05)


async def test_too_many_tries_are_refused_for_known_and_unknown_handles_alike(server: RunningServer) -> None:
    person, _ = await server.owner()
    for handle in (person.handle, "nobody"):
        for _ in range(10):
            payload = await sign_in(server.http(), person, handle=handle, authKey=b64(os.urandom(32)))
            assert payload["errors"][0]["code"] == "WRONG_PASSWORD"
        payload = await sign_in(server.http(), person, handle=handle)
        (error,) = payload["errors"]
        assert error["code"] == "RATE_LIMITED"
        assert 0 < error["retryAfter"] <= 900
    await server.fetch("UPDATE attempt SET started_at = started_at - interval '15 minutes' RETURNING count")
    assert (await sign_in(server.http(), person))["errors"] == []


async def test_signing_in_often_is_no_crime(server: RunningServer) -> None:
    person, _ = await server.owner()
    for _ in range(15):
        assert (await sign_in(server.http(), person))["errors"] == []


async def test_an_address_has_its_own_limit(server: RunningServer) -> None:
    person, _ = await server.owner()
    await server.fetch("DELETE FROM attempt RETURNING 1")
    await sign_in(server.http(), person, authKey=b64(os.urandom(32)))
    await server.fetch("UPDATE attempt SET count = 100 RETURNING 1")
    assert (await sign_in(server.http(), Actor.make(handle="other")))["errors"][0]["code"] == "RATE_LIMITED"


async def test_password_parameters_are_stable_and_tell_nothing(server: RunningServer) -> None:
    person, _ = await server.owner()
    query = "query($h: String!) { passwordParameters(handle: $h) { salt memoryKib iterations lanes } }"

    async def ask(handle: str) -> dict[str, Any]:
        found: dict[str, Any] = (await server.http().data(query, {"h": handle}))["passwordParameters"]
        return found

    known, unknown = await ask(person.handle), await ask("nobody")
    assert (
        {**known, "salt": ""}
        == {**unknown, "salt": ""}
        == {
            "salt": "",
            "memoryKib": 65536,
            "iterations": 3,
            "lanes": 1,
        }
    )
    assert known["salt"] != unknown["salt"]
    assert await ask(person.handle.upper()) == known
    assert await ask("nobody") == unknown
    assert (await server.fetch("SELECT salt FROM credential"))[0]["salt"] == unb64(known["salt"])
    assert await server.http().codes(query, {"h": "no handle"}) == ["HANDLE_INVALID"]
    await server.fetch("UPDATE attempt SET count = 300 RETURNING 1")
    answer = (await server.http().send(query, {"h": "nobody"})).json()
    assert answer["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
    assert answer["errors"][0]["extensions"]["retryAfter"] > 0


async def test_a_cookie_is_for_the_browser_alone(server: RunningServer) -> None:
    person, _ = await server.owner()
    browser = server.http()
    payload = await sign_in(browser, person, session="COOKIE")
    assert payload["token"] is None
    assert payload["viewer"]["session"]["kind"] == "COOKIE"
    answer = await browser.send("{ viewer { member { handle } session { kind } } }")
    assert answer.json()["data"]["viewer"]["session"]["kind"] == "COOKIE"
    again = await browser.send(
        "mutation($i: SignInInput!) { signIn(input: $i) { errors { code } } }",
        {"i": {"handle": person.handle, "authKey": b64(person.auth_key), "session": "COOKIE", "label": ""}},
    )
    flags = {part.strip().partition("=")[0] for part in again.headers["set-cookie"].split(";")}
    assert flags == {"circle_session", "Path", "HttpOnly", "SameSite", "Max-Age"}
    out = await browser.send("mutation { signOut(input: {}) { signedOut errors { code } } }")
    assert out.json()["data"]["signOut"] == {"signedOut": True, "errors": []}
    assert "Max-Age=0" in out.headers["set-cookie"]
    assert (await browser.data("{ viewer { member { id } } }"))["viewer"] is None
    assert (await browser.data("mutation { signOut(input: {}) { signedOut } }"))["signOut"]["signedOut"] is False


async def test_a_stale_cookie_is_nobody_and_a_stale_bearer_is_refused(server: RunningServer) -> None:
    token = b64(os.urandom(32)).rstrip("=").replace("+", "-").replace("/", "_")
    cookie = await server.http().send("{ viewer { member { id } } }", headers={"Cookie": f"circle_session={token}"})
    assert cookie.json() == {"data": {"viewer": None}}
    for value in (f"Bearer {token}", "Bearer", "Basic abc", "Bearer %%%", ""):
        bearer = await server.http().send("{ server { name } }", headers={"Authorization": value})
        assert bearer.status_code == 401
        assert bearer.headers["www-authenticate"] == "Bearer"
        assert bearer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_what_needs_a_session_is_a_401_without(server: RunningServer) -> None:
    answer = await server.http().send("{ members(first: 1) { nodes { id } } }")
    assert (answer.status_code, answer.json()["data"]) == (401, None)
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    legacy = await server.http().send("{ members(first: 1) { nodes { id } } }", headers={"Accept": "application/json"})
    assert legacy.status_code == 200


async def test_sessions_are_listed_and_revoked_by_their_member_alone(server: RunningServer) -> None:
    person, http = await server.owner()
    other, their_http = await server.member(http)
    await sign_in(server.http(), person, label="second")
    query = """query($after: Cursor) { viewer { sessions(first: 1, after: $after) {
        nodes { id label isCurrent } pageInfo { hasNextPage endCursor } } } }"""
    first = (await http.data(query))["viewer"]["sessions"]
    assert [node["label"] for node in first["nodes"]] == ["second"]
    assert first["pageInfo"]["hasNextPage"] is True
    second = (await http.data(query, {"after": first["pageInfo"]["endCursor"]}))["viewer"]["sessions"]
    assert [(node["label"], node["isCurrent"]) for node in second["nodes"]] == [("A test", True)]
    assert second["pageInfo"]["hasNextPage"] is False
    revoke = "mutation($id: ID!) { revokeSession(input: {sessionId: $id}) { session { id } errors { code path } } }"
    target = {"id": first["nodes"][0]["id"]}
    foreign = (await their_http.data(revoke, target))["revokeSession"]
    assert foreign == {"session": None, "errors": [{"code": "NOT_FOUND", "path": ["input", "sessionId"]}]}
    assert (await http.data(revoke, target))["revokeSession"]["errors"] == []
    assert (await http.data(revoke, target))["revokeSession"]["errors"][0]["code"] == "NOT_FOUND"
    node = "query($id: ID!) { node(id: $id) { id } }"
    assert await their_http.data(node, {"id": second["nodes"][0]["id"]}) == {"node": None}
    assert other.handle != person.handle


async def test_the_database_holds_no_token(server: RunningServer) -> None:
    person, _ = await server.owner()
    payload = await sign_in(server.http(), person)
    rows = repr(await server.fetch("SELECT * FROM session"))
    assert payload["token"] not in rows
    assert repr(unb64(payload["token"]))[2:-1] not in rows
