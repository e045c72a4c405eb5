"""Notices of what changed in a conversation, with the Python SDK; among them keys that could not be opened."""

from __future__ import annotations

import pytest
from circle_client import ChangeKind, Circle, Conversation, Lifetime, Role
from circle_client.protocol import epoch_keys
from circle_client.protocol.cbor import Value
from circle_client.protocol.labels import Label, seal

from tests.support.sdk import Party, texts, theirs, until


def notices(conversation: Conversation) -> list[str]:
    return [change.text for change in conversation.changes()]


async def test_changes_are_told_in_sentences(people: Party) -> None:
    ada, _, _ = await people.come("ada"), await people.come("bob"), await people.come("eve")
    tea = await ada.create_conversation("group", ["bob"], "Tea")
    bobs = await theirs(people.circles["bob"], tea)
    await tea.add("eve")
    await tea.change_role("bob", Role.ADMIN)
    await tea.set_policy(lifetime=Lifetime.DAYS_7)
    await tea.rename("Coffee")
    await tea.remove("eve")
    pending = await ada.renew_recovery_key()
    await pending.confirm()
    await tea.send("hello")
    told = [
        "Ada made this conversation.",
        "Ada added Eve.",
        "Ada made Bob an admin.",
        "Ada changed how long messages stay or what newcomers may read.",
        "Ada removed Eve.",
        "Ada has a new recovery key.",
    ]
    await until(lambda: [text for text in notices(bobs) if "title" not in text] == told)
    assert "Ada changed the title." in notices(bobs)
    newest = bobs.changes(limit=1)
    assert [change.text for change in newest] == told[-1:]
    assert bobs.changes(limit=1, before=newest[0].seq)[0].kind is ChangeKind.REMOVED
    await bobs.leave()
    await until(lambda: notices(tea)[-1] == "Bob left.")


async def test_keys_that_do_not_open_are_given_again_without_anybodys_doing(
    people: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob, eve = [await people.come(handle) for handle in ("ada", "bob", "eve")]
    tea = await ada.create_conversation("group", ["bob", "eve"], "Tea")
    bobs, eves = await theirs(bob, tea), await theirs(eve, tea)
    key = key_of(ada, bob)

    def spoilt(to: bytes, label: Label, value: Value, text: bytes) -> bytes:
        return seal(to, label, value, bytes(32) if to == key else text)

    monkeypatch.setattr(epoch_keys, "seal", spoilt)
    await tea.change_role("eve", Role.READER)
    await tea.send("can you read this?")
    await until(lambda: texts(list(bobs.history())) == ["can you read this?"], 60)
    assert bobs.alarm is None
    sentence = "A device of Bob was given keys that it could not open. It is given them again."
    await until(lambda: sentence in notices(eves))
    await until(lambda: f"{sentence} They came from a device of Ada." in notices(tea))  # admins alone are told whose
    monkeypatch.undo()
    await bobs.send("yes")
    await until(lambda: texts(list(eves.history())) == ["can you read this?", "yes"])


def key_of(circle: Circle, other: Circle) -> bytes:
    known = circle.running.engine.machine.people.get(other.me.protocol_id)
    assert known is not None
    return known.key.key
