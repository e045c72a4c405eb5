"""Typing, presence, privacy and call signals of the Python SDK against a running server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Generic, TypeVar

import pytest
from circle_client import CallSignal, Circle, Presence, PresenceState, Typing
from circle_client.errors import Closed, InvalidInput, NotAllowed

from tests.support.sdk import PATIENCE, Party, theirs, until, wire

T = TypeVar("T")


class Ear(Generic[T]):
    """Keeps what an iterator gives, as a task."""

    def __init__(self, items: AsyncIterator[T]) -> None:
        self.items: list[T] = []
        self.error: Exception | None = None
        self._task = asyncio.create_task(self._listen(items))

    async def _listen(self, items: AsyncIterator[T]) -> None:
        try:
            async for item in items:
                self.items.append(item)
        except Exception as error:
            self.error = error

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def often(act: Callable[[], object], heard: Callable[[], bool]) -> None:
    """Do something again and again until it is heard: nobody is told of what came before they listened."""
    async with asyncio.timeout(PATIENCE):
        while not heard():
            result = act()
            if asyncio.iscoroutine(result):
                await result
            await asyncio.sleep(0.2)


async def test_others_see_who_types_and_who_has_stopped(ada: Circle, bob: Circle) -> None:
    tea = await ada.create_conversation("group", ["bob"], "Tea")
    bobs = await theirs(bob, tea)
    ear: Ear[Typing] = Ear(ada.typing())

    async def again() -> None:
        await bobs.set_typing(False)
        await bobs.set_typing(True)

    await often(again, lambda: any(event.until is not None for event in ear.items))
    await bobs.set_typing(False)
    await until(lambda: ear.items[-1].until is None)
    assert {(event.conversation_id, event.person) for event in ear.items} == {(tea.id, bob.me)}
    await ear.close()


async def test_presence_follows_and_can_be_hidden(ada: Circle, bob: Circle) -> None:
    tea = await ada.create_conversation("group", ["bob"], "Tea")
    await theirs(bob, tea)
    ear: Ear[Presence] = Ear(ada.presence(["bob"]))
    await until(lambda: len(ear.items) > 0)
    await bob.set_presence("AWAY")
    await until(lambda: ear.items[-1].state is PresenceState.AWAY)
    await bob.set_presence(PresenceState.ONLINE)
    await until(lambda: ear.items[-1].state is PresenceState.ONLINE)
    await bob.set_privacy(presence=False)
    await until(lambda: ear.items[-1] == Presence(bob.me, PresenceState.OFFLINE, None))
    with pytest.raises(InvalidInput):
        await bob.set_presence("BUSY")
    with pytest.raises(InvalidInput):
        await anext(aiter(ada.presence([])))
    await ear.close()


async def test_signals_are_opened_by_those_who_are_there(
    people: Party, ada: Circle, bob: Circle, eve: Circle, tmp_path: Path
) -> None:
    tea = await ada.create_conversation("group", ["bob"], "Tea")
    bobs = await theirs(bob, tea)
    phone = await people.linked(ada, tmp_path / "phone.circle")
    ears: list[Ear[CallSignal]] = [Ear(bobs.signals()), Ear((await theirs(phone, tea)).signals())]
    sent = []

    async def ring() -> None:
        sent.append(await tea.send_signal({0: "offer", 1: b"\x00" * 300}))

    await often(ring, lambda: all(ear.items for ear in ears))
    for ear in ears:
        heard = ear.items[-1]
        assert (heard.conversation_id, heard.person, heard.content) == (tea.id, ada.me, {0: "offer", 1: b"\x00" * 300})
        assert len({one.id for one in ear.items}) == len(ear.items)
        assert {one.id for one in ear.items} <= set(sent)
    await tea.add("eve")
    eves: Ear[CallSignal] = Ear((await theirs(eve, tea)).signals())
    before = len(sent)
    await often(ring, lambda: bool(eves.items))  # the epoch that the newcomer made due was made for it
    assert eves.items[0].id in sent[before:]
    await tea.remove("bob")
    await until(lambda: ears[0].error is not None)
    assert isinstance(ears[0].error, NotAllowed)
    with pytest.raises(NotAllowed):
        await bobs.send_signal({0: "still here"})
    for ear in (*ears, eves):
        await ear.close()


async def test_a_cut_line_is_mended_and_durable_things_go_on(people: Party, ada: Circle, bob: Circle) -> None:
    tea = await ada.create_conversation("group", ["bob"], "Tea")
    await bob.close()
    async with wire(people.url) as line:
        again = await Circle.open(line.url, people.store("bob"), password="correct horse battery staple")
        people.circles["bob"] = again
        await again.synced()
        bobs = again.conversation(tea.id)
        ear: Ear[CallSignal] = Ear(bobs.signals())
        await often(lambda: tea.send_signal({0: 1}), lambda: bool(ear.items))
        await again.set_presence(PresenceState.AWAY)
        line.cut()
        heard = len(ear.items)
        await often(lambda: tea.send_signal({0: 2}), lambda: len(ear.items) > heard)
        sent = await tea.send("still there")
        await until(lambda: bobs.head >= sent.seq)
        watch: Ear[Presence] = Ear(ada.presence(["bob"]))
        await until(lambda: bool(watch.items) and watch.items[-1].state is PresenceState.AWAY)
        await again.close()
        await until(lambda: ear.error is not None)
        assert isinstance(ear.error, Closed)
        await ear.close()
        await watch.close()
