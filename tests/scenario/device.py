"""One face for devices of both implementations."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


class Refused(Exception):
    """The client said no, or the server did: an outcome that a rule may meet in a race."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


@dataclass(frozen=True, slots=True)
class Line:
    """A message as a device shows it: `text`, or why it cannot be read."""

    seq: int
    id: str
    sender: str | None
    text: str | None
    unreadable: str | None


@dataclass(frozen=True, slots=True)
class View:
    """A conversation on one device. `role` None: no longer in it."""

    lines: tuple[Line, ...]
    alarm: str | None
    in_it: bool


@dataclass(frozen=True, slots=True)
class Code:
    """What a new device shows to be let in: its words and the text of its QR code."""

    words: str
    qr: str


@dataclass(frozen=True, slots=True)
class Policy:
    """What a conversation keeps: a lifetime class, and whether newcomers read what came before."""

    lifetime: int = 0
    shared: bool = False


class Device(Protocol):
    """A device of a member. Everything raises Refused where the client or the server says no."""

    name: str
    handle: str
    online: bool
    id: str
    """The server's id of the device, once it is one."""
    life: asyncio.Lock
    """Held while the device starts or stops: a person does one of these at a time."""

    async def sign_up(self, link: str) -> Sequence[str]:
        """The member's first device; the words of the recovery key."""

    async def recover(self, words: Sequence[str]) -> None:
        """A further device, by the recovery key alone."""

    async def ask_in(self) -> Code:
        """A further device asks to be let in; `let_in` resolves when it was."""

    async def let_in(self) -> None:
        """Wait for the answer."""

    async def give_up(self) -> None:
        """Stop waiting to be let in."""

    async def answer(self, code: Code, *, by_qr: bool) -> None:
        """Let another device in."""

    async def renew_key(self) -> Sequence[str]:
        """A new recovery key; its words."""

    async def revoke(self, other: Device) -> None:
        """End another device of the member."""

    async def rotate(self) -> None:
        """Change the member's key as if it were time."""

    async def invite(self) -> str:
        """A join link."""

    async def create(self, kind: str, people: Sequence[str], title: str, policy: Policy) -> str:
        """A conversation with these handles; its id in hexadecimal."""

    async def add(self, space: str, person: str, role: int) -> None:
        """Add somebody."""

    async def remove(self, space: str, person: str) -> None:
        """Remove somebody."""

    async def change_role(self, space: str, person: str, role: int) -> None:
        """Change somebody's role."""

    async def leave(self, space: str) -> None:
        """Leave."""

    async def set_policy(self, space: str, policy: Policy) -> None:
        """Change what the conversation keeps."""

    async def send(self, space: str, texts: Sequence[str]) -> dict[str, str]:
        """Send these in order; those of them that were refused for good, with the reason."""

    async def read(self, space: str) -> View | None:
        """All that the device shows of a conversation; None where it knows of none."""

    async def spaces(self) -> dict[str, str | None]:
        """The conversations it knows, with their alarms."""

    async def unsent(self) -> int:
        """How many messages wait to be sent."""

    async def level(self) -> None:
        """Wait until it is connected and has what the server has."""

    async def stop(self) -> None:
        """Go offline in good order."""

    async def kill(self) -> None:
        """Die at once."""

    async def start(self) -> None:
        """Come back on what the store holds. Raises Refused DEVICE_REVOKED where it was ended meanwhile."""

    async def contents(self) -> Any:
        """Everything in its store and memory, opened."""


@dataclass(eq=False)
class Member:
    """A person with devices. `words` opens everything; `ended` are the devices that were revoked."""

    handle: str
    words: Sequence[str] = ()
    devices: list[Device] = field(default_factory=list)
    ended: list[Device] = field(default_factory=list)

    def online(self) -> list[Device]:
        """Those that run."""
        return [device for device in self.devices if device.online]
