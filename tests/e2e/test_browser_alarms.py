"""A server that lost data, and one that lies, as two people see it in Chromium; what they do about it, by keyboard."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from circle_client.protocol.invite import InviteLink
from playwright.async_api import Locator, Page, expect

from tests.e2e.test_typescript_alarms import Backups
from tests.support.attacks import SwapSeal
from tests.support.browser import Profile, open_profile, running_playwright
from tests.support.database import Server
from tests.support.hostile import Hostile, hostile
from tests.support.server import ROOT, RunningServer
from tests.support.web import SLOW, WebClient

ADA, BOB = "Ada Lindqvist", "Bob Okafor"
OLDER = "The server shows an older state of this conversation than before. Nothing more is sent from here."
# What a browser says by itself while there is no server.
CUT_OFF = ("Failed to load resource", "WebSocket connection to")


@dataclass
class Stage:
    """Ada at a desk and Bob on a phone, both behind the man in the middle."""

    evil: Hostile
    server: RunningServer
    backups: Backups
    ada: WebClient
    bob: WebClient
    phone: Callable[[], Awaitable[WebClient]]
    profiles: list[Profile]

    def faults(self) -> list[str]:
        return [one for profile in self.profiles for one in profile.faults if not one.startswith(CUT_OFF)]


@pytest.fixture
async def stage(tmp_path: Path, dsn: str, postgres: Server) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack, hostile("http://127.0.0.1:1") as evil:
        backups = Backups(tmp_path / "data", dsn, postgres, evil, stack, web_dir=ROOT / "web" / "dist")
        server = await backups.start(dsn)
        stack.push_async_callback(backups.stop)
        playwright = await stack.enter_async_context(running_playwright())
        profiles: list[Profile] = []

        async def browser(name: str, width: int, height: int) -> WebClient:
            profiles.append(await open_profile(playwright, tmp_path / name, width=width, height=height))
            stack.push_async_callback(profiles[-1].close)
            return WebClient(profiles[-1].page, evil.url)

        async def phone() -> WebClient:
            return await browser("bob", width=390, height=844)

        ada, bob = await browser("ada", width=1280, height=800), await phone()
        await ada.sign_up(f"{evil.url}/join#{InviteLink(server.set_up_token).fragment()}", ADA)
        await bob.sign_up(await ada.invite(), BOB)
        yield Stage(evil, server, backups, ada, bob, phone, profiles)


async def press(page: Page, target: Locator) -> None:
    """Reach it with the Tab key alone, from where the keyboard is, and press Enter."""
    await target.wait_for(timeout=SLOW)
    for _ in range(60):
        if await target.evaluate("element => element === document.activeElement"):
            await page.keyboard.press("Enter")
            return
        await page.keyboard.press("Tab")
    raise AssertionError("the keyboard does not reach it")


def warning(person: WebClient, title: str) -> Locator:
    """A conversation's alarm."""
    return person.page.get_by_role("main", name=title).get_by_role("region", name="Warning")


def outcome(person: WebClient, title: str) -> Locator:
    return person.page.get_by_role("main", name=title).get_by_role("status", name="What came of it")


async def stopped(person: WebClient, title: str) -> None:
    """Nothing can be sent, and what one had can be read."""
    await warning(person, title).wait_for(timeout=SLOW)
    await expect(person.page.get_by_label("Message", exact=True)).to_have_count(0)


async def fits(page: Page) -> None:
    """Nothing stands out of the screen."""
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


async def has_sent(client: WebClient, text: str) -> None:
    """Write, and return when the server has taken it."""
    await client.say(text)
    await client.reads(text)  # until it is shown nothing is marked as being sent
    await expect(client.page.get_by_label("Sending")).to_have_count(0, timeout=SLOW)


async def talk_and_lose_it(stage: Stage) -> None:
    """The server is put back to the state before 'Two.', 'Three.', 'Four.' and 'Between us.'"""
    ada, bob = stage.ada, stage.bob
    await ada.start_direct(BOB)
    await ada.say("Hello.")
    await bob.open(ADA)
    await bob.reads("Hello.")
    await bob.leave()
    await ada.create_group("Tea", [BOB])
    await ada.say("One.")
    await bob.open("Tea")
    await bob.reads("One.")
    noted = "SELECT count(*) FROM event JOIN space ON space.id = space_id WHERE space.type = 4"
    before = (await stage.server.fetch(noted))[0][0]
    await stage.backups.backup()

    profile = await ada.show_profile(BOB)
    await profile.get_by_role("button", name="Mark as verified").click()
    await expect(profile.get_by_text("You have verified Bob.")).to_be_visible(timeout=SLOW)
    await ada.page.keyboard.press("Escape")
    await ada.say("Two.")
    await bob.reads("Two.")
    await bob.say("Three.")
    await ada.reads("Three.")
    await ada.say("Four.")
    await bob.reads("One.", "Two.", "Three.", "Four.")
    await ada.open(BOB)
    await has_sent(ada, "Between us.")
    for _ in range(240):
        if (await stage.server.fetch(noted))[0][0] > before:
            break
        await ada.page.wait_for_timeout(250)
    await ada.open("Tea")
    await stage.backups.restore()


async def test_a_restored_backup_is_mended_or_gone_on_with(stage: Stage) -> None:
    ada, bob = stage.ada, stage.bob
    await talk_and_lose_it(stage)
    for person in (ada, bob):
        await stopped(person, "Tea")
        await expect(warning(person, "Tea").get_by_role("alert")).to_contain_text(OLDER)
        await person.reads("One.", "Two.", "Three.", "Four.")
        await fits(person.page)

    # Ada gives back what is hers, up to what only Bob can give.
    offer = "Offer the missing messages"
    await press(ada.page, warning(ada, "Tea").get_by_role("button", name=offer))
    told = outcome(ada, "Tea")
    await expect(told).to_contain_text("The server has taken 1 entry back. It still lacks 2 entries.", timeout=SLOW)
    await expect(told).to_contain_text(f"Ask {BOB} to open this conversation and do the same")
    await expect(told.get_by_role("list", name="Given back")).to_have_text("You: Two.")
    missing = told.get_by_role("list", name="Still missing on the server").get_by_role("listitem")
    await expect(missing).to_have_text([f"{BOB}: Three.", "You: Four."])
    await stopped(ada, "Tea")
    await press(bob.page, warning(bob, "Tea").get_by_role("button", name=offer))
    await expect(outcome(bob, "Tea").get_by_role("list", name="Given back")).to_have_text("You: Three.", timeout=SLOW)
    await fits(bob.page)
    await press(ada.page, warning(ada, "Tea").get_by_role("button", name=offer))
    await expect(told).to_contain_text("has everything again. You can write here again.", timeout=SLOW)
    await expect(warning(ada, "Tea")).to_have_count(0)
    await expect(warning(bob, "Tea")).to_have_count(0, timeout=SLOW)
    await ada.say("Five.")
    await bob.reads("One.", "Two.", "Three.", "Four.", "Five.")

    # The other conversation goes on without what was lost.
    await ada.open(BOB)
    await stopped(ada, BOB)
    await press(ada.page, warning(ada, BOB).get_by_role("button", name="Go on with what the server shows…"))
    dialog = ada.page.get_by_role("dialog", name="Go on with what the server shows?")
    await expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    await expect(dialog).to_contain_text("If somebody has tampered with the server, this is what they hope for.")
    await press(ada.page, dialog.get_by_role("button", name="Go on"))
    await expect(outcome(ada, BOB)).to_contain_text("You can write here again.", timeout=SLOW)
    await ada.reads("Hello.", "The server no longer has what follows (one message). Only this device still has it.")
    await ada.reads("Between us.")
    await has_sent(ada, "From here on.")
    await expect(ada.message("From here on.")).to_be_visible()

    # The account's own record stands above everything.
    account = ada.page.get_by_role("region", name="Warning").filter(has_text="your account")
    await expect(account.get_by_role("alert")).to_contain_text(
        "The server shows an older state of your account than before."
    )
    await press(ada.page, account.get_by_role("button", name="Offer what is missing"))
    await expect(ada.page.get_by_text("Your devices hear from each other again.")).to_be_visible(timeout=SLOW)
    await expect(account).to_have_count(0)
    assert stage.faults() == []


async def test_nothing_is_done_about_a_server_that_hands_out_wrong_keys(stage: Stage) -> None:
    """What is not proven can neither be mended nor gone on with: the person is told so, and whom to ask."""
    ada = stage.ada
    await stage.profiles[1].close()
    await ada.create_group("Tea", [BOB])
    await has_sent(ada, "Among us.")
    await stage.profiles[0].close()
    stage.evil.arm(SwapSeal())
    bob = await stage.phone()
    await bob.page.goto(stage.evil.url)
    await bob.unlock()
    await bob.inside()
    await bob.open("Untitled group")
    await stopped(bob, "Untitled group")
    alarm = warning(bob, "Untitled group")
    await expect(alarm.get_by_role("alert")).to_contain_text("The server handed this device a wrong key")
    await press(bob.page, alarm.get_by_role("button", name="What does this mean?"))
    await expect(alarm).to_contain_text("Nothing can be done about it on this device.")
    await expect(alarm.get_by_role("button")).to_have_text(["Show less"])
    await fits(bob.page)
    assert stage.faults() == []
