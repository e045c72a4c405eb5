"""Alarms that a person resolves, with the Python SDK: a server that withholds and forgets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from circle_client import Circle, Conversation
from circle_client.errors import NotAllowed, Untrusted

from tests.support.attacks import Expire, ForkRoster, Truncate
from tests.support.hostile import Hostile, hostile
from tests.support.hostile_view import Attack, Json, View, each
from tests.support.sdk import PASSWORD, Party, party, texts, theirs, until
from tests.support.server import running

LOST = "The server has lost a part of this conversation. Nothing more is sent here."
OMITTED = "The server no longer shows this conversation, although nobody removed you."
WITHHELD = "The server withholds a message that has not expired. Nothing more is sent here."


def said(conversation: Conversation) -> list[str]:
    return texts(list(conversation.history()))


# ---- a server that lies


@dataclass
class Scene:
    """Ada sees the truth, Bob connects through `evil`."""

    people: Party
    evil: Hostile
    tea: Conversation
    bobs: Conversation

    async def again(self) -> None:
        """Bob's client is opened anew."""
        bob = await self.people.restart("bob", self.evil.url)
        self.bobs = next(one for one in bob.conversations if one.protocol_id == self.tea.protocol_id)

    async def afresh(self) -> None:
        """Bob's client is told to load everything afresh."""
        store = self.people.circles["bob"].running.account.store
        with store.transaction():
            store.remove("cursor", b"")
        await self.again()


@pytest.fixture
async def scene(tmp_path: Path, dsn: str) -> AsyncIterator[Scene]:
    async with (
        running(tmp_path, dsn) as server,
        hostile(server.url) as evil,
        party(server.url, server.set_up_token, tmp_path) as people,
    ):
        ada, bob = await people.come("ada"), await people.come("bob", evil.url)
        tea = await ada.create_conversation("group", ["bob"], "Tea")
        bobs = await theirs(bob, tea)
        await tea.send("before")
        await until(lambda: said(bobs) == ["before"])
        yield Scene(people, evil, tea, bobs)


async def test_a_message_cannot_have_expired_before_its_time(scene: Scene) -> None:
    scene.evil.arm(Expire())
    await scene.tea.send("withheld")
    await until(lambda: scene.bobs.alarm is not None)
    assert str(scene.bobs.alarm) == WITHHELD
    scene.evil.arm(None)
    await scene.bobs.accept_state()
    assert scene.bobs.alarm is None
    assert said(scene.bobs) == ["before", "withheld"]


class Omit(Attack):
    """Leaves all conversations out of the list."""

    def answer(self, operation: str, variables: Json, data: Json, view: View) -> Json:
        each(data, "conversations", lambda viewer: viewer["conversations"].update(nodes=[]))
        return data


async def test_a_conversation_that_is_no_longer_listed_stays_and_says_so(scene: Scene) -> None:
    scene.evil.arm(Omit())
    await scene.afresh()
    await until(lambda: scene.bobs.alarm is not None)
    assert str(scene.bobs.alarm) == OMITTED
    assert said(scene.bobs) == ["before"]
    with pytest.raises(Untrusted):
        await scene.bobs.send("anybody?")
    with pytest.raises(NotAllowed):
        await scene.bobs.offer_missing()
    scene.evil.arm(None)
    await scene.bobs.accept_state()
    assert scene.bobs.alarm is None
    await scene.bobs.send("there you are")
    await until(lambda: said(scene.tea) == ["before", "there you are"])


async def test_who_accepts_an_omission_has_left(scene: Scene) -> None:
    scene.evil.arm(Omit())
    await scene.afresh()
    await until(lambda: scene.bobs.alarm is not None)
    await scene.bobs.accept_state()
    assert (scene.bobs.alarm, scene.bobs.role) == (None, None)
    assert said(scene.bobs) == ["before"]


async def test_an_own_removal_is_no_omission(scene: Scene) -> None:
    await scene.people.circles["bob"].close()
    await scene.tea.remove("bob")
    await scene.again()
    await until(lambda: scene.bobs.role is None)
    assert scene.bobs.alarm is None


async def test_what_does_not_verify_cannot_be_accepted(scene: Scene) -> None:
    await scene.tea.send("one more")
    await until(lambda: scene.bobs.head == 5)
    scene.evil.arm(Truncate())
    await scene.afresh()
    await until(lambda: scene.bobs.alarm is not None)
    scene.evil.arm(Withhold())
    before = said(scene.bobs)
    with pytest.raises(Untrusted):
        await scene.bobs.accept_state()
    assert said(scene.bobs) == before
    assert str(scene.bobs.alarm) == LOST
    scene.evil.arm(None)
    await scene.bobs.accept_state()
    assert (said(scene.bobs), scene.bobs.alarm) == (["before", "one more"], None)


class Withhold(ForkRoster):
    """Shows a log that does not begin with the roster."""

    def event(self, event: Json, view: View) -> list[Json]:
        return [] if event["seq"] == 1 else [event]


async def test_a_new_device_is_bound_by_what_the_first_one_saw(scene: Scene, tmp_path: Path) -> None:
    bob = scene.people.circles["bob"]
    await scene.tea.send("newest")
    await until(lambda: said(scene.bobs) == ["before", "newest"])
    await bob.running.teller.pins_now()
    words: Any = bob.recovery_words
    scene.evil.arm(Shorten())
    second = await Circle.recover(scene.evil.url, "bob", PASSWORD, words, tmp_path / "second")
    scene.people.circles["second"] = second
    own = await theirs(second, scene.tea)
    await until(lambda: own.alarm is not None)
    assert "another of your devices" in str(own.alarm)
    scene.evil.arm(None)
    await own.accept_state()
    assert (said(own), own.alarm) == (["before", "newest"], None)


class Shorten(Truncate):
    """Shows every conversation without its newest entry, in one piece."""

    told = True

    def answer(self, operation: str, variables: Json, data: Json, view: View) -> Json:
        each(data, "headHash", lambda found: self._shorten(found, view))
        if operation.startswith("Events"):
            each(data, "nodes", self._cut)
        return data

    def event(self, event: Json, view: View) -> list[Json]:
        return [event]

    @staticmethod
    def _cut(page: Json) -> None:
        nodes = page["nodes"]
        if nodes and nodes[0].get("__typename") and nodes[0]["seq"] == 1 and len(nodes) > 4:
            page["nodes"] = nodes[:-1]


class ShortChain(Attack):
    """Shows Ada's chain without its newest link."""

    def answer(self, operation: str, variables: Json, data: Json, view: View) -> Json:
        each(data, "chain", self._shorten)
        return data

    @staticmethod
    def _shorten(member: Json) -> None:
        if member["handle"] == "ada" and len(member["chain"]["nodes"]) > 1:
            member["chain"]["nodes"].pop()


async def test_one_device_is_bound_by_the_chains_that_another_one_saw(scene: Scene, tmp_path: Path) -> None:
    ada, bob = scene.people.circles["ada"], scene.people.circles["bob"]
    words: Any = bob.recovery_words
    second = await Circle.recover(scene.people.url, "bob", PASSWORD, words, tmp_path / "second")
    scene.people.circles["second"] = second  # sees the truth
    scene.evil.arm(ShortChain())
    words = ada.recovery_words
    again = await Circle.recover(scene.people.url, "ada", PASSWORD, words, tmp_path / "ada again")
    scene.people.circles["ada again"] = again
    assert scene.bobs.alarm is None
    await second.running.engine.know([ada.me.protocol_id])
    await second.running.teller.pins_now()
    await until(lambda: scene.bobs.alarm is not None)
    assert "@ada" in str(scene.bobs.alarm)
    scene.evil.arm(None)
    await scene.bobs.accept_state()
    assert (said(scene.bobs), scene.bobs.alarm) == (["before"], None)


async def test_a_conversation_whose_members_do_not_verify_is_not_opened(scene: Scene, tmp_path: Path) -> None:
    ada, bob = scene.people.circles["ada"], scene.people.circles["bob"]
    words: Any = ada.recovery_words
    again = await Circle.recover(scene.people.url, "ada", PASSWORD, words, tmp_path / "ada again")
    scene.people.circles["ada again"] = again
    await bob.running.engine.know([ada.me.protocol_id])
    await bob.running.teller.pins_now()
    words = bob.recovery_words
    scene.evil.arm(ShortChain())
    second = await Circle.recover(scene.evil.url, "bob", PASSWORD, words, tmp_path / "second")
    scene.people.circles["second"] = second
    assert [one.protocol_id for one in second.conversations] == []
    assert set(second.unopened) == {scene.tea.protocol_id}
    scene.evil.arm(None)
    await second.close()
    second = scene.people.circles["second"] = await Circle.open(scene.evil.url, tmp_path / "second", password=PASSWORD)
    await second.synced()
    await second.running.engine.refresher.try_again()
    assert said(await theirs(second, scene.tea)) == ["before"]
    assert second.unopened == {}
