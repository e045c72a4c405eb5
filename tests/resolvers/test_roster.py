"""e2ee.md section 13, row 'roster link': what changeRoster and createConversation refuse, and with which code."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest
from circle_client.protocol.cbor import decode, encode
from circle_client.protocol.labels import Label
from circle_client.protocol.roster import Policy, Role, Seat, SpaceType, make_add, make_create
from circle_client.protocol.structures import Head, Signed, SignerHead, sign

from db.engine import Connection
from resolvers.identity_kinds import ServerRole
from tests.support import scenes
from tests.support.actors import Actor, b64, signed_input
from tests.support.dump import unchanged
from tests.support.inside import World
from tests.support.rooms import Room


def rewritten(by: Actor, link: Signed, **fields: object) -> Signed:
    """The link with other fields (`f6` is field 6), signed again."""
    body = decode(link.body, 65536)
    for name, value in fields.items():
        body[int(name[1:])] = value
    return sign(by.dk_seed, Label.ROSTER, encode(body))


async def refuse(world: World, by: Actor, link: Signed, name: str = "changeRoster") -> str:
    """The code with which a link is refused."""
    error = await world.refusal(name, {"link": signed_input(link)}, by)
    return str(error["code"])


async def test_links_that_do_not_fit_are_refused(world: World, admin: Connection) -> None:
    ada, bob, eve = [await world.join(name) for name in ("ada", "bob", "eve")]
    room = await scenes.create(world, ada, [bob], known=[eve])
    add = room.make_add(ada, eve)
    stale = SignerHead(ada.member, ada.device, 1, bytes(32))
    outsider = Actor.make("nobody")
    room.actors[outsider.member] = outsider
    renamed = make_add(
        room.known.place(room.epoch), eve.member, bytes(32), Role.WRITER, ada.signer(), ada.dk_seed, room.now
    )
    cases: list[tuple[str, Actor, Signed]] = [
        ("MALFORMED", ada, Signed(add.body + b"\0", add.signature)),
        ("MALFORMED", ada, Signed(b"", add.signature)),
        ("MALFORMED", ada, Signed(add.body, add.signature[:-1])),
        ("MALFORMED", ada, rewritten(ada, add, f0=2)),
        ("STALE_DEVICE", bob, add),  # signed by another member
        ("STALE_DEVICE", ada, rewritten(ada, add, f7=[ada.member, bob.device, 0, ada.state.hash])),
        ("CHAIN_CONFLICT", ada, rewritten(ada, add, f2=2)),
        ("CHAIN_CONFLICT", ada, rewritten(ada, add, f3=bytes(32))),
        ("CHAIN_CONFLICT", ada, rewritten(ada, add, f6=[0, bytes(32)])),
        ("CHAIN_CONFLICT", ada, rewritten(ada, add, f6=[1, bytes(32)])),
        ("CHAIN_CONFLICT", ada, rewritten(ada, add, f7=stale.value())),
        ("CHAIN_CONFLICT", ada, renamed),  # not the newcomer's present ID
        ("FORBIDDEN", ada, Signed(add.body, bytes(64))),
        ("FORBIDDEN", ada, rewritten(bob, add)),  # another's key
        ("FORBIDDEN", bob, room.make_add(bob, eve)),  # a writer adds nobody
        ("FORBIDDEN", bob, room.make_remove(bob, ada)),
        ("FORBIDDEN", bob, room.make_role(bob, bob, Role.ADMIN)),
        ("FORBIDDEN", bob, room.make_policy(bob, Policy(1))),
        ("FORBIDDEN", ada, room.make_remove(ada, ada)),  # the last owner
        ("FORBIDDEN", ada, room.make_role(ada, ada, Role.ADMIN)),
        ("FORBIDDEN", ada, room.make_remove(ada, eve)),  # not in the roster
        ("FORBIDDEN", ada, room.make_add(ada, bob)),  # present, with the ID that the roster has
        ("FORBIDDEN", ada, rewritten(ada, room.make_link0(ada, {}), f1=room.space, f2=1, f3=room.known.hash,
                                     f6=room.epoch.value())),
        ("NOT_FOUND", ada, room.make_add(ada, outsider)),
        ("NOT_FOUND", eve, room.make_add(eve, eve)),  # not eve's conversation
        ("NOT_FOUND", ada, rewritten(ada, add, f1=bytes(16))),
    ]  # fmt: skip
    async with unchanged(admin):
        for number, (code, by, link) in enumerate(cases):
            assert (number, await refuse(world, by, link)) == (number, code)


async def test_an_admin_manages_members_below_an_owner(world: World) -> None:
    ada, bob, eve = [await world.join(name) for name in ("ada", "bob", "eve")]
    room = await scenes.create(world, ada, {bob: Role.ADMIN}, known=[eve])
    assert await refuse(world, bob, room.make_add(bob, eve, Role.OWNER)) == "FORBIDDEN"
    assert await refuse(world, bob, room.make_remove(bob, ada)) == "FORBIDDEN"
    assert await refuse(world, bob, room.make_role(bob, bob, Role.OWNER)) == "FORBIDDEN"
    await scenes.change(world, room, bob, room.make_add(bob, eve, Role.ADMIN))
    await scenes.change(world, room, bob, room.make_policy(bob, Policy(3, shared=False)))
    await scenes.change(world, room, bob, room.make_remove(bob, eve))


async def test_a_retried_link_gives_the_first_result(world: World, admin: Connection) -> None:
    ada, bob, eve = [await world.join(name) for name in ("ada", "bob", "eve")]
    room = await scenes.create(world, ada, [bob], known=[eve])
    add = room.make_add(ada, eve)
    first = await scenes.change(world, room, ada, add)
    leave = room.make_remove(eve, eve)
    left = await scenes.change(world, room, eve, leave, renew=False)
    async with unchanged(admin):
        assert await world.mutate("changeRoster", {"link": signed_input(add)}, ada) == first
        # Whoever left with it still gets the answer, though the conversation is out of sight.
        assert await world.mutate("changeRoster", {"link": signed_input(leave)}, eve) == left
        assert await refuse(world, eve, room.make_remove(eve, eve)) == "NOT_FOUND"


async def test_stays_begin_and_end_with_their_events(world: World, admin: Connection) -> None:
    ada, bob = [await world.join(name) for name in ("ada", "bob")]
    room = await scenes.create(world, ada, [], known=[bob])
    added = await scenes.change(world, room, ada, room.make_add(ada, bob))
    removed = await scenes.change(world, room, ada, room.make_remove(ada, bob))
    again = await scenes.change(world, room, ada, room.make_add(ada, bob))
    rows = await admin.fetch(
        "SELECT joined_seq, left_seq FROM membership WHERE member_id = $1 AND space_id = $2 ORDER BY joined_seq",
        bob.id,
        UUID(bytes=room.space),
    )
    assert [tuple(row) for row in rows] == [(added["seq"], removed["seq"]), (again["seq"], None)]


# ---- createConversation


async def create_refused(world: World, by: Actor, input_: dict[str, object]) -> dict[str, object]:
    return await world.refusal("createConversation", input_, by)


async def test_creations_that_do_not_fit_are_refused(world: World, admin: Connection) -> None:
    ada, bob = [await world.join(name) for name in ("ada", "bob")]
    stranger = Actor.make("stranger")
    taken = await scenes.create(world, ada, [bob])

    def attempt(
        type_: SpaceType = SpaceType.GROUP, seats: dict[Actor, Role] | None = None, space: bytes | None = None
    ) -> tuple[Room, Signed]:
        room = world.room(ada, bob, stranger)
        room.space = space or room.space
        given = {ada: Role.OWNER} if seats is None else seats
        rows = [(actor.member, Seat(actor.identity, role)) for actor, role in given.items()]
        return room, make_create(room.space, type_, rows, Policy(), ada.signer(), ada.dk_seed, room.now)

    cases = [
        ("FORBIDDEN", attempt(SpaceType.VAULT)),
        ("FORBIDDEN", attempt(SpaceType.ACCOUNT)),
        ("FORBIDDEN", attempt(SpaceType.DIRECT)),  # alone
        ("FORBIDDEN", attempt(SpaceType.DIRECT, {ada: Role.OWNER, bob: Role.WRITER})),
        ("FORBIDDEN", attempt(seats={ada: Role.ADMIN})),
        ("FORBIDDEN", attempt(seats={bob: Role.OWNER})),
        ("NOT_FOUND", attempt(seats={ada: Role.OWNER, stranger: Role.WRITER})),
        ("ID_TAKEN", attempt(space=taken.space)),
        ("ID_TAKEN", attempt(space=bob.account)),  # an id that the viewer cannot even see
    ]
    async with unchanged(admin):
        for number, (code, (room, link)) in enumerate(cases):
            dummy = world.room(ada, bob)
            spare = scenes.create_input(dummy, ada, dummy.make_link0(ada, {}))
            error = await create_refused(world, ada, spare | {"link": signed_input(link)})
            assert (number, error["code"]) == (number, code), room


async def test_nothing_is_made_when_the_epoch_or_title_is_refused(world: World, admin: Connection) -> None:
    ada, bob = [await world.join(name) for name in ("ada", "bob")]
    room = world.room(ada, bob)
    good = scenes.create_input(room, ada, room.make_link0(ada, {bob.member: Role.WRITER}))
    other = world.room(ada, bob)
    foreign = scenes.create_input(other, ada, other.make_link0(ada, {bob.member: Role.WRITER}))
    plain = room.make_envelope(ada, seen=Head(2, bytes(32)))
    async with unchanged(admin):
        assert (await create_refused(world, ada, good | {"epoch": foreign["epoch"]}))["code"] == "EPOCH_CONFLICT"
        assert (await create_refused(world, ada, good | {"state": foreign["state"]}))["code"] == "FORBIDDEN"
        assert (await create_refused(world, ada, good | {"state": b64(plain.data)}))["code"] == "FORBIDDEN"
        assert (await create_refused(world, ada, good | {"state": b64(b"?")}))["code"] == "MALFORMED"
        short = dict(good["epoch"]) | {"seals": good["epoch"]["seals"][:1]}
        assert (await create_refused(world, ada, good | {"epoch": short}))["code"] == "RECIPIENTS_CHANGED"
    await world.mutate("createConversation", good, ada)


async def test_a_title_must_have_seen_the_whole_log(world: World, admin: Connection) -> None:
    ada = await world.join("ada")
    room = world.room(ada)
    good = scenes.create_input(room, ada, room.make_link0(ada, {}), title=None)
    for seen in (Head(1, bytes(32)), Head(2, bytes(32)), Head(3, bytes(32))):
        state = room.make_envelope(ada, {0: "x"}, 8, seen=seen)
        async with unchanged(admin):
            assert (await create_refused(world, ada, good | {"state": b64(state.data)}))["code"] == "FORKED_LOG"


async def test_a_retried_creation_gives_the_first_result(world: World, admin: Connection) -> None:
    ada = await world.join("ada")
    room = world.room(ada)
    input_ = scenes.create_input(room, ada, room.make_link0(ada, {}))
    first = await world.mutate("createConversation", input_, ada)
    async with unchanged(admin):
        assert await world.mutate("createConversation", input_, ada) == first


async def test_two_people_have_one_direct_conversation(world: World, admin: Connection) -> None:
    ada, bob, eve = [await world.join(name) for name in ("ada", "bob", "eve")]
    room = await scenes.create(world, ada, {bob: Role.OWNER}, SpaceType.DIRECT, title=None, known=[eve])
    second = world.room(ada, bob)
    input_ = scenes.create_input(second, bob, second.make_link0(bob, {ada.member: Role.OWNER}, SpaceType.DIRECT), None)
    async with unchanged(admin):
        error = await create_refused(world, bob, input_)
        assert (error["code"], error["__typename"]) == ("DIRECT_EXISTS", "DirectExistsError")
        assert error["conversation"] == {"id": world.id_of(room)}
        assert await refuse(world, ada, room.make_add(ada, eve)) == "FORBIDDEN"
        assert await refuse(world, ada, room.make_remove(ada, bob)) == "FORBIDDEN"
        assert await refuse(world, ada, room.make_remove(ada, ada)) == "FORBIDDEN"
        assert await refuse(world, ada, room.make_role(ada, bob, Role.WRITER)) == "FORBIDDEN"
    await scenes.send(world, room, bob)


@pytest.mark.parametrize("broken", ["device", "session"])
async def test_a_session_without_the_device_signs_nothing(world: World, admin: Connection, broken: str) -> None:
    ada = await world.join("ada", ServerRole.OWNER)
    room = await scenes.create(world, ada, [])
    if broken == "device":
        await admin.execute("UPDATE device SET active = false WHERE member_id = $1", ada.id)
    else:
        ada.device, ada.state = bytes(16), replace(ada.state)
    async with unchanged(admin):
        link = room.make_policy(ada, Policy(1))
        if broken == "session":
            link = rewritten(ada, link, f7=[ada.member, bytes(15) + b"\1", 0, ada.state.hash])
        assert await refuse(world, ada, link) == "STALE_DEVICE"
