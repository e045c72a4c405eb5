"""The server as a process: one per data folder and port, gone without a trace whichever way it ends."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from tests.support.actors import Actor
from tests.support.client import Http, websocket
from tests.support.server import ServerProcess, set_up_token


@pytest.fixture
async def process(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    found = ServerProcess(tmp_path / "data")
    yield found
    if found.process is not None and found.process.returncode is None:
        found.process.kill()
        await found.process.communicate()


async def said(process: asyncio.subprocess.Process) -> tuple[int | None, str, str]:
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


def children(process: ServerProcess) -> list[psutil.Process]:
    assert process.process is not None
    return psutil.Process(process.process.pid).children(recursive=True)


async def gone(processes: list[psutil.Process]) -> bool:
    _, alive = await asyncio.to_thread(psutil.wait_procs, processes, timeout=10)
    return alive == []


async def test_the_whole_life(process: ServerProcess) -> None:
    greeting = await process.greeting()
    assert f"Circle is ready: http://localhost:{process.port}" in greeting
    token = set_up_token(greeting)
    key = process.data_dir / "secret.key"
    assert (key.stat().st_mode & 0o777, process.data_dir.stat().st_mode & 0o777) == (0o600, 0o700)

    # Twice on one data folder, and on a taken port: one plain sentence each, and the first goes on.
    twice = await said(await ServerProcess(process.data_dir).run("serve"))
    assert (twice[0], twice[1]) == (1, "")
    assert twice[2] == (
        f"Circle is already running on the data folder {process.data_dir.resolve()}. Set CIRCLE_DATA_DIR to another.\n"
    )

    # An invite made beside the running server can be used.
    code, link, _ = await said(await process.run("invite", "--hours", "2", "--role", "admin"))
    assert code == 0
    http = Http(process.url)
    person = Actor.make()
    value = person.sign_up_input(token)
    assert (await http.mutate("signUp", "token", "SignUpInput", value))["errors"] == []
    admin = Actor.make().sign_up_input(set_up_token(link))
    payload = await http.mutate("signUp", "viewer { member { role } }", "SignUpInput", admin)
    assert payload["viewer"] == {"member": {"role": "ADMIN"}}
    await http.raw.aclose()

    # SIGTERM: sockets are told, everything stops, nobody is left, nothing is said.
    started = children(process)
    assert started
    async with websocket(process.url) as ws:
        await ws.start()
        ended = asyncio.create_task(process.stop(signal.SIGTERM))
        assert await ws.closed() == 1012
        assert await ended == (0, "")
    assert await gone(started)
    assert key.exists()

    # An invite can be made while it is stopped; and with an owner the start offers no set-up link.
    assert (await said(await process.run("invite")))[0] == 0
    again = await process.start()
    assert "/join#" not in again
    assert await process.stop(signal.SIGINT) == (0, "")


async def test_kill_leaves_no_process_and_no_damage(process: ServerProcess) -> None:
    first = set_up_token(await process.greeting())
    http = Http(process.url)
    person = Actor.make()
    assert (await http.mutate("signUp", "token", "SignUpInput", person.sign_up_input(first)))["errors"] == []
    await http.raw.aclose()
    started = children(process)
    assert started
    await process.stop(signal.SIGKILL)
    assert await gone(started)
    await process.start()
    http = Http(process.url)
    assert (await http.data("{ server { hasOwner } }"))["server"]["hasOwner"] is True
    await http.raw.aclose()
    assert await process.stop() == (0, "")


async def test_each_start_without_an_owner_makes_the_older_link_void(process: ServerProcess) -> None:
    first = set_up_token(await process.greeting())
    await process.stop()
    second = set_up_token(await process.greeting())
    http = Http(process.url)
    old = await http.mutate("signUp", "token", "SignUpInput", Actor.make().sign_up_input(first))
    assert old["errors"][0]["code"] == "INVITE_EXPIRED"
    new = await http.mutate("signUp", "token", "SignUpInput", Actor.make().sign_up_input(second))
    assert new["errors"] == []
    await http.raw.aclose()
    assert (await process.stop())[0] == 0


async def test_a_taken_port_is_one_plain_sentence(process: ServerProcess) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", process.port))
        taken.listen()
        code, out, err = await said(await process.run("serve"))
    assert (code, out) == (1, "")
    sentence = f"Port {process.port} on 127.0.0.1 is taken by another program. Set CIRCLE_PORT to a free one.\n"
    assert err == sentence


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("CIRCLE_PORT", "http", "CIRCLE_PORT is wrong"),
        ("CIRCLE_DATABASE_URL", "postgresql://localhost:1/x", "The database can't be reached"),
        ("CIRCLE_DATABASE_URL", "postgresql://u:pa/ss@host/x", "CIRCLE_DATABASE_URL is wrong: must be an address"),
        ("CIRCLE_REDIS_URL", "redis://host:port", "CIRCLE_REDIS_URL is wrong: must be an address"),
        ("CIRCLE_REDIS_URL", "redis://:6379", "CIRCLE_REDIS_URL is wrong: must name a host"),
        ("CIRCLE_PUBLIC_URL", "http://[", "CIRCLE_PUBLIC_URL is wrong: must look like"),
        ("CIRCLE_DATA_DIR", "/dev/null/data", "The data folder /dev/null/data cannot be used: Not a directory."),
    ],
)
async def test_a_wrong_setting_is_one_plain_sentence(tmp_path: Path, name: str, value: str, sentence: str) -> None:
    process = ServerProcess(tmp_path / "data", None, **{name: value})
    code, out, err = await said(await process.run("serve"))
    assert (code, out) == (1, "")
    assert err.startswith(sentence)
    assert err.count("\n") == 1
    assert "pa/ss" not in err


async def test_schema_is_the_committed_surface(tmp_path: Path) -> None:
    code, out, err = await said(await ServerProcess(tmp_path).run("schema"))
    assert (code, err) == (0, "")
    assert "type Mutation" in out


async def test_doctor_says_what_to_mend(tmp_path: Path) -> None:
    process = ServerProcess(tmp_path / "data", CIRCLE_WEB_DIR=str(tmp_path / "no-web"))
    code, out, err = await said(await process.run("doctor"))
    assert (code, err) == (1, "")
    assert "BAD  The web client is not built: run `make setup`." in out
    assert out.count("BAD") == 1
    assert "ok   The embedded PostgreSQL answers" in out
    assert f"ok   Port {process.port} is free." in out


async def test_doctor_says_each_thing_that_is_not_there(tmp_path: Path) -> None:
    away = {"CIRCLE_DATABASE_URL": "postgresql://localhost:1/x", "CIRCLE_REDIS_URL": "redis://localhost:1"}
    code, out, _ = await said(await ServerProcess(Path("/dev/null/data"), None, **away).run("doctor"))
    assert code == 1
    assert "BAD  The data folder /dev/null/data cannot be made: Not a directory." in out
    assert "BAD  The secret key /dev/null/data/secret.key cannot be used: Not a directory." in out
    assert "BAD  The database can't be reached" in out
    assert "BAD  The bus carries nothing: check CIRCLE_REDIS_URL" in out


@pytest.mark.parametrize("command", ["serve", "doctor", "invite", "migrate"])
async def test_no_command_shows_a_traceback_where_the_data_folder_cannot_be(command: str) -> None:
    code, out, err = await said(await ServerProcess(Path("/dev/null/data")).run(command))
    assert code == 1
    assert "Traceback" not in out + err
    assert "The data folder /dev/null/data cannot be used: Not a directory." in out + err


async def test_a_server_without_its_redis_starts_and_serves(tmp_path: Path) -> None:
    process = ServerProcess(tmp_path / "data", CIRCLE_REDIS_URL="redis://localhost:1")
    await process.start()
    http = Http(process.url)
    assert (await http.raw.get("/readyz")).status_code == 200
    await http.raw.aclose()
    code, err = await process.stop()
    assert code == 0
    assert "The bus lost its connection" in err
    assert "Task was destroyed" not in err
    assert "Traceback" not in err
