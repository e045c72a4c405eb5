"""Several devices of one member with the TypeScript SDK on a running server (e2ee.md section 8)."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import pytest
from circle_client import Circle, Conversation
from circle_client.errors import InvalidInput
from circle_client.protocol.invite import InviteLink

from tests.support.sdk import PASSWORD, party, texts, theirs, until
from tests.support.server import running
from tests.support.vitest import vitest


async def test_devices_of_the_typescript_client(tmp_path: Path, dsn: str) -> None:
    """Linking, recovery, rotation, revocation, lost keys and a reset, by engines as browsers run them."""
    async with running(tmp_path, dsn) as server:
        await vitest("integration/devices", server.url, InviteLink(server.set_up_token).fragment())


async def test_devices_when_things_go_wrong(tmp_path: Path, dsn: str) -> None:
    """Lost answers, a cut recovery, a false proof, 46 days of silence, a cleared browser, a cut reset."""
    async with running(tmp_path, dsn) as server:
        await vitest("integration/devicesFaults", server.url, InviteLink(server.set_up_token).fragment())


async def seen(folder: Path, name: str) -> str:
    """What the other side shows under this name."""
    await until(lambda: (folder / name).exists(), 60)
    return (folder / name).read_text()


def reads(conversation: Conversation, wanted: list[str]) -> bool:
    return texts(list(conversation.history())) == wanted


async def test_devices_on_both_sdks(tmp_path: Path, dsn: str) -> None:
    """Either lets the other in; both follow the other's rotations and recovery key; one takes the other out."""
    screens = tmp_path / "screens"
    screens.mkdir()
    async with running(tmp_path, dsn) as server, party(server.url, server.set_up_token, tmp_path) as people:
        ada = await people.come("ada")
        tea = await ada.create_conversation("group", [], "Tea")
        await tea.send("one")
        await ada.running.devices.rotate()
        await tea.send("two")
        await until(lambda: tea.head == 5)
        said = ["one", "two", "from typescript", "from the second python", "from the recovered python"]

        async def persons() -> None:
            await ada.answer_link(await seen(screens, "words"))
            await until(lambda: "from typescript" in texts(list(tea.history())))

            def show(_: list[str], qr: str) -> None:
                (screens / "part").write_text(qr)
                (screens / "part").rename(screens / "python-code")

            second = await Circle.link(people.url, "ada", PASSWORD, tmp_path / "second.circle", show)
            people.circles["second"] = second
            seconds = await theirs(second, tea)
            await until(lambda: texts(list(seconds.history())) == said[:3])
            await seconds.send(said[3])
            words = await seen(screens, "recovery")
            with pytest.raises(InvalidInput):
                await Circle.recover(people.url, "ada", PASSWORD, ada.recovery_words or (), tmp_path / "third.circle")
            third = await Circle.recover(people.url, "ada", PASSWORD, words, tmp_path / "third.circle")
            people.circles["third"] = third
            await third.running.devices.rotate()
            thirds = await theirs(third, tea)
            await until(lambda: texts(list(thirds.history())) == said[:4])
            await thirds.send(said[4])
            assert (await seen(screens, "read")).splitlines() == [*said, "after the rotations"]
            (other,) = [device for device in await ada.devices() if device.name == "Circle client"]
            await ada.revoke_device(other)
            for circle in (ada, second, third):
                own = await theirs(circle, tea)
                await until(partial(reads, own, [*said, "after the rotations"]))
                assert own.alarm is None

        environment = {"CIRCLE_TEST_FOLDER": str(screens), "CIRCLE_TEST_PASSWORD": PASSWORD}
        await asyncio.gather(vitest("integration/devicesPython", server.url, "", **environment), persons())


async def test_the_typescript_client_reads_everything_with_the_recovery_key(tmp_path: Path, dsn: str) -> None:
    """Every message of every epoch, written by the Python SDK before and after rotations, of all lifetimes."""
    async with running(tmp_path, dsn) as server, party(server.url, server.set_up_token, tmp_path) as people:
        ada = await people.come("ada")
        rooms = [await ada.create_conversation("group", [], f"Room {n}", lifetime=n) for n in range(3)]
        for _ in range(3):
            for room in rooms:
                for number in range(40):
                    await room.send(f"number {number}")
            await people.come(f"guest{len(people.circles)}")
            for room in rooms:
                await room.add(f"guest{len(people.circles) - 1}")
            await ada.running.devices.rotate()
        await vitest(
            "integration/reading",
            server.url,
            "",
            CIRCLE_TEST_WORDS=" ".join(ada.recovery_words or ()),
            CIRCLE_TEST_PASSWORD=PASSWORD,
            CIRCLE_TEST_COUNT=str(3 * 3 * 40),
        )
