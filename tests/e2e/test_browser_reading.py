"""Typing, presence, unread marks and receipts, as people see them in their browsers."""

from __future__ import annotations

import re

from playwright.async_api import Locator, Page, expect

from tests.e2e.test_browser import Stage
from tests.e2e.test_browser_devices import ADA, HANDLE, browser
from tests.e2e.test_browser_devices import stage as stage
from tests.support.web import SLOW
from tests.support.web_devices import DeviceClient

BOB = "Bob Okafor"
LEFT = 75_000.0  # milliseconds: the server's grace for whoever is gone, and then the difference of a second


async def two(stage: Stage) -> tuple[DeviceClient, DeviceClient]:
    """Ada and Bob in a conversation of their own, open before both of them."""
    ada = await browser(stage, "ada")
    await ada.sign_up(stage.link, ADA)
    bob = await browser(stage, "bob", width=390, height=844)
    await bob.sign_up(await ada.invite(), BOB)
    await ada.start_direct(BOB)
    await bob.open(ADA)
    return ada, bob


def listed(page: Page, title: str) -> Locator:
    """A conversation in the list."""
    return page.get_by_role("navigation", name="Conversations").get_by_role("link").filter(has_text=title)


async def receipt(client: DeviceClient, text: str, state: str) -> None:
    """Wait until an own message has come so far."""
    line = client.page.get_by_role("list", name="Messages").get_by_role("listitem").filter(has_text=text)
    await expect(line).to_contain_text(re.compile(f"{state}$"), timeout=SLOW)


async def set_privacy(client: DeviceClient, name: str, *, on: bool) -> None:
    """Turn one of the switches in the settings, and come back."""
    await client.settings("Privacy")
    switch = client.page.get_by_role("switch", name=name)
    await expect(switch).to_be_checked(checked=not on, timeout=SLOW)
    await switch.set_checked(on, force=True)
    await expect(switch).to_be_checked(checked=on)
    await expect(switch).to_have_attribute("aria-busy", "false", timeout=SLOW)
    await client.conversations()


async def test_typing_receipts_and_presence_between_two_people(stage: Stage) -> None:
    ada, bob = await two(stage)

    # Each sees that the other one is there.
    await ada.page.get_by_role("button", name=f"{BOB}, online, show details").wait_for(timeout=SLOW)
    await bob.page.get_by_role("button", name=f"{ADA}, online, show details").wait_for(timeout=SLOW)

    # Bob writes: Ada sees it in the conversation and in the list, until he has sent it.
    await bob.page.get_by_label("Message", exact=True).press_sequentially("On my way", delay=60)
    typing = ada.page.get_by_role("main", name=BOB).get_by_text("Bob is typing…").first
    await typing.wait_for(timeout=SLOW)
    await expect(listed(ada.page, BOB)).to_contain_text("Bob is typing…")
    await bob.page.get_by_label("Message", exact=True).press("Enter")
    await ada.reads("On my way")
    await expect(typing).to_be_hidden(timeout=SLOW)
    await receipt(bob, "On my way", "Read")

    # Bob looks elsewhere: what Ada writes is delivered, and read only when he looks at it.
    await bob.leave()
    await ada.say("Bring the stove.")
    await receipt(ada, "Bring the stove.", "Delivered")
    await expect(listed(bob.page, ADA)).to_contain_text("1 unread", timeout=SLOW)
    await expect(bob.page).to_have_title(re.compile(r"^\(1\) "))
    await bob.open(ADA)
    await receipt(ada, "Bring the stove.", "Read")
    await bob.page.get_by_text("New messages", exact=True).wait_for()
    await expect(bob.page).not_to_have_title(re.compile(r"^\("), timeout=SLOW)

    # Bob switches read receipts off: Ada's next message stays at delivered, although he has it before him.
    await bob.leave()
    await set_privacy(bob, "Send read receipts", on=False)
    await bob.open(ADA)
    await ada.say("And the ropes.")
    await bob.reads("And the ropes.")
    await receipt(ada, "And the ropes.", "Delivered")
    await bob.say("Both are packed.")
    await ada.reads("Both are packed.")
    await receipt(bob, "Both are packed.", "Read")
    await receipt(ada, "And the ropes.", "Delivered")

    # With delivery receipts off as well, nothing is told at all.
    await bob.leave()
    await set_privacy(bob, "Send delivery receipts", on=False)
    await bob.open(ADA)
    await ada.say("See you at seven.")
    await bob.reads("See you at seven.")
    await bob.say("At seven.")
    await ada.reads("At seven.")
    await receipt(ada, "See you at seven.", "Sent")

    # Who hides is not there, and does not hear when others were last.
    await bob.leave()
    await set_privacy(bob, "Show when I am online", on=False)
    await ada.page.get_by_role("button", name=f"{BOB}, show details", exact=True).wait_for(timeout=SLOW)
    await set_privacy(bob, "Show when I am online", on=True)
    await ada.page.get_by_role("button", name=f"{BOB}, online, show details").wait_for(timeout=SLOW)

    # The browser is gone, and after a while so is he.
    await stage.profiles["bob"].kill()
    last_seen = ada.page.get_by_role("button", name=re.compile(f"^{BOB}, last seen .*, show details$"))
    await last_seen.wait_for(timeout=LEFT)


async def test_what_is_read_on_one_device_is_read_on_the_other(stage: Stage) -> None:
    ada, bob = await two(stage)
    phone = await browser(stage, "phone", width=390, height=844)
    await phone.sign_in(HANDLE)
    await phone.asks_for_keys()
    shown = await phone.show_link()
    dialog = await ada.link_dialog()
    await ada.page.keyboard.type(" ".join(shown))
    await ada.page.keyboard.press("Enter")
    await ada.let_in(dialog)
    await phone.inside()
    for text in ("One.", "Two.", "Three."):
        await bob.say(text)
        await bob.reads(text)
    await expect(listed(phone.page, BOB)).to_contain_text("3 unread", timeout=SLOW)

    # Ada, who was in the settings of her laptop, reads there: the phone has nothing left to read.
    await ada.conversations()
    await ada.open(BOB)
    await ada.reads("One.", "Two.", "Three.")
    await expect(listed(phone.page, BOB)).not_to_contain_text("unread", timeout=SLOW)
    await receipt(bob, "Three.", "Read")

    # A second tab of the laptop knows as well.
    page = await ada.page.context.new_page()
    second = DeviceClient(page, stage.server.url)
    await page.goto(stage.server.url)
    await second.inside()
    await listed(page, BOB).wait_for(timeout=SLOW)
    await expect(listed(page, BOB)).not_to_contain_text("unread")
