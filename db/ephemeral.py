"""What is told once and not kept: typing and call signals, over the bus, to whoever is a member when it arrives.

Each message carries the log's head at which its sender was checked. It is handed out once the hub has read that far:
then its roll is at least as new as that check, and whoever was removed before hears nothing (docs/decisions/0103).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from db.bus import Bus, Message
from db.hub.watching import Watching
from db.parts import Together, in_parts

TOLD = "told"
HELD = 1_024
"""Messages that may wait for the hub."""
HELD_SECONDS = 10.0

Topic = Literal["typing", "signal"]


@dataclass(frozen=True, slots=True)
class Told:
    """A message: `body` is ASCII text, `at` a head of the space's log, `session` the sender's."""

    topic: Topic
    space: UUID
    at: int
    member: UUID
    session: UUID
    body: str


class Listener:
    """One subscriber's queue, bounded in number and size; the oldest go first."""

    def __init__(self, member: UUID, wants: Callable[[Told], bool], most: int, most_size: int) -> None:
        self.member, self.wants = member, wants
        self._most, self._most_size = most, most_size
        self._queue: deque[Told] = deque()
        self._size = 0
        self._news = asyncio.Event()

    def offer(self, told: Told) -> None:
        """Queue it; what is too much is dropped, the oldest first."""
        self._queue.append(told)
        self._size += len(told.body)
        while len(self._queue) > self._most or (self._size > self._most_size and len(self._queue) > 1):
            self._size -= len(self._queue.popleft().body)
        self._news.set()

    def stir(self) -> None:
        """Look again whether what is queued may be handed out."""
        self._news.set()

    async def wait(self) -> None:
        """Until something may have changed."""
        await self._news.wait()
        self._news.clear()

    def pop(self) -> Told | None:
        """The oldest; None where the queue is empty."""
        if not self._queue:
            return None
        told = self._queue.popleft()
        self._size -= len(told.body)
        return told


class Ephemeral:
    """Start it once per process; `tell` and `listen` any number of times."""

    def __init__(self, bus: Bus, watching: Watching, *, most: int = 256, most_size: int = 1024 * 1024) -> None:
        """`most`, `most_size`: what a subscriber's queue holds, in messages and characters."""
        self._bus, self._watching, self._most, self._most_size = bus, watching, most, most_size
        self._listeners: dict[UUID, set[Listener]] = defaultdict(set)
        self._unknown: set[Listener] = set()
        self._held: deque[tuple[float, Told]] = deque(maxlen=HELD)
        self._together = Together()
        self._ends: list[Callable[[], None]] = []
        self.on_told: Callable[[Told], bool] = lambda _: True
        """Asked of each message before it is handed out to anybody; False drops it."""

    def start(self) -> None:
        """Begin to hear."""
        self._ends = [self._bus.subscribe(self._hear), self._watching.on_look(self._looked)]

    def stop(self) -> None:
        """Hear nothing more."""
        for end in self._ends:
            end()

    def tell(self, told: Told) -> None:
        """Tell every process, this one included. Returns at once; where the bus is away, this one alone hears it."""
        head = {"kind": TOLD, "t": told.topic, "s": told.space.hex, "a": told.at, "m": told.member.hex}
        for part in in_parts(told.body):
            self._bus.mention({**head, "d": told.session.hex, "p": part})

    def listen(self, member: UUID, wants: Callable[[Told], bool]) -> tuple[Listener, Callable[[], None]]:
        """A queue of what `wants` and the member may hear from now on, for `next`; and what ends it."""
        listener = Listener(member, wants, self._most, self._most_size)
        unwatch = self._watching.watch([member])
        self._listeners[member].add(listener)
        if not self._watching.knows(member):
            self._unknown.add(listener)

        def end() -> None:
            unwatch()
            self._unknown.discard(listener)
            self._listeners[member].discard(listener)
            if not self._listeners[member]:
                del self._listeners[member]

        return listener, end

    async def next(self, listener: Listener) -> Told:
        """The next message, checked at this very moment: whoever is no member any more does not get it."""
        while True:
            if self._watching.knows(listener.member):
                told = listener.pop()
                if told is not None:
                    if self._watching.is_member(told.space, listener.member):
                        return told
                    continue
            await listener.wait()

    def _hear(self, message: Message) -> None:
        if message.get("kind") != TOLD:
            return
        body = self._together.take(*message["p"])
        if body is None:
            return
        topic, space, member, session = message["t"], message["s"], message["m"], message["d"]
        told = Told(topic, UUID(space), message["a"], UUID(member), UUID(session), body)
        if not self.on_told(told):
            return
        if self._watching.has_read(told.space, told.at):
            self._hand_out(told)
        else:
            self._held.append((asyncio.get_running_loop().time(), told))
            self._watching.hurry()

    def _looked(self, _changed: Any) -> None:
        for listener in list(self._unknown):
            if self._watching.knows(listener.member):
                self._unknown.discard(listener)
                listener.stir()
        now, held = asyncio.get_running_loop().time(), list(self._held)
        self._held.clear()
        for since, told in held:
            if self._watching.has_read(told.space, told.at):
                self._hand_out(told)
            elif now - since < HELD_SECONDS:
                self._held.append((since, told))

    def _hand_out(self, told: Told) -> None:
        for member in self._watching.members_in(told.space):
            for listener in self._listeners.get(member, ()):
                if listener not in self._unknown and listener.wants(told):
                    listener.offer(told)
        for listener in self._unknown:  # whether they are members is known when they take it
            if listener.wants(told):
                listener.offer(told)
