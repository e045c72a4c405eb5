"""Take the pictures in docs/screenshots from a real server with real members: `python -m scripts.screenshots`."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from circle_client import Circle
from playwright.async_api import Page, Playwright

from tests.support.browser import open_profile, running_playwright
from tests.support.server import ServerProcess
from tests.support.web import WebClient

PICTURES = Path(__file__).resolve().parents[1] / "docs" / "screenshots"
TITLE = "Glacier walk"
PASSWORD = "a long password for the pictures"  # noqa: S105  (of a member who lives for a minute)


async def shoot(page: Page, name: str) -> None:
    """Take one picture when everything has come to rest."""
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


async def pictures(
    playwright: Playwright, server: ServerProcess, link: str, folder: Path, stack: AsyncExitStack
) -> None:
    """Everything, in the order of a first visit."""
    first = await open_profile(playwright, folder / "ada", width=1280, height=800)
    second = await open_profile(playwright, folder / "bob", width=390, height=844)
    stack.push_async_callback(first.close)
    stack.push_async_callback(second.close)
    ada, bob = WebClient(first.page, server.url), WebClient(second.page, server.url)

    await first.page.goto(link)
    await first.page.get_by_label("Your name").wait_for()
    await in_both(first.page, "set-up")
    await ada.sign_up(link, "Ada Lindqvist")
    await in_both(first.page, "empty")
    await bob.sign_up(await ada.invite(), "Bob Okafor")
    guide = await Circle.sign_up(server.url, await ada.invite(), "gudrun", "Guðrún", PASSWORD, folder / "guide.circle")
    stack.push_async_callback(guide.close)
    await talk(ada, bob, guide)
    await first.page.get_by_role("button", name="Details", exact=True).click()
    await in_both(first.page, "conversation")
    await in_both(second.page, "phone")
    await second.page.get_by_role("button", name="Back to conversations").click()
    await in_both(second.page, "phone-list")
    await ada.invite()
    await first.page.goto(f"{server.url}/invites")
    await ada.page.get_by_role("list", name="Invitations").wait_for()
    await in_both(first.page, "invitations")
    await first.page.goto(f"{server.url}/graphiql")
    # GraphiQL runs nothing before its editors are there.
    for region in ("Operation Editor", "Result Window"):
        await first.page.get_by_role("region", name=region).get_by_role("textbox").wait_for(state="attached")
    await first.page.get_by_role("button", name="Execute query").click()
    await first.page.get_by_role("region", name="Result Window").get_by_text("Ada Lindqvist").wait_for()
    await in_both(first.page, "graphiql")


async def main() -> None:
    """Start, shoot, stop."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="circle-pictures-")))
        server = ServerProcess(folder / "data")
        said = await server.greeting()
        stack.push_async_callback(server.stop)
        link = next(word for word in said.split() if "/join#" in word)
        server.url = link.partition("/join#")[0]
        playwright = await stack.enter_async_context(running_playwright())
        await pictures(playwright, server, link, folder, stack)


if __name__ == "__main__":
    asyncio.run(main())
