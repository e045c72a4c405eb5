"""Markers: what is taken and refused, who sees them, and that streams bring each newest state once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from circle_client.protocol.envelope import Kind
from circle_client.protocol.primitives import random_bytes
from circle_client.protocol.roster import Policy, Role, SpaceType
from circle_client.protocol.structures import Head

from db.engine import Connection, Database
from resolvers import markers
from resolvers.expiry import sweep
from tests.support import scenes
from tests.support.actors import Actor, b64
from tests.support.inside import MARKER, World, follow
from tests.support.markers import account_of, mark, marker_input, own, receipt
from tests.support.rooms import Room

READ = f"query($id: ID!) {{ conversation(id: $id) {{ markers {MARKER} viewerMarker {MARKER} }} }}"
ITEM = f"""{{ __typename ... on CaughtUp {{ cursor }} ... on EventDelivery {{ cursor event {{ __typename seq }} }}
  ... on MarkerDelivery {{ cursor marker {MARKER} }} }}"""
EVENTS = f"subscription($after: Cursor) {{ events(after: $after) {ITEM} }}"
MESSAGES = f"subscription($id: ID!, $after: Cursor) {{ messages(conversationId: $id, after: $after) {ITEM} }}"


@dataclass
class Place:
    """ada and bob in a conversation, and ada's account."""

    room: Room
    account: Room
    ada: Actor
    bob: Actor


@pytest.fixture
async def place(world: World) -> Place:
    ada, bob = [await world.join(name) for name in ("ada", "bob")]
    room = await scenes.create(world, ada, {bob: Role.READER})
    return Place(room, await account_of(world, ada), ada, bob)


async def seen(world: World, room: Room, actor: Actor) -> tuple[dict[str, int], int | None]:
    """Fetched afresh: the receipts' versions by member, and that of the own marker."""
    found = (await world.ask(READ, {"id": world.id_of(room)}, actor))["conversation"]
    receipts = {one["member"]["protocolId"]: one["version"] for one in found["markers"]}
    return receipts, None if found["viewerMarker"] is None else found["viewerMarker"]["version"]


class Stream:
    """A subscription; markers by their keys, newest version last."""

    def __init__(self, results: AsyncIterator[Any]) -> None:
        self._results = results
        self.cursor = ""

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(20):
            result = await anext(self._results)
        assert not result.errors, result.errors
        item: dict[str, Any] = next(iter(result.data.values()))
        self.cursor = item["cursor"]
        return item

    async def marker(self) -> tuple[str, str, int]:
        """The next item, which must be a marker: scope, member, version."""
        item = await self.next()
        assert item["__typename"] == "MarkerDelivery", item
        one = item["marker"]
        return one["scope"], one["member"]["protocolId"], one["version"]

    async def caught_up(self) -> str:
        item = await self.next()
        assert item["__typename"] == "CaughtUp", item
        return str(item["cursor"])


@asynccontextmanager
async def streaming(
    world: World, actor: Actor, after: str | None = None, room: Room | None = None
) -> AsyncIterator[Stream]:
    variables: dict[str, Any] = {"after": after} | ({} if room is None else {"id": world.id_of(room)})
    results = follow(world, EVENTS if room is None else MESSAGES, variables, actor)
    try:
        yield Stream(results)
    finally:
        await results.aclose()  # type: ignore[attr-defined]  # an async generator


# ---- what is taken


async def test_a_receipt_is_stored_replaced_and_shown_to_all(world: World, place: Place) -> None:
    room, ada, bob = place.room, place.ada, place.bob
    first = receipt(room, bob)
    stored = await mark(world, room, bob, first)
    assert (stored["scope"], stored["version"], stored["envelope"]) == ("RECEIPT", 1, b64(first.data))
    assert stored["conversation"]["id"] == world.id_of(room)
    assert stored["member"]["protocolId"] == b64(bob.member)
    assert (await mark(world, room, bob, receipt(room, bob, 3, 2), 1))["version"] == 2
    await mark(world, room, ada, receipt(room, ada))
    for viewer in (ada, bob):
        assert await seen(world, room, viewer) == ({b64(bob.member): 2, b64(ada.member): 1}, None)


async def test_an_own_marker_is_the_members_alone(world: World, place: Place) -> None:
    room, ada, bob = place.room, place.ada, place.bob
    stored = await mark(world, room, ada, own(place.account, room, ada), scope="OWN")
    assert (stored["scope"], stored["version"]) == ("OWN", 1)
    assert await seen(world, room, ada) == ({}, 1)
    assert await seen(world, room, bob) == ({}, None)


async def test_it_is_no_entry_of_the_log(world: World, place: Place) -> None:
    room, bob = place.room, place.bob
    head = "query($id: ID!) { conversation(id: $id) { head headHash } }"
    before = await world.ask(head, {"id": world.id_of(room)}, bob)
    await mark(world, room, bob, receipt(room, bob))
    assert await world.ask(head, {"id": world.id_of(room)}, bob) == before


async def test_another_version_comes_back_and_the_same_envelope_is_a_retry(world: World, place: Place) -> None:
    room, bob = place.room, place.bob
    first, second = receipt(room, bob), receipt(room, bob, 2, 2)
    one = await mark(world, room, bob, first)
    assert await mark(world, room, bob, first) == one
    for version in (0, 2, 7):
        error = await world.refusal("setMarker", marker_input(world, room, second, version), bob)
        assert (error["__typename"], error["code"]) == ("MarkerConflictError", "MARKER_CONFLICT")
        assert error["marker"] == {"version": 1, "envelope": b64(first.data)}
    assert (await mark(world, room, bob, second, 1))["version"] == 2
    error = await world.refusal("setMarker", marker_input(world, room, first, 0), bob)
    assert error["marker"]["version"] == 2  # what was superseded is no retry any more


async def test_of_two_devices_at_once_one_is_told_to_try_again(world: World, place: Place) -> None:
    room, bob = place.room, place.bob
    tries = [receipt(room, bob, n, n) for n in range(1, 9)]
    payloads = await asyncio.gather(
        *(world.try_mutation("setMarker", marker_input(world, room, one), bob) for one in tries)
    )
    taken = [payload for payload in payloads if not payload["errors"]]
    assert len(taken) == 1
    for payload in payloads:
        if payload["errors"]:
            (error,) = payload["errors"]
            assert error["marker"] == {"version": 1, "envelope": taken[0]["marker"]["envelope"]}


async def test_the_same_request_twice_at_once_is_taken_once(world: World, place: Place) -> None:
    room, bob = place.room, place.bob
    one = marker_input(world, room, receipt(room, bob))
    found = await asyncio.gather(*(world.mutate("setMarker", one, bob) for _ in range(6)))
    assert all(marker == found[0] for marker in found)
    assert found[0]["version"] == 1


async def test_setting_locks_the_own_row_alone(world: World, place: Place, admin: Connection) -> None:
    """Neither a send under way in the conversation nor another member's marker is waited for."""
    room, ada, bob = place.room, place.ada, place.bob
    await mark(world, room, ada, receipt(room, ada))
    async with admin.transaction():
        await admin.execute("SELECT 1 FROM space FOR NO KEY UPDATE")
        await admin.execute("SELECT 1 FROM marker WHERE member_id = $1 FOR UPDATE", ada.id)
        async with asyncio.timeout(5):
            await mark(world, room, bob, receipt(room, bob))


# ---- what is refused


async def refused(world: World, room: Room, by: Actor, **input: Any) -> str:
    return str((await world.refusal("setMarker", input | {"conversationId": world.id_of(room)}, by))["code"])


async def test_what_is_no_marker_is_refused(world: World, place: Place) -> None:
    room, account, ada, bob = place.room, place.account, place.ada, place.bob
    other = await scenes.create(world, bob, [ada])

    async def code(envelope: Any, scope: str = "RECEIPT", version: int = 0, by: Actor = bob) -> str:
        data = b64(envelope if isinstance(envelope, bytes) else envelope.data)
        return await refused(world, room, by, scope=scope, version=version, envelope=data)

    good = receipt(room, bob)
    assert await code(b"\x80") == "MALFORMED"
    assert await code(good.data + bytes(1)) == "MALFORMED"
    assert await code(room.make_envelope(bob, {0: 1, 9: bytes(1000)}, Kind.RECEIPT)) == "MALFORMED"  # too long
    assert await code(good, version=-1) == "INVALID"
    assert await code(room.make_envelope(bob, {0: 1, 1: 1}, Kind.REACTION)) == "FORBIDDEN"
    assert await code(room.make_envelope(ada), by=ada) == "FORBIDDEN"  # a message
    assert await code(receipt(other, bob)) == "FORBIDDEN"  # another conversation's
    assert await code(good, "OWN") == "FORBIDDEN"  # sealed in the conversation
    assert await code(own(account, room, ada), by=ada) == "FORBIDDEN"  # sealed in the account
    assert await code(own(account, room, ada, b=1), "OWN", by=ada) == "FORBIDDEN"  # own ones stay
    assert await code(receipt(room, bob, ref=random_bytes(16))) == "FORBIDDEN"
    assert await code(good, by=ada) == "STALE_DEVICE"
    assert await code(receipt(room, bob, device=random_bytes(16))) == "STALE_DEVICE"
    assert await code(receipt(room, bob, n=3)) == "STALE_DEVICE"
    forged = good.data[:-1] + bytes([good.data[-1] ^ 1])
    assert await code(forged) == "FORBIDDEN"
    assert await seen(world, room, bob) == ({}, None)


async def test_a_device_that_was_ended_sets_none(world: World, place: Place, admin: Connection) -> None:
    room, bob = place.room, place.bob
    sent = marker_input(world, room, receipt(room, bob))
    await admin.execute("UPDATE device SET active = false WHERE member_id = $1", bob.id)
    assert (await world.refusal("setMarker", sent, bob))["code"] == "STALE_DEVICE"


async def test_an_old_epoch_a_due_one_and_a_forked_log_are_told(world: World, place: Place) -> None:
    room, ada, bob = place.room, place.ada, place.bob
    old = receipt(room, bob)
    forked = marker_input(world, room, receipt(room, bob, seen=Head(room.head.n, bytes(32))))
    assert (await world.refusal("setMarker", forked, bob))["code"] == "FORKED_LOG"
    await scenes.change(world, room, ada, room.make_policy(ada, Policy(0, shared=False)), renew=False)
    error = await world.refusal("setMarker", marker_input(world, room, old), bob)
    assert (error["code"], error["reason"]) == ("EPOCH_DUE", "ROSTER")
    await scenes.announce(world, room, ada)
    error = await world.refusal("setMarker", marker_input(world, room, old), bob)
    assert (error["code"], error["current"]) == ("STALE_EPOCH", {"number": 2})
    await mark(world, room, bob, receipt(room, bob))


async def test_a_retry_under_an_old_epoch_is_answered(world: World, place: Place) -> None:
    room, ada, bob = place.room, place.ada, place.bob
    sent = receipt(room, bob)
    stored = await mark(world, room, bob, sent)
    world.moved += timedelta(hours=25)
    room.now = world.now
    await scenes.announce(world, room, ada)
    assert await mark(world, room, bob, sent) == stored


async def test_strangers_find_nothing(world: World, place: Place) -> None:
    room, cleo = place.room, await world.join("cleo")
    account = await account_of(world, cleo)
    theirs = receipt(await scenes.create(world, cleo, []), cleo)
    for scope, envelope in (("RECEIPT", theirs), ("OWN", own(account, room, cleo))):
        assert await refused(world, room, cleo, scope=scope, version=0, envelope=b64(envelope.data)) == "NOT_FOUND"


async def test_broadcast_channels_and_large_groups_take_no_receipts(
    world: World, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = place.ada, place.bob
    channel = await scenes.create(world, ada, {bob: Role.READER}, SpaceType.BROADCAST)
    sent = marker_input(world, channel, receipt(channel, bob))
    assert (await world.refusal("setMarker", sent, bob))["code"] == "FORBIDDEN"
    await mark(world, channel, ada, own(place.account, channel, ada), scope="OWN")
    monkeypatch.setattr(markers, "MOST_MEMBERS", 1)
    sent = marker_input(world, place.room, receipt(place.room, bob))
    assert (await world.refusal("setMarker", sent, bob))["code"] == "TOO_MANY_MEMBERS"
    await mark(world, place.room, ada, own(place.account, place.room, ada), scope="OWN")


# ---- leaving


async def test_whoever_leaves_takes_the_markers_along_and_goes_on_counting(world: World, place: Place) -> None:
    room, ada, bob = place.room, place.ada, place.bob
    await mark(world, room, bob, receipt(room, bob))
    await scenes.change(world, room, ada, room.make_remove(ada, bob))
    assert await seen(world, room, ada) == ({}, None)
    assert (
        await refused(world, room, bob, scope="RECEIPT", version=1, envelope=b64(receipt(room, bob).data))
        == "NOT_FOUND"
    )
    await scenes.change(world, room, ada, room.make_add(ada, bob, Role.READER))
    assert await seen(world, room, bob) == ({}, None)
    error = await world.refusal("setMarker", marker_input(world, room, receipt(room, bob)), bob)
    assert error["marker"]["version"] == 1
    assert (await mark(world, room, bob, receipt(room, bob), 1))["version"] == 2
    assert await seen(world, room, ada) == ({b64(bob.member): 2}, None)


# ---- expiry


async def test_a_receipt_expires_like_an_envelope(world: World, database: Database) -> None:
    ada, bob = [await world.join(name) for name in ("ada", "bob")]
    room = await scenes.create(world, ada, [bob], policy=Policy(1, shared=True), title=None)
    too_long = marker_input(world, room, receipt(room, bob))
    assert (await world.refusal("setMarker", too_long, bob))["code"] == "FORBIDDEN"
    await mark(world, room, bob, receipt(room, bob, b=1))
    job = await database.connect("circle_job")
    async with streaming(world, ada) as stream:
        start = await stream.caught_up()
    await mark(world, room, bob, receipt(room, bob, 2, 2, b=1), 1)
    world.moved += timedelta(minutes=59)
    await sweep(job, world.clock(), lambda: False)
    assert await seen(world, room, ada) == ({b64(bob.member): 2}, None)
    world.moved += timedelta(minutes=2)
    await sweep(job, world.clock(), lambda: False)
    await job.close()
    assert await seen(world, room, ada) == ({}, None)
    async with streaming(world, ada, start) as stream:
        await stream.caught_up()  # what has expired is not brought
    room.now = world.now
    error = await world.refusal("setMarker", marker_input(world, room, receipt(room, bob, b=1)), bob)
    assert error["marker"] == {"version": 2, "envelope": None}
    assert (await mark(world, room, bob, receipt(room, bob, b=1), 2))["version"] == 3


# ---- streams


async def test_streams_bring_each_change_to_whom_it_is_for(world: World, place: Place) -> None:
    room, ada, bob = place.room, place.ada, place.bob
    async with streaming(world, ada) as hers, streaming(world, bob) as his, streaming(world, ada, room=room) as one:
        for stream in (hers, his, one):
            await stream.caught_up()
        await mark(world, room, ada, own(place.account, room, ada), scope="OWN")
        assert await hers.marker() == ("OWN", b64(ada.member), 1)
        await mark(world, room, bob, receipt(room, bob))
        for stream in (hers, his, one):  # the own marker went past bob, and past the conversation's stream
            assert await stream.marker() == ("RECEIPT", b64(bob.member), 1)


async def test_a_resume_brings_the_newest_state_once(world: World, place: Place) -> None:
    room, ada, bob = place.room, place.ada, place.bob
    await mark(world, room, bob, receipt(room, bob))
    for only in (None, room):
        async with streaming(world, ada, room=only) as stream:
            start = await stream.caught_up()
        version = (await seen(world, room, ada))[0][b64(bob.member)]
        for n in range(3):
            await mark(world, room, bob, receipt(room, bob, n, n), version + n)
        await scenes.send(world, room, ada)
        async with streaming(world, ada, start, room=only) as stream:
            assert (await stream.next())["__typename"] == "EventDelivery"  # what is spoken of comes first
            between = stream.cursor
            assert await stream.marker() == ("RECEIPT", b64(bob.member), version + 3)
            behind = stream.cursor
            await stream.caught_up()
        async with streaming(world, ada, between, room=only) as stream:
            assert await stream.marker() == ("RECEIPT", b64(bob.member), version + 3)
            await stream.caught_up()
        async with streaming(world, ada, behind, room=only) as stream:
            await stream.caught_up()


async def test_many_markers_come_in_pages(world: World, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("db.hub.backlog.MARKER_PAGE", 2)
    ada, bob = place.ada, place.bob
    async with streaming(world, ada) as stream:
        start = await stream.caught_up()
    rooms = [await scenes.create(world, ada, [bob], title=None) for _ in range(3)]
    wanted = set()
    for room in rooms:
        for by in (ada, bob):
            await mark(world, room, by, receipt(room, by))
            wanted.add((UUID(bytes=room.space), b64(by.member)))
    async with streaming(world, ada, start) as stream:
        while (await stream.next())["__typename"] != "MarkerDelivery":
            cursor = stream.cursor
    got = []
    for _ in wanted:  # from the cursor behind each
        async with streaming(world, ada, cursor) as stream:
            got.append((await stream.marker())[1])
            cursor = stream.cursor
    async with streaming(world, ada, cursor) as stream:
        await stream.caught_up()
    assert sorted(got) == sorted(member for _, member in wanted)


async def test_a_removed_member_gets_no_marker_after_the_removal(world: World, place: Place) -> None:
    room, ada, bob = place.room, place.ada, place.bob
    async with streaming(world, bob) as stream:
        start = await stream.caught_up()
        await mark(world, room, ada, receipt(room, ada))
        assert await stream.marker() == ("RECEIPT", b64(ada.member), 1)
        await scenes.change(world, room, ada, room.make_remove(ada, bob))
        await mark(world, room, ada, receipt(room, ada), 1)
        other = await scenes.create(world, bob, [], title=None)
        kinds = [(await stream.next())["event"]["__typename"] for _ in range(3)]
        assert kinds == ["RosterEvent", "RosterEvent", "EpochEvent"]  # removed; then another conversation
        await mark(world, other, bob, receipt(other, bob))
        assert await stream.marker() == ("RECEIPT", b64(bob.member), 1)
    async with streaming(world, bob, start) as stream:
        items = [await stream.next() for _ in range(4)]
        assert [item["__typename"] for item in items] == ["EventDelivery"] * 3 + ["MarkerDelivery"]
        await stream.caught_up()
