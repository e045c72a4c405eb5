"""A device with the Python SDK."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from circle_client import Circle, Conversation, History
from circle_client.errors import CircleError
from circle_client.types import Role

from tests.scenario.device import Code, Device, Line, Policy, Refused, View
from tests.support.sdk import PASSWORD

_ALL = 1_000_000
PATIENCE = 150.0
_ENDED = {"CLOSED", "DEVICE_REVOKED", "UNAUTHENTICATED", "NO_KEYS", "KEYS_OUTDATED", "KEYS_WITHHELD"}


@contextmanager
def refusing() -> Iterator[None]:
    """Turns the SDK's errors into Refused."""
    try:
        yield
    except CircleError as error:
        raise Refused(error.code, error.message) from error


class PythonDevice(Device):
    """See Device. One store file; a restart opens it again."""

    def __init__(self, name: str, handle: str, origin: str, folder: Path) -> None:
        self.name, self.handle, self.online = name, handle, False
        self.life, self.id = asyncio.Lock(), ""
        self._origin, self._path = origin, folder / f"{name}.circle"
        self._circle: Circle | None = None
        self._linking: asyncio.Task[Circle] | None = None

    @property
    def circle(self) -> Circle:
        """The running client."""
        if self._circle is None:
            raise Refused("CLOSED", "This device is off.")
        return self._circle

    def _came(self, circle: Circle) -> None:
        self._circle, self.online = circle, True

    async def _joined(self, circle: Circle) -> None:
        self._came(circle)
        self.id = next(device.id for device in await circle.devices() if device.is_current)

    def _room(self, space: str) -> Conversation:
        for found in self.circle.conversations:
            if found.protocol_id.hex() == space:
                return found
        raise Refused("NOT_THERE", "This conversation is not there.")

    # ---- life

    async def sign_up(self, link: str) -> Sequence[str]:
        with refusing():
            circle = await Circle.sign_up(
                self._origin, link, self.handle, self.handle.title(), PASSWORD, self._path, device_name=self.name
            )
            await self._joined(circle)
        return circle.recovery_words or ()

    async def recover(self, words: Sequence[str]) -> None:
        with refusing():
            await self._joined(
                await Circle.recover(self._origin, self.handle, PASSWORD, words, self._path, device_name=self.name)
            )

    async def ask_in(self) -> Code:
        shown: asyncio.Future[Code] = asyncio.get_running_loop().create_future()

        def show(words: list[str], qr: str) -> None:
            shown.set_result(Code(" ".join(words), qr))

        self._linking = asyncio.create_task(
            Circle.link(self._origin, self.handle, PASSWORD, self._path, show, device_name=self.name)
        )
        waited: set[asyncio.Future[Any]] = {shown, self._linking}
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        if not shown.done():
            await self.let_in()
        return shown.result()

    async def let_in(self) -> None:
        assert self._linking is not None
        with refusing():
            await self._joined(await self._linking)

    async def give_up(self) -> None:
        """Stop waiting to be let in."""
        if self._linking is not None:
            self._linking.cancel()
            await asyncio.gather(self._linking, return_exceptions=True)

    async def stop(self) -> None:
        self.online = False
        circle, self._circle = self._circle, None
        if circle is not None:
            await circle.close()

    async def kill(self) -> None:
        circle = self._circle
        if circle is not None:
            # From this moment on nothing reaches the disk, whatever the tasks were about to do.
            circle.running.account.store.close()
        await self.stop()

    async def start(self) -> None:
        with refusing():
            self._came(await Circle.open(self._origin, self._path, password=PASSWORD))
        await self.level()

    async def level(self) -> None:
        with refusing():
            await self.circle.synced(PATIENCE)

    # ---- devices

    async def answer(self, code: Code, *, by_qr: bool) -> None:
        with refusing():
            await self.circle.answer_link(code.qr if by_qr else code.words)

    async def renew_key(self) -> Sequence[str]:
        with refusing():
            pending = await self.circle.renew_recovery_key()
            await pending.confirm(" ".join(pending.words))
            return pending.words

    async def revoke(self, other: Device) -> None:
        with refusing():
            for device in await self.circle.devices():
                if device.id == other.id:
                    return await self.circle.revoke_device(device)
        raise Refused("NOT_THERE", "There is no such device.")

    async def rotate(self) -> None:
        with refusing():
            await self.circle.running.devices.rotate()

    # ---- conversations

    async def invite(self) -> str:
        with refusing():
            return await self.circle.create_invite(24)

    async def create(self, kind: str, people: Sequence[str], title: str, policy: Policy) -> str:
        history = History.SHARED if policy.shared else History.JOINING
        with refusing():
            made = await self.circle.create_conversation(kind, people, title, history=history, lifetime=policy.lifetime)
            return made.protocol_id.hex()

    async def add(self, space: str, person: str, role: int) -> None:
        with refusing():
            await self._room(space).add(person, Role(role))

    async def remove(self, space: str, person: str) -> None:
        with refusing():
            await self._room(space).remove(person)

    async def change_role(self, space: str, person: str, role: int) -> None:
        with refusing():
            await self._room(space).change_role(person, Role(role))

    async def leave(self, space: str) -> None:
        with refusing():
            await self._room(space).leave()

    async def set_policy(self, space: str, policy: Policy) -> None:
        history = History.SHARED if policy.shared else History.JOINING
        with refusing():
            await self._room(space).set_policy(policy.lifetime, history)

    async def send(self, space: str, texts: Sequence[str]) -> dict[str, str]:
        room = self._room(space)
        done = await asyncio.gather(*(room.send(text) for text in texts), return_exceptions=True)
        failed = {}
        for text, outcome in zip(texts, done, strict=True):
            if isinstance(outcome, CircleError):
                if outcome.code in _ENDED:
                    raise Refused(outcome.code, outcome.message)
                failed[text] = str(outcome)
            elif isinstance(outcome, BaseException):
                raise outcome
        return failed

    async def read(self, space: str) -> View | None:
        try:
            room = self._room(space)
        except Refused:
            return None
        lines = tuple(
            Line(m.seq, m.id.hex, m.sender.handle if m.sender else None, None if m.unreadable else m.text, m.unreadable)
            for m in room.history(_ALL)
        )
        return View(lines, str(room.alarm) if room.alarm else None, room.role is not None)

    async def spaces(self) -> dict[str, str | None]:
        return {r.protocol_id.hex(): str(r.alarm) if r.alarm else None for r in self.circle.conversations}

    async def unsent(self) -> int:
        running = self.circle.running
        return len(running.account.store.outbox()) - len(running.sender.failed)

    async def contents(self) -> Any:
        store = self.circle.running.account.store
        areas = ("me", "keyring", "person", "space", "log", "epoch", "invite", "cursor", "evidence")
        return {
            "records": [(area, key, value) for area in areas for key, value in store.all(area)],
            "machine": self.circle.running.engine.machine,
        }
