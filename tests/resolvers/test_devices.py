"""Linking by offer and answer, recovery, names and seals, through the public door (e2ee.md section 8)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from circle_client.protocol.linking import link_id, verify_link_answer, verify_link_request
from circle_client.protocol.member_key import decode_member_key, open_member_box
from circle_client.protocol.primitives import random_bytes

from schema.node import encode_id
from tests.support.actors import Actor, b64, signed_input, unb64
from tests.support.devices import Newcomer, link_device, next_seal, open_for
from tests.support.inside import World
from tests.support.scenes import create, send

OFFER = """query($linkId: Base64Bytes!) { viewer { deviceOffer(linkId: $linkId) {
  request mac deviceName answer answerMac } } }"""


async def look(world: World, newcomer: Newcomer, actor: Actor) -> dict[str, Any] | None:
    """The offer as a client of the member polls it."""
    found: dict[str, Any] | None = (await world.ask(OFFER, {"linkId": b64(link_id(newcomer.key))}, actor))["viewer"][
        "deviceOffer"
    ]
    return found


@pytest.fixture
async def anna(world: World) -> Actor:
    return await world.join("anna")


async def test_a_device_comes_in_by_offer_and_answer_and_reads_its_box(world: World, anna: Actor) -> None:
    newcomer = await Newcomer.of(world, anna)
    offer = await world.mutate("offerDevice", newcomer.offer_input(), newcomer.bare)
    assert offer["answer"] is None
    seen = await look(world, newcomer, anna)
    assert seen is not None
    verify_link_request(newcomer.key, unb64(seen["request"]), unb64(seen["mac"]), anna.member)

    device = await world.mutate("answerDevice", newcomer.answer_input(anna, world.now), anna)
    assert (unb64(device["protocolId"]), device["name"], device["isActive"]) == (newcomer.client.device, "Phone", True)

    seen = await look(world, newcomer, newcomer.bare)
    assert seen is not None
    answer = verify_link_answer(newcomer.key, newcomer.request()[0], unb64(seen["answer"]), unb64(seen["answerMac"]))
    query = "{ viewer { keyBox { generation box } member { key { body } devices { id } } } }"
    viewer = (await world.ask(query, None, newcomer.client))["viewer"]
    assert unb64(viewer["keyBox"]["box"]) == answer.box
    key = decode_member_key(unb64(viewer["member"]["key"]["body"]))
    secrets = open_member_box(answer.box, newcomer.client.sk_seed, key, newcomer.client.device, 1)
    assert secrets.secret == anna.secrets.secret
    assert len(viewer["member"]["devices"]) == 2


async def test_the_offering_session_signs_as_the_device_from_then_on(world: World, anna: Actor) -> None:
    ben = await world.join("ben")
    room = await create(world, anna, [ben])
    phone = await link_device(world, anna)
    assert (await world.ask("{ viewer { device { id } } }", None, phone))["viewer"]["device"] is not None
    async with world.uow.auth() as tx:
        bound = await tx.raw.fetchval("SELECT device_id FROM session WHERE id = $1", phone.session)
    assert bound == UUID(bytes=phone.device)
    room.actors[phone.member] = phone
    await send(world, room, phone)


async def test_an_offer_is_answered_once(world: World, anna: Actor) -> None:
    newcomer = await Newcomer.of(world, anna)
    await world.mutate("offerDevice", newcomer.offer_input(), newcomer.bare)
    input_ = newcomer.answer_input(anna, world.now)
    first, again = await asyncio.gather(*(world.mutate("answerDevice", input_, anna) for _ in range(2)))
    assert first == again
    second = newcomer.answer_input(anna, world.now + 1)
    assert (await world.refusal("answerDevice", second, anna))["code"] in ("ID_CONFLICT", "CHAIN_CONFLICT")
    seen = await look(world, newcomer, anna)
    assert seen is not None
    assert seen["answer"] == input_["answer"]


async def test_an_offer_ends_after_five_minutes(world: World, anna: Actor) -> None:
    newcomer = await Newcomer.of(world, anna)
    await world.mutate("offerDevice", newcomer.offer_input(), newcomer.bare)
    world.moved += timedelta(minutes=5, seconds=1)
    assert await look(world, newcomer, newcomer.bare) is None
    error = await world.refusal("answerDevice", newcomer.answer_input(anna, world.now), anna)
    assert (error["code"], error["path"]) == ("NOT_FOUND", ["input", "linkId"])


async def test_an_offer_is_the_members_alone(world: World, anna: Actor) -> None:
    ben = await world.join("ben")
    newcomer = await Newcomer.of(world, anna)
    await world.mutate("offerDevice", newcomer.offer_input(), newcomer.bare)
    assert await look(world, newcomer, ben) is None
    foreign = replace(newcomer, client=replace(newcomer.client, member=ben.member, state=ben.state))
    assert (await world.refusal("answerDevice", foreign.answer_input(ben, world.now), ben))["code"] == "NOT_FOUND"
    theirs = replace(newcomer.bare, member=ben.member)
    assert (await world.refusal("offerDevice", newcomer.offer_input(), theirs))["code"] == "FORBIDDEN"


async def test_an_answer_for_another_device_is_refused(world: World, anna: Actor) -> None:
    newcomer, other = await Newcomer.of(world, anna), await Newcomer.of(world, anna)
    await world.mutate("offerDevice", newcomer.offer_input(), newcomer.bare)
    swapped = other.answer_input(anna, world.now, linkId=b64(link_id(newcomer.key)))
    assert (await world.refusal("answerDevice", swapped, anna))["code"] == "FORBIDDEN"
    input_ = newcomer.answer_input(anna, world.now)
    assert (await world.refusal("answerDevice", input_ | {"box": b64(bytes(1168))}, anna))["code"] == "MALFORMED"
    assert (await world.refusal("answerDevice", input_ | {"generation": 2}, anna))["code"] == "GENERATION_CONFLICT"
    assert (await world.refusal("answerDevice", input_, newcomer.bare))["code"] == "STALE_DEVICE"
    await world.mutate("answerDevice", input_ | {"generation": 1}, anna)


async def test_an_offer_again_is_the_first_and_another_under_its_id_is_refused(world: World, anna: Actor) -> None:
    newcomer = await Newcomer.of(world, anna)
    input_ = newcomer.offer_input()
    first = await world.mutate("offerDevice", input_, newcomer.bare)
    assert await world.mutate("offerDevice", input_, newcomer.bare) == first
    other = await Newcomer.of(world, anna)
    input_ = other.offer_input() | {"linkId": b64(link_id(newcomer.key))}
    assert (await world.refusal("offerDevice", input_, other.bare))["code"] == "ID_CONFLICT"
    assert (await world.refusal("offerDevice", other.offer_input(), anna))["code"] == "FORBIDDEN"


async def test_offers_are_bounded(world: World, anna: Actor) -> None:
    for _ in range(10):
        newcomer = await Newcomer.of(world, anna)
        await world.mutate("offerDevice", newcomer.offer_input(), newcomer.bare)
    newcomer = await Newcomer.of(world, anna)
    error = await world.refusal("offerDevice", newcomer.offer_input(), newcomer.bare)
    assert (error["code"], error["retryAfter"]) == ("RATE_LIMITED", 300)
    world.moved += timedelta(minutes=6)
    await world.mutate("offerDevice", newcomer.offer_input(), newcomer.bare)


async def test_a_session_that_ended_is_not_let_in(world: World, anna: Actor) -> None:
    newcomer = await Newcomer.of(world, anna)
    await world.mutate("offerDevice", newcomer.offer_input(), newcomer.bare)
    async with world.uow.auth() as tx:
        await tx.raw.execute("UPDATE session SET revoked_at = now() WHERE id = $1", newcomer.client.session)
    error = await world.refusal("answerDevice", newcomer.answer_input(anna, world.now), anna)
    assert error["code"] == "NOT_FOUND"
    assert (await world.ask("{ viewer { member { devices { id } } } }", None, anna))["viewer"]["member"] == {
        "devices": [{"id": encode_id("Device", anna.device)}]
    }


async def test_the_recovery_key_alone_lets_a_device_in(world: World, anna: Actor) -> None:
    newcomer = await Newcomer.of(world, anna)
    query = "{ viewer { recoveryBox { generation box device { id } } member { key { body } } } }"
    viewer = (await world.ask(query, None, newcomer.bare))["viewer"]
    key = decode_member_key(unb64(viewer["member"]["key"]["body"]))
    assert viewer["recoveryBox"]["device"] is None
    box = unb64(viewer["recoveryBox"]["box"])
    assert open_member_box(box, anna.recovery.rx_seed, key, bytes(16), 0).secret == anna.secrets.secret

    input_ = newcomer.recover_input(anna, world.now)
    device = await world.mutate("recoverDevice", input_, newcomer.bare)
    assert unb64(device["protocolId"]) == newcomer.client.device
    assert await world.mutate("recoverDevice", input_, newcomer.bare) == device
    box = (await world.ask("{ viewer { keyBox { box } } }", None, newcomer.client))["viewer"]["keyBox"]["box"]
    assert box == input_["box"]


async def test_a_wrong_recovery_key_and_a_session_with_a_device_are_refused(world: World, anna: Actor) -> None:
    newcomer = await Newcomer.of(world, anna)
    wrong = newcomer.recover_input(anna, world.now, random_bytes(32))
    assert (await world.refusal("recoverDevice", wrong, newcomer.bare))["code"] == "FORBIDDEN"
    right = newcomer.recover_input(anna, world.now)
    assert (await world.refusal("recoverDevice", right, anna))["code"] == "FORBIDDEN"
    old = right | {"generation": 7}
    assert (await world.refusal("recoverDevice", old, newcomer.bare))["code"] == "GENERATION_CONFLICT"
    ben = await world.join("ben")
    stranger = replace(await open_for(world, ben, device=False), device=b"")
    assert (await world.refusal("recoverDevice", right, stranger))["code"] == "STALE_DEVICE"


async def test_a_known_device_comes_in_nowhere_else(world: World, anna: Actor) -> None:
    ben = await world.join("ben")
    theirs = await Newcomer.of(world, ben)
    theirs.client.device, theirs.client.dk_seed = anna.device, anna.dk_seed
    theirs.seal = replace(anna, member=ben.member).device_seal()
    theirs.client.sk_seed = anna.sk_seed
    assert (await world.refusal("offerDevice", theirs.offer_input(), theirs.bare))["code"] == "FORBIDDEN"
    assert (await world.refusal("recoverDevice", theirs.recover_input(ben, world.now), theirs.bare))["code"] == (
        "FORBIDDEN"
    )


async def test_devices_are_renamed_by_their_member(world: World, anna: Actor) -> None:
    ben = await world.join("ben")
    id_ = encode_id("Device", anna.device)
    assert (await world.mutate("renameDevice", {"deviceId": id_, "name": " My  laptop "}, anna))["name"] == "My laptop"
    assert (await world.refusal("renameDevice", {"deviceId": id_, "name": "x"}, ben))["code"] == "NOT_FOUND"
    for name in ("", "  ", "x" * 121, "a\x00b"):
        assert (await world.refusal("renameDevice", {"deviceId": id_, "name": name}, anna))["code"] == "INVALID"


async def test_seals_follow_each_other(world: World, anna: Actor) -> None:
    seal = next_seal(anna, world.now)
    input_ = {"deviceSeal": signed_input(seal)}
    device = await world.mutate("publishDeviceSeal", input_, anna)
    assert unb64(device["seal"]) == seal.body
    assert await world.mutate("publishDeviceSeal", input_, anna) == device
    other = {"deviceSeal": signed_input(next_seal(anna, world.now, 2))}
    assert (await world.refusal("publishDeviceSeal", other, anna))["code"] == "GENERATION_CONFLICT"
    for k in (4, 2**31, 2**53 - 1):
        far = {"deviceSeal": signed_input(next_seal(anna, world.now, k))}
        assert (await world.refusal("publishDeviceSeal", far, anna))["code"] == "GENERATION_CONFLICT"
    ben = await world.join("ben")
    assert (await world.refusal("publishDeviceSeal", input_, ben))["code"] == "STALE_DEVICE"
    assert (await world.refusal("publishDeviceSeal", input_, replace(anna, device=b"")))["code"] == "STALE_DEVICE"
