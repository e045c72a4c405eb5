"""Read markers, receipts and unread counts of the Python SDK against a running server."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from circle_client import Circle, Conversation, Receipt
from circle_client.engine.engine import CURSOR
from circle_client.errors import InvalidInput

from tests.support.sdk import Party, texts, theirs, until


def receipt(conversation: Conversation, handle: str) -> Receipt | None:
    """What somebody has said of their reading here."""
    return next((one for one in conversation.receipts if one.person.handle == handle), None)


def says(conversation: Conversation, handle: str, delivered: int | None, read: int | None) -> bool:
    found = receipt(conversation, handle)
    return found is not None and (found.delivered_seq, found.read_seq) == (delivered, read)


async def test_what_is_unread_is_what_others_wrote_since(ada: Circle, bob: Circle) -> None:
    tea = await ada.create_conversation("group", ["bob"], "Tea")
    bobs = await theirs(bob, tea)
    first, second = await tea.send("one"), await tea.send("two")
    own = await bobs.send("mine")
    await until(lambda: bobs.head >= own.seq and bobs.unread == 2)
    assert bobs.read_seq == 0
    bobs.mark_read(first)
    assert (bobs.unread, bobs.read_seq) == (1, first.seq)
    bobs.mark_read(first.seq - 1)  # never back
    assert (bobs.unread, bobs.read_seq) == (1, first.seq)
    bobs.mark_read()
    assert (bobs.unread, bobs.read_seq) == (0, own.seq)
    assert second.seq < own.seq
    with pytest.raises(InvalidInput):
        bobs.mark_read(bobs.head + 1)
    with pytest.raises(InvalidInput):
        tea.mark_read(await (await ada.create_conversation("direct", ["bob"])).send("elsewhere"))


async def test_others_see_what_has_arrived_and_what_was_read(ada: Circle, bob: Circle) -> None:
    tea = await ada.create_conversation("group", ["bob"], "Tea")
    bobs = await theirs(bob, tea)
    sent = await tea.send("one")
    await until(lambda: says(tea, "bob", sent.seq, None))
    bobs.mark_read(sent)
    await until(lambda: says(tea, "bob", sent.seq, sent.seq))
    assert receipt(tea, "ada") is None  # oneself is not among them
    assert receipt(bobs, "ada") is None  # who has heard nothing says nothing


async def test_reading_on_one_device_clears_the_other(people: Party, ada: Circle, bob: Circle, tmp_path: Path) -> None:
    tea = await ada.create_conversation("group", ["bob"], "Tea")
    bobs = await theirs(bob, tea)
    sent = await tea.send("one")
    await until(lambda: bobs.unread == 1)
    phone = await people.linked(bob, tmp_path / "phone.circle")
    phones = await theirs(phone, tea)
    await until(lambda: phones.unread == 1)
    phones.mark_read(sent)
    await until(lambda: bobs.unread == 0 and bobs.read_seq == sent.seq)
    await phone.close()
    tablet = await people.linked(bob, tmp_path / "tablet.circle")  # what was read before it came is read
    assert (await theirs(tablet, tea)).read_seq == sent.seq


async def test_what_was_read_offline_is_sent_after_a_restart(people: Party, ada: Circle, bob: Circle) -> None:
    tea = await ada.create_conversation("group", ["bob"], "Tea")
    bobs = await theirs(bob, tea)
    sent = await tea.send("one")
    await until(lambda: bobs.unread == 1)
    await bob.running.sync.close()  # nothing goes out any more
    bobs.mark_read(sent)
    again = await people.restart("bob")
    assert again.conversation(tea.id).unread == 0
    await until(lambda: says(tea, "bob", sent.seq, sent.seq))


async def test_what_was_read_meanwhile_is_there_when_the_server_asks_to_load_afresh(
    people: Party, ada: Circle, bob: Circle, tmp_path: Path
) -> None:
    tea = await ada.create_conversation("group", ["bob"], "Tea")
    bobs = await theirs(bob, tea)
    await bobs.send("one")
    phone = await people.linked(ada, tmp_path / "phone.circle")
    phones = await theirs(phone, tea)
    await until(lambda: tea.unread == 1 and phones.unread == 1)
    await ada.running.sync.close()  # she hears nothing of what follows
    phones.mark_read()
    sent = await phones.send("two")
    await until(lambda: bobs.head >= sent.seq)
    bobs.mark_read(sent)
    await until(lambda: says(phones, "bob", sent.seq, sent.seq))
    await bobs.send("three")
    with ada.running.engine.store.transaction():
        ada.running.engine.store.put(CURSOR, b"", "of another server's life")
    again = await people.restart("ada")
    mine = await theirs(again, bobs)
    await until(lambda: texts(list(mine.history())) == ["one", "two", "three"])
    await until(lambda: says(mine, "bob", sent.seq, sent.seq))
    await until(lambda: (mine.read_seq, mine.unread) == (phones.read_seq, 1))
    assert again.running.engine.store.get(CURSOR, b"") != "of another server's life"
    assert mine.alarm is None


async def test_two_devices_that_read_at_once_end_with_the_higher(
    people: Party, ada: Circle, bob: Circle, tmp_path: Path
) -> None:
    tea = await ada.create_conversation("group", ["bob"], "Tea")
    phone = await people.linked(bob, tmp_path / "phone.circle")
    devices = [await theirs(bob, tea), await theirs(phone, tea)]
    sent = [await tea.send(str(number)) for number in range(6)]
    await until(lambda: all(mine.unread == 6 for mine in devices))
    for number, message in enumerate(sent):
        devices[number % 2].mark_read(message)
        await asyncio.sleep(0)
    await until(lambda: all(mine.unread == 0 and mine.read_seq == sent[-1].seq for mine in devices))
    await until(lambda: says(tea, "bob", sent[-1].seq, sent[-1].seq))


async def test_receipts_follow_the_settings(ada: Circle, bob: Circle) -> None:
    tea = await ada.create_conversation("group", ["bob"], "Tea")
    bobs = await theirs(bob, tea)
    assert bob.privacy.read_receipts
    told = await bob.set_privacy(read_receipts=False)
    assert (told, bob.privacy) == (bob.privacy, told)
    assert (told.presence, told.read_receipts, told.delivery_receipts) == (True, False, True)
    first = await tea.send("one")
    await until(lambda: bobs.unread == 1)
    bobs.mark_read(first)
    await until(lambda: says(tea, "bob", first.seq, None))
    await bob.set_privacy(read_receipts=True, delivery_receipts=False)
    second = await tea.send("two")
    await until(lambda: bobs.unread == 1)
    bobs.mark_read(second)
    await until(lambda: says(tea, "bob", first.seq, second.seq))


async def test_channels_take_no_receipts_and_count_all_the_same(
    people: Party, ada: Circle, bob: Circle, tmp_path: Path
) -> None:
    news = await ada.create_conversation("broadcast", ["bob"], "News")
    phone = await people.linked(bob, tmp_path / "phone.circle")
    bobs, phones = await theirs(bob, news), await theirs(phone, news)
    sent = await news.send("one")
    await until(lambda: bobs.unread == phones.unread == 1)
    bobs.mark_read(sent)
    await until(lambda: phones.unread == 0)
    assert news.receipts == []


async def test_who_comes_again_has_said_nothing_yet(ada: Circle, bob: Circle, eve: Circle) -> None:
    tea = await ada.create_conversation("group", ["bob", "eve"], "Tea")
    eves = await theirs(eve, tea)
    sent = await tea.send("one")
    await until(lambda: says(tea, "bob", sent.seq, None) and says(eves, "bob", sent.seq, None))
    await tea.remove("bob")
    await until(lambda: receipt(tea, "bob") is None and receipt(eves, "bob") is None)
    await tea.add("bob")
    bobs = await theirs(bob, tea)
    await until(lambda: bobs.role is not None)
    assert bobs.unread <= 1
    again = await tea.send("two")
    await until(lambda: bobs.unread >= 1)
    bobs.mark_read(again)
    await until(lambda: says(eves, "bob", again.seq, again.seq))
