"""Properties of markers under any order of events: versions count, the higher number survives, streams end level."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from circle_client.protocol.envelope import decode_envelope, open_envelope
from circle_client.protocol.roster import Role
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.resolvers.test_markers import EVENTS, READ
from tests.support import scenes
from tests.support.actors import Actor, unb64
from tests.support.inside import World, follow
from tests.support.markers import marker_input, receipt
from tests.support.rooms import Room

QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


def numbers(room: Room, envelope: bytes) -> tuple[int, int]:
    """Delivered and read, as a device opens them."""
    content = open_envelope(decode_envelope(envelope), room.branches[0])
    return content[0], content[1]


async def advance(world: World, room: Room, by: Actor, wanted: tuple[int, int], version: int) -> list[int]:
    """What a client does: where another is stored, take the higher numbers and try again. The versions it met."""
    met: list[int] = []
    delivered, read = wanted
    while True:
        sent = marker_input(world, room, receipt(room, by, delivered, read), version)
        payload = await world.try_mutation("setMarker", sent, by)
        if not payload["errors"]:
            return [*met, payload["marker"]["version"]]
        current = payload["errors"][0]["marker"]
        version = current["version"]
        met.append(version)
        stored = numbers(room, unb64(current["envelope"]))
        delivered, read = max(delivered, stored[0]), max(read, stored[1])


async def receipts(world: World, room: Room, viewer: Actor) -> dict[str, dict[str, Any]]:
    found = (await world.ask(READ, {"id": world.id_of(room)}, viewer))["conversation"]["markers"]
    return {one["member"]["protocolId"]: one for one in found}


class Place:
    """Rooms with ada and bob. No dataclass: hypothesis would print all keys."""

    def __init__(self, ada: Actor, bob: Actor, rooms: list[Room]) -> None:
        self.ada, self.bob, self.rooms = ada, bob, rooms
        self.versions: dict[tuple[bytes, bytes], int] = {}


@pytest.fixture
async def place(world: World) -> Place:
    ada, bob = [await world.join(name) for name in ("ada", "bob")]
    return Place(ada, bob, [await scenes.create(world, ada, {bob: Role.WRITER}, title=None) for _ in range(2)])


positions = st.tuples(st.integers(0, 1_000), st.integers(0, 1_000))


@settings(max_examples=15, deadline=None, suppress_health_check=QUIET)
@given(
    before=st.lists(positions, max_size=3),
    tries=st.lists(st.tuples(positions, st.integers(0, 3)), min_size=1, max_size=6),
)
async def test_of_devices_at_once_the_highest_numbers_survive(
    world: World, place: Place, before: list[tuple[int, int]], tries: list[tuple[tuple[int, int], int]]
) -> None:
    """Each device knows some older version, or none. However they meet, nothing higher is lost, and versions count."""
    room = await scenes.create(world, place.ada, {place.bob: Role.WRITER}, title=None)
    history = [(0, 0)]
    for one in before:
        history.append(_higher(history[-1], one))
        assert await advance(world, room, place.bob, history[-1], len(history) - 2) == [len(history) - 1]
    known = [min(version, len(before)) for _, version in tries]
    wanted = [_higher(one, history[version]) for (one, _), version in zip(tries, known, strict=True)]
    done = await asyncio.gather(
        *(advance(world, room, place.bob, one, version) for one, version in zip(wanted, known, strict=True))
    )
    last = len(before) + len(tries)
    assert sorted(met[-1] for met in done) == list(range(len(before) + 1, last + 1))
    assert all(met == sorted(set(met)) for met in done)
    (stored,) = (await receipts(world, room, place.ada)).values()
    assert stored["version"] == last
    highest = history[-1]
    for one in wanted:
        highest = _higher(highest, one)
    assert numbers(room, unb64(stored["envelope"])) == highest


def _higher(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return max(one[0], other[0]), max(one[1], other[1])


class Follower:
    """A client that keeps the newest of each marker, and its cursor."""

    def __init__(self, world: World, actor: Actor) -> None:
        self._world, self._actor = world, actor
        self.cursor: str | None = None
        self.held: dict[tuple[str, str], dict[str, Any]] = {}

    @asynccontextmanager
    async def _stream(self) -> AsyncIterator[AsyncIterator[Any]]:
        results = follow(self._world, EVENTS, {"after": self.cursor}, self._actor)
        try:
            yield results
        finally:
            await results.aclose()  # type: ignore[attr-defined]  # an async generator

    async def catch_up(self, most: int = 10**6) -> None:
        """Resume, and leave when level, or after so many items."""
        async with self._stream() as results, asyncio.timeout(20):
            async for result in results:
                item = next(iter(result.data.values()))
                self.cursor = item["cursor"]
                if item["__typename"] == "CaughtUp":
                    return
                if item["__typename"] == "MarkerDelivery":
                    self._hold(item["marker"])
                most -= 1
                if most <= 0:
                    return

    def _hold(self, marker: dict[str, Any]) -> None:
        key = (marker["conversation"]["id"], marker["member"]["protocolId"])
        before = self.held.get(key)
        assert before is None or before["version"] < marker["version"]  # once each, and never back
        self.held[key] = marker


act = st.tuples(st.sampled_from(["ada", "bob"]), st.integers(0, 1), st.sampled_from([0, 0, 1, 2, 10**6]))


@settings(max_examples=15, deadline=None, suppress_health_check=QUIET)
@given(acts=st.lists(act, min_size=1, max_size=12))
async def test_a_stream_ends_with_what_a_fresh_fetch_shows(
    world: World, place: Place, acts: list[tuple[str, int, int]]
) -> None:
    """Members mark; the client resumes now and then and leaves again after so many items, wherever that is."""
    follower = Follower(world, place.ada)
    await follower.catch_up()
    for room in place.rooms:  # what was before, it fetches
        for member, marker in (await receipts(world, room, place.ada)).items():
            follower.held[world.id_of(room), member] = marker
    for who, at, items in acts:
        by, room = {"ada": place.ada, "bob": place.bob}[who], place.rooms[at]
        key = (room.space, by.member)
        sent = marker_input(world, room, receipt(room, by), place.versions.get(key, 0))
        place.versions[key] = (await world.mutate("setMarker", sent, by))["version"]
        if items:
            await follower.catch_up(items)
    await follower.catch_up()
    for room in place.rooms:
        fresh = await receipts(world, room, place.ada)
        held = {member: one for (id_, member), one in follower.held.items() if id_ == world.id_of(room)}
        assert held == fresh
