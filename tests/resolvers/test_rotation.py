"""Rotations through the public door: complete, refused, raced; nothing that the old key opened is lost."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from circle_client.protocol.branches import commits
from circle_client.protocol.epoch import decode_announcement
from circle_client.protocol.epoch_keys import NewEpoch, make_epoch
from circle_client.protocol.member_key import decode_member_key
from circle_client.protocol.primitives import random_bytes
from circle_client.protocol.rewrap import unwrap_archive, unwrap_branch
from circle_client.protocol.roster import Policy, Role

from resolvers.context import EndReason
from schema.node import encode_id
from schema.root import schema
from tests.support.actors import Actor, b64, signed_input, unb64
from tests.support.devices import (
    Newcomer,
    link_device,
    new_recovery,
    next_seal,
    required,
    reset,
    revoke,
    turn,
    turn_all,
)
from tests.support.inside import World
from tests.support.markers import mark, receipt
from tests.support.rooms import Room, epoch_input
from tests.support.scenes import announce, change, create, send

WRAPS = """{ viewer { wraps(first: 100) { nodes { space epoch branch generation wrap } }
  archive(first: 100) { nodes { generation wrap } } } }"""
EPOCH = "query($id: ID!) { node(id: $id) { ... on Conversation { epoch(number: 1) { number seal } epochDue } } }"


@pytest.fixture
async def anna(world: World) -> Actor:
    return await world.join("anna")


@pytest.fixture
async def ben(world: World) -> Actor:
    return await world.join("ben")


async def wraps(world: World, actor: Actor) -> tuple[dict[tuple[bytes, int, int], Any], dict[int, bytes]]:
    viewer = (await world.ask(WRAPS, None, actor))["viewer"]
    found = {(unb64(w["space"]), w["epoch"], w["branch"]): w for w in viewer["wraps"]["nodes"]}
    return found, {a["generation"]: unb64(a["wrap"]) for a in viewer["archive"]["nodes"]}


async def test_a_scheduled_rotation_carries_everything_over(world: World, anna: Actor, ben: Actor) -> None:
    room = await create(world, anna, [ben])
    assert await required(world, anna) == [(room.space, 1, b) for b in range(7)]
    old = anna.secrets
    made = await turn_all(world, anna, rooms=[room])
    key = await world.mutate("rotateMemberKey", made.input, anna)
    made.took()
    assert (key["generation"], decode_member_key(unb64(key["body"])).key) == (2, anna.secrets.mk)

    found, archive = await wraps(world, anna)
    assert set(found) == {(room.space, 1, b) for b in range(7)}
    assert unwrap_archive(anna.secrets.archive, anna.member, 1, archive[1]) == old.archive
    epoch = (await world.ask(EPOCH, {"id": world.id_of(room)}, anna))["node"]["epoch"]
    assert epoch["seal"] is None
    for (space, number, b), wrap in found.items():
        under = anna.secrets.archive if b == 0 else anna.secrets.secret
        known = commits(room.branches, room.space, room.epoch.n)
        branch = unwrap_branch(
            under, anna.member, space, number, room.epoch.hash, b, unb64(wrap["wrap"]), known
        )  # fmt: skip
        assert branch == room.branches[b]
        assert wrap["generation"] == 2
    # It makes nothing due, and enters no log.
    await send(world, room, anna)


async def test_an_incomplete_rotation_names_what_is_missing_and_changes_nothing(
    world: World, anna: Actor, ben: Actor
) -> None:
    room = await create(world, anna, [ben])
    phone = await link_device(world, anna)
    made = await turn_all(world, anna, [phone], [room])
    cut = made.input["wraps"][2:]
    error = await world.refusal("rotateMemberKey", made.input | {"wraps": cut}, anna)
    assert (error["__typename"], error["code"]) == ("RewrapIncompleteError", "REWRAP_INCOMPLETE")
    assert error["missing"] == [{"space": b64(room.space), "epoch": 1, "branch": b} for b in (0, 1)]
    assert error["missingBoxes"] == []
    boxes = [box for box in made.input["boxes"] if unb64(box["device"]) != phone.device]
    error = await world.refusal("rotateMemberKey", made.input | {"boxes": boxes}, anna)
    assert (error["missing"], error["missingBoxes"]) == ([], [b64(phone.device)])
    error = await world.refusal("rotateMemberKey", {k: v for k, v in made.input.items() if k != "archive"}, anna)
    assert error["code"] == "REWRAP_INCOMPLETE"
    assert (await wraps(world, anna))[0] == {}
    await world.mutate("rotateMemberKey", made.input, anna)


async def test_of_closed_epochs_only_living_branches_are_asked_for(world: World, anna: Actor, ben: Actor) -> None:
    room = await create(world, anna, [ben], policy=Policy(4, shared=False), title=None)
    await send(world, room, ben, room.make_envelope(ben, b=1))
    await send(world, room, ben, room.make_envelope(ben, b=3))
    await mark(world, room, ben, receipt(room, ben, b=2))
    await change(world, room, anna, room.make_policy(anna, Policy(5, shared=False)))
    second = {(room.space, 2, b) for b in range(7)}
    first = {(room.space, 1, b) for b in range(4)}
    assert set(await required(world, anna)) == first | second
    world.moved += timedelta(hours=2)
    assert set(await required(world, anna)) == first - {(room.space, 1, 1)} | second
    world.moved += timedelta(hours=23)
    assert set(await required(world, anna)) == {(room.space, 1, 0), (room.space, 2, 0)}


async def test_what_was_wrapped_is_wrapped_again_while_it_lives(world: World, anna: Actor, ben: Actor) -> None:
    room = await create(world, anna, [ben], policy=Policy(4, shared=False), title=None)
    await send(world, room, ben, room.make_envelope(ben, b=4))
    made = await turn_all(world, anna, rooms=[room])
    await world.mutate("rotateMemberKey", made.input, anna)
    made.took()
    # B_0 is in the archive for good; the epoch is open, so every other class may still be used.
    assert await required(world, anna) == [(room.space, 1, b) for b in range(1, 7)]
    world.moved += timedelta(hours=25)
    assert await required(world, anna) == [(room.space, 1, 4)]
    made = await turn_all(world, anna, rooms=[room])
    await world.mutate("rotateMemberKey", made.input, anna)
    made.took()
    found, archive = await wraps(world, anna)
    assert {place: w["generation"] for place, w in found.items()} == {(room.space, 1, 0): 2, (room.space, 1, 4): 3}
    assert set(archive) == {1, 2}
    world.moved += timedelta(days=7)
    assert await required(world, anna) == []


async def test_what_was_left_is_carried_over_too(world: World, anna: Actor, ben: Actor) -> None:
    room = await create(world, anna, [ben], policy=Policy(4, shared=False), title=None)
    await send(world, room, anna, room.make_envelope(anna, b=3))
    await change(world, room, anna, room.make_remove(anna, ben))
    await send(world, room, anna, room.make_envelope(anna, b=2))
    assert await required(world, ben) == [(room.space, 1, 0), (room.space, 1, 3)]
    query = "{ viewer { rotationRequires(first: 9) { nodes { epoch announcement seal } } } }"
    nodes = (await world.ask(query, None, ben))["viewer"]["rotationRequires"]["nodes"]
    assert decode_announcement(unb64(nodes[0]["announcement"])).epoch == 1
    assert nodes[0]["seal"] is not None
    made = await turn_all(world, ben, rooms=[room])
    await world.mutate("rotateMemberKey", made.input, ben)
    made.took()
    found, _ = await wraps(world, ben)
    assert set(found) == {(room.space, 1, 0), (room.space, 1, 3)}
    assert await required(world, ben) == [(room.space, 1, 3)]
    assert (await world.ask(query, None, ben))["viewer"]["rotationRequires"]["nodes"][0]["seal"] is None


async def test_a_seal_complained_of_need_not_be_carried_over(world: World, anna: Actor, ben: Actor) -> None:
    room = world.room(anna, ben)
    link = room.make_link0(anna, {ben.member: Role.WRITER})
    room.took_link(link)
    epoch = room.make_epoch(anna)
    room.took_epoch(epoch)
    await world.mutate("createConversation", room.create_input(link, epoch), anna)
    assert len(await required(world, ben)) == 7
    await world.mutate("complain", {"complaint": signed_input(room.make_complaint(ben, epoch))}, ben)
    assert await required(world, ben) == []
    made = turn(ben, now=world.now)
    await world.mutate("rotateMemberKey", made.input, ben)


async def test_granted_epochs_are_taken_along_and_unknown_ones_refused(world: World, anna: Actor, ben: Actor) -> None:
    room = await create(world, anna, [], known=[ben])
    await change(world, room, anna, room.make_add(anna, ben))
    elsewhere = await create(world, anna, [])
    made = await turn_all(world, ben, rooms=[room])
    extra = {"space": b64(room.space), "epoch": 1, "branch": 0, "wrap": b64(random_bytes(48))}
    foreign = {"space": b64(elsewhere.space), "epoch": 1, "branch": 0, "wrap": b64(random_bytes(48))}
    none = {"space": b64(room.space), "epoch": 9, "branch": 0, "wrap": b64(random_bytes(48))}
    own = made.input["wraps"]
    for wrong in (foreign, none):
        error = await world.refusal("rotateMemberKey", made.input | {"wraps": [*own, wrong]}, ben)
        assert (error["code"], error["path"]) == ("NOT_FOUND", ["input", "wraps"])
    await world.mutate("rotateMemberKey", made.input | {"wraps": [*own, extra]}, ben)
    assert (room.space, 1, 0) in (await wraps(world, ben))[0]


async def test_a_grant_that_came_meanwhile_is_not_lost(world: World, anna: Actor, ben: Actor) -> None:
    room = await create(world, anna, [], known=[ben])
    await change(world, room, anna, room.make_add(anna, ben))
    made = await turn_all(world, ben, rooms=[room])
    input_ = {
        "conversationId": world.id_of(room), "memberId": encode_id("Member", ben.member), "generation": 1,
        "grant": b64(random_bytes(1300)),
    }  # fmt: skip
    grant = await world.mutate("grantEpochs", input_, anna)
    error = await world.refusal("rotateMemberKey", made.input | {"grants": []}, ben)
    assert (error["code"], error["path"]) == ("REWRAP_INCOMPLETE", ["input", "grants"])
    await world.mutate("rotateMemberKey", made.input | {"grants": [grant["id"]]}, ben)
    error = await world.refusal("grantEpochs", input_ | {"grant": b64(random_bytes(1300))}, anna)
    assert error["code"] == "GENERATION_CONFLICT"


async def test_the_same_key_again_gives_the_first_result(world: World, anna: Actor) -> None:
    made = turn(anna, now=world.now)
    first = await world.mutate("rotateMemberKey", made.input, anna)
    assert await world.mutate("rotateMemberKey", made.input, anna) == first
    made.took()
    assert await world.mutate("rotateMemberKey", made.input, anna) == first


async def test_a_conflict_is_told(world: World, anna: Actor) -> None:
    mine, other = turn(anna, now=world.now), turn(anna, now=world.now)
    await world.mutate("rotateMemberKey", mine.input, anna)
    assert (await world.refusal("rotateMemberKey", other.input, anna))["code"] == "GENERATION_CONFLICT"
    phone = await link_device(world, replace(anna, secrets=mine.secrets, generation=2))
    mine.took()
    stale = turn(anna, now=world.now)  # on the chain as it was before the phone came in
    assert (await world.refusal("rotateMemberKey", stale.input, anna))["code"] == "GENERATION_CONFLICT"
    assert (await world.refusal("rotateMemberKey", stale.input, replace(phone, device=b"")))["code"] == "STALE_DEVICE"


async def test_rotations_are_bounded(world: World, anna: Actor) -> None:
    for _ in range(24):
        made = turn(anna, now=world.now)
        await world.mutate("rotateMemberKey", made.input, anna)
        made.took()
    error = await world.refusal("rotateMemberKey", turn(anna, now=world.now).input, anna)
    assert error["code"] == "RATE_LIMITED"
    world.moved += timedelta(days=1, minutes=1)
    await world.mutate("rotateMemberKey", turn(anna, now=world.now).input, anna)


async def test_a_revocation_reaches_every_log_and_ends_the_devices_sessions(
    world: World, anna: Actor, ben: Actor
) -> None:
    rooms = [await create(world, anna, [ben]), await create(world, ben, [anna])]
    phone = await link_device(world, anna)
    sessions: list[Any] = []
    made = await turn_all(world, anna, rooms=rooms, link=revoke(anna, phone.device, world.now))
    ctx = world.ctx(anna)
    ctx.sessions_ended = lambda ended, reason: sessions.extend((session, reason) for session in ended)
    document = "mutation($input: RotateMemberKeyInput!) { rotateMemberKey(input: $input) { errors { message } } }"
    result = await schema.execute(document, {"input": made.input}, context_value=ctx)
    assert result.data == {"rotateMemberKey": {"errors": []}}
    assert sessions == [(phone.session, EndReason.DEVICE)]
    await world.mutate("rotateMemberKey", made.input, anna)
    made.took()
    for room in rooms:
        node = (await world.ask(EPOCH, {"id": world.id_of(room)}, ben))["node"]
        assert node["epochDue"] == "MEMBER_CHAIN"
        events = await log(world, room, ben)
        assert events[-1]["__typename"] == "MemberLinkEvent"
        assert unb64(events[-1]["item"]) == anna.state.hash
        assert events[-1]["body"] == made.input["link"]["body"]
        room.grew(anna.state.hash)
        error = await world.refusal("sendMessage", {"envelope": b64(room.make_envelope(anna).data)}, anna)
        assert (error["code"], error["reason"]) == ("EPOCH_DUE", "MEMBER_CHAIN")
        await announce(world, room, ben)
        await send(world, room, anna)
    device = (
        await world.ask("query($id: ID!) { node(id: $id) { ... on Device { isActive } } }", {"id": node_of(phone)}, ben)
    )["node"]
    assert device == {"isActive": False}
    error = await world.refusal("publishDeviceSeal", {"deviceSeal": signed_input(next_seal(phone, world.now))}, phone)
    assert error["code"] == "STALE_DEVICE"
    account = await account_log(world, anna)
    assert account[-1]["__typename"] == "MemberLinkEvent"


def node_of(actor: Actor) -> str:
    return encode_id("Device", actor.device)


LOG = """query($id: ID!) { node(id: $id) { ... on Conversation { events(last: 5) { nodes {
  __typename seq item ... on MemberLinkEvent { body signature cosignature } } } } } }"""


async def log(world: World, room: Room, actor: Actor) -> list[Any]:
    events: list[Any] = (await world.ask(LOG, {"id": world.id_of(room)}, actor))["node"]["events"]["nodes"]
    return events


async def account_log(world: World, actor: Actor) -> list[Any]:
    query = "{ viewer { account { events(last: 5) { nodes { __typename item } } } } }"
    events: list[Any] = (await world.ask(query, None, actor))["viewer"]["account"]["events"]["nodes"]
    return events


async def test_a_revocation_without_a_rotation_and_wrong_links_are_refused(world: World, anna: Actor) -> None:
    phone = await link_device(world, anna)
    link = revoke(anna, phone.device, world.now)
    made = turn(anna, now=world.now, link=link)
    unlinked = turn(anna, [phone], now=world.now)
    mixed = made.input | {"memberKey": unlinked.input["memberKey"]}
    assert (await world.refusal("rotateMemberKey", mixed, anna))["code"] == "GENERATION_CONFLICT"
    boxed = made.input | {"boxes": unlinked.input["boxes"]}
    assert (await world.refusal("rotateMemberKey", boxed, anna))["code"] == "FORBIDDEN"
    seal = signed_input(phone.device_seal())
    assert (await world.refusal("rotateMemberKey", made.input | {"deviceSeal": seal}, anna))["code"] == "FORBIDDEN"
    named = made.input | {"deviceName": "x"}
    assert (await world.refusal("rotateMemberKey", named, anna))["code"] == "INVALID"
    assert (await world.refusal("rotateMemberKey", made.input, phone))["code"] == "STALE_DEVICE"
    await world.mutate("rotateMemberKey", made.input, anna)


async def test_a_new_recovery_key_opens_and_the_old_one_does_not(world: World, anna: Actor) -> None:
    old = anna.recovery.rs_seed
    made = await turn_all(world, anna, link=new_recovery(anna, world.now))
    await world.mutate("rotateMemberKey", made.input, anna)
    made.took()
    newcomer = await Newcomer.of(world, anna)
    wrong = newcomer.recover_input(anna, world.now, old)
    assert (await world.refusal("recoverDevice", wrong, newcomer.bare))["code"] == "FORBIDDEN"
    await world.mutate("recoverDevice", newcomer.recover_input(anna, world.now), newcomer.bare)


async def test_a_reset_leaves_nothing_of_the_old_identity(world: World, anna: Actor, ben: Actor) -> None:
    room = await create(world, ben, [anna])
    made = await turn_all(world, anna, rooms=[room])
    await world.mutate("rotateMemberKey", made.input, anna)
    made.took()
    newcomer = await Newcomer.of(world, anna)
    client = newcomer.client
    link = reset(client, world.now)
    made = turn(
        client, now=world.now, link=link, archive=None, deviceSeal=signed_input(newcomer.seal), deviceName="New"
    )
    session = await world.mutate("rotateMemberKey", made.input, newcomer.bare)
    assert session["generation"] == 3
    assert await world.mutate("rotateMemberKey", made.input, newcomer.bare) == session
    made.took()
    assert await wraps(world, client) == ({}, {})
    assert await required(world, client) == []
    async with world.uow.auth() as tx:
        bound = await tx.raw.fetchval("SELECT device_id FROM session WHERE id = $1", client.session)
    assert bound == UUID(bytes=client.device)
    events = await log(world, room, ben)
    assert events[-1]["cosignature"] is not None
    room.grew(client.state.hash)
    # Out, until someone who was told of it lets the new identity in.
    room.actors[anna.member] = client
    seats = room.known
    room.actors[anna.member] = client
    epoch = epoch_without(room, ben, client)
    await world.mutate("announceEpoch", {"epoch": epoch_input(epoch)}, ben)
    room.took_epoch(epoch)
    assert seats.n == room.known.n
    error = await world.refusal("sendMessage", {"envelope": b64(room.make_envelope(client).data)}, client)
    assert error["code"] == "FORBIDDEN"
    await change(world, room, ben, room.make_add(ben, client))
    await send(world, room, client)


def epoch_without(room: Room, by: Actor, who: Actor) -> NewEpoch:
    to = [actor.recipient() for member, actor in room.actors.items() if member != who.member]
    return make_epoch(room.known, room.epoch, to, by.signer(), by.dk_seed, room.now)


async def test_a_device_silent_for_long_gets_no_box(world: World, anna: Actor) -> None:
    phone = await link_device(world, anna)
    world.moved += timedelta(days=46)
    await world.mutate("publishDeviceSeal", {"deviceSeal": signed_input(next_seal(anna, world.now))}, anna)
    error = await world.refusal("rotateMemberKey", turn(anna, [phone], now=world.now).input, anna)
    assert error["code"] == "FORBIDDEN"
    await world.mutate("rotateMemberKey", turn(anna, now=world.now, seals={anna.device: 2}).input, anna)
    box = (await world.ask("{ viewer { keyBox { generation } } }", None, phone))["viewer"]["keyBox"]
    assert box is None


async def test_all_generations_of_a_key_are_listed(world: World, anna: Actor, ben: Actor) -> None:
    for _ in range(3):
        made = turn(anna, now=world.now)
        await world.mutate("rotateMemberKey", made.input, anna)
        made.took()
    query = """query($ids: [Base64Bytes!]!) { membersByProtocolId(protocolIds: $ids) {
      key { generation } keys(first: 3) { nodes { generation createdAt } pageInfo { hasNextPage } } } }"""
    (member,) = (await world.ask(query, {"ids": [b64(anna.member)]}, ben))["membersByProtocolId"]
    assert [key["generation"] for key in member["keys"]["nodes"]] == [1, 2, 3]
    assert (member["key"]["generation"], member["keys"]["pageInfo"]["hasNextPage"]) == (4, True)


# ---- races


async def test_of_two_rotations_at_once_one_wins(world: World, anna: Actor, ben: Actor) -> None:
    room = await create(world, anna, [ben])
    phone = await link_device(world, anna)
    made = [await turn_all(world, anna, [phone], [room]), await turn_all(world, phone, [anna], [room])]
    payloads = await asyncio.gather(*(world.try_mutation("rotateMemberKey", one.input, one.by) for one in made))
    codes = sorted(e["code"] for p in payloads for e in p["errors"])
    assert codes == ["GENERATION_CONFLICT"]
    assert len((await wraps(world, anna))[0]) == 7


async def test_a_rotation_and_announcements_at_once_lose_nothing(world: World, anna: Actor, ben: Actor) -> None:
    """After it every epoch is sealed to the new key, or wrapped; also one of a space that came into being meanwhile."""
    rooms = [await create(world, ben, [anna]) for _ in range(3)]
    for room in rooms:
        link = room.make_policy(ben, Policy(1, shared=True))
        await change(world, room, ben, link, renew=False)

    async def make_room() -> None:
        new = world.room(ben, anna)
        link = new.make_link0(ben, {anna.member: Role.WRITER})
        new.took_link(link)
        epoch = new.make_epoch(ben)
        new.took_epoch(epoch)
        payload = await world.try_mutation("createConversation", new.create_input(link, epoch), ben)
        assert {e["code"] for e in payload["errors"]} <= {"RECIPIENTS_CHANGED"}

    async def renew(room: Room) -> None:
        epoch = room.make_epoch(ben)
        payload = await world.try_mutation("announceEpoch", {"epoch": epoch_input(epoch)}, ben)
        assert {e["code"] for e in payload["errors"]} <= {"RECIPIENTS_CHANGED"}
        if not payload["errors"]:
            room.took_epoch(epoch)

    async def rotate() -> str:
        for _ in range(20):
            made = turn(anna, now=world.now)
            places = await required(world, anna)
            made.input["wraps"] = [
                {"space": b64(s), "epoch": e, "branch": b, "wrap": b64(random_bytes(48))} for s, e, b in places
            ]
            payload = await world.try_mutation("rotateMemberKey", made.input, anna)
            if not payload["errors"]:
                made.took()
                return "done"
            assert payload["errors"][0]["code"] in ("REWRAP_INCOMPLETE", "GENERATION_CONFLICT")
        raise AssertionError("the rotation never came through")

    for _ in range(4):
        await asyncio.gather(rotate(), *(renew(room) for room in rooms), make_room(), make_room())
        async with world.uow.read(anna.id) as tx:
            lost = await tx.raw.fetch(
                "SELECT e.space_id, e.n FROM epoch e WHERE NOT EXISTS ("
                "SELECT FROM epoch_seal s WHERE s.space_id = e.space_id AND s.n = e.n AND s.member_id = $1"
                " AND s.generation = $2)"
                " AND NOT EXISTS (SELECT FROM member_wrap w WHERE w.space_id = e.space_id AND w.epoch = e.n"
                " AND w.member_id = $1 AND w.branch = 0)",
                anna.id, anna.generation,
            )  # fmt: skip
        assert lost == []
        for room in rooms:
            room.now = world.now
            policy = Policy(2 if room.known.policy.lifetime != 2 else 3, shared=True)
            link = room.make_policy(ben, policy)
            payload = await world.try_mutation("changeRoster", {"link": signed_input(link)}, ben)
            if not payload["errors"]:
                room.took_link(link)
