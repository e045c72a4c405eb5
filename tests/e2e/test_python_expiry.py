"""Lifetimes with the Python SDK on a running server (e2ee.md section 9): shown, carried out, nothing left behind."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cbor2
import pytest
from circle_client import ChangeKind, Circle, Conversation, History, Lifetime, Role, clock
from circle_client.clock import millis
from circle_client.errors import InvalidInput, NotAllowed, Refused
from circle_client.protocol.password import password_root
from circle_client.store import Store

from tests.support.sdk import PASSWORD, Party, texts, theirs, until

HOUR = 3600
SECRET = "burn after reading"
Forward = Callable[[float], None]


@pytest.fixture
def forward(monkeypatch: pytest.MonkeyPatch) -> Forward:
    """Puts the clients' clock forward to so many seconds from the real time."""

    def put(seconds: float) -> None:
        shifted = SimpleNamespace(time_ns=lambda: time.time_ns() + int(seconds * 1e9))
        monkeypatch.setattr(clock, "time", shifted)

    return put


def said(conversation: Conversation) -> list[str]:
    return texts(list(conversation.history()))


async def test_a_message_says_how_long_it_stays(people: Party) -> None:
    ada, bob = await people.come("ada"), await people.come("bob")
    tea = await ada.create_conversation("group", ["bob"], "Tea", lifetime=Lifetime.DAY)
    bobs = await theirs(bob, tea)
    shorter, default = await tea.send("an hour", Lifetime.HOUR), await tea.send("a day")
    for lifetime in (Lifetime.NONE, Lifetime.DAYS_7, 9):
        with pytest.raises(InvalidInput):
            await tea.send("for ever", lifetime)
    await until(lambda: said(bobs) == ["an hour", "a day"])
    for mine, read in zip((shorter, default), bobs.history(), strict=True):
        assert read.lifetime == mine.lifetime
        assert mine.expires_at is not None
        assert read.expires_at is not None
        assert abs((read.expires_at - mine.expires_at).total_seconds()) < 60
    assert (shorter.lifetime, default.lifetime) == (Lifetime.HOUR, Lifetime.DAY)
    coffee = await ada.create_conversation("group", ["bob"], "Coffee")
    assert (await coffee.send("for ever")).expires_at is None
    assert (await coffee.send("for a while", Lifetime.DAYS_90)).lifetime is Lifetime.DAYS_90


async def test_what_was_sealed_just_before_the_lifetime_became_shorter_is_sent(
    people: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = await people.come("ada"), await people.come("bob")
    tea = await ada.create_conversation("group", ["bob"], "Tea")
    bobs = await theirs(bob, tea)
    api = bob.running.engine.api
    send = api.send
    codes: list[str] = []

    async def after_the_change(envelope: bytes) -> Any:
        if not codes:
            await tea.set_policy(lifetime=Lifetime.DAY)
        try:
            return await send(envelope)
        except Refused as error:
            codes.append(error.code)
            raise

    monkeypatch.setattr(api, "send", after_the_change)
    assert (await bobs.send("on its way")).lifetime is Lifetime.DAY
    assert codes[0] == "FORBIDDEN"
    await until(lambda: said(tea) == ["on its way"])
    monkeypatch.setattr(api, "send", send)
    # What is refused for good still is.
    await tea.change_role("bob", Role.READER)
    await until(lambda: tea.head == bobs.head)
    with pytest.raises(NotAllowed):
        await bobs.send("too late")


async def test_an_admin_changes_lifetime_and_history(people: Party) -> None:
    ada, bob = await people.come("ada"), await people.come("bob")
    tea = await ada.create_conversation("group", ["bob"], "Tea")
    bobs = await theirs(bob, tea)
    await tea.send("stays")
    with pytest.raises(NotAllowed):
        await bobs.set_policy(lifetime=Lifetime.DAY)
    with pytest.raises(InvalidInput):
        await tea.set_policy(lifetime=8)
    await tea.set_policy(lifetime=Lifetime.DAY)
    await tea.set_policy(history=History.SHARED)
    await until(lambda: (bobs.lifetime, bobs.history_policy) == (Lifetime.DAY, History.SHARED))
    await tea.send("goes")
    await until(lambda: said(bobs) == ["stays", "goes"])
    assert [message.lifetime for message in bobs.history()] == [Lifetime.NONE, Lifetime.DAY]  # does not reach back
    assert [change.kind for change in bobs.changes()].count(ChangeKind.POLICY) == 2
    eve = await people.come("eve")
    await tea.add("eve", Role.READER)
    eves = await theirs(eve, tea)
    await until(lambda: said(eves) == ["stays", "goes"])


class Seized:
    """A closed store, opened with its password."""

    def __init__(self, path: Path) -> None:
        lock = Store.read_lock(path)
        root = password_root(PASSWORD, lock.salt, lock.memory_kib, lock.iterations, lock.lanes)
        self.store = Store.open(path, root.unlock_key(lock.member, lock.device))
        self.path = path

    def everything(self) -> bytes:
        """Every value, in one."""
        areas = ("me", "keyring", "person", "space", "log", "epoch", "book", "invite", "evidence", "reader")
        found: list[Any] = [value for area in areas for _, value in self.store.all(area)]
        for id, _ in self.store.all("space"):
            found += [row.value for row in self.store.latest_items(id, 2**53, 1000)]
        return cbor2.dumps([*found, [row.value for row in self.store.outbox()]])

    def branches(self) -> dict[tuple[bytes, int], bytes]:
        """The keys of all epochs, by epoch and lifetime class."""
        return {(key, b): k for key, value in self.store.all("epoch") for b, k in value["branches"].items()}


def sealed_blobs(path: Path, text: str) -> list[bytes]:
    """The sealed bytes of the entries that say `text`, and of every epoch's keys, as they lie in the file."""
    seized = Seized(path)
    try:
        places = [
            (row.space, row.seq)
            for id, _ in seized.store.all("space")
            for row in seized.store.latest_items(id, 2**53, 1000)
            if text.encode() in cbor2.dumps(row.value)
        ]
    finally:
        seized.store.close()
    connection = sqlite3.connect(path)
    try:
        found = [row[0] for row in connection.execute("SELECT value FROM record WHERE area = 'epoch'")]
        for place in places:
            found += connection.execute("SELECT value FROM item WHERE space = ? AND seq = ?", place).fetchone()
    finally:
        connection.close()
    assert len(found) > len(places) > 0
    return found


def raw(path: Path) -> bytes:
    """The file, its journal, all of it."""
    return b"".join(part.read_bytes() for part in sorted(path.parent.glob(f"{path.name}*")))


async def test_nothing_that_has_expired_remains(people: Party, forward: Forward) -> None:
    ada, bob = await people.come("ada"), await people.come("bob")
    tea = await ada.create_conversation("group", ["bob"], "Tea")
    bobs = await theirs(bob, tea)
    await tea.send(SECRET, Lifetime.HOUR)
    await tea.send("stays")
    await until(lambda: said(bobs) == said(tea) == [SECRET, "stays"])
    for handle in ("ada", "bob"):
        await people.circles[handle].close()
    blobs = {handle: sealed_blobs(people.store(handle), SECRET) for handle in ("ada", "bob")}
    # Bob's client runs while it expires; Ada's is off, and what has expired is gone before anything is shown.
    bob = people.circles["bob"] = await Circle.open(people.url, people.store("bob"), password=PASSWORD)
    bobs = await theirs(bob, tea)
    forward(HOUR + 60)
    assert said(bobs) == ["stays"]
    forward(26 * HOUR)  # an epoch closes after a day, its keys for an hour go an hour later
    bob.running.sync.erase_expired(millis())
    ada = await people.restart("ada")
    tea = await theirs(ada, tea)
    assert said(bobs) == said(tea) == ["stays"]
    for handle, circle in (("ada", ada), ("bob", bob)):
        path = people.store(handle)
        for blob in blobs[handle]:
            assert blob not in raw(path)
        await circle.close()
        seized = Seized(path)
        try:
            assert SECRET.encode() not in seized.everything()
            assert {b for _, b in seized.branches()} == {0, 2, 3, 4, 5, 6}
        finally:
            seized.store.close()


async def test_it_goes_in_time_while_running(people: Party, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("circle_client.engine.kept.LIFETIMES", (None, 300, None, None, None, None, None))
    ada = await people.come("ada")
    tea = await ada.create_conversation("group", [], "Tea")
    await ada.running.sync.close()
    ada.running.sync.start()
    await tea.send(SECRET, Lifetime.HOUR)
    store, space = ada.running.account.store, tea.protocol_id
    await until(lambda: tea.head == 4)
    await until(lambda: all(row.value is None or row.expires is None for row in store.latest_items(space, 9, 9)))
    assert store.next_expiry() is None
    assert said(tea) == []


async def test_a_title_is_renewed_before_it_expires(people: Party, forward: Forward) -> None:
    ada, bob = await people.come("ada"), await people.come("bob")
    tea = await ada.create_conversation("group", ["bob"], "Tea", lifetime=Lifetime.DAY)
    bobs = await theirs(bob, tea)
    head = tea.head
    for circle in (ada, bob):
        circle.running.rosters.renew_titles(millis() + 10 * HOUR * 1000)
        circle.running.rosters.renew_titles(millis() + 13 * HOUR * 1000)
    await until(lambda: bobs.head == head + 1)  # the owner's client alone, in the second half
    space = bob.running.engine.space(tea.protocol_id)
    assert space.state is not None
    assert space.state.seq == head + 1
    forward(25 * HOUR)
    bob.running.sync.erase_expired(millis())
    assert bobs.title == ""
