"""Take the pictures in docs/screenshots from a real server with real members: `python -m scripts.screenshots`."""

from __future__ import annotations

import asyncio
import re
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from circle_client import Circle
from playwright.async_api import Page, Playwright

from tests.support.attacks import Truncate
from tests.support.browser import open_profile, running_playwright
from tests.support.hostile import Hostile, hostile
from tests.support.server import ServerProcess
from tests.support.web import SLOW, WebClient
from tests.support.web_devices import DeviceClient

PICTURES = Path(__file__).resolve().parents[1] / "docs" / "screenshots"
TITLE = "Glacier walk"
PASSWORD = "a long password for the pictures"  # noqa: S105  (of a member who lives for a minute)


async def shoot(page: Page, name: str) -> None:
    """Take one picture when everything has come to rest."""
    await page.mouse.move(0, 0)  # so that it points at nothing
    await page.wait_for_timeout(700)
    await page.screenshot(path=PICTURES / f"{name}.png")


async def in_both(page: Page, name: str) -> None:
    """Light and dark."""
    await page.emulate_media(color_scheme="light")
    await shoot(page, name)
    await page.emulate_media(color_scheme="dark")
    await shoot(page, f"{name}-dark")
    await page.emulate_media(color_scheme="light")


async def talk(ada: WebClient, bob: WebClient, guide: Circle) -> None:
    """A conversation worth a picture."""
    await ada.create_group(TITLE, ["Bob Okafor", "Guðrún"])
    await ada.say("Saturday looks clear. Who is in for the ice cave?")
    await bob.open(TITLE)
    await bob.reads("Saturday looks clear. Who is in for the ice cave?")
    await bob.say("Me! I can bring two ropes and the stove.")
    await ada.reads("Me! I can bring two ropes and the stove.")
    group = next(one for one in guide.conversations if one.title == TITLE)
    await group.send("Meet at the hut at 7. The river is low, we can cross by the stones.")
    await group.send("Crampons for everyone are in the car.")
    await ada.reads("Crampons for everyone are in the car.")
    await ada.say("Perfect. I'll drive, there is room for three.")
    await bob.reads("Perfect. I'll drive, there is room for three.")


async def reading(ada: DeviceClient, bob: WebClient) -> None:
    """Who has read the newest message, and somebody who writes; then the switches for all that."""
    newest = ada.page.get_by_role("button", name=re.compile("^Read by"))
    await newest.last.wait_for(timeout=SLOW)
    box = bob.page.get_by_label("Message", exact=True)
    for scheme, name in (("light", "reading"), ("dark", "reading-dark")):
        await box.press_sequentially("Then I", delay=40)
        await ada.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        await ada.page.get_by_text("Bob is typing…").first.wait_for(timeout=SLOW)
        await newest.last.click()
        await shoot(ada.page, name)
        await ada.page.keyboard.press("Escape")
        await box.fill("")
    await ada.page.emulate_media(color_scheme="light")
    await ada.settings("Privacy")
    await in_both(ada.page, "privacy")
    await ada.conversations()


async def devices(ada: DeviceClient, phone: DeviceClient) -> None:
    """A phone is linked, and the list of both."""
    await phone.sign_in("ada.lindqvist")
    await phone.asks_for_keys()
    await in_both(phone.page, "new-device")
    words = await phone.show_link()
    await in_both(phone.page, "link-this")
    dialog = await ada.link_dialog()
    await dialog.get_by_label("Word 1", exact=True).fill(" ".join(words))
    await in_both(ada.page, "link-words")
    await dialog.get_by_role("button", name="Continue").click()
    await dialog.get_by_role("heading", name="Let “").wait_for()
    await in_both(ada.page, "let-in")
    await ada.let_in(dialog)
    await phone.inside()
    await phone.name_this_device("Ada's phone")
    await phone.conversations()
    await ada.name_this_device("Laptop at home")
    await ada.page.reload()
    await ada.page.get_by_role("list", name="Devices").get_by_text("Ada's phone").wait_for()
    await in_both(ada.page, "devices")
    await ada.page.get_by_role("link", name="Settings").first.click()
    await in_both(ada.page, "settings")


async def trust(ada: DeviceClient, phone: DeviceClient) -> None:
    """A member's profile, before and after comparing."""
    await ada.conversations()
    await ada.open(TITLE)
    profile = await ada.show_profile("Bob Okafor")
    await in_both(ada.page, "profile")
    await profile.get_by_role("button", name="Mark as verified").click()
    await profile.get_by_text("You have verified Bob.").wait_for()
    await ada.page.keyboard.press("Escape")
    await phone.open(TITLE)
    await phone.show_profile("Bob Okafor")
    await in_both(phone.page, "profile-phone")
    await phone.page.keyboard.press("Escape")
    await phone.page.get_by_role("button", name="Back to conversation").first.click()


async def lifetimes(ada: DeviceClient, bob: WebClient) -> None:
    """A conversation whose messages disappear."""
    await ada.start_direct("Bob Okafor")
    await ada.say("The spare key is with the neighbour, third floor.")
    await ada.let_disappear("7 days")
    await bob.open("Ada Lindqvist")
    await bob.reads("The spare key is with the neighbour, third floor.")
    await bob.say("Thanks! And the code for the gate?")
    await ada.reads("Thanks! And the code for the gate?")
    await ada.page.get_by_role("button", name="The next message disappears after 7 days").click()
    await ada.page.get_by_role("menuitemradio", name="After 1 hour").click()
    await ada.say("4711, until tonight.")
    await bob.reads("4711, until tonight.")
    await in_both(ada.page, "disappearing")
    await in_both(bob.page, "disappearing-phone")


async def alarms(ada: DeviceClient, evil: Hostile) -> None:
    """The server forgets what it had; the page says so, at a desk and as wide as a phone."""
    await ada.open(TITLE)
    evil.arm(Truncate())
    evil.cut()
    warning = ada.page.get_by_role("main", name=TITLE).get_by_role("region", name="Warning")
    await warning.wait_for(timeout=SLOW)
    await in_both(ada.page, "alarm")
    await ada.page.set_viewport_size({"width": 390, "height": 844})
    await warning.get_by_role("button", name="What does this mean?").click()
    await in_both(ada.page, "alarm-phone")
    await ada.page.get_by_role("button", name="Back to conversations").click()
    await in_both(ada.page, "alarm-account")
    await ada.page.set_viewport_size({"width": 1280, "height": 800})


async def locked(ada: DeviceClient) -> None:
    """What a locked browser shows."""
    await ada.page.get_by_role("button", name="Account: Ada Lindqvist").click()
    await ada.page.get_by_role("menuitem", name="Lock").click()
    await ada.page.get_by_role("heading", name="Welcome back").wait_for()
    await in_both(ada.page, "locked")


async def pictures(
    playwright: Playwright, server: ServerProcess, evil: Hostile, link: str, folder: Path, stack: AsyncExitStack
) -> None:
    """Everything, in the order of a first visit."""
    first = await open_profile(playwright, folder / "ada", width=1280, height=800)
    second = await open_profile(playwright, folder / "bob", width=390, height=844)
    stack.push_async_callback(first.close)
    stack.push_async_callback(second.close)
    third = await open_profile(playwright, folder / "adas-phone", width=390, height=844)
    stack.push_async_callback(third.close)
    ada, phone = DeviceClient(first.page, evil.url), DeviceClient(third.page, evil.url)
    bob = WebClient(second.page, server.url)

    await first.page.goto(link)
    await first.page.get_by_label("Your name").wait_for()
    await in_both(first.page, "set-up")
    await ada.sign_up(link, "Ada Lindqvist")
    await in_both(first.page, "empty")
    await bob.sign_up((await ada.invite()).replace(evil.url, server.url), "Bob Okafor")
    guide = await Circle.sign_up(server.url, await ada.invite(), "gudrun", "Guðrún", PASSWORD, folder / "guide.circle")
    stack.push_async_callback(guide.close)
    await talk(ada, bob, guide)
    await first.page.get_by_role("button", name="Details", exact=True).click()
    await in_both(first.page, "conversation")
    await in_both(second.page, "phone")
    await ada.open(TITLE)
    await reading(ada, bob)
    await second.page.get_by_role("button", name="Back to conversations").click()
    await in_both(second.page, "phone-list")
    await ada.invite()
    await first.page.goto(f"{evil.url}/invites")
    await ada.page.get_by_role("list", name="Invitations").wait_for()
    await in_both(first.page, "invitations")
    await first.page.goto(f"{evil.url}/graphiql")
    # GraphiQL runs nothing before its editors are there.
    for region in ("Operation Editor", "Result Window"):
        await first.page.get_by_role("region", name=region).get_by_role("textbox").wait_for(state="attached")
    await first.page.get_by_role("button", name="Execute query").click()
    await first.page.get_by_role("region", name="Result Window").get_by_text("Ada Lindqvist").wait_for()
    await in_both(first.page, "graphiql")
    await first.page.goto(evil.url)
    await ada.inside()
    await devices(ada, phone)
    await trust(ada, phone)
    await lifetimes(ada, bob)
    await third.close()  # the one who is lied to
    await alarms(ada, evil)
    await locked(ada)


async def main() -> None:
    """Start, shoot, stop."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="circle-pictures-")))
        server = ServerProcess(folder / "data")
        said = await server.greeting()
        stack.push_async_callback(server.stop)
        link = next(word for word in said.split() if "/join#" in word)
        server.url = link.partition("/join#")[0].replace("localhost", "127.0.0.1")
        evil = await stack.enter_async_context(hostile(server.url))
        link = f"{evil.url}/join#{link.partition('/join#')[2]}"
        playwright = await stack.enter_async_context(running_playwright())
        await pictures(playwright, server, evil, link, folder, stack)


if __name__ == "__main__":
    asyncio.run(main())
