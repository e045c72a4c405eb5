"""What comes between two devices of one member, and what is left after a reset, through the public door."""

from __future__ import annotations

import pytest
from circle_client.protocol.roster import Role

from tests.support.actors import Actor, b64, signed_input
from tests.support.devices import Newcomer, link_device, next_seal, reset, turn
from tests.support.inside import World
from tests.support.rooms import Room
from tests.support.scenes import announce, change, create, send


@pytest.fixture
async def anna(world: World) -> Actor:
    return await world.join("anna")


@pytest.fixture
async def ben(world: World) -> Actor:
    return await world.join("ben")


async def test_a_box_for_an_older_seal_is_refused_with_the_device_named(world: World, anna: Actor) -> None:
    phone = await link_device(world, anna)
    made = turn(anna, [phone], now=world.now)
    told = [box | {"seal": 1} if box["device"] in (b64(anna.device), b64(phone.device)) else box
            for box in made.input["boxes"]]  # fmt: skip
    await world.mutate("publishDeviceSeal", {"deviceSeal": signed_input(next_seal(phone, world.now))}, phone)
    error = await world.refusal("rotateMemberKey", made.input | {"boxes": told}, anna)
    assert (error["code"], error["missingBoxes"], error["missing"]) == ("REWRAP_INCOMPLETE", [b64(phone.device)], [])
    again = turn(anna, [phone], now=world.now, seals={phone.device: 2})
    told = [box | {"seal": 2} if box["device"] == b64(phone.device) else box for box in again.input["boxes"]]
    await world.mutate("rotateMemberKey", again.input | {"boxes": told}, anna)


async def test_a_seal_that_would_destroy_an_unopened_box_is_refused(world: World, anna: Actor) -> None:
    phone = await link_device(world, anna)
    made = turn(anna, [phone], now=world.now)
    await world.mutate("rotateMemberKey", made.input, anna)
    input_ = {"deviceSeal": signed_input(next_seal(phone, world.now))}
    error = await world.refusal("publishDeviceSeal", input_ | {"generation": 1}, phone)
    assert (error["code"], error["path"]) == ("GENERATION_CONFLICT", ["input", "generation"])
    device = await world.mutate("publishDeviceSeal", input_ | {"generation": 2}, phone)
    assert await world.mutate("publishDeviceSeal", input_ | {"generation": 2}, phone) == device


async def begin_anew(world: World, anna: Actor, room: Room) -> Actor:
    """Anna loses everything: a new identity, the room told of it."""
    newcomer = await Newcomer.of(world, anna)
    client, seal = newcomer.client, signed_input(newcomer.seal)
    link = reset(client, world.now)
    made = turn(client, now=world.now, link=link, archive=None, deviceSeal=seal, deviceName="New", platform="Tests")
    await world.mutate("rotateMemberKey", made.input, newcomer.bare)
    made.took()
    room.actors[anna.member] = client
    room.grew(client.state.hash)
    return client


async def test_after_a_reset_the_account_is_renewed_by_its_own_member(world: World, anna: Actor) -> None:
    account = Room(anna.account, {anna.member: anna}, world.now)
    account.took_link(anna.account_link())
    await announce(world, account, anna)
    client = await begin_anew(world, anna, account)
    error = await world.refusal("sendMessage", {"envelope": b64(account.make_envelope(client).data)}, client)
    assert error["code"] == "FORBIDDEN"
    await change(world, account, client, account.make_add(client, client, Role.OWNER))
    await send(world, account, client)


async def test_an_admin_lets_the_only_owner_in_again(world: World, anna: Actor, ben: Actor) -> None:
    room = await create(world, anna, {ben: Role.ADMIN})
    client = await begin_anew(world, anna, room)
    await change(world, room, ben, room.make_add(ben, client, Role.OWNER))
    await send(world, room, client)
    assert room.known.role(anna.member) is Role.OWNER


async def test_what_a_device_runs_on_is_kept(world: World, anna: Actor) -> None:
    newcomer = await Newcomer.of(world, anna)
    await world.mutate("offerDevice", newcomer.offer_input() | {"platform": " Chromium  on Linux "}, newcomer.bare)
    device = await world.mutate("answerDevice", newcomer.answer_input(anna, world.now), anna)
    query = "query($id: ID!) { node(id: $id) { ... on Device { platform name } } }"
    shown = (await world.ask(query, {"id": device["id"]}, anna))["node"]
    assert shown["platform"] == "Chromium on Linux"
    await world.mutate("renameDevice", {"deviceId": device["id"], "name": "Desk"}, anna)
    assert (await world.ask(query, {"id": device["id"]}, anna))["node"] == {
        "platform": "Chromium on Linux", "name": "Desk",
    }  # fmt: skip
