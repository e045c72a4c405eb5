"""A device with the TypeScript SDK, hosted by the driver."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from tests.scenario.device import Code, Device, Line, Policy, Refused, View
from tests.support.driver import Driver, DriverError
from tests.support.sdk import PASSWORD

ROLES = ("READER", "WRITER", "ADMIN", "OWNER")


class TypeScriptDevice(Device):
    """See Device. Its databases live in the driver; `name` is their prefix and must be new in this driver."""

    def __init__(self, name: str, handle: str, origin: str, driver: Driver) -> None:
        self.name, self.handle, self.online = name, handle, False
        self.life, self.id = asyncio.Lock(), ""
        self._origin, self._driver = origin, driver

    async def _ask(self, do: str, /, **arguments: Any) -> Any:
        try:
            return await self._driver.ask(do, self.name, **arguments)
        except DriverError as error:
            raise Refused(error.code, error.message) from error

    # ---- life

    async def sign_up(self, link: str) -> Sequence[str]:
        fragment = link.rpartition("#")[2]
        name = self.handle.title()
        words: list[str] = await self._ask(
            "signUp", origin=self._origin, fragment=fragment, handle=self.handle, name=name, password=PASSWORD
        )
        await self._joined()
        return words

    async def _joined(self) -> None:
        self.online = True
        self.id = next(device["id"] for device in await self._ask("devices") if device["isCurrent"])

    async def _sign_in(self) -> None:
        await self._ask("signIn", origin=self._origin, handle=self.handle, password=PASSWORD)

    async def recover(self, words: Sequence[str]) -> None:
        await self._sign_in()
        await self._ask("recover", words=list(words))
        await self._joined()

    async def ask_in(self) -> Code:
        await self._sign_in()
        code = await self._ask("offer")
        return Code(" ".join(code["words"]), code["qr"])

    async def let_in(self) -> None:
        await self._ask("linked")
        await self._joined()

    async def give_up(self) -> None:
        """Stop waiting to be let in."""
        await self._ask("stop")

    async def stop(self) -> None:
        self.online = False
        await self._ask("stop")

    async def kill(self) -> None:
        self.online = False
        await self._ask("kill")

    async def start(self) -> None:
        await self._ask("restart", password=PASSWORD)
        self.online = True
        await self.level()

    async def level(self) -> None:
        await self._ask("level")

    # ---- devices

    async def answer(self, code: Code, *, by_qr: bool) -> None:
        await self._ask("answer", code=code.qr if by_qr else code.words)

    async def renew_key(self) -> Sequence[str]:
        words: list[str] = await self._ask("renewKey")
        return words

    async def revoke(self, other: Device) -> None:
        for device in await self._ask("devices"):
            if device["id"] == other.id:
                await self._ask("revoke", other=device["id"])
                return
        raise Refused("NOT_THERE", "There is no such device.")

    async def rotate(self) -> None:
        """Nothing: this SDK has no door for it; it rotates when time has passed, or something else asks for it."""

    # ---- conversations

    async def invite(self) -> str:
        url: str = await self._ask("invite")
        return url

    async def create(self, kind: str, people: Sequence[str], title: str, policy: Policy) -> str:
        made: str = await self._ask(
            "create", type=kind.upper(), people=list(people), title=title, lifetime=policy.lifetime,
            history="SHARED" if policy.shared else "JOINING",
        )  # fmt: skip
        return made

    async def _change(self, space: str, what: str, person: str, role: int | None = None) -> None:
        await self._ask("change", space=space, what=what, person=person, role=None if role is None else ROLES[role])

    async def add(self, space: str, person: str, role: int) -> None:
        await self._change(space, "add", person, role)

    async def remove(self, space: str, person: str) -> None:
        await self._change(space, "remove", person)

    async def change_role(self, space: str, person: str, role: int) -> None:
        await self._change(space, "role", person, role)

    async def leave(self, space: str) -> None:
        await self._ask("leave", space=space)

    async def set_policy(self, space: str, policy: Policy) -> None:
        history = "SHARED" if policy.shared else "JOINING"
        await self._ask("policy", space=space, policy={"lifetime": policy.lifetime, "history": history})

    async def send(self, space: str, texts: Sequence[str]) -> dict[str, str]:
        await self._ask("send", space=space, texts=list(texts))
        failed = {line["text"]: line["error"] for line in await self._ask("sent", space=space)}
        return {text: failed[text] for text in texts if text in failed}

    async def read(self, space: str) -> View | None:
        found = await self._ask("read", space=space, older=True)
        if found is None:
            return None
        lines = tuple(
            Line(line["seq"], line["key"], line["sender"], line.get("text"), line.get("unreadable"))
            for line in found["lines"]
            if line["seq"] is not None
        )
        return View(lines, found["alarm"], found["role"] is not None)

    async def spaces(self) -> dict[str, str | None]:
        return {found["space"]: found["alarm"] for found in await self._ask("conversations")}

    async def unsent(self) -> int:
        return sum(found["unsent"] for found in await self._ask("conversations"))

    async def contents(self) -> Any:
        return await self._ask("contents")
