"""The Python SDK against the real server: three people, every kind of conversation, and what goes wrong on the way."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from functools import partial
from pathlib import Path

import pytest
from circle_client import Circle, Conversation, ConversationType, History, Role
from circle_client.engine.engine import CURSOR
from circle_client.errors import KeysMissing, NotAllowed, Refused, StoreError, WrongPassword
from circle_client.machine.people import Trust
from circle_client.protocol import epoch_keys
from circle_client.protocol.cbor import Value
from circle_client.protocol.labels import Label, seal

from tests.support.sdk import PASSWORD, Party, hear, texts, theirs, until, wire


async def test_messages_cross_in_a_group_a_direct_and_a_broadcast_conversation(
    ada: Circle, bob: Circle, eve: Circle
) -> None:
    assert len(ada.recovery_words or ()) == 24
    tea = await ada.create_conversation("group", ["bob", eve.me], "Tea")
    bobs, eves = await theirs(bob, tea), await theirs(eve, tea)
    await tea.send("hello")
    await bobs.send("hello ada")
    await eves.send("hello both")
    for conversation in (tea, bobs, eves):
        heard = await hear(conversation.messages(), 3)
        assert texts(heard) == ["hello", "hello ada", "hello both"]
        assert [message.seq for message in heard] == [4, 5, 6]
        assert [message.sender.handle if message.sender else None for message in heard] == ["ada", "bob", "eve"]
    assert bobs.title == eves.title == "Tea"
    assert [(p.person.handle, p.role) for p in eves.participants] == [
        ("ada", Role.OWNER),
        ("bob", Role.WRITER),
        ("eve", Role.WRITER),
    ]

    direct = await bob.create_conversation(ConversationType.DIRECT, ["eve"])
    assert (await bob.create_conversation("direct", ["eve"])).protocol_id == direct.protocol_id
    assert (await eve.create_conversation("direct", ["bob"])).protocol_id == direct.protocol_id
    await (await theirs(eve, direct)).send("psst")
    assert texts(await hear(direct.messages(), 1)) == ["psst"]
    assert direct.title == "Eve"
    assert all(mine.protocol_id != direct.protocol_id for mine in ada.conversations)

    news = await ada.create_conversation("broadcast", ["bob", "eve"], "News")
    await news.send("extra, extra")
    bobs_news = await theirs(bob, news)
    assert texts(await hear(bobs_news.messages(), 1)) == ["extra, extra"]
    with pytest.raises(NotAllowed):
        await bobs_news.send("me too")


async def test_iteration_goes_on_after_a_restart(people: Party, ada: Circle, bob: Circle) -> None:
    tea = await ada.create_conversation("group", ["bob"], "Tea")
    for text in ("one", "two", "three"):
        await tea.send(text)
    await theirs(bob, tea)
    messages = bob.messages()
    assert texts(await hear(messages, 2)) == ["one", "two"]  # asking for two was done with one
    bob = await people.restart("bob")
    await tea.send("four")
    assert texts(await hear(bob.messages(), 3)) == ["two", "three", "four"]
    assert texts(list((await theirs(bob, tea)).history())) == ["one", "two", "three", "four"]
    assert texts(await hear(bob.messages(name="second"), 4)) == ["one", "two", "three", "four"]


async def test_a_cut_socket_is_invisible(people: Party, ada: Circle) -> None:
    async with wire(people.url) as cable:
        bob = await people.come("bob", cable.url)
        tea = await ada.create_conversation("group", ["bob"], "Tea")
        bobs = await theirs(bob, tea)
        messages = bobs.messages()
        await tea.send("before")
        assert texts(await hear(messages, 1)) == ["before"]
        cable.down = True
        cable.cut()
        await until(lambda: not bob.running.sync.online.is_set())
        for number in range(30):
            await tea.send(f"while away {number}")
        cable.down = False
        assert texts(await hear(messages, 30)) == [f"while away {number}" for number in range(30)]
        cable.cut()
        await bobs.send("still here")
        await until(lambda: texts(list(tea.history(1))) == ["still here"])
        await bob.close()


async def test_what_is_queued_offline_is_sent_after_a_restart(people: Party, ada: Circle) -> None:
    async with wire(people.url) as cable:
        bob = await people.come("bob", cable.url)
        tea = await ada.create_conversation("group", ["bob"], "Tea")
        bobs = await theirs(bob, tea)
        cable.down = True
        cable.cut()
        from circle_client.protocol.contents import message
        from circle_client.protocol.envelope import Kind

        for number in range(3):
            bob.running.sender.queue(bob.running.engine.space(bobs.protocol_id), Kind.MESSAGE, message(f"{number}"))
        bob = await people.restart("bob", cable.url)
        cable.down = False
        assert texts(await hear(tea.messages(), 3)) == ["0", "1", "2"]
        await bob.close()


async def test_who_is_removed_reads_nothing_that_follows(ada: Circle, bob: Circle, eve: Circle) -> None:
    tea = await ada.create_conversation("group", ["bob", "eve"], "Tea")
    bobs, eves = await theirs(bob, tea), await theirs(eve, tea)
    await tea.send("all of us")
    assert texts(await hear(eves.messages(), 1)) == ["all of us"]
    await tea.remove("eve")
    await tea.send("without eve")
    await bobs.send("yes")
    assert texts(await hear(bobs.messages(), 3)) == ["all of us", "without eve", "yes"]
    await until(lambda: eves.role is None)
    assert texts(list(eves.history())) == ["all of us"]
    await until(lambda: tea.head == bobs.head)
    assert eves.head == tea.head - 3  # the removal; then came an epoch and two messages
    with pytest.raises(NotAllowed):
        await eves.send("let me in")

    await tea.add("eve")
    await until(lambda: eves.role is Role.WRITER)
    await bobs.send("eve is back")
    await until(lambda: texts(list(eves.history())) == ["all of us", "eve is back"])
    await eves.send("thanks")
    await until(lambda: texts(list(bobs.history(1))) == ["thanks"])
    assert eves.alarm is None


@pytest.mark.parametrize("resync", [False, True])
async def test_removed_and_added_again_while_away(people: Party, ada: Circle, resync: bool) -> None:
    async with wire(people.url) as cable:
        bob = await people.come("bob", cable.url)
        tea = await ada.create_conversation("group", ["bob"], "Tea")
        await tea.send("one")
        bobs = await theirs(bob, tea)
        assert texts(await hear(bobs.messages(), 1)) == ["one"]
        cable.down = True
        cable.cut()
        for text in ("two", "three"):
            await tea.remove("bob")
            await tea.send("behind his back")
            await tea.add("bob")
            await tea.send(text)
        if resync:
            with bob.running.engine.store.transaction():
                bob.running.engine.store.remove(CURSOR, b"")
        bob = await people.restart("bob", cable.url)
        cable.down = False
        bobs = await theirs(bob, tea)
        await until(lambda: texts(list(bobs.history())) == ["one", "two", "three"])
        assert bobs.alarm is None
        await bobs.send("four")
        await until(lambda: texts(list(tea.history(1))) == ["four"])
        await bob.close()


@pytest.mark.parametrize("policy", list(History))
async def test_a_newcomer_reads_history_by_policy(ada: Circle, bob: Circle, eve: Circle, policy: History) -> None:
    tea = await ada.create_conversation("group", ["bob"], "Tea", history=policy)
    await tea.send("before")
    await tea.add("eve")
    await tea.send("after")
    eves = await theirs(eve, tea)
    assert texts(await hear(eves.messages(), 1)) == ["after"]
    before = ["before"] if policy is History.SHARED else []
    await until(lambda: texts(list(eves.history())) == [*before, "after"])
    await until(lambda: eves.title == "Tea")
    await eves.send("hello")
    await until(lambda: texts(list(tea.history(1))) == ["hello"])


async def test_roles_rule(ada: Circle, bob: Circle, eve: Circle) -> None:
    tea = await ada.create_conversation("group", ["bob"], "Tea")
    bobs = await theirs(bob, tea)
    with pytest.raises(NotAllowed):
        await bobs.add("eve")
    with pytest.raises(NotAllowed):
        await bobs.rename("Coffee")
    with pytest.raises(NotAllowed):
        await tea.leave()  # the last owner stays
    await tea.change_role("bob", Role.ADMIN)
    await until(lambda: bobs.role is Role.ADMIN)
    await bobs.rename("Coffee")
    await until(lambda: tea.title == "Coffee")
    await bobs.add("eve")
    with pytest.raises(NotAllowed):
        await bobs.change_role("eve", Role.OWNER)
    eves = await theirs(eve, tea)
    await eves.leave()
    await until(lambda: len(tea.participants) == 2)
    assert eves.role is None
    await tea.change_role("bob", Role.READER)
    await until(lambda: bobs.role is Role.READER)
    with pytest.raises(NotAllowed):
        await bobs.send("no")
    await tea.send("only me")
    await until(lambda: texts(list(bobs.history(1))) == ["only me"])


async def test_invites_pin_both_sides(ada: Circle, bob: Circle) -> None:
    adas_bob = ada.running.engine.machine.people
    bobs_ada = bob.running.engine.machine.people.get(ada.me.protocol_id)
    assert bobs_ada is not None
    assert bobs_ada.trust is Trust.INVITE
    await ada.create_conversation("group", ["bob"], "Tea")
    known = adas_bob.get(bob.me.protocol_id)
    assert known is not None
    assert known.trust is Trust.INVITE


async def test_refusals_are_plain(people: Party, ada: Circle, tmp_path: Path) -> None:
    link = await ada.create_invite(1)
    with pytest.raises(Refused) as taken:
        await Circle.sign_up(people.url, link, "ada", "Ada", PASSWORD, tmp_path / "x")
    assert taken.value.code == "HANDLE_TAKEN"
    assert not (tmp_path / "x").exists()
    bob = await Circle.sign_up(people.url, link, "bob", "Bob", PASSWORD, people.store("bob"))
    await bob.close()
    with pytest.raises(Refused) as used:
        await Circle.sign_up(people.url, link, "eve", "Eve", PASSWORD, tmp_path / "y")
    assert used.value.code == "INVITE_USED"
    with pytest.raises(WrongPassword):
        await Circle.open(people.url, people.store("bob"), password="wrong horse battery")
    with pytest.raises(KeysMissing):
        await Circle.sign_in(people.url, "bob", PASSWORD, tmp_path / "nothing")
    with pytest.raises(StoreError):
        await Circle.sign_up(people.url, link, "bob", "Bob", PASSWORD, people.store("bob"))


async def test_an_ended_session_is_renewed_with_the_password(people: Party, ada: Circle, bob: Circle) -> None:
    tea = await ada.create_conversation("group", ["bob"], "Tea")
    await theirs(bob, tea)
    await bob.sign_out()
    bob = await Circle.sign_in(people.url, "bob", PASSWORD, people.store("bob"))
    people.circles["bob"] = bob
    await bob.running.account.api.sign_out()  # behind the client's back, as from another place
    await (await theirs(bob, tea)).send("back")
    assert texts(await hear(tea.messages(), 1)) == ["back"]


async def test_a_bad_seal_is_complained_of_and_mended(
    ada: Circle, bob: Circle, eve: Circle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ada's client seals garbage to bob: he complains, the next one to speak makes new keys and grants him the old."""
    tea = await ada.create_conversation("group", ["bob", "eve"], "Tea")
    bobs, eves = await theirs(bob, tea), await theirs(eve, tea)
    bobs_key = ada.running.engine.machine.people.get(bob.me.protocol_id)
    assert bobs_key is not None

    def spoilt(key: bytes, label: Label, value: Value, text: bytes) -> bytes:
        return seal(key, label, value, bytes(32) if key == bobs_key.key.key else text)

    complain = bob.running.engine.complain
    assert complain is not None
    monkeypatch.setattr(bob.running.engine, "complain", None)  # he hesitates until something was said
    monkeypatch.setattr(epoch_keys, "seal", spoilt)
    await tea.change_role("eve", Role.ADMIN)
    said = await tea.send("can you read this?")
    await until(lambda: len(bobs.history()) == 1)
    monkeypatch.undo()
    complain(bob.running.engine.space(bobs.protocol_id))
    await until(lambda: bob.running.engine.space(bobs.protocol_id).log.due is not None)
    await until(lambda: eve.running.engine.space(eves.protocol_id).log.due is not None)
    await eves.send("better?")
    await until(lambda: texts(list(bobs.history())) == ["can you read this?", "better?"], 60)
    assert bobs.alarm is None
    assert {message.id for message in await hear(bobs.messages(), 2)} >= {said.id}


def _says(conversation: Conversation, text: str) -> bool:
    return text in texts(list(conversation.history(1)))


async def test_the_echo_bot_answers(people: Party, ada: Circle, tmp_path: Path) -> None:
    link = await ada.create_invite(1)
    script = Path(__file__).resolve().parents[2] / "examples" / "echo_bot.py"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "CIRCLE_PASSWORD": PASSWORD}
    for arguments in ([link], []):
        bot = await asyncio.create_subprocess_exec(
            sys.executable, script, people.url, tmp_path / "bot.db", *arguments, env=environment, stdout=PIPE
        )
        try:
            assert bot.stdout is not None
            while b"Listening" not in await bot.stdout.readline():
                assert bot.returncode is None
            talk = await ada.create_conversation("direct", ["echo"])
            await talk.send(f"hello {len(arguments)}")
            await until(partial(_says, talk, f"You said: hello {len(arguments)}"))
        finally:
            bot.kill()
            await bot.wait()


async def test_who_was_removed_while_away_reads_what_was_said_before(people: Party, ada: Circle, bob: Circle) -> None:
    tea = await ada.create_conversation("group", ["bob"], "Tea")
    await theirs(bob, tea)
    await bob.close()
    await tea.change_role("bob", Role.ADMIN)
    await tea.send("while you were away")
    await tea.remove("bob")
    await tea.send("without you")
    bob = await people.restart("bob")
    bobs = await theirs(bob, tea)
    await until(lambda: texts(list(bobs.history())) == ["while you were away"])
    assert (bobs.role, bobs.alarm) == (None, None)
