"""e2ee.md section 13, row 'announcement', and section 6: when an epoch is due, complaints, grants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from circle_client.protocol.cbor import decode, encode
from circle_client.protocol.epoch import decode_complaint, decode_recipients, encode_recipients, recipients_hash
from circle_client.protocol.epoch_keys import NewEpoch
from circle_client.protocol.grant import GrantEntry, seal_grant
from circle_client.protocol.labels import Label
from circle_client.protocol.roster import Policy, Role
from circle_client.protocol.structures import Signed, sign

from db.engine import Connection
from resolvers.epochs import MOST_COMPLAINTS
from schema.node import encode_id
from tests.support import scenes
from tests.support.actors import Actor, b64, signed_input
from tests.support.dump import unchanged
from tests.support.inside import World
from tests.support.rooms import Room, epoch_input


def rewritten(by: Actor, epoch: NewEpoch, **fields: object) -> dict[str, Any]:
    """EpochInput with other fields in the announcement (`f2` is field 2), signed again."""
    body = decode(epoch.announcement.body, 2048)
    for name, value in fields.items():
        body[int(name[1:])] = value
    signed = sign(by.dk_seed, Label.EPOCH, encode(body))
    return epoch_input(epoch) | {"announcement": b64(signed.body), "signature": b64(signed.signature)}


def listed(by: Actor, epoch: NewEpoch, rows: list[Any]) -> dict[str, Any]:
    """EpochInput with another list, announced and signed."""
    data = encode_recipients(rows)
    return rewritten(by, epoch, f5=recipients_hash(data)) | {"recipients": b64(data)}


async def refuse(world: World, by: Actor, epoch: dict[str, Any]) -> str:
    """The code with which an epoch is refused."""
    return str((await world.refusal("announceEpoch", {"epoch": epoch}, by))["code"])


async def due(world: World, room: Room, by: Actor) -> str | None:
    """Why the next epoch is due."""
    found = await world.ask("query($id: ID!) { conversation(id: $id) { epochDue } }", {"id": world.id_of(room)}, by)
    reason: str | None = found["conversation"]["epochDue"]
    return reason


async def test_announcements_that_do_not_fit_are_refused(world: World, admin: Connection) -> None:
    ada, bob, eve, kim = [await world.join(name) for name in ("ada", "bob", "eve", "kim")]
    room = await scenes.create(world, ada, {bob: Role.READER, kim: Role.WRITER}, known=[eve])
    first = room.make_epoch(ada)
    async with unchanged(admin):
        assert await refuse(world, ada, epoch_input(first)) == "EPOCH_NOT_DUE"
    before = room.known
    await scenes.change(world, room, ada, room.make_add(ada, eve), renew=False)
    epoch = room.make_epoch(ada)
    rows = list(decode_recipients(epoch.recipients))
    good = epoch_input(epoch)
    other = room.make_epoch(ada)
    swapped = [epoch.seals[1], epoch.seals[0], *epoch.seals[2:]]
    cases: list[tuple[str, Actor, dict[str, Any]]] = [
        ("MALFORMED", ada, good | {"announcement": b64(b"")}),
        ("MALFORMED", ada, good | {"announcement": b64(epoch.announcement.body + b"\0")}),
        ("MALFORMED", ada, good | {"signature": b64(bytes(63))}),
        ("MALFORMED", ada, rewritten(ada, epoch, f0=2)),
        ("STALE_DEVICE", kim, good),
        ("EPOCH_CONFLICT", ada, rewritten(ada, epoch, f2=3)),
        ("EPOCH_CONFLICT", ada, rewritten(ada, epoch, f2=1)),
        ("EPOCH_CONFLICT", ada, rewritten(ada, epoch, f3=bytes(32))),
        ("RECIPIENTS_CHANGED", ada, epoch_input(room.make_epoch(ada, roster=before))),  # without eve
        ("RECIPIENTS_CHANGED", ada, rewritten(ada, epoch, f4=[1, bytes(32)])),
        ("RECIPIENTS_CHANGED", ada, rewritten(ada, epoch, f7=[ada.member, ada.device, 1, ada.state.hash])),
        ("RECIPIENTS_CHANGED", ada, rewritten(ada, epoch, f5=bytes(32))),
        ("RECIPIENTS_CHANGED", ada, listed(ada, epoch, rows[:-1])),
        ("RECIPIENTS_CHANGED", ada, listed(ada, epoch, [rows[1], rows[0], *rows[2:]])),
        ("RECIPIENTS_CHANGED", ada, listed(ada, epoch, [rows[0], *rows])),
        ("RECIPIENTS_CHANGED", ada, good | {"seals": [b64(seal) for seal in swapped]}),
        ("RECIPIENTS_CHANGED", ada, good | {"seals": [b64(seal) for seal in epoch.seals[:-1]]}),
        ("RECIPIENTS_CHANGED", ada, good | {"seals": [b64(seal) for seal in other.seals]}),
        ("RECIPIENTS_CHANGED", ada, good | {"seals": [*good["seals"], good["seals"][0]]}),
        ("FORBIDDEN", ada, good | {"signature": b64(bytes(64))}),
        ("FORBIDDEN", ada, rewritten(kim, epoch)),
        ("FORBIDDEN", bob, epoch_input(room.make_epoch(bob))),  # a reader
        ("NOT_FOUND", ada, rewritten(ada, epoch, f1=bytes(16))),
    ]
    first_row, others = rows[0], rows[1:]
    for row in (
        replace(first_row, n=1),
        replace(first_row, hash=bytes(32)),
        replace(first_row, generation=2),
        replace(first_row, key_hash=bytes(32)),
        replace(first_row, seal_hash=bytes(32)),
    ):
        cases.append(("RECIPIENTS_CHANGED", ada, listed(ada, epoch, [row, *others])))
    async with unchanged(admin):
        for number, (code, by, sent) in enumerate(cases):
            assert (number, await refuse(world, by, sent)) == (number, code)
    await world.mutate("announceEpoch", {"epoch": good}, ada)


async def test_a_retried_announcement_gives_the_first_result(world: World, admin: Connection) -> None:
    ada = await world.join("ada")
    room = await scenes.create(world, ada, [])
    await scenes.change(world, room, ada, room.make_policy(ada, Policy(0, shared=True)), renew=False)
    epoch = room.make_epoch(ada)
    first = await world.mutate("announceEpoch", {"epoch": epoch_input(epoch)}, ada)
    async with unchanged(admin):
        assert await world.mutate("announceEpoch", {"epoch": epoch_input(epoch)}, ada) == first
        assert await refuse(world, ada, epoch_input(room.make_epoch(ada))) == "EPOCH_CONFLICT"


async def test_an_epoch_is_due_after_a_day(world: World) -> None:
    ada = await world.join("ada")
    room = await scenes.create(world, ada, [])
    assert await due(world, room, ada) is None
    world.moved = timedelta(hours=23, minutes=59)
    assert await due(world, room, ada) is None
    world.moved = timedelta(hours=24, seconds=1)
    assert await due(world, room, ada) == "AGE"
    room.now = world.now
    error = await world.refusal("sendMessage", {"envelope": b64(room.make_envelope(ada).data)}, ada)
    assert (error["code"], error["__typename"], error["reason"]) == ("EPOCH_DUE", "EpochDueError", "AGE")
    await scenes.announce(world, room, ada)


async def test_an_epoch_is_due_after_5000_envelopes(world: World, admin: Connection) -> None:
    ada = await world.join("ada")
    room = await scenes.create(world, ada, [])
    await admin.execute("UPDATE space SET epoch_envelopes = 4999 WHERE id = $1", UUID(bytes=room.space))
    await scenes.send(world, room, ada)
    error = await world.refusal("sendMessage", {"envelope": b64(room.make_envelope(ada).data)}, ada)
    assert (error["code"], error["reason"]) == ("EPOCH_DUE", "COUNT")
    await scenes.announce(world, room, ada)
    await scenes.send(world, room, ada)


async def test_every_roster_link_makes_an_epoch_due(world: World) -> None:
    ada, bob = [await world.join(name) for name in ("ada", "bob")]
    room = await scenes.create(world, ada, [bob])
    makers: list[Callable[[], Signed]] = [
        lambda: room.make_policy(ada, Policy(1)),
        lambda: room.make_role(ada, bob, Role.ADMIN),
        lambda: room.make_remove(ada, bob),
        lambda: room.make_add(ada, bob),
    ]
    for make in makers:
        await scenes.change(world, room, ada, make(), renew=False)
        assert await due(world, room, ada) == "ROSTER"
        await scenes.announce(world, room, ada)
        assert await due(world, room, ada) is None


async def test_everybody_gets_the_own_seal_and_no_other(world: World) -> None:
    ada, bob = [await world.join(name) for name in ("ada", "bob")]
    room = world.room(ada, bob)
    link = room.make_link0(ada, {bob.member: Role.WRITER})
    room.took_link(link)
    epoch = room.make_epoch(ada)
    await world.mutate("createConversation", room.create_input(link, epoch), ada)
    for actor in (ada, bob):
        found = await world.ask(
            "query($id: ID!) { conversation(id: $id) { epoch(number: 1) { seal recipients hash } "
            "none: epoch(number: 2) { number } epochs(first: 5) { nodes { number seal } } } }",
            {"id": world.id_of(room)},
            actor,
        )
        own = b64(epoch.seals[sorted([ada.member, bob.member]).index(actor.member)])
        conversation = found["conversation"]
        assert conversation["none"] is None
        assert conversation["epoch"] == {
            "seal": own, "recipients": b64(epoch.recipients), "hash": b64(epoch.head.hash)
        }  # fmt: skip
        assert conversation["epochs"]["nodes"] == [{"number": 1, "seal": own}]


# ---- complaints


async def complaint_refused(world: World, by: Actor, complaint: Signed) -> dict[str, Any]:
    return await world.refusal("complain", {"complaint": signed_input(complaint)}, by)


async def room_with_epoch(world: World, ada: Actor, others: list[Actor], known: list[Actor]) -> tuple[Room, NewEpoch]:
    room = await scenes.create(world, ada, others, known=known)
    await scenes.change(world, room, ada, room.make_policy(ada, Policy(0, shared=True)), renew=False)
    epoch = room.make_epoch(ada)
    await world.mutate("announceEpoch", {"epoch": epoch_input(epoch)}, ada)
    room.took_epoch(epoch)
    return room, epoch


async def test_complaints(world: World, admin: Connection) -> None:
    ada, bob, eve = [await world.join(name) for name in ("ada", "bob", "eve")]
    room, epoch = await room_with_epoch(world, ada, [bob], [eve])
    good = room.make_complaint(bob, epoch)

    def other(by: Actor, **fields: object) -> Signed:
        body = decode(good.body, 1024)
        for name, value in fields.items():
            body[int(name[1:])] = value
        return sign(by.dk_seed, Label.COMPLAINT, encode(body))

    async with unchanged(admin):
        for number, (code, by, complaint) in enumerate([
            ("MALFORMED", bob, Signed(b"", good.signature)),
            ("MALFORMED", bob, Signed(good.body, b"")),
            ("STALE_DEVICE", ada, good),
            ("STALE_DEVICE", bob, other(bob, f5=[bob.member, bob.device, 1, bob.state.hash])),
            ("STALE_EPOCH", bob, other(bob, f2=7)),
            ("STALE_EPOCH", bob, other(bob, f3=bytes(32))),
            ("FORBIDDEN", bob, other(bob, f4=bytes(32))),
            ("FORBIDDEN", bob, Signed(good.body, bytes(64))),
            ("NOT_FOUND", bob, other(bob, f1=bytes(16))),
            ("NOT_FOUND", eve, other(eve, f5=eve.signer().value())),
        ]):  # fmt: skip
            assert (number, (await complaint_refused(world, by, complaint))["code"]) == (number, code)
    first = await world.mutate("complain", {"complaint": signed_input(good)}, bob)
    assert await due(world, room, ada) == "COMPLAINT"
    async with unchanged(admin):
        assert await world.mutate("complain", {"complaint": signed_input(good)}, bob) == first
        limited = await complaint_refused(world, bob, other(bob, f6=room.now + 1))
        assert (limited["code"], limited["__typename"]) == ("RATE_LIMITED", "RateLimitedError")
        assert 1 <= limited["retryAfter"] <= 3600
    room.grew(decode_complaint(good.body).hash)
    await scenes.announce(world, room, ada)
    assert await due(world, room, ada) is None


async def test_nobody_can_make_epochs_due_without_end(world: World) -> None:
    """Whether a seal opens, the server cannot tell: who complains of every epoch would let nobody send any more."""
    ada, bob, eve = [await world.join(name) for name in ("ada", "bob", "eve")]
    room, epoch = await room_with_epoch(world, ada, [bob, eve], [])

    async def complain(by: Actor) -> None:
        complaint = room.make_complaint(by, epoch)
        await world.mutate("complain", {"complaint": signed_input(complaint)}, by)
        room.grew(decode_complaint(complaint.body).hash)

    world.moved = timedelta(seconds=3600 - world.now // 1000 % 3600)
    for _ in range(MOST_COMPLAINTS):
        await complain(bob)
        epoch = room.make_epoch(ada)
        await world.mutate("announceEpoch", {"epoch": epoch_input(epoch)}, ada)
        room.took_epoch(epoch)
    limited = await complaint_refused(world, bob, room.make_complaint(bob, epoch))
    assert (limited["code"], limited["message"]) == ("RATE_LIMITED", "You have complained often enough in this hour.")
    assert await due(world, room, ada) is None
    await scenes.send(world, room, ada)
    await complain(eve)
    world.moved += timedelta(hours=1)
    await complain(bob)


# ---- grants


def grant_input(world: World, room: Room, to: Actor, generation: int = 1, box: bytes | None = None) -> dict[str, Any]:
    entries = [GrantEntry(room.epoch.n, b, key) for b, key in enumerate(room.branches)]
    sealed = seal_grant(room.space, to.member, 1, to.secrets.mk, entries) if box is None else box
    return {
        "conversationId": world.id_of(room),
        "memberId": encode_id("Member", to.id),
        "generation": generation,
        "grant": b64(sealed),
    }


async def test_grants_to_newcomers_and_complainers(world: World, admin: Connection) -> None:
    ada, bob, eve = [await world.join(name) for name in ("ada", "bob", "eve")]
    room, _ = await room_with_epoch(world, ada, [bob], [eve])
    await scenes.change(world, room, ada, room.make_add(ada, eve))
    good = grant_input(world, room, eve)
    foreign = await scenes.create(world, bob, [])
    async with unchanged(admin):
        for number, (code, by, sent) in enumerate([
            ("MALFORMED", ada, grant_input(world, room, eve, box=b"short")),
            ("MALFORMED", ada, grant_input(world, room, eve, box=bytes(1024 * 1024 + 1))),
            ("GENERATION_CONFLICT", ada, grant_input(world, room, eve, generation=2)),
            ("GENERATION_CONFLICT", ada, good | {"generation": 2**31 - 1}),
            ("INVALID", ada, good | {"generation": -1}),
            ("FORBIDDEN", bob, good),  # not the one who added eve
            ("FORBIDDEN", ada, grant_input(world, room, bob)),  # neither new nor complaining
            ("NOT_FOUND", ada, good | {"memberId": encode_id("Member", UUID(int=7))}),
            ("NOT_FOUND", ada, good | {"memberId": "nonsense"}),
            ("NOT_FOUND", ada, good | {"memberId": encode_id("Conversation", UUID(bytes=room.space))}),
            ("NOT_FOUND", ada, good | {"conversationId": world.id_of(foreign)}),
            ("NOT_FOUND", bob, good | {"conversationId": world.id_of(foreign)}),  # eve is not in it
        ]):  # fmt: skip
            assert (number, (await world.refusal("grantEpochs", sent, by))["code"]) == (number, code)
    first = await world.mutate("grantEpochs", good, ada)
    async with unchanged(admin):
        assert await world.mutate("grantEpochs", good, ada) == first
    found = await world.ask(
        "query($id: ID!) { conversation(id: $id) "
        "{ currentEpoch { grants { id grant generation giver { handle } } } } }",
        {"id": world.id_of(room)},
        eve,
    )
    (grant,) = found["conversation"]["currentEpoch"]["grants"]
    assert grant == first | {"grant": good["grant"], "giver": {"handle": "ada"}}


async def test_no_keys_of_the_past_where_history_is_not_shared(world: World, admin: Connection) -> None:
    ada, bob, eve = [await world.join(name) for name in ("ada", "bob", "eve")]
    room = await scenes.create(world, ada, [bob], policy=Policy(0, shared=False), known=[eve])
    await scenes.change(world, room, ada, room.make_add(ada, eve), renew=False)
    epoch = room.make_epoch(ada)
    await world.mutate("announceEpoch", {"epoch": epoch_input(epoch)}, ada)
    room.took_epoch(epoch)
    async with unchanged(admin):
        assert (await world.refusal("grantEpochs", grant_input(world, room, eve), ada))["code"] == "FORBIDDEN"
    complaint = room.make_complaint(eve, epoch)
    await world.mutate("complain", {"complaint": signed_input(complaint)}, eve)
    await world.mutate("grantEpochs", grant_input(world, room, eve), bob)  # any holder, to a complainer


async def test_grants_are_limited(world: World) -> None:
    ada, eve = [await world.join(name) for name in ("ada", "eve")]
    room = await scenes.create(world, ada, [], known=[eve])
    await scenes.change(world, room, ada, room.make_add(ada, eve))
    for _ in range(50):
        await world.mutate("grantEpochs", grant_input(world, room, eve), ada)
    assert (await world.refusal("grantEpochs", grant_input(world, room, eve), ada))["code"] == "RATE_LIMITED"
