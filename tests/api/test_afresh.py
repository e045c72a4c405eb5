"""Cached state + events = state fetched afresh, after every mutation of the API (docs/decisions/0110)."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
from circle_client.protocol.contents import State
from circle_client.protocol.envelope import Kind
from circle_client.protocol.grant import GrantEntry, seal_grant
from circle_client.protocol.roster import Policy, Role
from circle_client.protocol.structures import Signed
from graphql import GraphQLObjectType, build_schema

from resolvers.identity_kinds import ServerRole
from schema.node import encode_id
from tests.support import markers
from tests.support.actors import Actor, b64, signed_input
from tests.support.afresh import NO_STATE, NOT_TOLD, PROVEN, Company, company, proves
from tests.support.devices import (
    Newcomer,
    after_link,
    link_device,
    new_recovery,
    next_seal,
    reset,
    revoke,
    turn,
    turn_all,
)
from tests.support.inside import SERVER_KEY
from tests.support.rooms import Room, epoch_input
from tests.support.scenes import announce, change, create, send
from tests.support.server import ROOT, invite, running


@pytest.fixture
async def everyone(tmp_path: Path, dsn: str) -> AsyncIterator[Company]:
    """Members whose clients fetch everything at once: what that may cost is not what is tested."""
    wide = {"max_cost": 10**9, "max_depth": 20, "secret_key": SERVER_KEY.hex()}
    async with running(tmp_path, dsn, **wide) as server, company(server) as found:
        yield found


@proves("createConversation")
async def test_a_conversation_is_made(everyone: Company) -> None:
    ada, ben, _ = await everyone.join("ada", "ben", "cleo")
    for others in ([], [ben]):
        await everyone.after("createConversation", partial(create, everyone.world, ada, others))


@proves("changeRoster", "announceEpoch")
async def test_a_roster_changes_in_every_way(everyone: Company) -> None:
    ada, ben, cleo = await everyone.join("ada", "ben", "cleo")
    world = everyone.world
    room = await create(world, ada, [ben], known=[cleo])
    links: list[Callable[[], Signed]] = [
        lambda: room.make_policy(ada, Policy(3, shared=True)),
        lambda: room.make_role(ada, ben, Role.ADMIN),
        lambda: room.make_add(ada, cleo),
        lambda: room.make_role(ada, cleo, Role.READER),
        lambda: room.make_remove(ada, ben),
        lambda: room.make_add(ada, ben),
        lambda: room.make_policy(ada, Policy(0, shared=False)),
    ]
    for make in links:
        await everyone.after("changeRoster", partial(change, world, room, ada, make(), renew=False))
        await everyone.after("announceEpoch", lambda: announce(world, room, ada))
    leaving = room.make_remove(cleo, cleo)
    await everyone.after("changeRoster", lambda: change(world, room, cleo, leaving, renew=False))
    assert len(everyone.live[cleo.member].spaces) == 1  # the account


@proves("announceEpoch", "sendMessage")
async def test_the_accounts_first_epoch_and_an_entry_under_it(everyone: Company) -> None:
    (ada,) = await everyone.join("ada")
    own = account_of(everyone, ada)
    await everyone.after("announceEpoch", lambda: announce(everyone.world, own, ada))
    await everyone.after("sendMessage", lambda: send(everyone.world, own, ada))


@proves("sendMessage")
async def test_messages_and_titles_are_sent(everyone: Company) -> None:
    ada, ben = await everyone.join("ada", "ben")
    world = everyone.world
    room = await create(world, ada, [ben], title=None)
    for by, title in ((ben, None), (ada, "New"), (ada, "Newer"), (ben, None)):
        kind, content = (Kind.MESSAGE, None) if title is None else (Kind.STATE, State(title).content())
        await everyone.after("sendMessage", partial(send, world, room, by, room.make_envelope(by, content, kind)))


@proves("complain", "grantEpochs")
async def test_a_seal_does_not_open_and_keys_are_given(everyone: Company) -> None:
    ada, ben = await everyone.join("ada", "ben")
    world = everyone.world
    room = await create(world, ada, [ben])
    await change(world, room, ada, room.make_policy(ada, Policy(0, shared=True)), renew=False)
    epoch = room.make_epoch(ada)
    await world.mutate("announceEpoch", {"epoch": epoch_input(epoch)}, ada)
    room.took_epoch(epoch)
    complaint = {"complaint": signed_input(room.make_complaint(ben, epoch))}
    await everyone.after("complain", lambda: world.mutate("complain", complaint, ben))
    entries = [GrantEntry(room.epoch.n, b, key) for b, key in enumerate(room.branches)]
    sealed = seal_grant(room.space, ben.member, 1, ben.secrets.mk, entries)
    grant = {
        "conversationId": world.id_of(room), "memberId": encode_id("Member", ben.id), "generation": 1,
        "grant": b64(sealed),
    }  # fmt: skip
    await everyone.after("grantEpochs", lambda: world.mutate("grantEpochs", grant, ada))
    assert everyone.untold["grantEpochs"] == {"grants"}


@proves("rotateMemberKey")
async def test_a_key_is_rotated_and_a_device_revoked(everyone: Company) -> None:
    ada, ben = await everyone.join("ada", "ben")
    world = everyone.world
    rooms = [await create(world, ada, [ben]), await create(world, ben, [ada])]
    phone = await link_device(world, ada)
    plain = await turn_all(world, ada, [phone], rooms=rooms)
    await everyone.after("rotateMemberKey", lambda: world.mutate("rotateMemberKey", plain.input, ada))
    plain.took(phone)
    assert "keys" in everyone.untold["rotateMemberKey"]
    ends = await turn_all(world, ada, rooms=rooms, link=revoke(ada, phone.device, world.now))
    await everyone.after("rotateMemberKey", lambda: world.mutate("rotateMemberKey", ends.input, ada))
    ends.took()
    for room in rooms:
        await everyone.after("announceEpoch", partial(announce, world, room, ada))


@proves("rotateMemberKey")
async def test_the_recovery_key_is_replaced_and_an_identity_reset(everyone: Company) -> None:
    ada, ben = await everyone.join("ada", "ben")
    world = everyone.world
    room = await create(world, ada, [ben])
    made = await turn_all(world, ben, rooms=[room], link=new_recovery(ben, world.now))
    await everyone.after("rotateMemberKey", lambda: world.mutate("rotateMemberKey", made.input, ben))
    made.took()
    await everyone.lose(ben)  # a reset ends all sessions but its own
    fresh = await Newcomer.of(world, ben)
    link = reset(fresh.client, world.now)
    turned = turn(
        fresh.client, now=world.now, link=link, deviceSeal=signed_input(fresh.seal), deviceName="Anew", archive=None,
    )  # fmt: skip
    await everyone.after("rotateMemberKey", lambda: world.mutate("rotateMemberKey", turned.input, fresh.bare))


@proves("offerDevice", "answerDevice", "renameDevice", "publishDeviceSeal", "recoverDevice")
async def test_devices_come_in(everyone: Company) -> None:
    ada, ben = await everyone.join("ada", "ben")
    world = everyone.world
    await create(world, ada, [ben])
    phone = await Newcomer.of(world, ada)
    await everyone.after("offerDevice", lambda: world.mutate("offerDevice", phone.offer_input(), phone.bare))
    answer = phone.answer_input(ada, world.now)
    await everyone.after("answerDevice", lambda: world.mutate("answerDevice", answer, ada))
    phone.came_in(ada, state=after_link(ada.state, answer["link"]))
    name = {"deviceId": encode_id("Device", UUID(bytes=phone.client.device)), "name": "Pocket"}
    await everyone.after("renameDevice", lambda: world.mutate("renameDevice", name, ada))
    seal = {"deviceSeal": signed_input(next_seal(ada, world.now))}
    await everyone.after("publishDeviceSeal", lambda: world.mutate("publishDeviceSeal", seal, ada))
    other = await Newcomer.of(world, ada)
    value = other.recover_input(ada, world.now)
    await everyone.after("recoverDevice", lambda: world.mutate("recoverDevice", value, other.bare))
    assert everyone.untold["answerDevice"] == {"devices", "chains", "sessions"}


@proves("signUp", "signIn", "signOut", "revokeSession", "createInvite", "revokeInvite")
async def test_sessions_and_invites(everyone: Company) -> None:
    ada = await everyone.world.join("ada", ServerRole.ADMIN)
    await everyone.watch(ada)
    server, http = everyone.server, everyone.live[ada.member].http
    token = await everyone.after("signIn", lambda: everyone.sign_in(ada))
    await everyone.after("signOut", lambda: server.http(token).mutate("signOut", "signedOut", "SignOutInput", {}))
    one = server.http(await everyone.sign_in(ada))
    session = (await one.data("{ viewer { session { id } } }"))["viewer"]["session"]["id"]
    ends = {"sessionId": session}
    await everyone.after(
        "revokeSession", lambda: http.mutate("revokeSession", "session { id }", "RevokeSessionInput", ends)
    )
    for used in (True, False):
        secret = os.urandom(16)
        made = await everyone.after("createInvite", partial(invite, http, secret))
        if used:
            await everyone.after("signUp", partial(server.sign_up, Actor.make("newcomer"), secret, mac=os.urandom(32)))
        else:
            value = {"inviteId": made["invite"]["id"]}
            await everyone.after(
                "revokeInvite",
                partial(http.mutate, "revokeInvite", "invite { id }", "RevokeInviteInput", value),
            )
    assert everyone.untold["signUp"] == {"invites"}


@proves("setMarker")
async def test_markers_are_set_and_go_with_whoever_leaves(everyone: Company) -> None:
    ada, ben = await everyone.join("ada", "ben")
    world = everyone.world
    room, own_space = await create(world, ada, [ben]), await markers.account_of(world, ada)
    for version in range(2):
        for by in (ada, ben):
            envelope = markers.receipt(room, by, 3, 3 + version)
            await everyone.after("setMarker", partial(markers.mark, world, room, by, envelope, version))
        envelope = markers.own(own_space, room, ada, 2 + version)
        await everyone.after("setMarker", partial(markers.mark, world, room, ada, envelope, version, scope="OWN"))
    await everyone.after("changeRoster", lambda: change(world, room, ada, room.make_remove(ada, ben)))
    await everyone.after("changeRoster", lambda: change(world, room, ada, room.make_add(ada, ben)))
    envelope = markers.receipt(room, ada, 4, 4)
    await everyone.after("setMarker", lambda: markers.mark(world, room, ada, envelope, 2))


@proves("setPrivacy")
async def test_privacy(everyone: Company) -> None:
    (ada,) = await everyone.join("ada")
    http = everyone.live[ada.member].http
    hidden = {"readReceipts": False}
    await everyone.after(
        "setPrivacy", lambda: http.mutate("setPrivacy", "privacy { presence }", "SetPrivacyInput", hidden)
    )


def account_of(everyone: Company, actor: Actor) -> Room:
    """The member's own space as a room, before its first epoch."""
    room = replace(Room.of([actor], everyone.world.now), space=actor.account)
    room.took_link(actor.account_link())
    return room


def test_every_mutation_is_held_against_a_fresh_fetch_or_has_its_reason() -> None:
    mutation = build_schema((ROOT / "schema.graphql").read_text()).mutation_type
    assert isinstance(mutation, GraphQLObjectType)
    known = PROVEN | NO_STATE.keys()
    assert mutation.fields.keys() - known == set(), "give it a test by @proves, or a reason in tests/support/afresh.py"
    assert known - mutation.fields.keys() == set()
    assert NOT_TOLD.keys() <= PROVEN
    assert all(len(reason) > 20 for reason in NO_STATE.values())
    assert all(len(reason) > 10 for reasons in NOT_TOLD.values() for reason in reasons.values())


async def test_what_changes_without_an_event_is_noticed(everyone: Company) -> None:
    """The helper itself can fail: by what is cached, and by what is not."""
    ada, ben = await everyone.join("ada", "ben")
    await create(everyone.world, ada, [ben])
    mirror = everyone.live[ada.member]
    await mirror.agrees()
    await everyone.server.fetch("UPDATE space SET epoch_due = 'ROSTER' WHERE type < 4 RETURNING id")
    with pytest.raises(AssertionError):
        await mirror.agrees(0.3)
    await everyone.server.fetch("UPDATE space SET epoch_due = NULL WHERE type < 4 RETURNING id")
    rename = everyone.server.fetch("UPDATE device SET name = 'Another' RETURNING id")
    with pytest.raises(AssertionError, match="without a word"):
        await everyone.after("sendMessage", lambda: rename)
