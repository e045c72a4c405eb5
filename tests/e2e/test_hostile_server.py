"""A server that lies to one member: what the Python SDK notices, says and refuses (docs/security.md lists all)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from circle_client import Circle, Conversation, Role
from circle_client.errors import InvalidInput, Untrusted

from tests.support import attacks
from tests.support.hostile import Hostile, hostile
from tests.support.hostile_view import Attack
from tests.support.sdk import PASSWORD, Party, party, texts, theirs, until
from tests.support.server import running

FORKED = "The server shows a different past of this conversation than before. Nothing more is sent here."


@dataclass
class Scene:
    """Ada sees the truth. Bob connects through `evil`. They have a group, and Bob has read "before"."""

    people: Party
    evil: Hostile
    ada: Circle
    bob: Circle
    tea: Conversation
    bobs: Conversation

    async def says(self, *sayings: str) -> None:
        """Ada says things."""
        for text in sayings:
            sent = await self.tea.send(text)
            await until(partial(self._has_come, sent.seq))  # so that the next one has seen it

    def _has_come(self, seq: int) -> bool:
        return self.tea.head >= seq

    def shown(self) -> list[str]:
        """What Bob is shown."""
        return texts(list(self.bobs.history()))

    async def alarmed(self) -> str:
        """Wait for Bob's alarm; afterwards nothing is sent, and the alarm outlives a restart."""
        await until(lambda: self.bobs.alarm is not None)
        alarm = self.bobs.alarm or ""
        with pytest.raises(Untrusted) as refused:
            await self.bobs.send("nobody hears this")
        assert refused.value.message == alarm
        self.evil.arm(None)
        self.bob = await self.people.restart("bob", self.evil.url)
        self.bobs = next(one for one in self.bob.conversations if one.protocol_id == self.tea.protocol_id)
        assert self.bobs.alarm == alarm
        assert "nobody hears this" not in texts(list(self.tea.history()))
        return alarm


@pytest.fixture
async def scene(tmp_path: Path, dsn: str) -> AsyncIterator[Scene]:
    async with (
        running(tmp_path, dsn) as server,
        hostile(server.url) as evil,
        party(server.url, server.set_up_token, tmp_path) as people,
    ):
        ada = await people.come("ada")
        bob = await people.come("bob", evil.url)
        tea = await ada.create_conversation("group", ["bob"], "Tea")
        bobs = await theirs(bob, tea)
        await tea.send("before")
        found = Scene(people, evil, ada, bob, tea, bobs)
        await until(lambda: found.shown() == ["before"])
        yield found


# ---- messages


@pytest.mark.parametrize("part", range(3), ids=["header", "syn", "ciphertext"])
async def test_a_message_changed_on_the_way_is_not_what_the_log_names(scene: Scene, part: int) -> None:
    scene.evil.arm(attacks.Tamper(part=part))
    await scene.says("pay 10")
    assert await scene.alarmed() == FORKED
    assert scene.shown() == ["before", "[The log's entry does not fit its content.]"]


async def test_a_message_with_another_signature_is_not_shown(scene: Scene) -> None:
    scene.evil.arm(attacks.Tamper(part=3))
    await scene.says("pay 10", "next")
    await until(lambda: len(scene.shown()) == 3)
    assert scene.shown() == ["before", "[The signature does not fit.]", "next"]
    assert scene.bobs.alarm is None  # the log does not hash signatures: it is sound, the message just is not there


@pytest.mark.parametrize("part", range(3), ids=["header", "syn", "ciphertext"])
async def test_a_message_changed_in_a_log_of_its_own_has_no_signature(scene: Scene, part: int) -> None:
    scene.evil.arm(attacks.Tamper(part=part, own_log=True))
    await scene.says("pay 10")
    await until(lambda: len(scene.shown()) == 2)
    assert scene.shown()[1] == "[The signature does not fit.]"
    await scene.says("next")
    assert await scene.alarmed() == FORKED
    assert "pay 10" not in scene.shown()


async def test_a_message_of_another_conversation_is_refused(scene: Scene) -> None:
    coffee = await scene.ada.create_conversation("group", ["bob"], "Coffee")
    await coffee.send("yes")
    bobs = await theirs(scene.bob, coffee)
    await until(lambda: texts(list(bobs.history())) == ["yes"])
    scene.evil.arm(attacks.Move())
    await scene.says("shall we?", "well?")
    assert await scene.alarmed() == FORKED
    assert "yes" not in scene.shown()
    assert "[The message belongs to another conversation.]" in scene.shown()


async def test_a_message_shown_twice_is_noticed(scene: Scene) -> None:
    scene.evil.arm(attacks.Replay())
    await scene.says("once")
    assert await scene.alarmed() == FORKED
    assert scene.shown() == ["before", "once", "[The server shows an entry a second time.]"]


# ---- the log


async def test_a_dropped_message_leaves_a_gap(scene: Scene) -> None:
    scene.evil.arm(attacks.Drop())
    await scene.says("one", "two")
    assert await scene.alarmed() == "The server withholds a part of this conversation. Nothing more is sent here."
    assert "two" not in scene.shown()


async def test_a_message_dropped_from_a_log_of_its_own_is_missed_by_the_next(scene: Scene) -> None:
    scene.evil.arm(attacks.Drop(own_log=True))
    await scene.says("meet at ten", "bring cake")
    assert await scene.alarmed() == FORKED
    assert not {"meet at ten", "bring cake"} & set(scene.shown())


async def test_messages_in_another_order_are_noticed_by_the_next(scene: Scene) -> None:
    scene.evil.arm(attacks.Reorder())
    await scene.says("no", "yes")
    assert await scene.alarmed() == FORKED


async def test_a_log_hash_that_does_not_follow_is_noticed(scene: Scene) -> None:
    scene.evil.arm(attacks.WrongHash())
    await scene.says("one")
    assert await scene.alarmed() == FORKED


async def test_a_truncated_log_is_noticed(scene: Scene) -> None:
    await scene.says("one", "two", "three")
    await until(lambda: len(scene.shown()) == 4)
    scene.evil.arm(attacks.Truncate())
    scene.evil.cut()
    assert await scene.alarmed() == "The server has lost a part of this conversation. Nothing more is sent here."
    assert scene.shown() == ["before", "one", "two", "three"]


async def test_a_wrong_place_of_an_own_message_is_noticed(scene: Scene) -> None:
    scene.evil.arm(attacks.OtherPlace())
    await scene.bobs.send("mine")
    await scene.says("answer")
    assert await scene.alarmed() == FORKED


# ---- members, rosters, keys


async def test_a_ghost_in_the_roster_is_refused(scene: Scene) -> None:
    scene.evil.arm(attacks.Ghost())
    await scene.says("secret")
    alarm = await scene.alarmed()
    assert alarm.startswith(("The server accepted what it must not", "The server shows a different past"))
    assert [one.person.handle for one in scene.bobs.participants] == ["ada", "bob"]


async def test_a_withheld_removal_is_noticed_by_the_next_message(scene: Scene) -> None:
    cem = await scene.people.come("cem")
    await scene.tea.add("cem")
    await until(lambda: len(scene.bobs.participants) == 3)
    await theirs(cem, scene.tea)
    scene.evil.arm(attacks.Drop("RosterEvent", own_log=True))
    await scene.tea.remove("cem")
    await scene.says("without cem")
    await scene.alarmed()
    assert "without cem" not in scene.shown()


async def test_a_withheld_rotation_is_noticed_by_the_next_message(scene: Scene) -> None:
    scene.evil.arm(attacks.Drop("EpochEvent", own_log=True))
    await scene.tea.change_role("bob", Role.ADMIN)
    await scene.says("under new keys")
    await scene.alarmed()
    assert "under new keys" not in scene.shown()


async def test_an_epoch_rolled_back_is_noticed(scene: Scene) -> None:
    await scene.tea.change_role("bob", Role.ADMIN)
    await scene.says("under new keys")
    await until(lambda: len(scene.shown()) == 2)
    scene.evil.arm(attacks.RollBack())
    await scene.says("more")
    assert await scene.alarmed() == FORKED


async def test_an_epoch_of_the_servers_own_is_refused(scene: Scene) -> None:
    scene.evil.arm(attacks.ForgedEpoch())
    await scene.tea.change_role("bob", Role.ADMIN)
    assert (await scene.alarmed()).startswith("The server accepted what it must not, so nothing more is sent here.")


@pytest.mark.parametrize("attack", [attacks.GhostRecipient, attacks.SwapSeal, attacks.OldSeal])
async def test_an_epoch_with_other_recipients_or_seals_is_refused(scene: Scene, attack: type[Attack]) -> None:
    evil = attack()
    if isinstance(evil, attacks.OldSeal):
        scene.evil.arm(evil)
        await scene.tea.change_role("bob", Role.ADMIN)
        await until(lambda: evil.first is not None)
        await until(lambda: scene.bobs.role is Role.ADMIN)
    scene.evil.arm(evil)
    await scene.tea.change_role("bob", Role.WRITER)
    assert (await scene.alarmed()).startswith(
        "The keys that the server handed out do not fit, so nothing is sent here."
    )


async def test_a_forked_roster_keeps_a_newcomer_out(scene: Scene) -> None:
    hall = await scene.ada.create_conversation("group", [], "Hall")
    scene.evil.arm(attacks.ForkRoster())
    await hall.add("bob")
    await hall.send("welcome")
    await until(lambda: hall.protocol_id in scene.bob.running.engine.broken)
    assert all(one.protocol_id != hall.protocol_id for one in scene.bob.conversations)
    with pytest.raises(InvalidInput):
        scene.bob.conversation(hall.id)


async def test_swapped_keys_of_a_stranger_get_nothing(scene: Scene) -> None:
    await scene.people.come("cem")
    scene.evil.arm(attacks.SwapKey(handle="cem"))
    with pytest.raises(Untrusted, match="keys that the server shows for @cem do not verify"):
        await scene.bob.create_conversation("direct", ["cem"])


async def test_another_identity_for_somebody_known_raises_the_alarm_wherever_they_are(scene: Scene) -> None:
    evil = attacks.Impostor(handle="ada")
    scene.evil.arm(evil)
    with pytest.raises(Untrusted, match="other keys of @ada"):
        await scene.bob.create_conversation("direct", ["ada"])
    assert "@ada" in await scene.alarmed()


async def test_another_identity_for_an_invited_person_is_not_that_of_the_invite(scene: Scene) -> None:
    scene.evil.arm(attacks.Impostor(handle="dora"))
    async with hostile(scene.people.url) as evil:
        evil.arm(attacks.Impostor(handle="dora"))
        ada = scene.ada = await scene.people.restart("ada", evil.url)
        link = await ada.create_invite(1)
        dora = await Circle.sign_up(scene.people.url, link, "dora", "Dora", PASSWORD, scene.people.store("dora"))
        scene.people.circles["dora"] = dora
        with pytest.raises(Untrusted, match="not those of the invite"):
            await ada.create_conversation("direct", ["dora"])
        await ada.close()


async def test_a_forged_proof_of_an_invite_pins_nobody(scene: Scene) -> None:
    async with hostile(scene.people.url) as evil:
        evil.arm(attacks.ForgedMac())
        ada = scene.ada = await scene.people.restart("ada", evil.url)
        link = await ada.create_invite(1)
        dora = await Circle.sign_up(scene.people.url, link, "dora", "Dora", PASSWORD, scene.people.store("dora"))
        scene.people.circles["dora"] = dora
        with pytest.raises(Untrusted, match="not those of the invite"):
            await ada.create_conversation("direct", ["dora"])
        await ada.close()


# ---- account


async def test_a_weak_password_hash_is_refused(scene: Scene) -> None:
    link = await scene.ada.create_invite(1)
    scene.evil.arm(attacks.WeakPassword())
    store = scene.people.store("cem")
    with pytest.raises(Untrusted, match="weaker password protection"):
        await Circle.sign_up(scene.evil.url, link, "cem", "Cem", PASSWORD, store)
    assert not store.exists()


async def test_being_signed_in_as_somebody_else_is_refused(scene: Scene) -> None:
    await scene.bob.sign_out()
    scene.evil.arm(attacks.OtherMember())
    with pytest.raises(Untrusted):
        await Circle.sign_in(scene.evil.url, "bob", PASSWORD, scene.people.store("bob"))


async def test_garbage_in_a_message_is_not_shown_and_nothing_stops(scene: Scene) -> None:
    scene.evil.arm(attacks.Garbage())
    await scene.says("hello")
    await until(lambda: len(scene.shown()) == 2)
    scene.evil.arm(None)
    await scene.says("better")
    await until(lambda: len(scene.shown()) == 3)
    assert scene.shown()[1].startswith("[")
    assert scene.shown()[::2] == ["before", "better"]


async def test_garbage_in_roster_and_epoch_raises_the_alarm(scene: Scene) -> None:
    scene.evil.arm(attacks.Garbage())
    await scene.tea.change_role("bob", Role.ADMIN)
    assert (await scene.alarmed()).startswith("The server accepted what it must not")
