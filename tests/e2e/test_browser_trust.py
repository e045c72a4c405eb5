"""Two Chromium profiles on a running server: safety numbers, lifetimes, history for newcomers, and a new beginning."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.e2e.test_browser import Stage
from tests.scenario.home import Home
from tests.support.browser import running_playwright
from tests.support.browser_clock import BrowserClock
from tests.support.clock import WorldClock
from tests.support.web import SLOW, WebClient

ADA, BOB = "Ada Lindqvist", "Bob Okafor"
MINUTE = 60.0


@pytest.fixture
async def world(tmp_path: Path, dsn: str) -> AsyncIterator[Home]:
    """A server with the web client, under a clock that can be moved."""
    clock = WorldClock(tmp_path / "clock", dsn)
    with pytest.MonkeyPatch.context() as patch:
        await clock.install(patch)
        server = Home(tmp_path, dsn, clock)
        del server.environment["CIRCLE_WEB_DIR"]
        try:
            yield server
        finally:
            await server.stop()


@pytest.fixture
async def stage(world: Home, tmp_path: Path) -> AsyncIterator[Stage]:
    said = await world.greeting()
    link = next(word for word in said.split() if "/join#" in word).replace("localhost", "127.0.0.1")
    world.url = link.partition("/join#")[0]
    async with AsyncExitStack() as stack:
        playwright = await stack.enter_async_context(running_playwright())
        yield Stage(world, playwright, tmp_path, link, stack)


async def both(stage: Stage) -> tuple[WebClient, WebClient]:
    """Ada, who owns the Circle, and Bob, on a phone."""
    ada, bob = await stage.browser("ada"), await stage.browser("bob", width=390, height=844)
    await ada.sign_up(stage.link, ADA)
    await bob.sign_up(await ada.invite(), BOB)
    return ada, bob


def faults(stage: Stage) -> list[str]:
    return [fault for profile in stage.profiles.values() for fault in profile.faults]


async def digits(profile: Locator) -> list[str]:
    groups = profile.get_by_role("list", name="Safety number").get_by_role("listitem")
    return [(await one.locator("span").first.inner_text()).strip() for one in await groups.all()]


async def film(page: Page, path: Path) -> None:
    """What a camera before this page's safety number sees, as a file for another browser's camera."""
    code = page.get_by_role("img", name="Safety number as a QR code")
    await code.scroll_into_view_if_needed()
    box = await code.bounding_box()
    assert box is not None
    # Cameras give wide pictures: the code with what is around it.
    clip: Any = {"x": 0, "y": max(0, box["y"] - 20), "width": 384, "height": 288}
    picture = await page.screenshot(type="jpeg", quality=95, clip=clip, scale="css")
    path.write_bytes(picture * 4)


async def test_safety_numbers_agree_and_a_compared_one_stays_verified(stage: Stage) -> None:
    ada, bob = await both(stage)
    await ada.start_direct(BOB)
    await ada.say("Shall we compare?")
    await bob.open(ADA)
    await bob.reads("Shall we compare?")
    mine, theirs = await ada.show_profile(BOB), await bob.show_profile(ADA)
    assert len(set(await digits(mine))) > 1
    assert await digits(mine) == await digits(theirs)

    # Ada holds her camera before Bob's screen.
    camera = stage.folder / "bobs-screen.mjpeg"
    await film(bob.page, camera)
    await stage.profiles["ada"].close()
    ada = await stage.browser("ada", camera=camera)
    await ada.page.goto(stage.server.url)
    await ada.unlock()
    await ada.inside()
    await ada.open(BOB)
    profile = await ada.show_profile(BOB)
    await expect(profile.get_by_text("Not compared yet")).to_be_visible()
    await profile.get_by_role("button", name="Compare by camera").click()
    await profile.get_by_text("You have verified Bob.").wait_for(timeout=SLOW)
    await ada.page.keyboard.press("Escape")

    # The mark is in the list, in the header and after a reload; Bob has marked nobody.
    conversations = ada.page.get_by_role("navigation", name="Conversations")
    await expect(conversations.get_by_role("img", name="Verified")).to_be_visible()
    await ada.page.reload()
    await ada.inside()
    await expect(conversations.get_by_role("img", name="Verified")).to_be_visible(timeout=SLOW)
    await expect(bob.page.get_by_role("img", name="Verified")).to_have_count(0)

    # And it can be taken back.
    profile = await ada.show_profile(BOB)
    await profile.get_by_role("button", name="Undo").click()
    await expect(profile.get_by_text("Not compared yet")).to_be_visible(timeout=SLOW)
    await expect(conversations.get_by_role("img", name="Verified")).to_have_count(0)
    assert faults(stage) == []


async def test_a_message_disappears_on_time_on_both_sides(stage: Stage, world: Home) -> None:
    ada, bob = await stage.browser("ada"), await stage.browser("bob")
    clocks = {ada.page: BrowserClock(), bob.page: BrowserClock()}
    for page, clock in clocks.items():
        await clock.install(page.context)
    await ada.sign_up(stage.link, ADA)
    await bob.sign_up(await ada.invite(), BOB)

    async def forward(minutes: float) -> None:
        await world.clock.advance(minutes * MINUTE)
        for page, clock in clocks.items():
            await clock.put(page, world.clock.offset)

    await ada.create_group("Tea", [BOB])
    await ada.say("This one stays.")
    await bob.open("Tea")
    await bob.reads("This one stays.")
    await ada.let_disappear("1 hour")
    told = "set messages to disappear after 1 hour"
    await bob.page.get_by_role("list", name="Messages").get_by_text(f"{ADA} {told}").wait_for(timeout=SLOW)
    await ada.say("Burn after reading.")
    await bob.reads("This one stays.", "Burn after reading.")
    lines = bob.page.get_by_role("list", name="Messages").get_by_role("listitem")
    row = lines.filter(has_text="Burn after reading.")
    await expect(row).to_contain_text("Disappears in 60 minutes")
    held = "SELECT body FROM event WHERE expires_at IS NOT NULL AND body IS NOT NULL"
    assert await world.fetch(held) != []

    await forward(57)
    await expect(row).to_contain_text("Disappears in 3 minutes", timeout=SLOW)
    await expect(ada.message("Burn after reading.")).to_be_visible()

    await forward(4)
    for person in (ada, bob):
        await expect(person.message("Burn after reading.")).to_have_count(0, timeout=SLOW)
        # Not in the list of conversations either, nor in what is read out.
        await expect(person.page.get_by_text("Burn after reading.")).to_have_count(0)
        await expect(person.message("This one stays.")).to_be_visible()
    await expect(ada.message(f"You {told}")).to_be_visible()

    # The server has let go of it, and a fresh start of the page finds nothing.
    async def emptied() -> bool:
        return await world.fetch(held) == []

    await _until(bob.page, emptied)
    await bob.page.reload()
    await bob.inside()
    await bob.reads("This one stays.")
    await expect(bob.page.get_by_text("Burn after reading.")).to_have_count(0)
    await ada.say("One more.")
    await bob.reads("This one stays.", "One more.")
    assert faults(stage) == []


async def _until(page: Page, fulfilled: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(120):
        if await fulfilled():
            return
        await page.wait_for_timeout(250)
    raise AssertionError("it did not come about in time")


async def test_newcomers_read_what_the_conversation_says(stage: Stage) -> None:
    ada, bob = await both(stage)
    await ada.create_group("Open door", [], "Everything from before as well")
    await ada.say("Said before, for all who come.")
    await ada.reads("Said before, for all who come.")
    told = await ada.add_person(BOB)
    assert told.startswith("They will be able to read everything that was written here before")
    await bob.open("Open door")
    await bob.reads("Said before, for all who come.")
    await bob.leave()

    await ada.create_group("Closed door", [])
    await ada.say("Said before, among ourselves.")
    await ada.reads("Said before, among ourselves.")
    assert await ada.add_person(BOB) == "They will be able to read only what is written after they join."
    await ada.say("Welcome, Bob.")
    await bob.open("Closed door")
    await bob.reads("Welcome, Bob.")
    await expect(bob.page.get_by_text("Said before, among ourselves.")).to_have_count(0)
    assert faults(stage) == []


async def test_who_begins_anew_is_told_of_and_let_in_again(stage: Stage) -> None:
    ada, bob = await both(stage)
    await ada.create_group("Tea", [BOB])
    await ada.say("Before the flood.")
    await bob.open("Tea")
    await bob.reads("Before the flood.")
    profile = await ada.show_profile(BOB)
    before = await digits(profile)
    await profile.get_by_role("button", name="Mark as verified").click()
    await expect(profile.get_by_text("You have verified Bob.")).to_be_visible(timeout=SLOW)
    await ada.page.keyboard.press("Escape")

    # Bob's phone falls into the sea, and the drawer with the recovery key burns.
    await stage.profiles["bob"].close()
    bob = await stage.browser("bob-anew", width=390, height=844)
    await bob.sign_in("bob.okafor")
    await bob.begin_anew("bob.okafor")

    # Ada is told, the mark is gone, the number is another.
    banner = ada.page.get_by_role("status", name="New identity")
    await expect(banner).to_contain_text(f"{BOB} began anew with a new identity.", timeout=SLOW)
    profile = await ada.show_profile(BOB)
    await expect(profile.get_by_text("This is a new number")).to_be_visible(timeout=SLOW)
    await expect(profile.get_by_text("Not compared yet")).to_be_visible()
    assert await digits(profile) != before
    await ada.page.keyboard.press("Escape")

    # Bob is told whom to ask, and can write nothing. Not even the title is his to read.
    await bob.open("Untitled group")
    await expect(bob.page.get_by_role("status", name="New identity")).to_contain_text(f"Ask {ADA}", timeout=SLOW)
    await expect(bob.page.get_by_label("Message", exact=True)).to_have_count(0)

    await ada.let_in_again(BOB)
    await bob.page.get_by_label("Message", exact=True).wait_for(timeout=SLOW)
    await ada.say("Good to have you back.")
    await bob.reads("Good to have you back.")
    await bob.say("Good to be back.")
    await ada.reads("Before the flood.", "Good to have you back.", "Good to be back.")
    await expect(bob.page.get_by_text("Before the flood.")).to_have_count(0)
    assert faults(stage) == []
