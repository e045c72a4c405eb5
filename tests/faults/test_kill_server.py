"""The server killed or told to stop, again and again, while the SDK sends: nothing is lost or doubled, order holds."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from functools import partial
from pathlib import Path

from circle_client import Circle, Conversation, Message

from tests.support.sdk import Party, hear, party, theirs, until
from tests.support.server import ServerProcess, set_up_token

NAMES = ("ada", "bob", "eve", "dan")
EACH = 125  # messages of each of four senders in each of two conversations: 1,000
KILLS = (150, 400, 650, 850)
SIGNALS = (signal.SIGKILL, signal.SIGTERM) * 2


async def _talk(conversation: Conversation, name: str, sent: list[Message]) -> None:
    for number in range(EACH):
        sent.append(await conversation.send(f"{name} {number}"))


async def _kill_now_and_then(server: ServerProcess, sent: list[Message]) -> None:
    for count, number in zip(KILLS, SIGNALS, strict=True):
        await until(partial(_reached, sent, count), 60)
        ended = await server.stop(number)
        if number is signal.SIGTERM:
            assert ended == (0, "")
        await server.start()


def _reached(sent: list[Message], count: int) -> bool:
    return len(sent) >= count


async def _everything_heard(circle: Circle, conversation: Conversation) -> list[Message]:
    mine = await theirs(circle, conversation)
    return await hear(mine.messages(), EACH * len(NAMES))


def _check(heard: list[Message], sent: list[Message]) -> None:
    """All of them, each once, in the order of the log; each sender's own in the order of sending."""
    assert [message.unreadable for message in heard] == [None] * len(heard)
    assert len({message.id for message in heard}) == len(heard) == EACH * len(NAMES)
    seqs = [message.seq for message in heard]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    assert {message.id: message.seq for message in sent} == {message.id: message.seq for message in heard}
    numbers = {name: [m.text for m in heard if m.text.startswith(name)] for name in NAMES}
    assert numbers == {name: [f"{name} {number}" for number in range(EACH)] for name in NAMES}


async def test_a_thousand_messages_survive_four_kills(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path)
    token = set_up_token(await server.greeting())
    try:
        async with party(server.url, token, tmp_path) as people:
            await _thousand(server, people)
    finally:
        await server.stop()


async def _thousand(server: ServerProcess, people: Party) -> None:
    circles = [await people.come(name) for name in NAMES]
    rooms = [await circles[0].create_conversation("group", NAMES[1:], title) for title in ("Tea", "Coffee")]
    sent: list[list[Message]] = [[], []]
    everything: list[Message] = []
    async with asyncio.TaskGroup() as tasks:
        for room, log in zip(rooms, sent, strict=True):
            for circle, name in zip(circles, NAMES, strict=True):
                mine = await theirs(circle, room)
                tasks.create_task(_talk(mine, name, _Both(log, everything)))
        tasks.create_task(_kill_now_and_then(server, everything))
    assert Counter(message.conversation_id for message in everything) == {room.id: EACH * len(NAMES) for room in rooms}
    for room, log in zip(rooms, sent, strict=True):
        for circle in circles:
            _check(await _everything_heard(circle, room), log)
            assert (await theirs(circle, room)).alarm is None


class _Both(list[Message]):
    """Appends to two lists."""

    def __init__(self, *lists: list[Message]) -> None:
        super().__init__()
        self._lists = lists

    def append(self, message: Message) -> None:
        for each in self._lists:
            each.append(message)
