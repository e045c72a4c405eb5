"""Several browsers of one person: linked by words, recovered by the recovery key, removed and wiped."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from circle_client import Circle
from playwright.async_api import expect

from tests.e2e.test_browser import Stage
from tests.support.browser import open_profile, running_playwright
from tests.support.sdk import hear
from tests.support.server import ServerProcess
from tests.support.web import SLOW
from tests.support.web_devices import DeviceClient

ADA, HANDLE, TITLE = "Ada Lindqvist", "ada.lindqvist", "Expedition"
BOT_PASSWORD = "a password of the bot's own"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        server = ServerProcess(tmp_path / "data")
        said = await server.greeting()
        stack.push_async_callback(server.stop)
        playwright = await stack.enter_async_context(running_playwright())
        link = next(word for word in said.split() if "/join#" in word).replace("localhost", "127.0.0.1")
        server.url = link.partition("/join#")[0]
        yield Stage(server, playwright, tmp_path, link, stack)


async def browser(
    stage: Stage, name: str, width: int = 1280, height: int = 800, camera: Path | None = None
) -> DeviceClient:
    """Open another browser."""
    profile = await open_profile(stage.playwright, stage.folder / name, width=width, height=height, camera=camera)
    stage.profiles[name] = profile
    stage.stack.push_async_callback(profile.close)
    return DeviceClient(profile.page, stage.server.url)


async def test_devices_of_one_person_in_the_browser(stage: Stage) -> None:
    first = await browser(stage, "first")
    words = await first.sign_up(stage.link, ADA)
    bot = await Circle.sign_up(
        stage.server.url, await first.invite(), "echo", "Echo", BOT_PASSWORD, stage.folder / "bot.circle"
    )
    stage.stack.push_async_callback(bot.close)
    inbox = bot.messages()
    await first.create_group(TITLE, ["Echo"])
    await first.say("Before there was another device.")
    await hear(inbox, 1)
    group = next(one for one in bot.conversations if one.title == TITLE)
    await group.send("The bot answers.")
    said = ["Before there was another device.", "The bot answers."]
    await first.reads(*said)

    # A second browser is let in by words that are typed on the first, and reads everything.
    second = await browser(stage, "second", width=390, height=844)
    await second.sign_in(HANDLE)
    await second.asks_for_keys()
    shown = await second.show_link()
    dialog = await first.link_dialog()
    await first.page.keyboard.type(" ".join(shown))
    await expect(dialog.get_by_text("All words fit")).to_be_visible()
    await first.page.keyboard.press("Enter")
    await first.let_in(dialog)
    await second.inside()
    await second.open(TITLE)
    await second.reads(*said)
    await second.say("From the second device.")
    said.append("From the second device.")
    await hear(inbox, 1)
    await first.conversations()
    await first.open(TITLE)
    await first.reads(*said)

    # A third comes in by the recovery key alone, and reads everything as well.
    third = await browser(stage, "third")
    await third.sign_in(HANDLE)
    await third.asks_for_keys()
    await third.recover(words)
    await third.inside()
    await third.open(TITLE)
    await third.reads(*said)
    await third.say("From the third device.")
    said.append("From the third device.")
    for device in (first, second):
        await device.reads(*said)

    # The second is named, then removed from the first: it says so, and holds nothing any more.
    await second.name_this_device("Old phone")
    rows = await first.devices()
    assert len(rows) == 3
    assert "This device" in rows[0]
    held = await second.stores()
    await first.remove_device("Old phone")
    notice = second.page.get_by_text("This device was removed from your account by another of your devices.")
    await notice.wait_for(timeout=SLOW)
    await expect(second.page.get_by_role("heading", name="Sign in to Circle")).to_be_visible()
    assert len(await second.stores()) < len(held), held
    await second.page.reload()
    await expect(second.page.get_by_label("Handle")).to_have_value("", timeout=SLOW)
    await stage.profiles["second"].close()

    # What follows reaches the two that are left, and the recovery key is replaced.
    await first.conversations()
    await first.open(TITLE)
    await first.say("Without the old phone.")
    said.append("Without the old phone.")
    await third.conversations()
    await third.open(TITLE)
    await third.reads(*said)
    await hear(inbox, 2)
    new_words = await first.replace_recovery_key()
    assert new_words != words

    # The old words bring nobody in, the new ones do.
    fourth = await browser(stage, "fourth")
    await fourth.sign_in(HANDLE)
    await fourth.asks_for_keys()
    await fourth.recover(words)
    await fourth.page.get_by_role("alert").filter(has_text="recovery key").wait_for(timeout=SLOW)
    await fourth.page.get_by_role("button", name="Back").click()
    await fourth.recover(new_words)
    await fourth.inside()
    await fourth.open(TITLE)
    await fourth.reads(*said)
    # The browser itself notes that the server refused the device that was removed.
    assert all("401" in fault for fault in stage.profiles.pop("second").faults)
    assert [fault for profile in stage.profiles.values() for fault in profile.faults] == []


async def test_a_phone_is_let_in_by_its_code_before_the_camera(stage: Stage) -> None:
    first = await browser(stage, "first")
    await first.sign_up(stage.link, ADA)
    await first.create_group(TITLE, [])
    await first.say("Written on the computer.")
    await first.reads("Written on the computer.")
    await stage.profiles["first"].close()

    phone = await browser(stage, "phone", width=390, height=844)
    await phone.sign_in(HANDLE)
    await phone.asks_for_keys()
    await phone.show_link()
    camera = stage.folder / "the-phones-screen.mjpeg"
    camera.write_bytes(await phone.photograph_code())

    first = await browser(stage, "first", camera=camera)
    await first.page.goto(stage.server.url)
    await first.unlock()
    await first.inside()
    dialog = await first.link_dialog()
    await dialog.get_by_text("Scan the code").click()
    await first.let_in(dialog)
    await phone.inside()
    await phone.open(TITLE)
    await phone.reads("Written on the computer.")
    assert [fault for profile in stage.profiles.values() for fault in profile.faults] == []
