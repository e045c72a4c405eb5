"""Several devices of one member with the Python SDK on a running server (e2ee.md section 8)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from circle_client import Circle, Conversation
from circle_client.account import open_account
from circle_client.engine.device_api import DeviceFacts
from circle_client.engine.engine import millis
from circle_client.engine.refresh import ACCOUNT_PIN
from circle_client.errors import DeviceRevoked, Forked, InvalidInput, WrongPassword
from circle_client.machine.rotation import DAY

from tests.support.sdk import PASSWORD, Party, texts, theirs, until


async def test_a_rotation_changes_nothing_for_people(people: Party, ada: Circle, bob: Circle) -> None:
    tea = await ada.create_conversation("group", ["bob"], "Tea")
    bobs = await theirs(bob, tea)
    await tea.send("before")
    await until(lambda: bobs.head >= 4)
    for circle in (ada, bob):
        await circle.running.devices.rotate()
        keys = circle.running.engine.machine.keyring
        assert (sorted(keys.secrets), keys.seal_generation) == ([2], 2)
    ada = await people.restart("ada")
    tea = await theirs(ada, tea)
    await tea.send("after")
    await bobs.send("and after")
    await until(lambda: tea.head == bobs.head == 6)
    assert texts(list(tea.history())) == texts(list(bobs.history())) == ["before", "after", "and after"]
    assert tea.alarm is None
    assert bobs.alarm is None


async def test_a_rotation_is_made_when_it_is_due_and_not_before(ada: Circle) -> None:
    tea = await ada.create_conversation("group", [], "Tea", lifetime=3)
    devices, keys = ada.running.devices, ada.running.engine.machine.keyring
    await devices.tend(millis())
    assert keys.generation == 1
    await devices.tend(millis() + 2 * DAY)
    assert keys.generation == 2  # the title lives a day
    assert tea.alarm is None


async def test_an_epoch_of_before_a_rotation_is_read_by_a_client_that_was_away(
    people: Party, ada: Circle, bob: Circle
) -> None:
    tea = await ada.create_conversation("group", ["bob"], "Tea")
    await theirs(bob, tea)
    await bob.close()
    people.circles.pop("bob")
    await tea.send("while bob is away")
    await ada.running.devices.rotate()
    await tea.send("once more")
    bob = people.circles["bob"] = await Circle.open(people.url, people.store("bob"), password=PASSWORD)
    bobs = await theirs(bob, tea)
    await until(lambda: bobs.head == tea.head)
    await bobs.send("back")
    await until(lambda: bobs.head == 6)
    assert texts(list(bobs.history())) == ["while bob is away", "once more", "back"]


async def test_two_rotations_at_once_leave_one_key(ada: Circle) -> None:
    await ada.create_conversation("group", [], "Tea")
    await asyncio.gather(*(ada.running.devices.rotate() for _ in range(2)))
    assert ada.running.engine.machine.keyring.generation in (2, 3)
    assert not ada.running.engine.machine.behind


async def history_of(circle: Circle, like: Conversation) -> list[str]:
    """What a device reads of a conversation, once it is all there."""
    own = await theirs(circle, like)
    await until(lambda: own.head == like.head and not any(m.unreadable for m in own.history()))
    assert own.alarm is None
    return texts(list(own.history()))


async def test_a_recovery_key_alone_opens_all_history(people: Party, ada: Circle, bob: Circle, tmp_path: Path) -> None:
    tea = await ada.create_conversation("group", ["bob"], "Tea")
    soon = await ada.create_conversation("group", ["bob"], "Soon", lifetime=3)
    bobs = await theirs(bob, tea)
    for number in range(3):
        await bobs.send(f"number {number}")
        await soon.send(f"soon {number}")
        await ada.running.devices.rotate()
    await tea.remove("bob")
    await tea.send("alone")
    await until(lambda: tea.head == 9)
    words = ada.recovery_words or ()
    async with await Circle.recover(people.url, "ada", PASSWORD, words, tmp_path / "second.circle") as second:
        expected = ["number 0", "number 1", "number 2", "alone"]
        assert await history_of(second, tea) == expected
        assert await history_of(second, soon) == ["soon 0", "soon 1", "soon 2"]
        assert [c.title for c in second.conversations if c.protocol_id == tea.protocol_id] == ["Tea"]
        own = await theirs(second, tea)
        await own.send("from the second")
        await until(lambda: tea.head == 10)
        await second.running.devices.rotate()
        await ada.running.devices.tend(millis())
    async with Circle.open(people.url, tmp_path / "second.circle", password=PASSWORD) as again:
        assert await history_of(again, tea) == [*expected, "from the second"]
        await ada.running.engine.keys.take_newest()
        await tea.send("from the first")
        await until(lambda: tea.head == 11)
        assert await history_of(again, tea) == [*expected, "from the second", "from the first"]


async def test_words_of_somebody_else_let_nobody_in(people: Party, ada: Circle, bob: Circle, tmp_path: Path) -> None:
    path = tmp_path / "second.circle"
    with pytest.raises(InvalidInput):
        await Circle.recover(people.url, "ada", PASSWORD, bob.recovery_words or (), path)
    with pytest.raises(InvalidInput):
        await Circle.recover(people.url, "ada", PASSWORD, "no such words", path)
    with pytest.raises(WrongPassword):
        await Circle.recover(people.url, "ada", "another password", ada.recovery_words or (), path)
    assert not path.exists()


@pytest.mark.parametrize("by_qr", [False, True])
async def test_a_linked_device_reads_all_history_and_both_write(
    people: Party, ada: Circle, bob: Circle, tmp_path: Path, by_qr: bool
) -> None:
    tea = await ada.create_conversation("group", ["bob"], "Tea")
    bobs = await theirs(bob, tea)
    await bobs.send("one")
    await ada.running.devices.rotate()
    await tea.send("two")
    await until(lambda: tea.head == 5)
    second = await people.linked(ada, tmp_path / "second.circle", by_qr=by_qr)
    assert await history_of(second, tea) == ["one", "two"]
    await (await theirs(second, tea)).send("three")
    await tea.send("four")
    await tea.rename("Coffee")
    await bobs.send("five")
    await until(lambda: tea.head == bobs.head == 9)
    for circle in (ada, bob, second):
        assert await history_of(circle, tea) == ["one", "two", "three", "four", "five"]


async def test_a_wrong_code_lets_nobody_in(people: Party, ada: Circle, bob: Circle, tmp_path: Path) -> None:
    shown: asyncio.Future[list[str]] = asyncio.get_running_loop().create_future()
    waiting = asyncio.create_task(
        Circle.link(people.url, "ada", PASSWORD, tmp_path / "new", lambda words, _: shown.set_result(words))
    )
    words = await shown
    with pytest.raises(InvalidInput):
        await ada.answer_link(["abandon"] * 11 + ["about"])  # the code of another device
    with pytest.raises(InvalidInput):
        await ada.answer_link("circle-link:AAAA")
    with pytest.raises(InvalidInput):
        await bob.answer_link(words)  # somebody else's new device
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert len(ada.running.engine.machine.people.chain(ada.me.protocol_id).state.devices) == 1


async def test_devices_are_listed_and_renamed(people: Party, ada: Circle, tmp_path: Path) -> None:
    second = await people.linked(ada, tmp_path / "second.circle")
    (mine,) = [device for device in await second.devices() if device.is_current]
    await ada.rename_device(mine, "Second")
    assert sorted((device.name, device.is_current) for device in await ada.devices()) == [
        ("Python", True),
        ("Second", False),
    ]


async def test_a_revoked_device_is_wiped_and_reads_nothing_more(
    people: Party, ada: Circle, bob: Circle, tmp_path: Path
) -> None:
    tea = await ada.create_conversation("group", ["bob"], "Tea")
    bobs = await theirs(bob, tea)
    await bobs.send("one")
    path = tmp_path / "second.circle"
    second = await people.linked(ada, path)
    assert await history_of(second, tea) == ["one"]
    (other,) = [device for device in await ada.devices() if not device.is_current]
    (own,) = [device for device in await ada.devices() if device.is_current]
    with pytest.raises(InvalidInput):
        await ada.revoke_device(own)
    await ada.revoke_device(other)
    await until(lambda: second.running.sync.failed is not None)
    assert isinstance(second.running.sync.failed, DeviceRevoked)
    assert not path.exists()
    await bobs.send("two")
    await tea.send("three")
    said = ["one", "two", "three"]
    await until(lambda: all(texts(list(seen.history())) == said for seen in (tea, bobs)))
    assert (tea.alarm, bobs.alarm) == (None, None)
    assert [device.protocol_id for device in await ada.devices()] == [own.protocol_id]


async def test_a_device_that_was_away_is_wiped_when_it_next_speaks(people: Party, ada: Circle, tmp_path: Path) -> None:
    path = tmp_path / "second.circle"
    second = await people.linked(ada, path)
    device = next(device for device in await second.devices() if device.is_current)
    await second.close()
    await ada.revoke_device(device)
    async with Circle.open(people.url, path, password=PASSWORD) as again:
        with pytest.raises(DeviceRevoked):
            await again.synced()
    assert not path.exists()


async def test_two_devices_that_rotate_at_once_end_with_one_key(people: Party, ada: Circle, tmp_path: Path) -> None:
    tea = await ada.create_conversation("group", [], "Tea")
    second = await people.linked(ada, tmp_path / "second.circle")
    own = await theirs(second, tea)
    await asyncio.gather(*(circle.running.devices.rotate() for circle in (ada, second)))
    for circle in (ada, second):
        await circle.running.engine.keys.take_newest()
        await circle.running.devices.publish_seal()
    first, other = ada.running.engine.machine.keyring, second.running.engine.machine.keyring
    assert first.secrets == other.secrets
    assert len(first.secrets) == 1
    await own.send("one")
    await tea.send("two")
    said = ["one", "two"]
    await until(lambda: all(texts(list(seen.history())) == said for seen in (tea, own)))


async def test_a_key_that_was_lost_on_the_way_is_taken_before_the_next_seal(
    people: Party, ada: Circle, tmp_path: Path
) -> None:
    """The second device publishes its seal while it does not know of the first one's newest key."""
    second = await people.linked(ada, tmp_path / "second.circle")
    await ada.running.devices.rotate()
    await second.running.engine.keys.take_newest()
    assert second.running.engine.machine.keyring.must_publish
    await ada.running.devices.rotate()  # boxed to the seal that the second has yet to replace
    await second.running.devices.publish_seal()
    keys = second.running.engine.machine.keyring
    assert (sorted(keys.secrets), keys.must_publish) == ([3], False)
    assert keys.secrets == ada.running.engine.machine.keyring.secrets


async def test_a_box_for_a_seal_that_was_replaced_is_made_again(
    people: Party, ada: Circle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = await people.linked(ada, tmp_path / "second.circle")
    devices, api = ada.running.devices, ada.running.account.api.devices
    await devices.rotate()
    shown = await api.devices()
    await second.running.devices.tend(millis())
    await second.running.devices.publish_seal()

    async def stale_once() -> list[DeviceFacts]:
        monkeypatch.undo()
        return shown

    monkeypatch.setattr(api, "devices", stale_once)  # what was shown before the second published
    await devices.rotate()
    await second.running.engine.keys.take_newest()
    assert second.running.engine.machine.keyring.secrets[3] == ada.running.engine.machine.keyring.secrets[3]


async def test_a_linked_device_holds_the_account_to_what_the_other_one_knew(
    people: Party, ada: Circle, tmp_path: Path
) -> None:
    await ada.acknowledge_recovery_key()
    path = tmp_path / "second.circle"
    second = await people.linked(ada, path)
    assert second.running.account.store.get(ACCOUNT_PIN, b"") is None  # compared and done with
    await second.close()
    account = await open_account(people.url, path, PASSWORD)
    with account.store.transaction():  # as if it had been cut off before it was compared
        account.store.put(ACCOUNT_PIN, b"", [2, bytes(32)])
        account.store.remove("cursor", b"")
    account.store.close()
    await account.api.transport.close()
    again = people.circles["again"] = await Circle.open(people.url, path, password=PASSWORD)
    for _ in range(2):
        with pytest.raises(Forked):
            await again.synced()
        await again.close()
        again = people.circles["again"] = await Circle.open(people.url, path, password=PASSWORD)
    space = again.running.engine.refresher.account()
    assert space is not None
    assert space.alarm is not None
