"""A server that lies to a member about their own devices: linking, rotation, revocation, with the Python SDK."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from circle_client import Circle, Conversation, enrol
from circle_client.clock import millis
from circle_client.errors import CircleError, DeviceRevoked, Forked, KeysMissing, Refused, RevocationUnproven, Untrusted
from circle_client.machine.alarms import OWN_KEYS
from circle_client.machine.rotation import DAY

from tests.support import attacks_on_devices as attacks
from tests.support.hostile import Hostile, hostile
from tests.support.sdk import PASSWORD, Party, party, texts, theirs, until
from tests.support.server import running


@dataclass
class Scene:
    """Ada sees the truth. Bob has read "before"; which of his devices connects through `evil` is the test's choice."""

    people: Party
    evil: Hostile
    folder: Path
    tea: Conversation

    @property
    def bob(self) -> Circle:
        return self.people.circles["bob"]

    @property
    def second(self) -> Path:
        """Where the store of Bob's second device is."""
        return self.folder / "second.circle"

    async def deceive_bob(self) -> None:
        """From now on Bob's first device connects through `evil`."""
        await self.people.restart("bob", self.evil.url)
        await self.bob.synced()

    async def link(self, url: str, old: Circle | None = None) -> Circle:
        """Bob's second device at this address, let in by the first."""
        asks: list[asyncio.Task[None]] = []
        first = old or self.bob

        def show(words: list[str], _: str) -> None:
            asks.append(asyncio.create_task(first.answer_link(words)))

        try:
            second = await Circle.link(url, "bob", PASSWORD, self.second, show)
        finally:
            await asyncio.gather(*asks)
        self.people.circles["second"] = second
        return second


@pytest.fixture
async def scene(tmp_path: Path, dsn: str) -> AsyncIterator[Scene]:
    async with (
        running(tmp_path, dsn) as server,
        hostile(server.url) as evil,
        party(server.url, server.set_up_token, tmp_path) as people,
    ):
        ada, bob = await people.come("ada"), await people.come("bob")
        tea = await ada.create_conversation("group", ["bob"], "Tea")
        await tea.send("before")
        bobs = await theirs(bob, tea)
        await until(lambda: texts(list(bobs.history())) == ["before"])
        yield Scene(people, evil, tmp_path, tea)


async def reads(circle: Circle, like: Conversation, wanted: list[str]) -> None:
    own = await theirs(circle, like)
    await until(lambda: texts(list(own.history())) == wanted)
    assert own.alarm is None


# ---- linking


@pytest.mark.parametrize("own_mac", [True, False])
async def test_a_swapped_request_lets_nobody_in(scene: Scene, own_mac: bool) -> None:
    await scene.deceive_bob()
    shown: asyncio.Future[list[str]] = asyncio.get_running_loop().create_future()
    waiting = asyncio.create_task(
        Circle.link(scene.people.url, "bob", PASSWORD, scene.second, lambda words, _: shown.set_result(words))
    )
    words = await shown
    scene.evil.arm(attacks.SwapRequest(own_mac))
    with pytest.raises(Untrusted) as refused:
        await scene.bob.answer_link(words)
    assert (refused.value.code, refused.value.message) == (
        "BAD_LINK",
        "The request was not made by the device that shows this code.",
    )
    assert len(await scene.bob.devices()) == 1
    scene.evil.arm(None)
    await scene.bob.answer_link(words)  # the true request is still there
    scene.people.circles["second"] = await waiting
    await reads(scene.people.circles["second"], scene.tea, ["before"])


@pytest.mark.parametrize("own_mac", [True, False])
async def test_a_swapped_answer_gives_no_keys(scene: Scene, own_mac: bool) -> None:
    scene.evil.arm(attacks.SwapAnswer(own_mac))
    with pytest.raises(Untrusted) as refused:
        await scene.link(scene.evil.url)
    assert (refused.value.code, refused.value.message) == ("BAD_LINK", "The answer is not to this device's request.")
    assert not scene.second.exists()
    scene.evil.arm(None)
    await reads(await scene.link(scene.evil.url), scene.tea, ["before"])


async def test_a_withheld_answer_ends_in_words_and_leaves_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enrol, "_PATIENCE", 2.0)
    scene.evil.arm(attacks.WithholdAnswer())
    with pytest.raises(Refused) as refused:
        await scene.link(scene.evil.url)
    assert (refused.value.code, refused.value.message) == (
        "LINK_EXPIRED",
        "Nobody let this device in within five minutes.",
    )
    assert not scene.second.exists()
    scene.evil.arm(None)
    monkeypatch.undo()
    await reads(await scene.link(scene.evil.url), scene.tea, ["before"])


# ---- the own chain and key


async def test_a_ghost_among_the_own_devices_is_refused(scene: Scene) -> None:
    await scene.deceive_bob()
    scene.evil.arm(attacks.GhostDevice("bob"))
    with pytest.raises(Untrusted, match="keys that the server shows for @bob do not verify"):
        await scene.bob.devices()
    with pytest.raises(Untrusted):
        await scene.bob.running.devices.rotate()
    scene.evil.arm(None)
    assert len(await scene.bob.devices()) == 1
    await scene.bob.running.devices.rotate()


async def test_a_ghost_among_somebodys_devices_is_refused(scene: Scene) -> None:
    await scene.deceive_bob()
    scene.evil.arm(attacks.GhostDevice("ada"))
    with pytest.raises(Untrusted, match="@ada"):
        await scene.bob.create_conversation("direct", ["ada"])


async def test_the_chain_of_somebody_else_is_refused(scene: Scene) -> None:
    await scene.deceive_bob()
    scene.evil.arm(attacks.OtherChain("ada"))
    with pytest.raises(Untrusted, match="@ada"):
        await scene.bob.create_conversation("direct", ["ada"])


async def test_a_key_of_before_the_rotation_is_refused(scene: Scene) -> None:
    second = await scene.link(scene.evil.url)
    await second.devices()
    await scene.bob.running.devices.rotate()
    await second.devices()
    assert second.running.engine.machine.keyring.generation == 2
    scene.evil.arm(attacks.RollBackKey("bob"))
    with pytest.raises(Forked) as refused:
        await second.devices()
    assert refused.value.message == OWN_KEYS
    alarm = second.account_alarm
    assert alarm is not None
    assert (alarm.text, alarm.can_offer, alarm.can_accept) == (OWN_KEYS, False, False)
    assert second.running.engine.machine.keyring.generation == 2
    scene.evil.arm(None)
    assert len(await second.devices()) == 2
    assert second.account_alarm is None  # nothing lower was taken, and the server shows the key again


@pytest.mark.parametrize("own", [True, False])
async def test_a_forged_box_is_refused(scene: Scene, own: bool) -> None:
    second = await scene.link(scene.evil.url)
    await second.devices()
    await scene.bob.running.devices.rotate()
    scene.evil.arm(attacks.ForgedBox("bob", own))
    with pytest.raises(Untrusted) as refused:
        await second.devices()
    assert refused.value.code == "UNTRUSTED"
    assert second.running.engine.machine.keyring.generation == 1
    scene.evil.arm(None)
    await second.devices()
    assert second.running.engine.machine.keyring.generation == 2


@pytest.mark.parametrize("old", [False, True])
async def test_a_withheld_box_is_not_laid_to_the_device(scene: Scene, old: bool) -> None:
    second = await scene.link(scene.evil.url)
    await second.devices()
    await scene.bob.running.devices.rotate()
    scene.evil.arm(attacks.WithholdBox(old))
    with pytest.raises(KeysMissing) as refused:
        await second.devices()
    assert refused.value.code == "KEYS_WITHHELD"
    assert refused.value.message.startswith(
        "This device was not given the account's new key, although it was not away for long: the server withholds it,"
    )
    assert second.running.engine.machine.keyring.generation == 1
    scene.evil.arm(None)
    await second.close()
    scene.second.unlink()
    again = await scene.link(scene.evil.url)  # the way that the sentence names
    await reads(again, scene.tea, ["before"])
    assert again.running.engine.machine.keyring.generation == 2


async def test_who_was_away_for_long_is_told_so(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = millis() - 46 * DAY
    monkeypatch.setattr(enrol, "millis", lambda: sealed)
    second = await scene.link(scene.people.url)
    monkeypatch.undo()
    await second.close()
    await scene.bob.running.devices.rotate()
    second = await Circle.open(scene.people.url, scene.second, password=PASSWORD)
    scene.people.circles["second"] = second
    with pytest.raises(KeysMissing) as refused:
        await second.devices()
    assert refused.value.code == "KEYS_OUTDATED"
    assert refused.value.message.startswith("This device was away for more than 45 days and was left out")


@pytest.mark.parametrize("old", [False, True])
async def test_a_swapped_seal_of_another_device_gets_no_box(scene: Scene, old: bool) -> None:
    second = await scene.link(scene.people.url)
    await scene.deceive_bob()
    await scene.bob.devices()
    if old:  # a seal of before, whose key somebody may have taken from that device
        await scene.bob.running.devices.rotate()
        await second.running.engine.keys.take_newest()
        await second.running.devices.publish_seal()
        await scene.bob.running.devices.rotate()
        await scene.deceive_bob()  # what was seen of it is remembered
    before = scene.bob.running.engine.machine.keyring.generation
    scene.evil.arm(attacks.SwapDeviceSeal(old))
    with pytest.raises(Untrusted, match="keys that the server shows for a device do not verify"):
        await scene.bob.running.devices.rotate()
    scene.evil.arm(None)
    await scene.bob.devices()
    assert scene.bob.running.engine.machine.keyring.generation == before
    await scene.bob.running.devices.rotate()
    await second.running.engine.keys.take_newest()
    assert second.running.engine.machine.keyring.generation == before + 1


@pytest.mark.parametrize("how", ["withheld", "swapped", "renumbered"])
async def test_wraps_that_do_not_fit_open_nothing(scene: Scene, how: str) -> None:
    await scene.people.come("cem")
    await scene.tea.add("cem")  # other keys
    await scene.tea.send("between")
    await reads(scene.bob, scene.tea, ["before", "between"])
    await scene.bob.running.devices.rotate()
    words = scene.bob.recovery_words or ()
    scene.evil.arm(attacks.Wraps(how))
    second = await Circle.recover(scene.evil.url, "bob", PASSWORD, words, scene.second)
    scene.people.circles["second"] = second
    own = await theirs(second, scene.tea)
    await until(lambda: own.head == scene.tea.head)
    said = [(message.text, message.unreadable) for message in own.history()]
    assert said == [("", "The keys for this message have not arrived yet.")] * 2
    scene.evil.arm(None)
    await second.close()
    second = await Circle.open(scene.evil.url, scene.second, password=PASSWORD)
    scene.people.circles["second"] = second
    await reads(second, scene.tea, ["before", "between"])


# ---- revocation


@pytest.mark.parametrize("proof", ["none", "unsigned", "later", "other", "add"])
async def test_a_revocation_without_proof_deletes_nothing(scene: Scene, proof: str) -> None:
    if proof == "other":
        third = await scene.link(scene.people.url)
        gone = next(device for device in await third.devices() if device.is_current)
        await third.close()
        await scene.bob.revoke_device(gone)
        scene.second.unlink(missing_ok=True)
    second = await scene.link(scene.evil.url)
    await second.devices()
    scene.evil.arm(attacks.FakeRevocation("bob", proof))
    with pytest.raises(CircleError) as refused:
        await second.devices()
    assert isinstance(refused.value, RevocationUnproven)
    assert not isinstance(refused.value, DeviceRevoked)
    assert (refused.value.code, refused.value.message) == (
        "REVOCATION_UNPROVEN",
        "The server says that this device was removed from your account, but cannot prove it. Nothing was deleted.",
    )
    scene.evil.cut()
    await second.close()
    assert scene.second.exists()
    scene.evil.arm(None)
    second = await Circle.open(scene.evil.url, scene.second, password=PASSWORD)
    scene.people.circles["second"] = second
    await second.synced()
    await reads(second, scene.tea, ["before"])
    assert len(await second.devices()) == 2


async def test_who_is_told_so_when_signing_in_keeps_everything(scene: Scene) -> None:
    second = await scene.link(scene.evil.url)
    await second.devices()
    await second.close()
    scene.evil.arm(attacks.FakeRevocation("bob", "later", everywhere=True))
    with pytest.raises(CircleError) as refused:
        await Circle.sign_in(scene.evil.url, "bob", PASSWORD, scene.second)
    assert refused.value.code == "REVOCATION_UNPROVEN"
    scene.evil.arm(None)
    second = scene.people.circles["second"] = await Circle.sign_in(scene.evil.url, "bob", PASSWORD, scene.second)
    await reads(second, scene.tea, ["before"])
