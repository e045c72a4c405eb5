"""`circle serve --workers`: several processes, one port, one Circle; who ends is started again, all end in order."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import psutil
import pytest

from api.settings import load_settings
from api.start import StartError, listening
from api.workers import Workers
from tests.support.actors import Actor, b64
from tests.support.client import Http, Ws, websocket
from tests.support.company import Company, Person
from tests.support.ports import free_port
from tests.support.server import ServerProcess, set_up_token

EVENTS = "subscription { events { __typename ... on EventDelivery { event { seq } } } }"
REVOKE = "mutation($id: ID!) { revokeSession(input: {sessionId: $id}) { errors { code } } }"
SIGN_IN = "mutation($input: SignInInput!) { signIn(input: $input) { token errors { code } } }"


class Several(ServerProcess):
    """A server of several workers."""

    def workers(self) -> list[psutil.Process]:
        """Its workers that live."""
        found: list[psutil.Process] = []
        for one in self.all():
            with suppress(psutil.NoSuchProcess):
                if "api.worker" in one.cmdline():
                    found.append(one)
        return found

    def all(self) -> list[psutil.Process]:
        """Its processes but the parent."""
        assert self.process is not None
        return psutil.Process(self.process.pid).children(recursive=True)


@pytest.fixture
async def several(tmp_path: Path) -> AsyncIterator[Several]:
    found = Several(tmp_path / "data", CIRCLE_WORKERS="3")
    yield found
    if found.process is not None and found.process.returncode is None:
        await found.stop()


async def owner(server: ServerProcess, said: str) -> tuple[Actor, Http, str]:
    person, http = Actor.make(), Http(server.url)
    payload = await http.mutate("signUp", "token", "SignUpInput", person.sign_up_input(set_up_token(said)))
    assert payload["errors"] == []
    await http.raw.aclose()
    return person, Http(server.url, payload["token"]), payload["token"]


async def socket_on_each(server: Several, token: str, stack: AsyncExitStack) -> list[Ws]:
    """Sockets until every worker holds one: which of them accepts is the system's choice."""
    sockets: list[Ws] = []
    async with asyncio.timeout(60):
        while not all(held(one, server.port) for one in server.workers()):
            for _ in range(10):
                sockets.append(await stack.enter_async_context(websocket(server.url)))
                await sockets[-1].start(token)
    return sockets


def held(worker: psutil.Process, port: int) -> list[object]:
    return [one for one in worker.net_connections("tcp") if one.status == "ESTABLISHED" and one.laddr.port == port]


async def test_three_workers_are_one_circle(several: Several) -> None:
    said = await several.greeting()
    assert said.count("Circle is ready") == 1
    assert len(several.workers()) == 3
    person, http, token = await owner(several, said)
    async with AsyncExitStack() as stack:
        sockets = await socket_on_each(several, token, stack)
        for ws in sockets:
            await ws.say("subscribe", {"query": EVENTS}, "1")
            assert (await ws.hear())["payload"]["data"]["events"]["__typename"] == "CaughtUp"

        # What is appended by one is heard at all; what ends a session ends it at all.
        company = Company([Person(person, token)])
        await company.fill(several.url, 1, 1, 1)
        for ws in sockets:
            assert [(await ws.hear())["payload"]["data"]["events"]["event"]["seq"] for _ in range(2)] == [1, 2]
        session = (await http.data("{ viewer { session { id } } }"))["viewer"]["session"]["id"]
        assert (await http.data(REVOKE, {"id": session}))["revokeSession"]["errors"] == []
        assert {await ws.closed() for ws in sockets} == {4403}
    await http.raw.aclose()

    # A handle's tries are counted over all of them.
    codes = [await try_once(several, person.handle) for _ in range(11)]
    assert codes == ["WRONG_PASSWORD"] * 10 + ["RATE_LIMITED"]
    started = several.all()
    assert await several.stop() == (0, "")
    assert psutil.wait_procs(started, timeout=10)[1] == []


async def try_once(server: ServerProcess, handle: str) -> str:
    """A sign-in with a wrong password, over a connection of its own."""
    http = Http(server.url)
    value = {"handle": handle, "authKey": b64(os.urandom(32)), "session": "BEARER", "label": ""}
    code: str = (await http.data(SIGN_IN, {"input": value}))["signIn"]["errors"][0]["code"]
    await http.raw.aclose()
    return code


async def test_a_worker_that_dies_is_started_again_and_a_killed_parent_leaves_nobody(several: Several) -> None:
    await several.greeting()
    victim = several.workers()[0]
    victim.kill()
    async with asyncio.timeout(60):
        while victim.pid in {one.pid for one in several.workers()} or len(several.workers()) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    started = several.all()
    assert several.process is not None
    several.process.kill()
    await several.process.communicate()
    assert psutil.wait_procs(started, timeout=20)[1] == []
    assert "Circle is ready" in await several.start()  # data folder and port are free again
    code, said = await several.stop()
    assert (code, said) == (0, "")


@pytest.mark.parametrize(
    ("does", "sentence"),
    [
        ("echo The database refuses the login.", "The database refuses the login."),
        ("exit 3", "A worker ended before it was ready: the lines above may say why."),
    ],
)
async def test_a_worker_that_cannot_start_is_one_plain_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str, sentence: str
) -> None:
    script = tmp_path / "python"
    script.write_text(f"#!/bin/sh\n{does}\n")
    script.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(script))
    settings = load_settings(port=free_port(), workers=2, data_dir=tmp_path)
    with listening(settings) as listener, pytest.raises(StartError, match=f"^{sentence}$"):
        await Workers(settings, listener).run(None)
