"""What a rotation carries and what newcomers are given, with the Python SDK on a running server (e2ee.md 6 and 8)."""

from __future__ import annotations

from pathlib import Path

import pytest
from circle_client import Circle, Conversation, History, Role
from circle_client.clock import millis
from circle_client.errors import Offline
from circle_client.machine.rotation import Rotation
from circle_client.machine.space import Space
from circle_client.protocol import epoch_keys
from circle_client.protocol.cbor import Value
from circle_client.protocol.labels import Label, seal

from tests.support.sdk import PASSWORD, Party, texts, theirs, until


async def reads(circle: Circle, like: Conversation, wanted: list[str]) -> Conversation:
    """A device's own view of a conversation, once it reads exactly this."""
    own = await theirs(circle, like)
    await until(lambda: texts(list(own.history())) == wanted)
    assert own.alarm is None
    return own


async def test_a_grant_that_comes_just_before_a_rotation_outlives_the_old_key(
    people: Party, ada: Circle, eve: Circle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tea = await ada.create_conversation("group", [], "Tea", history=History.SHARED)
    await tea.send("before")
    give, api = ada.running.epochs.give, eve.running.engine.api.devices
    owed: list[tuple[Space, bytes, range]] = []
    rotate, sent = api.rotate, 0

    async def later(space: Space, member: bytes, epochs: range) -> None:
        owed.append((space, member, epochs))

    async def in_between(made: Rotation) -> None:
        nonlocal sent
        sent += 1
        if sent == 1:
            await give(*owed[0])
        await rotate(made)

    monkeypatch.setattr(ada.running.epochs, "give", later)
    await tea.add("eve")
    eves = await theirs(eve, tea)
    await until(lambda: eves.head == tea.head)
    monkeypatch.setattr(eve.running.engine.keys, "look", _nothing)  # nobody looks but the rotation
    monkeypatch.setattr(api, "rotate", in_between)
    real = type(eve.running.engine.keys).look

    async def look_for_grants(*, everywhere: bool) -> None:
        if everywhere:
            for space in eve.running.engine.machine.spaces.values():
                if space.id == eves.protocol_id:
                    await real(eve.running.engine.keys, space)

    monkeypatch.setattr(eve.running.engine.keys, "look_for_grants", look_for_grants)
    await eve.running.devices.rotate()
    monkeypatch.undo()
    assert sent > 1  # the first was refused: it named no grants
    await reads(eve, tea, ["before"])
    words = eve.recovery_words or ()
    async with await Circle.recover(people.url, "eve", PASSWORD, words, tmp_path / "second.circle") as second:
        await reads(second, tea, ["before"])


async def test_who_was_away_keeps_what_they_were_given_through_rotations(
    people: Party, ada: Circle, bob: Circle, tmp_path: Path
) -> None:
    tea = await ada.create_conversation("group", ["bob"], "Tea", history=History.SHARED)
    await tea.send("one")
    await tea.remove("bob")
    await tea.send("two")  # under keys whose list does not name bob
    await tea.add("bob")
    await reads(bob, tea, ["one", "two"])
    await bob.running.devices.rotate()
    await reads(await people.linked(bob, tmp_path / "second.circle"), tea, ["one", "two"])
    words = bob.recovery_words or ()
    async with await Circle.recover(people.url, "bob", PASSWORD, words, tmp_path / "third.circle") as third:
        await reads(third, tea, ["one", "two"])


async def _nothing(space: Space) -> None:
    """Does not look."""


async def test_a_bad_seal_keeps_no_key_from_being_renewed_and_is_mended_later(
    people: Party, ada: Circle, bob: Circle, eve: Circle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tea = await ada.create_conversation("group", ["bob", "eve"], "Tea")
    bobs, eves = await theirs(bob, tea), await theirs(eve, tea)
    bobs_key = ada.running.engine.machine.people.get(bob.me.protocol_id)
    assert bobs_key is not None

    def spoilt(key: bytes, label: Label, value: Value, text: bytes) -> bytes:
        return seal(key, label, value, bytes(32) if key == bobs_key.key.key else text)

    complain = bob.running.engine.complain
    assert complain is not None
    monkeypatch.setattr(bob.running.engine, "complain", None)
    monkeypatch.setattr(epoch_keys, "seal", spoilt)
    await tea.change_role("eve", Role.ADMIN)
    monkeypatch.setattr(epoch_keys, "seal", seal)
    await tea.send("can you read this?")
    await until(lambda: bobs.head == eves.head == tea.head)

    async def lacking() -> set[tuple[int, int]]:
        found = await bob.running.engine.api.devices.required()
        return {(one.epoch, one.branch) for one in found if one.space == tea.protocol_id and one.branch == 0}

    await bob.running.devices.rotate()
    assert await lacking() == {(2, 0)}  # nothing stands in the archive, and the server goes on asking
    await bob.running.devices.rotate()
    assert await lacking() == {(2, 0)}
    monkeypatch.undo()
    complain(bob.running.engine.space(bobs.protocol_id))
    await until(lambda: eve.running.engine.space(eves.protocol_id).log.due is not None)
    await eves.send("better?")
    said = ["can you read this?", "better?"]
    await reads(bob, tea, said)
    await bob.running.devices.rotate()
    assert await lacking() == set()
    words = bob.recovery_words or ()
    async with await Circle.recover(people.url, "bob", PASSWORD, words, tmp_path / "second.circle") as second:
        await reads(second, tea, said)


async def offline(*_: object) -> None:
    """A network that carries no grant."""
    raise Offline("The connection to the server ended.")


async def cut_off(ada: Circle, bob: Circle, eve: Circle, monkeypatch: pytest.MonkeyPatch) -> Conversation:
    """Ada adds eve where history is shared, and is cut off before she gives her the keys; bob goes on."""
    tea = await ada.create_conversation("group", ["bob"], "Tea", history=History.SHARED)
    await tea.send("before")
    bobs = await theirs(bob, tea)
    monkeypatch.setattr(ada.running.engine.api, "grant", offline)
    await tea.add("eve")
    eves = await theirs(eve, tea)
    await until(lambda: bobs.head == tea.head)
    await bobs.send("welcome")
    await until(lambda: texts(list(eves.history(1))) == ["welcome"])
    assert texts(list(eves.history())) != ["before", "welcome"]
    return tea


async def test_a_giver_who_was_cut_off_gives_when_they_are_back(
    people: Party, ada: Circle, bob: Circle, eve: Circle, monkeypatch: pytest.MonkeyPatch
) -> None:
    tea = await cut_off(ada, bob, eve, monkeypatch)
    ada = await people.restart("ada")
    await ada.synced()
    await ada.running.sync.tend(millis())
    own = await reads(eve, tea, ["before", "welcome"])
    await until(lambda: own.title == "Tea")


async def test_another_device_gives_what_the_first_never_gave(
    people: Party, ada: Circle, bob: Circle, eve: Circle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tea = await cut_off(ada, bob, eve, monkeypatch)
    words = ada.recovery_words or ()
    await ada.close()
    people.circles.pop("ada")
    async with await Circle.recover(people.url, "ada", PASSWORD, words, tmp_path / "second.circle") as second:
        await reads(second, tea, ["before", "welcome"])
        await second.running.sync.tend(millis() + 660_000)
        await reads(eve, tea, ["before", "welcome"])


async def test_a_bad_seal_of_an_epoch_that_has_passed_is_complained_of_and_mended(
    people: Party, ada: Circle, bob: Circle, eve: Circle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bob comes back to an epoch with a bad seal and to one after it: he is given the keys of the former, too."""
    tea = await ada.create_conversation("group", ["bob", "eve"], "Tea")
    await theirs(bob, tea)
    eves = await theirs(eve, tea)
    bobs_key = ada.running.engine.machine.people.get(bob.me.protocol_id)
    assert bobs_key is not None
    await bob.close()
    people.circles.pop("bob")

    def spoilt(key: bytes, label: Label, value: Value, text: bytes) -> bytes:
        return seal(key, label, value, bytes(32) if key == bobs_key.key.key else text)

    monkeypatch.setattr(epoch_keys, "seal", spoilt)
    await tea.change_role("eve", Role.ADMIN)
    await tea.send("under the bad one")
    monkeypatch.undo()
    await until(lambda: eves.head == tea.head)
    await tea.change_role("eve", Role.WRITER)
    await eves.send("under a good one")
    bob = people.circles["bob"] = await Circle.open(people.url, people.store("bob"), password=PASSWORD)
    await reads(bob, tea, ["under the bad one", "under a good one"])
