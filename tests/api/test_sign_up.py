"""Signing up: what is refused, with which code, and that a refusal changes nothing."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest
from circle_client.protocol.member_key import seal_member_box
from circle_client.protocol.roster import SpaceType
from circle_client.protocol.structures import Signed

from tests.support.actors import Actor, b64, signed_input, unb64
from tests.support.server import RunningServer, invite

Change = Callable[[Actor], dict[str, Any]]


def flip(text: str) -> str:
    """Other bytes of the same length, as base64."""
    raw = bytearray(unb64(text))
    raw[-1] ^= 1
    return b64(bytes(raw))


def _flipped(structure: Signed) -> dict[str, str]:
    sent = signed_input(structure)
    return {**sent, "signature": flip(sent["signature"])}


def _identity(person: Actor, **changes: str | None) -> dict[str, Any]:
    return {"identity": {**person.sign_up_input(b"")["identity"], **changes}}


def _boxes(person: Actor) -> list[dict[str, str]]:
    boxes: list[dict[str, str]] = person.sign_up_input(b"")["boxes"]
    return boxes


def _other(person: Actor) -> Actor:
    """Someone else's keys under the same member id."""
    return Actor.make(handle=person.handle, member=person.member)


def _short_box(person: Actor) -> str:
    return b64(
        seal_member_box(person.sk, person.member, 1, person.device, 1, sha256(b"").digest(), person.secrets.secret)[:-1]
    )


REFUSED: dict[str, tuple[Change, str]] = {
    "handle too short": (lambda p: {"handle": "a"}, "HANDLE_INVALID"),
    "handle with a space": (lambda p: {"handle": "ada lovelace"}, "HANDLE_INVALID"),
    "handle of another script": (lambda p: {"handle": "аda"}, "HANDLE_INVALID"),
    "handle starting with a point": (lambda p: {"handle": ".ada"}, "HANDLE_INVALID"),
    "handle too long": (lambda p: {"handle": "a" * 33}, "HANDLE_INVALID"),
    "no name": (lambda p: {"displayName": " "}, "INVALID"),
    "a name too long": (lambda p: {"displayName": "x" * 81}, "INVALID"),
    "a name that changes direction": (lambda p: {"displayName": "Ada\u202eLove"}, "INVALID"),
    "no device name": (lambda p: {"deviceName": ""}, "INVALID"),
    "a short auth key": (lambda p: {"authKey": b64(b"short")}, "INVALID"),
    "a mac on a set-up link": (lambda p: {"mac": bytes(32)}, "INVALID"),
    "identity not CBOR": (lambda p: _identity(p, body=b64(b"\xff")), "MALFORMED"),
    "identity cut": (lambda p: _identity(p, body=b64(p.identity_link.body[:-1])), "MALFORMED"),
    "identity with a trailing byte": (lambda p: _identity(p, body=b64(p.identity_link.body + b"\0")), "MALFORMED"),
    "identity too large": (lambda p: _identity(p, body=b64(bytes(70_000))), "MALFORMED"),
    "signature of another": (lambda p: _identity(p, signature=b64(_other(p).identity_link.signature)), "FORBIDDEN"),
    "signature flipped": (lambda p: _identity(p, signature=flip(b64(p.identity_link.signature))), "FORBIDDEN"),
    "signature short": (lambda p: _identity(p, signature=b64(p.identity_link.signature[:-1])), "MALFORMED"),
    "no cosignature": (lambda p: _identity(p, cosignature=None), "FORBIDDEN"),
    "cosignature by DK": (lambda p: _identity(p, cosignature=b64(p.identity_link.signature)), "FORBIDDEN"),
    "device seal of k 2": (lambda p: {"deviceSeal": signed_input(p.device_seal(2))}, "FORBIDDEN"),
    "device seal of another": (lambda p: {"deviceSeal": signed_input(Actor.make().device_seal())}, "FORBIDDEN"),
    "member key of g 2": (lambda p: {"memberKey": signed_input(p.member_key(2))}, "GENERATION_CONFLICT"),
    "member key of g 0": (lambda p: {"memberKey": signed_input(p.member_key(0))}, "GENERATION_CONFLICT"),
    "member key of another chain": (
        lambda p: {"memberKey": signed_input(_other(p).member_key())},
        "GENERATION_CONFLICT",
    ),
    "member key short": (lambda p: {"memberKey": signed_input(p.member_key(key=p.secrets.mk[:-1]))}, "MALFORMED"),
    "member key with coefficients past q": (
        lambda p: {"memberKey": signed_input(p.member_key(key=b"\xff" * 1184 + p.secrets.mk[1184:]))},
        "MALFORMED",
    ),
    "member key with X25519 half 0": (
        lambda p: {"memberKey": signed_input(p.member_key(key=p.secrets.mk[:1184] + bytes(32)))},
        "MALFORMED",
    ),
    "one box": (lambda p: {"boxes": _boxes(p)[:1]}, "REWRAP_INCOMPLETE"),
    "no box": (lambda p: {"boxes": []}, "REWRAP_INCOMPLETE"),
    "three boxes": (lambda p: {"boxes": [*_boxes(p), *_boxes(p)[:1]]}, "MALFORMED"),
    "one box twice": (lambda p: {"boxes": _boxes(p)[:1] * 2}, "FORBIDDEN"),
    "a box for another device": (
        lambda p: {"boxes": [{**_boxes(p)[0], "device": b64(uuid4().bytes)}, _boxes(p)[1]]},
        "FORBIDDEN",
    ),
    "a box of another size": (
        lambda p: {"boxes": [{**_boxes(p)[0], "box": _short_box(p)}, _boxes(p)[1]]},
        "MALFORMED",
    ),
    "account of another": (lambda p: {"account": signed_input(Actor.make().account_link())}, "STALE_DEVICE"),
    "account that is a group": (lambda p: {"account": signed_input(p.account_link(SpaceType.GROUP))}, "FORBIDDEN"),
    "account signature flipped": (
        lambda p: {
            "account": {
                **signed_input(p.account_link()),
                "signature": flip(signed_input(p.account_link())["signature"]),
            }
        },
        "FORBIDDEN",
    ),
}


async def test_every_refusal_has_its_code_and_changes_nothing(server: RunningServer) -> None:
    before = await server.state()
    wrong: dict[str, tuple[object, str]] = {}
    for name, (change, code) in REFUSED.items():
        person = Actor.make()
        payload = await server.sign_up(person, server.set_up_token, **change(person))
        found = payload["errors"][0]["code"] if payload["errors"] else None
        if found != code or payload["viewer"] is not None or payload["token"] is not None:
            wrong[name] = (found, code)
    assert wrong == {}
    assert await server.state() == before
    await server.owner()


@pytest.mark.parametrize("token", [b"", b"short", os.urandom(16), os.urandom(32)])
async def test_an_unknown_invite_is_refused(server: RunningServer, token: bytes) -> None:
    payload = await server.sign_up(Actor.make(), token)
    assert payload["errors"][0]["code"] == "INVITE_UNKNOWN"
    assert payload["errors"][0]["path"] == ["input", "invite"]


async def test_an_invite_is_used_once_and_ends(server: RunningServer) -> None:
    payload = await server.sign_up(Actor.make(handle="ada"), server.set_up_token)
    assert payload["errors"] == []
    http = server.http(payload["token"])
    again = await server.sign_up(Actor.make(), server.set_up_token)
    assert again["errors"][0]["code"] == "INVITE_USED"
    token = os.urandom(16)
    await invite(http, token)
    mac = os.urandom(32)
    taken = await server.sign_up(Actor.make(handle="ADA"), token, mac=mac)
    assert taken["errors"][0]["code"] == "HANDLE_TAKEN"
    assert (await server.sign_up(Actor.make(), token))["errors"][0]["code"] == "INVALID"
    await server.fetch("UPDATE invite SET expires_at = now() WHERE used_at IS NULL RETURNING id")
    assert (await server.sign_up(Actor.make(), token, mac=mac))["errors"][0]["code"] == "INVITE_EXPIRED"
    await server.fetch("UPDATE invite SET expires_at = now() + interval '1 hour' WHERE used_at IS NULL RETURNING id")
    await server.fetch("UPDATE invite SET revoked_at = now() WHERE used_at IS NULL RETURNING id")
    assert (await server.sign_up(Actor.make(), token, mac=mac))["errors"][0]["code"] == "INVITE_EXPIRED"


async def test_ids_and_keys_are_nobody_elses(server: RunningServer) -> None:
    ada, http = await server.owner()
    token = os.urandom(16)
    await invite(http, token)
    mac = os.urandom(32)
    before = await server.state()
    for person, code in (
        (Actor.make(member=ada.member), "ID_TAKEN"),
        (Actor.make(device=ada.device), "ID_TAKEN"),
        (Actor.make(account=ada.account), "ID_TAKEN"),
        (Actor.make(dk_seed=ada.dk_seed), "FORBIDDEN"),
    ):
        payload = await server.sign_up(person, token, mac=mac)
        assert payload["errors"][0]["code"] == code
    assert await server.state() == before


async def test_the_invited_is_a_member_and_the_inviter_sees_who_came(server: RunningServer) -> None:
    ada, http = await server.owner(Actor.make(handle="ada"))
    token, mac = os.urandom(16), os.urandom(32)
    await invite(http, token)
    preview = await server.http().data(
        "query($t: Base64Bytes!) { invite(token: $t) { role inviter { handle displayName protocolId } } }",
        {"t": b64(token)},
    )
    inviter = {"handle": "ada", "displayName": "Ada", "protocolId": b64(ada.member)}
    assert preview == {"invite": {"role": "MEMBER", "inviter": inviter}}
    bob = Actor.make(handle="bob", display_name="  Bob   B ")
    payload = await server.sign_up(bob, token, mac=mac, session="BEARER")
    assert payload["errors"] == []
    me = await server.http(payload["token"]).data("{ viewer { member { role displayName } } }")
    assert me == {"viewer": {"member": {"role": "MEMBER", "displayName": "Bob B"}}}
    seen = await http.data("{ viewer { invites(first: 5) { nodes { mac usedAt usedBy { handle } tokenHash } } } }")
    (node,) = seen["viewer"]["invites"]["nodes"]
    assert (unb64(node["mac"]), node["usedBy"]) == (mac, {"handle": "bob"})
    assert unb64(node["tokenHash"]) == sha256(token).digest()
    assert node["usedAt"] is not None


async def test_what_is_not_public_of_an_inviter_needs_a_session(server: RunningServer) -> None:
    _, http = await server.owner()
    token = os.urandom(16)
    await invite(http, token)
    for field in ("role", "createdAt", "key { body }", "devices { name }", "chain(first: 1) { nodes { body } }"):
        query = f"query($t: Base64Bytes!) {{ invite(token: $t) {{ inviter {{ {field} }} }} }}"
        assert await server.http().codes(query, {"t": b64(token)}) == ["UNAUTHENTICATED"]


async def test_the_server_stores_no_secret_of_the_newcomer(server: RunningServer) -> None:
    person, _ = await server.owner()
    rows = repr(await server.state())
    for secret in (person.secrets.secret, person.auth_key, person.dk_seed, person.sk_seed, person.recovery_key):
        assert repr(secret)[2:-1] not in rows
        assert secret.hex() not in rows


async def test_the_very_same_again_finds_the_account_that_was_made(server: RunningServer) -> None:
    _, http = await server.owner()
    bob, token, mac = Actor.make("bob"), os.urandom(16), os.urandom(32)
    await invite(http, token)
    value = bob.sign_up_input(token, mac)
    selection = "token viewer { member { handle } device { protocolId } }"
    first = await server.http().mutate("signUp", selection, "SignUpInput", value)  # and this answer was lost
    before = await server.state()
    again = await server.http().mutate("signUp", selection, "SignUpInput", value)
    assert again["errors"] == []
    assert (
        again["viewer"] == first["viewer"] == {"member": {"handle": "bob"}, "device": {"protocolId": b64(bob.device)}}
    )
    assert again["token"] != first["token"]
    after = await server.state()
    assert {name for name in after if after[name] != before[name]} <= {"session", "device"}  # device: last seen
    me = await server.http(again["token"]).data("{ viewer { keyBox { generation } } }")
    assert me == {"viewer": {"keyBox": {"generation": 1}}}


async def test_a_used_invite_tells_nothing_about_the_password_that_signing_in_does_not(server: RunningServer) -> None:
    _, http = await server.owner()
    bob, token, mac = Actor.make("bob"), os.urandom(16), os.urandom(32)
    await invite(http, token)
    value = bob.sign_up_input(token, mac)
    assert (await server.http().mutate("signUp", "token", "SignUpInput", value))["errors"] == []

    async def retry(**changes: object) -> str:
        payload = await server.http().mutate("signUp", "token", "SignUpInput", {**value, **changes})
        assert payload["token"] is None
        code: str = payload["errors"][0]["code"]
        return code

    # Whatever else differs is a used invite, and counted nowhere: no password was looked at.
    other = Actor.make("bob", member=bob.member)
    boring = {"identity", "deviceSeal", "memberKey"}
    changed = {name: made for name, made in other.sign_up_input(token, mac).items() if name in boring}
    for change in ({"handle": "eve"}, {"mac": b64(bytes(32))}, *({name: made} for name, made in changed.items())):
        assert await retry(**change) == "INVITE_USED"
    assert [row["count"] for row in await server.fetch("SELECT count FROM attempt WHERE count > 0")] == []
    # Another password is the same refusal, and counts as at sign-in.
    for _ in range(10):
        assert await retry(authKey=b64(os.urandom(32))) == "INVITE_USED"
    assert await retry() == "RATE_LIMITED"
    signing_in = {"handle": "bob", "authKey": b64(bob.auth_key), "session": "BEARER", "label": ""}
    refused = await server.http().mutate("signIn", "token", "SignInInput", signing_in)
    assert refused["errors"][0]["code"] == "RATE_LIMITED"


async def test_the_same_at_the_same_time_makes_one_account(server: RunningServer) -> None:
    ada = Actor.make("ada")
    value = ada.sign_up_input(server.set_up_token)
    tries = [server.http().mutate("signUp", "token", "SignUpInput", value) for _ in range(4)]
    payloads = await asyncio.gather(*tries)
    assert [payload["errors"] for payload in payloads] == [[]] * 4
    assert len({payload["token"] for payload in payloads}) == 4
    assert [row["count"] for row in await server.fetch("SELECT count(*) FROM member")] == [1]
