"""A revoked device: its sockets close at once, its token is answered with the signed proof, and nothing else is."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from circle_client.protocol.linking import link_id, new_link_key
from circle_client.protocol.member import LinkKind, decode_member_link
from circle_client.protocol.member_key import RECOVERY_DEVICE, make_device_seal
from circle_client.protocol.primitives import random_bytes

from tests.support.actors import Actor, b64, milliseconds, unb64
from tests.support.client import websocket
from tests.support.devices import Newcomer, after_link, revoke, turn
from tests.support.server import RunningServer

ME = "{ viewer { device { protocolId } member { handle } } }"
EVENTS = "subscription { events { ... on CaughtUp { cursor } __typename } }"


def now() -> int:
    return milliseconds(datetime.now(UTC))


async def sign_in(server: RunningServer, person: Actor) -> str:
    value = {"handle": person.handle, "authKey": b64(person.auth_key), "session": "BEARER", "label": "phone"}
    payload = await server.http().mutate("signIn", "token", "SignInInput", value)
    token: str = payload["token"]
    return token


def newcomer_of(person: Actor) -> Newcomer:
    client = replace(person, device=random_bytes(16), dk_seed=random_bytes(32), sk_seed=random_bytes(32))
    seal = make_device_seal(client.member, client.device, 1, client.sk, client.dk_seed, now())
    return Newcomer(client, new_link_key(), seal)


async def link(server: RunningServer, person: Actor, http: Any) -> tuple[Newcomer, str]:
    """A second device by offer and answer, and its session's token."""
    newcomer, token = newcomer_of(person), await sign_in(server, person)
    offer = await server.http(token).mutate(
        "offerDevice", "offer { linkId }", "OfferDeviceInput", newcomer.offer_input()
    )
    assert offer["errors"] == []
    input_ = newcomer.answer_input(person, now())
    answer = await http.mutate("answerDevice", "device { id }", "AnswerDeviceInput", input_)
    assert answer["errors"] == []
    newcomer.came_in(person, state=after_link(person.state, input_["link"]))
    return newcomer, token


async def test_the_session_and_its_open_socket_sign_as_the_device_at_once(server: RunningServer) -> None:
    person, http = await server.owner()
    newcomer, token = newcomer_of(person), await sign_in(server, person)
    other = server.http(token)
    async with websocket(server.url) as socket:
        await socket.start(token)
        assert (await socket.run(ME))["data"]["viewer"]["device"] is None
        offered = await other.mutate("offerDevice", "offer { linkId }", "OfferDeviceInput", newcomer.offer_input())
        assert offered["errors"] == []
        query = "query($id: Base64Bytes!) { viewer { deviceOffer(linkId: $id) { answer } } }"
        seen = await other.data(query, {"id": b64(link_id(newcomer.key))})
        assert seen["viewer"]["deviceOffer"] == {"answer": None}
        answer = await http.mutate(
            "answerDevice", "device { id }", "AnswerDeviceInput", newcomer.answer_input(person, now())
        )
        assert answer["errors"] == []
        expected = {"protocolId": b64(newcomer.client.device)}
        assert (await other.data(ME))["viewer"]["device"] == expected
        assert (await socket.run(ME))["data"]["viewer"]["device"] == expected


async def test_a_revocation_closes_the_socket_within_a_second_and_is_proven(server: RunningServer) -> None:
    person, http = await server.owner()
    newcomer, token = await link(server, person, http)
    mine = http.raw.headers["authorization"].removeprefix("Bearer ")
    async with websocket(server.url) as ended, websocket(server.url) as stays:
        await ended.start(token)
        await stays.start(mine)
        await ended.say("subscribe", {"query": EVENTS}, "1")
        assert (await ended.hear())["type"] == "next"
        made = turn(person, now=now(), link=revoke(person, newcomer.client.device, now()))
        done = await http.mutate("rotateMemberKey", "key { generation }", "RotateMemberKeyInput", made.input)
        assert done == {"key": {"generation": 2}, "errors": []}
        async with asyncio.timeout(1):
            (error,) = (await ended.hear())["payload"]
            assert error["extensions"] == {"code": "UNAUTHENTICATED", "reason": "DEVICE_REVOKED"}
            assert await ended.closed() == 4403
        assert (await stays.run(ME))["data"]["viewer"] is not None

    answer = await server.http(token).send(ME)
    assert answer.status_code == 401
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == "DEVICE_REVOKED"
    signed = error["extensions"]["link"]
    proof = decode_member_link(unb64(signed["body"]))
    assert (proof.kind, proof.device) == (LinkKind.DEVICE_REVOKE, newcomer.client.device)
    assert signed == made.input["link"] | {"cosignature": None}
    assert after_link(person.state, {"body": signed["body"], "signature": signed["signature"]}) == made.state
    assert RECOVERY_DEVICE not in made.state.devices


async def test_a_browser_is_told_once_and_can_sign_in_again(server: RunningServer) -> None:
    person, http = await server.owner()
    newcomer, _ = await link(server, person, http)
    browser = server.http()
    value = {
        "handle": person.handle, "authKey": b64(person.auth_key), "session": "COOKIE", "label": "",
        "device": b64(newcomer.client.device),
    }  # fmt: skip
    assert (await browser.mutate("signIn", "token", "SignInInput", value))["errors"] == []
    assert (await browser.data(ME))["viewer"]["device"] is not None
    made = turn(person, now=now(), link=revoke(person, newcomer.client.device, now()))
    assert (await http.mutate("rotateMemberKey", "key { generation }", "RotateMemberKeyInput", made.input))[
        "errors"
    ] == []
    told = await browser.send(ME)
    assert told.json()["errors"][0]["extensions"]["code"] == "DEVICE_REVOKED"
    assert "Max-Age=0" in told.headers["set-cookie"]
    assert (await browser.data(ME))["viewer"] is None
    again = await browser.mutate("signIn", "token", "SignInInput", value)
    assert [error["code"] for error in again["errors"]] == ["STALE_DEVICE"]
    del value["device"]
    assert (await browser.mutate("signIn", "token", "SignInInput", value))["errors"] == []


async def test_other_ends_of_a_session_prove_nothing(server: RunningServer) -> None:
    person, http = await server.owner()
    _, token = await link(server, person, http)
    other = server.http(token)
    await other.mutate("signOut", "signedOut", "SignOutInput", {})
    for dead in (token, b64(random_bytes(32)), "x"):
        answer = await server.http(dead).send(ME)
        assert answer.json()["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}
