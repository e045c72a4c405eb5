"""Being sure of people, and beginning anew, with the Python SDK on a running server (e2ee.md section 12)."""

from __future__ import annotations

from pathlib import Path

import pytest
from circle_client import ChangeKind, Circle, Conversation, History, Role
from circle_client.errors import InvalidInput, NotAllowed, RevocationUnproven
from circle_client.protocol.account import AccountBook

from tests.support.sdk import PASSWORD, Party, texts, theirs, until


def readable(conversation: Conversation) -> list[str]:
    return [message.text for message in conversation.history() if not message.unreadable]


def book(circle: Circle) -> AccountBook:
    return circle.running.engine.machine.books.book


async def second(people: Party, circle: Circle, words: tuple[str, ...] | None, path: Path) -> Circle:
    """A second device of somebody, by the recovery key."""
    made = await Circle.recover(people.url, circle.me.handle, PASSWORD, words or (), path)
    people.circles[f"{circle.me.handle} again"] = made
    return made


async def test_two_people_compare_one_safety_number(people: Party, ada: Circle, bob: Circle, tmp_path: Path) -> None:
    mine, theirs_ = await ada.safety_number("bob"), await bob.safety_number("ada")
    assert (mine.groups, mine.qr) == (theirs_.groups, theirs_.qr)
    assert [len(group) for group in mine.groups] == [5] * 12
    assert (mine.verified, mine.identity_changed) == (False, False)
    eve = await people.come("eve")
    assert not await ada.compare("bob", (await eve.safety_number("bob")).qr)
    assert not (await ada.safety_number("bob")).verified
    with pytest.raises(InvalidInput):
        await ada.compare("bob", "circle-link:AAAA")
    with pytest.raises(InvalidInput):
        await ada.safety_number("ada")
    assert await ada.compare("bob", theirs_.qr)
    assert (await ada.safety_number("bob")).verified
    assert not (await bob.safety_number("ada")).verified  # a mark is one's own
    other = await second(people, ada, ada.recovery_words, tmp_path / "second")
    assert (await other.safety_number("bob")).verified
    await other.set_verified("bob", False)
    await until(lambda: not book(ada).marks[bob.me.protocol_id].verified)
    assert not (await ada.safety_number("bob")).verified


async def test_what_one_device_saw_binds_the_next(people: Party, ada: Circle, bob: Circle, tmp_path: Path) -> None:
    tea = await ada.create_conversation("group", ["bob"], "Tea")
    await tea.send("one")
    await until(lambda: tea.head == 4)
    await ada.running.teller.pins_now()
    assert set(book(ada).members) == {ada.me.protocol_id, bob.me.protocol_id}
    assert book(ada).spaces[tea.protocol_id].log.n == tea.head
    other = await second(people, ada, ada.recovery_words, tmp_path / "second")
    await until(lambda: book(other).spaces.keys() == book(ada).spaces.keys())
    assert book(other).members == book(ada).members
    assert (await theirs(other, tea)).alarm is None


async def test_a_new_recovery_key_takes_the_old_ones_place(people: Party, ada: Circle, tmp_path: Path) -> None:
    tea = await ada.create_conversation("group", [], "Tea")
    await tea.send("one")
    assert not ada.recovery_key_confirmed
    await ada.acknowledge_recovery_key()
    assert ada.recovery_key_confirmed
    old = ada.recovery_words
    pending = await ada.renew_recovery_key()
    with pytest.raises(InvalidInput):
        await pending.confirm(old)
    opened = await second(people, ada, old, tmp_path / "by the old one")  # in force until the new one is confirmed
    await opened.close()
    await pending.confirm(pending.words)
    assert ada.recovery_key_confirmed
    with pytest.raises(InvalidInput):
        await Circle.recover(people.url, "ada", PASSWORD, old or (), tmp_path / "none")
    other = await second(people, ada, pending.words, tmp_path / "by the new one")
    own = await theirs(other, tea)
    await until(lambda: own.head == tea.head)
    assert texts(list(own.history())) == ["one"]
    assert other.recovery_key_confirmed


# ---- beginning anew


async def lost(people: Party, circle: Circle, path: Path) -> Circle:
    """Somebody who lost everything and resets their identity."""
    handle = circle.me.handle
    await circle.close()
    pending = await Circle.reset(people.url, handle, PASSWORD, path)
    with pytest.raises(InvalidInput):
        await pending.confirm("yes")
    made = people.circles[handle] = await pending.confirm("begin anew")
    assert made.recovery_words == pending.words
    return made


async def test_nothing_is_reset_without_a_confirmation(people: Party, ada: Circle, tmp_path: Path) -> None:
    pending = await Circle.reset(people.url, "ada", PASSWORD, tmp_path / "new")
    await pending.close()
    assert not (tmp_path / "new").exists()
    await ada.running.engine.know([ada.me.protocol_id])
    assert len(ada.running.engine.machine.people.chain(ada.me.protocol_id).identities) == 1


@pytest.mark.parametrize("history", [History.JOINING, History.SHARED])
async def test_who_was_reset_is_let_in_again_by_a_person(
    people: Party, ada: Circle, bob: Circle, tmp_path: Path, history: History
) -> None:
    tea = await ada.create_conversation("group", ["bob"], "Tea", history=history)
    bobs = await theirs(bob, tea)
    await bobs.send("before")
    await until(lambda: tea.head == 4)
    assert await ada.compare("bob", (await bob.safety_number("ada")).qr)
    old = bob
    bob = await lost(people, old, tmp_path / "bob anew")
    bobs = await theirs(bob, tea)

    await until(lambda: tea.participants[1].changed)
    assert tea.changes()[-1].kind is ChangeKind.IDENTITY
    assert "Bob" in tea.changes()[-1].text
    number = await ada.safety_number("bob")
    assert (number.verified, number.identity_changed) == (False, True)
    await tea.send("while he is out")
    await until(lambda: bobs.head == tea.head)
    assert all(message.unreadable for message in bobs.history())
    with pytest.raises(NotAllowed):
        await bobs.send("let me in")
    with pytest.raises(NotAllowed):
        await bobs.readmit("ada")
    with pytest.raises(NotAllowed):
        await bobs.readmit("bob")

    await tea.readmit("bob")
    assert not tea.participants[1].changed
    assert ChangeKind.READMITTED in [change.kind for change in tea.changes()]
    await tea.send("welcome back")
    await bobs.send("thank you")
    said = ["before", "while he is out", "welcome back", "thank you"]
    await until(lambda: readable(tea) == said)
    await until(lambda: readable(bobs) == (said if history is History.SHARED else said[2:]))
    assert (tea.alarm, bobs.alarm, bobs.title, bobs.role) == (None, None, "Tea", Role.WRITER)


async def test_what_was_granted_after_a_reset_is_read_by_the_next_device(
    people: Party, ada: Circle, bob: Circle, tmp_path: Path
) -> None:
    tea = await ada.create_conversation("group", ["bob"], "Tea", history=History.SHARED)
    await tea.send("before")
    bob = await lost(people, bob, tmp_path / "bob anew")
    await until(lambda: tea.participants[1].changed)
    await tea.readmit("bob")
    await tea.set_policy(history=History.JOINING)
    bobs = await theirs(bob, tea)
    await until(lambda: readable(bobs) == ["before"])
    await bob.running.devices.rotate()
    await tea.send("after")
    other = await second(people, bob, bob.recovery_words, tmp_path / "bob's second")
    own = await theirs(other, tea)
    await until(lambda: readable(own) == ["before", "after"])
    assert own.alarm is None


async def test_a_reset_renews_the_account(people: Party, ada: Circle, bob: Circle, tmp_path: Path) -> None:
    await ada.compare("bob", (await bob.safety_number("ada")).qr)
    await ada.acknowledge_recovery_key()
    ada = await lost(people, ada, tmp_path / "ada anew")
    assert not ada.recovery_key_confirmed
    assert not (await ada.safety_number("bob")).verified  # marks begin anew
    await ada.set_verified("bob", True)
    assert (await ada.safety_number("bob")).verified
    account = ada.running.engine.refresher.account()
    assert account is not None
    assert (account.alarm, account.roster.n) == (None, 1)
    ada = await people_restart(people, ada, tmp_path / "ada anew")
    assert (await ada.safety_number("bob")).verified


async def people_restart(people: Party, circle: Circle, path: Path) -> Circle:
    await circle.close()
    opened = people.circles[circle_handle(people, circle)] = await Circle.open(people.url, path, password=PASSWORD)
    await opened.synced()
    return opened


def circle_handle(people: Party, circle: Circle) -> str:
    return next(handle for handle, one in people.circles.items() if one is circle)


async def test_devices_of_before_a_reset_stop_and_keep_what_they_hold(
    people: Party, ada: Circle, tmp_path: Path
) -> None:
    tea = await ada.create_conversation("group", [], "Tea")
    await tea.send("one")
    other = await second(people, ada, ada.recovery_words, tmp_path / "second")
    await lost(people, ada, tmp_path / "ada anew")
    await until(lambda: other.running.sync.failed is not None)
    assert isinstance(other.running.sync.failed, RevocationUnproven)
    # A reset is signed by new keys alone: a server could make one up, so nothing is wiped for it.
    assert texts(list((await theirs(other, tea)).history())) == ["one"]


async def test_a_groups_only_owner_is_let_in_again_by_an_admin(
    people: Party, ada: Circle, bob: Circle, tmp_path: Path
) -> None:
    tea = await ada.create_conversation("group", ["bob"], "Tea", roles={"bob": Role.ADMIN})
    bobs = await theirs(bob, tea)
    ada = await lost(people, ada, tmp_path / "ada anew")
    own = await theirs(ada, tea)
    await until(lambda: any(one.changed for one in bobs.participants))
    await bobs.readmit("ada")
    await bobs.send("here you are")
    await until(lambda: own.head == bobs.head)
    await own.send("thanks")
    await until(lambda: readable(own) == ["here you are", "thanks"])
    assert (own.role, own.alarm) == (Role.OWNER, None)


async def test_a_direct_conversation_after_a_reset(people: Party, ada: Circle, bob: Circle, tmp_path: Path) -> None:
    talk = await ada.create_conversation("direct", ["bob"])
    await theirs(bob, talk)
    bob = await lost(people, bob, tmp_path / "bob anew")
    bobs = await theirs(bob, talk)
    await until(lambda: any(one.changed for one in talk.participants))
    await talk.readmit("bob")
    await talk.send("hello again")
    await until(lambda: bobs.head == talk.head)
    await bobs.send("hello")
    await until(lambda: readable(talk) == readable(bobs) == ["hello again", "hello"])
    assert (talk.alarm, bobs.alarm) == (None, None)
