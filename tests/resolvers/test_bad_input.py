"""Bad input of every mutation gets its typed error, and the database is as it was."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from circle_client.protocol.cbor import decode, encode
from circle_client.protocol.envelope import Kind
from circle_client.protocol.labels import Label
from circle_client.protocol.roster import Policy, Role
from circle_client.protocol.structures import Signed, sign
from graphql import GraphQLError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strawberry.types import ExecutionResult

from db.engine import Connection
from resolvers.errors import Code
from resolvers.identity_kinds import ServerRole
from resolvers.invites import make_operator_invite
from schema.node import encode_id
from schema.root import schema
from tests.support import scenes
from tests.support.actors import Actor, b64, signed_input
from tests.support.devices import Newcomer, new_recovery, next_seal, turn_all
from tests.support.dump import dump
from tests.support.inside import World
from tests.support.markers import marker_input, receipt
from tests.support.rooms import epoch_input
from tests.support.spoil import places, put, spoiled

MUTATIONS = sorted(schema._schema.mutation_type.fields) if schema._schema.mutation_type else []
# What is anybody's choice: only its type can be wrong.
FREE = {"label", "name", "deviceName", "displayName", "handle", "clientMutationId", "session", "role"}
FREE |= {"typing", "presence", "readReceipts", "deliveryReceipts", "version"}
# Tries are counted whether they fail or not.
COUNTERS = {"attempt"}


@dataclass
class Case:
    """A mutation's good input, whose it is, and a bystander who may not send it."""

    input: dict[str, Any]
    actor: Actor | None
    stranger: Actor | None


@dataclass
class Stage:
    """A server with everything in place that any mutation needs."""

    world: World
    admin: Connection
    cases: dict[str, Case]
    before: dict[str, list[str]]

    async def run(self, mutation: str, input_: Any, actor: Actor | None) -> ExecutionResult:
        """Send an input."""
        type_ = mutation[0].upper() + mutation[1:]
        document = (
            f"mutation($input: {type_}Input!) {{ {mutation}(input: $input) {{ errors {{ code message path }} }} }}"
        )
        return await self.world.execute(document, {"input": input_}, actor)

    async def check(self, mutation: str, input_: Any, actor: Actor | None) -> set[str]:
        """Send a bad input: it must be refused in a typed way and change nothing. Returns the codes."""
        result = await self.run(mutation, input_, actor)
        codes = set()
        if result.errors:
            for error in result.errors:
                # The request's shape is wrong, or nobody is signed in: never an accident of the server.
                cause = error.original_error
                assert cause is None or isinstance(cause, GraphQLError) or type(cause).__name__ in (
                    "StrawberryInputCoercionError", "Unauthenticated",
                ), repr(cause)  # fmt: skip
                codes.add("REQUEST")
        else:
            assert result.data is not None
            errors = result.data[mutation]["errors"]
            assert errors, f"{mutation} took {input_}"
            codes = {error["code"] for error in errors}
            assert codes <= set(Code.__members__)
            assert all(error["message"].endswith(".") for error in errors)
        after = await dump(self.admin)
        assert [name for name in after if name not in COUNTERS and after[name] != self.before[name]] == []
        return codes


@pytest.fixture
async def stage(world: World, admin: Connection) -> Stage:
    """All cases, ready to be sent; none was."""
    ada, bob = await world.join("ada", ServerRole.OWNER), await world.join("bob")
    eve, kim = await world.join("eve"), await world.join("kim")
    room = await scenes.create(world, ada, [bob], known=[eve, kim])
    await scenes.change(world, room, ada, room.make_add(ada, kim), renew=False)
    epoch = room.make_epoch(ada)
    await world.mutate("announceEpoch", {"epoch": epoch_input(epoch)}, ada)
    room.took_epoch(epoch)
    waiting = await scenes.create(world, ada, [bob])
    await scenes.change(world, waiting, ada, waiting.make_policy(ada, Policy(0, shared=True)), renew=False)
    new = world.room(ada, bob)
    fragment = await make_operator_invite(world.uow, ServerRole.MEMBER, timedelta(hours=2), world.clock())
    token = base64.urlsafe_b64decode(fragment + "=" * (-len(fragment) % 4))
    document = "mutation($input: CreateInviteInput!) { createInvite(input: $input) { invite { id } } }"
    made = await world.ask(document, {"input": {"tokenHash": b64(bytes(32)), "expiresInHours": 1}}, ada)
    session = await admin.fetchval("SELECT id FROM session WHERE member_id = $1", ada.id)
    sign_in = {"handle": "ada", "authKey": b64(ada.auth_key), "device": b64(ada.device), "session": "BEARER"}
    grant = {
        "conversationId": world.id_of(room), "memberId": encode_id("Member", kim.id), "generation": 1,
        "grant": b64(bytes(1137)),
    }  # fmt: skip
    cases = {
        "signUp": Case(Actor.make("newcomer").sign_up_input(token), None, None),
        "signIn": Case(sign_in | {"label": "A test"}, None, None),
        "signOut": Case({"clientMutationId": "x"}, None, None),
        "revokeSession": Case({"sessionId": encode_id("Session", session)}, ada, bob),
        "createInvite": Case({"tokenHash": b64(bytes(31) + b"\1"), "expiresInHours": 5, "role": "MEMBER"}, ada, bob),
        "revokeInvite": Case({"inviteId": made["createInvite"]["invite"]["id"]}, ada, bob),
        "createConversation": Case(
            scenes.create_input(new, ada, new.make_link0(ada, {bob.member: Role.WRITER})), ada, bob
        ),
        "changeRoster": Case({"link": signed_input(room.make_add(ada, eve))}, ada, bob),
        "announceEpoch": Case({"epoch": epoch_input(waiting.make_epoch(ada))}, ada, bob),
        "sendMessage": Case({"envelope": b64(room.make_envelope(bob).data)}, bob, eve),
        "complain": Case({"complaint": signed_input(room.make_complaint(bob, epoch))}, bob, eve),
        "grantEpochs": Case(grant, ada, bob),
        "setMarker": Case(marker_input(world, room, receipt(room, bob)), bob, eve),
        "sendSignal": Case({"envelope": b64(room.make_envelope(bob, {0: "offer"}, Kind.SIGNAL, b=1).data)}, bob, eve),
        "setTyping": Case({"conversationId": world.id_of(room), "typing": True}, bob, eve),
        "setPresence": Case({"state": "ONLINE"}, bob, None),
        "setPrivacy": Case({"presence": False, "readReceipts": False, "deliveryReceipts": True}, bob, None),
    }
    cases |= await device_cases(world, ada, bob)
    assert sorted(cases) == MUTATIONS
    return Stage(world, admin, cases, await dump(admin))


async def device_cases(world: World, ada: Actor, bob: Actor) -> dict[str, Case]:
    """Those that change a chain are of members who do nothing else."""
    dan, rex, max_ = await world.join("dan"), await world.join("rex"), await world.join("max")
    asking, waiting, lost = await Newcomer.of(world, dan), await Newcomer.of(world, dan), await Newcomer.of(world, rex)
    await world.mutate("offerDevice", waiting.offer_input(), waiting.bare)
    room = await scenes.create(world, max_, [])
    turned = await turn_all(world, max_, rooms=[room], link=new_recovery(max_, world.now))
    return {
        "offerDevice": Case(asking.offer_input(), asking.bare, bob),
        "answerDevice": Case(waiting.answer_input(dan, world.now), dan, bob),
        "recoverDevice": Case(lost.recover_input(rex, world.now), lost.bare, bob),
        "renameDevice": Case({"deviceId": encode_id("Device", ada.device), "name": "Laptop"}, ada, bob),
        "publishDeviceSeal": Case({"deviceSeal": signed_input(next_seal(ada, world.now))}, ada, bob),
        "rotateMemberKey": Case(turned.input, max_, bob),
    }


@settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data())
async def test_a_spoiled_input_is_refused_and_changes_nothing(stage: Stage, data: st.DataObject) -> None:
    mutation = data.draw(st.sampled_from(MUTATIONS))
    case = stage.cases[mutation]
    free = [place for place in places(schema._schema, mutation, case.input) if place.name not in FREE]
    if not free:
        return
    place = data.draw(st.sampled_from(free))
    input_ = data.draw(spoiled(case.input, place))
    await stage.check(mutation, input_, case.actor)


async def test_an_input_of_another_shape_is_refused(stage: Stage) -> None:
    for mutation, case in stage.cases.items():
        for other in (None, [], "x", 5, [case.input, case.input], case.input | {"extra": 1}):
            assert await stage.check(mutation, other, case.actor) == {"REQUEST"}
        for name in case.input:
            if name in FREE:
                for wrong in ("x" if name == "version" else 5, [["x"]], {"x": 1}):
                    assert await stage.check(mutation, put(case.input, (name,), wrong), case.actor) == {"REQUEST"}


async def test_the_wrong_person_is_refused(stage: Stage) -> None:
    for mutation, case in stage.cases.items():
        if case.stranger is None:
            continue
        assert await stage.check(mutation, case.input, case.stranger) <= {"STALE_DEVICE", "FORBIDDEN", "NOT_FOUND"}
        assert await stage.check(mutation, case.input, None) == {"REQUEST"}


ID_FIELDS = ("sessionId", "inviteId", "conversationId", "memberId", "deviceId")


async def test_foreign_ids_are_as_good_as_none(stage: Stage) -> None:
    ids = [value for case in stage.cases.values() for name, value in case.input.items() if name in ID_FIELDS]
    ids += [encode_id("Conversation", uuid4()), encode_id("Member", UUID(int=0))]
    for mutation, case in stage.cases.items():
        for name in case.input:
            for node_id in ids if name in ID_FIELDS else ():
                if node_id != case.input[name]:
                    assert await stage.check(mutation, case.input | {name: node_id}, case.actor) == {"NOT_FOUND"}


def signed_bodies(stage: Stage) -> Iterator[tuple[str, tuple[str, ...], str, Label, Actor]]:
    """The signed bodies: mutation, path of body and of signature's field, label, signer."""
    ada, bob = stage.cases["changeRoster"].actor, stage.cases["complain"].actor
    max_ = stage.cases["rotateMemberKey"].actor
    assert ada is not None
    assert max_ is not None
    assert bob is not None
    yield "createConversation", ("link", "body"), "signature", Label.ROSTER, ada
    yield "createConversation", ("epoch", "announcement"), "signature", Label.EPOCH, ada
    yield "changeRoster", ("link", "body"), "signature", Label.ROSTER, ada
    yield "announceEpoch", ("epoch", "announcement"), "signature", Label.EPOCH, ada
    yield "complain", ("complaint", "body"), "signature", Label.COMPLAINT, bob
    yield "publishDeviceSeal", ("deviceSeal", "body"), "signature", Label.DEVICE_SEAL, ada
    yield "rotateMemberKey", ("memberKey", "body"), "signature", Label.MEMBER_KEY, max_


WRONG: list[Any] = [None, True, 2**53 - 1, b"", bytes(16), bytes(32), bytes(33), "x", [], [1], {}, {0: 1}, [[]]]


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data())
async def test_a_wrong_field_is_refused_though_it_is_signed(stage: Stage, data: st.DataObject) -> None:
    mutation, path, signature, label, signer = data.draw(st.sampled_from(list(signed_bodies(stage))))
    case = stage.cases[mutation]
    body = decode(base64.b64decode(case.input[path[0]][path[1]]), 1 << 20)
    time = max(body)  # the last field is the signer's own clock: any number is one
    field = data.draw(st.sampled_from([key for key in body if key != time]))
    wrong = data.draw(st.sampled_from([value for value in WRONG if value != body[field]]))
    signed: Signed = sign(signer.dk_seed, label, encode(dict(body) | {field: wrong}))
    input_ = put(put(case.input, path, b64(signed.body)), (path[0], signature), b64(signed.signature))
    assert "REQUEST" not in await stage.check(mutation, input_, case.actor)


async def test_the_inputs_were_good_before_they_were_spoiled(stage: Stage) -> None:
    await stage.admin.execute("DELETE FROM attempt")
    # Envelopes come before what makes the next epoch due.
    envelopes = {"sendMessage", "sendSignal", "setMarker"}
    for mutation in sorted(MUTATIONS, key=lambda name: name not in envelopes):
        case = stage.cases[mutation]
        result = await stage.run(mutation, case.input, case.actor)
        assert not result.errors, mutation
        assert result.data is not None
        assert result.data[mutation]["errors"] == [], mutation
