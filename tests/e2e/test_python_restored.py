"""A server that was replaced by its backup, with the Python SDK: what is offered, and what a person decides."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
from circle_client import Circle, Conversation, Offered, Role
from circle_client.account import UNKNOWN_DEVICE
from circle_client.errors import Forked, NotAllowed, SignedOut, Untrusted
from circle_client.machine.alarms import OWN_KEYS

from tests.support.database import Server
from tests.support.sdk import PASSWORD, Party, party, texts, theirs, until
from tests.support.server import running

LOST = "The server has lost a part of this conversation. Nothing more is sent here."


def said(conversation: Conversation) -> list[str]:
    return texts(list(conversation.history()))


def told(conversation: Conversation) -> list[tuple[int, str, bool]]:
    return [(message.seq, message.text, message.only_here) for message in conversation.history()]


# ---- a backup that was restored


@dataclass
class Rescue:
    """Ada and Bob on a server that is replaced by its backup of before their last messages."""

    people: Party
    words: str
    circles: dict[str, Circle] = field(default_factory=dict)

    async def open(self, handle: str, url: str, like: bytes) -> Conversation:
        circle = self.people.circles[handle] = await Circle.open(url, self.people.store(handle), password=PASSWORD)
        with contextlib.suppress(Forked):
            await circle.synced()
        return next(one for one in circle.conversations if one.protocol_id == like)

    async def close(self) -> None:
        for circle in self.people.circles.values():
            await circle.close()


@asynccontextmanager
async def lost(
    tmp_path: Path,
    dsn: str,
    postgres: Server,
    after: Callable[[Rescue, Conversation, Conversation], Awaitable[None]],
) -> AsyncIterator[tuple[Rescue, bytes, str]]:
    """(people, conversation, the address of the restored server): "one" is in the backup, what `after` does is not."""
    async with running(tmp_path, dsn) as server, party(server.url, server.set_up_token, tmp_path) as people:
        ada, bob = await people.come("ada"), await people.come("bob")
        tea = await ada.create_conversation("group", ["bob"], "Tea")
        bobs = await theirs(bob, tea)
        await tea.send("one")
        await until(lambda: said(bobs) == said(tea) == ["one"])
        await ada.running.teller.pins_now()
        assert ada.recovery_words is not None
        rescue, id = Rescue(people, " ".join(ada.recovery_words)), tea.protocol_id
        await rescue.close()
    async with postgres.fresh(urlsplit(dsn).path.lstrip("/")) as backup:
        connection = await asyncpg.connect(backup)
        await connection.execute("DELETE FROM log_life")  # a restored log begins another life
        await connection.close()
        async with running(tmp_path, dsn) as server:
            tea, bobs = await rescue.open("ada", server.url, id), await rescue.open("bob", server.url, id)
            await after(rescue, tea, bobs)
            await rescue.close()
        async with running(tmp_path, backup) as server:
            yield rescue, id, server.url
            await rescue.close()


async def talk(rescue: Rescue, tea: Conversation, bobs: Conversation) -> None:
    await tea.send("two")
    await until(lambda: said(bobs) == ["one", "two"])
    await bobs.send("three")
    await until(lambda: said(bobs) == said(tea) == ["one", "two", "three"])
    await rescue.people.circles["ada"].set_verified("bob", True)


@pytest.fixture
async def restored(tmp_path: Path, dsn: str, postgres: Server) -> AsyncIterator[tuple[Rescue, bytes, str]]:
    """As `lost`: "two" and "three" are not in the backup."""
    async with lost(tmp_path, dsn, postgres, talk) as found:
        yield found


def outcome(offered: Offered) -> tuple[int, list[str], int, list[str], str | None]:
    given, missing = ([message.text for message in messages] for messages in (offered.given, offered.missing))
    return offered.taken, given, offered.lacking, missing, offered.refused


async def test_members_offer_what_a_restored_server_has_lost(restored: tuple[Rescue, bytes, str]) -> None:
    rescue, id, url = restored
    tea, bobs = await rescue.open("ada", url, id), await rescue.open("bob", url, id)
    for one in (tea, bobs):
        assert one.alarm is not None
        assert (str(one.alarm), one.alarm.can_offer, one.alarm.can_accept) == (LOST, True, True)
        with pytest.raises(Untrusted):
            await one.send("not now")
    assert outcome(await bobs.offer_missing()) == (0, [], 2, ["two", "three"], None)  # Ada's message comes first
    assert outcome(await tea.offer_missing()) == (1, ["two"], 1, ["three"], None)
    assert str(tea.alarm) == LOST
    assert outcome(await bobs.offer_missing()) == (1, ["three"], 0, [], None)
    assert bobs.alarm is None
    assert (await tea.offer_missing()).taken == 0
    assert tea.alarm is None
    with pytest.raises(NotAllowed):
        await tea.offer_missing()
    for circle in rescue.people.circles.values():
        if circle.account_alarm is not None:  # what each device wrote to its own account was lost as well
            await circle.offer_missing()
        assert circle.account_alarm is None
    await rescue.people.circles["ada"].set_verified("bob", True)
    assert (await rescue.people.circles["ada"].safety_number("bob")).verified
    await tea.send("four")
    await until(lambda: bobs.head == tea.head)
    await bobs.send("five")
    heard = ["one", "two", "three", "four", "five"]
    await until(lambda: said(tea) == said(bobs) == heard)
    assert (tea.alarm, bobs.alarm) == (None, None)


async def test_keys_of_after_the_backup_are_offered_as_well(tmp_path: Path, dsn: str, postgres: Server) -> None:
    async def after(rescue: Rescue, tea: Conversation, bobs: Conversation) -> None:
        await tea.change_role("bob", Role.ADMIN)
        await tea.send("under new keys")
        await until(lambda: said(bobs) == ["one", "under new keys"])

    async with lost(tmp_path, dsn, postgres, after) as (rescue, id, url):
        tea, bobs = await rescue.open("ada", url, id), await rescue.open("bob", url, id)
        assert (await tea.offer_missing()).taken == 3  # the role, the keys that it made due, the message
        assert tea.alarm is None
        assert (await bobs.offer_missing()).taken == 0
        await bobs.send("and on")
        await until(lambda: said(tea) == said(bobs) == ["one", "under new keys", "and on"])


async def test_a_person_accepts_what_a_restored_server_shows(restored: tuple[Rescue, bytes, str]) -> None:
    rescue, id, url = restored
    tea, bobs = await rescue.open("ada", url, id), await rescue.open("bob", url, id)
    ada = rescue.people.circles["ada"]
    assert str(ada.account_alarm) == LOST
    with pytest.raises(Untrusted):
        await ada.set_verified("bob", True)
    await ada.accept_state()
    assert ada.account_alarm is None
    assert not (await ada.safety_number("bob")).verified  # the server has lost the mark
    await ada.set_verified("bob", True)
    assert (await ada.safety_number("bob")).verified
    await tea.accept_state()
    await bobs.accept_state()
    assert (tea.alarm, bobs.alarm) == (None, None)
    assert told(tea) == told(bobs) == [(4, "one", False), (4, "two", True), (4, "three", True)]
    assert [message.text for message in tea.history(1)] == ["one", "two", "three"]  # of one seq: not parted
    assert list(tea.history(before=4)) == []
    assert rescue.people.circles["ada"].running.account.store.get("evidence", id) is not None
    await tea.send("from here on")
    await until(lambda: bobs.head == tea.head)
    await bobs.send("yes")
    kept = ["one", "two", "three", "from here on", "yes"]
    await until(lambda: said(tea) == said(bobs) == kept)
    await rescue.close()
    tea, bobs = await rescue.open("ada", url, id), await rescue.open("bob", url, id)
    await until(lambda: tea.head == bobs.head)
    assert (tea.alarm, bobs.alarm) == (None, None)
    assert said(tea) == said(bobs) == kept
    heard = [message async for message in _heard(tea, 3)]
    assert heard == ["one", "from here on", "yes"]


async def _heard(conversation: Conversation, count: int) -> AsyncIterator[str]:
    async for message in conversation.messages(name="all"):
        yield message.text
        count -= 1
        if not count:
            return


# ---- the own keys of after the backup


async def test_who_lost_the_newest_own_key_is_told_what_to_do(tmp_path: Path, dsn: str, postgres: Server) -> None:
    async def after(rescue: Rescue, tea: Conversation, bobs: Conversation) -> None:
        await rescue.people.circles["ada"].running.devices.rotate()
        await tea.send("two")
        await until(lambda: said(bobs) == ["one", "two"])

    async with lost(tmp_path, dsn, postgres, after) as (rescue, id, url):
        tea, bobs = await rescue.open("ada", url, id), await rescue.open("bob", url, id)
        ada = rescue.people.circles["ada"]
        assert (await tea.offer_missing()).taken == 1  # what the own messages need is there
        with pytest.raises(Forked) as refused:
            await ada.devices()
        assert refused.value.message == OWN_KEYS
        for alarm in (tea.alarm, ada.account_alarm):
            assert alarm is not None
            assert (alarm.text, alarm.can_offer, alarm.can_accept) == (OWN_KEYS, False, False)
        with pytest.raises(NotAllowed):
            await tea.accept_state()
        with pytest.raises(Untrusted):
            await tea.send("not from here")
        assert said(tea) == ["one", "two"]
        await begins_anew(rescue, url, tmp_path, bobs)


async def test_who_lost_an_own_device_is_told_what_to_do(tmp_path: Path, dsn: str, postgres: Server) -> None:
    async def after(rescue: Rescue, tea: Conversation, bobs: Conversation) -> None:
        origin = rescue.people.circles["ada"].running.account.api.transport.origin
        added = await Circle.recover(origin, "ada", PASSWORD, rescue.words, tmp_path / "added")
        second = await theirs(added, tea)
        await second.send("two")
        await until(lambda: said(bobs) == said(tea) == ["one", "two"])
        await added.close()

    async with lost(tmp_path, dsn, postgres, after) as (rescue, id, url):
        tea, bobs = await rescue.open("ada", url, id), await rescue.open("bob", url, id)
        ada = rescue.people.circles["ada"]
        with pytest.raises(Forked) as forked:
            await ada.devices()
        assert (forked.value.message, str(tea.alarm), str(ada.account_alarm)) == (OWN_KEYS, LOST, OWN_KEYS)
        offered = await tea.offer_missing()  # it was signed by the other device
        assert offered.taken == 0
        assert offered.refused
        added = await Circle.open(url, tmp_path / "added", password=PASSWORD)
        rescue.people.circles["added"] = added
        with pytest.raises(SignedOut) as refused:
            await added.synced()
        assert refused.value.message == UNKNOWN_DEVICE
        assert said(await theirs(added, tea)) == ["one", "two"]
        await begins_anew(rescue, url, tmp_path, bobs)


async def begins_anew(rescue: Rescue, url: str, tmp_path: Path, bobs: Conversation) -> None:
    """Ada comes in with the recovery key and removes what was there before; Bob goes on with her keys."""
    again = await Circle.recover(url, "ada", PASSWORD, rescue.words, tmp_path / "again")
    rescue.people.circles["again"] = again
    for device in await again.devices():
        if not device.is_current:
            await again.revoke_device(device)
    await until(lambda: bobs.alarm is not None)
    for _ in range(2):  # of the log first, then of her keys
        if bobs.alarm is not None:
            await bobs.accept_state()
            await rescue.people.circles["bob"].running.engine.know([again.me.protocol_id])
    tea = await theirs(again, bobs)
    await tea.send("it is me")
    await until(lambda: "it is me" in said(bobs))
    await bobs.send("hello again")
    await until(lambda: "hello again" in said(tea))
    assert (tea.alarm, bobs.alarm) == (None, None)
