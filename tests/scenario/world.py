"""A world of four members and their devices, and what has happened in it so far."""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from circle_client.protocol.envelope import Kind
from circle_client.protocol.invite import InviteLink

from tests.scenario.device import Device, Member, Refused
from tests.scenario.home import Home, home
from tests.scenario.python_device import PythonDevice
from tests.scenario.truth import Truth, read_truth
from tests.scenario.typescript_device import TypeScriptDevice
from tests.support.driver import Driver

HANDLES = ("ada", "ben", "cem", "dan")
MOST_DEVICES = 3
PYTHON, TYPESCRIPT = 0, 1

# An outcome that no honest server and no race may bring about.
NEVER = {
    "UNEXPECTED",
    "ALARM",
    "UNTRUSTED",
    "FORK",
    "FORKED_LOG",
    "STORE",
    "STORE_DAMAGED",
    "INTERNAL",
    "ERROR",
    "TIMEOUT",
}

_worlds = itertools.count(1)


@dataclass(slots=True)
class Said:
    """A text that a device was told to send. `sure`: the device said that it was accepted, or, in `failed`, why it
    never will be.
    """

    space: str
    device: Device
    sure: bool = False
    failed: str | None = None


@dataclass
class World:
    """Everything that rules act on. `journal` tells what happened, for the report of a failure."""

    home: Home
    driver: Driver
    members: list[Member]
    tag: str
    said: dict[str, Said] = field(default_factory=dict)
    mortal: set[str] = field(default_factory=set)
    level: dict[tuple[str, str], int] = field(default_factory=dict)
    _coming: list[Member] = field(default_factory=list)
    kinds: dict[str, int] = field(default_factory=dict)
    journal: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    truth: Truth = field(default_factory=lambda: Truth({}, {}))
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def devices(self) -> list[Device]:
        """All that are part of their member, online or not."""
        return [device for member in self.members for device in member.devices]

    def member(self, handle: str) -> Member:
        """The member by that handle."""
        return next(member for member in self.members if member.handle == handle)

    def joining(self, member: Member) -> int:
        """How many of the member's devices are on their way in."""
        return self._coming.count(member)

    @contextmanager
    def coming_in(self, member: Member) -> Iterator[None]:
        """While a device of the member comes in."""
        self._coming.append(member)
        try:
            yield
        finally:
            self._coming.remove(member)

    def new_device(self, member: Member, kind: int) -> Device:
        """A device that has no keys yet."""
        name = f"{self.tag}-{member.handle}-{self.number()}"
        if kind == PYTHON:
            return PythonDevice(name, member.handle, self.home.url, self.home.folder)
        return TypeScriptDevice(name, member.handle, self.home.url, self.driver)

    def number(self) -> int:
        """A number that was not given out before."""
        return next(self._numbers)

    def new_numbers(self, count: int) -> list[int]:
        """Numbers for texts, each of which is said once."""
        return [self.number() for _ in range(count)]

    def note(self, text: str) -> None:
        """Something happened."""
        self.journal.append(f"{time.monotonic() - self.began:6.1f} {text}")

    def met(self, error: Refused, what: str) -> None:
        """A rule was refused; some refusals are the fault that is looked for."""
        self.note(f"{what}: {error}")
        if error.code in NEVER:
            self.faults.append(f"{what}: {error}")

    @property
    def accepted(self) -> int:
        """How many messages the server has taken."""
        return sum(kind == Kind.MESSAGE for kind in self.kinds.values())

    async def look(self) -> Truth:
        """The truth as it is now."""
        self.truth = await read_truth(self.home.dsn, self.kinds)
        self.mortal |= {room.space for room in self.truth.rooms.values() if room.lifetime}
        return self.truth

    async def advance(self, seconds: float) -> None:
        """Everybody's clock goes forward."""
        await self.home.clock.advance(seconds)
        await self.driver.ask("clock", offset=self.home.clock.offset)

    async def close(self) -> None:
        """Switch everything off."""
        for device in [*self.devices, *(device for member in self.members for device in member.ended)]:
            if device.online:
                await device.stop()


@asynccontextmanager
async def world(folder: Path, dsn: str, driver: Driver) -> AsyncIterator[World]:
    """Four members with one device each, two of either implementation, who know each other."""
    tag = f"w{next(_worlds)}"
    async with home(folder, dsn) as server:
        await driver.ask("clock", offset=0)
        made = World(server, driver, [Member(handle) for handle in HANDLES], tag)
        try:
            for number, member in enumerate(made.members):
                device = made.new_device(member, (PYTHON, TYPESCRIPT)[number % 2])
                if number == 0:
                    link = f"{server.url}/join#{InviteLink(server.token).fragment()}"
                else:
                    link = await made.members[0].devices[0].invite()
                member.words = await device.sign_up(link)
                member.devices.append(device)
            yield made
        finally:
            await made.close()
