"""Two tabs of one browser: one device, of which the tab in use acts; nothing is lost or said twice."""

from __future__ import annotations

from playwright.async_api import expect

from tests.e2e.test_browser import Stage
from tests.e2e.test_browser_devices import ADA, TITLE, browser
from tests.e2e.test_browser_devices import stage as stage
from tests.support.web import SLOW
from tests.support.web_devices import DeviceClient

ELSEWHERE = "Circle is open in another tab"


async def test_two_tabs_are_one_device(stage: Stage) -> None:
    first = await browser(stage, "first")
    await first.sign_up(stage.link, ADA)
    await first.create_group(TITLE, [])
    await first.say("From the first tab.")
    await first.reads("From the first tab.")

    # A new tab goes on without a password, and the one before it stands by.
    page = await first.page.context.new_page()
    second = DeviceClient(page, stage.server.url)
    await page.goto(stage.server.url)
    await second.inside()
    await first.page.get_by_role("heading", name=ELSEWHERE).wait_for(timeout=SLOW)
    await page.get_by_role("link", name=TITLE).click()
    await second.reads("From the first tab.")
    await second.say("From the second tab.")

    # Whoever comes back to the first one goes on there. A page that is looked at again hears of it by this event;
    # Chromium without a screen counts both as visible.
    await first.page.bring_to_front()
    await first.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await (
        first.page.get_by_role("main", name=TITLE)
        .or_(first.page.get_by_role("heading", name="Conversations"))
        .first.wait_for(timeout=SLOW)
    )
    if not await first.page.get_by_role("main", name=TITLE).is_visible():
        await first.page.get_by_role("link", name=TITLE).click()
    await page.get_by_role("heading", name=ELSEWHERE).wait_for(timeout=SLOW)
    await first.reads("From the first tab.", "From the second tab.")
    await first.say("From the first tab again.")
    for text in ("From the first tab.", "From the second tab.", "From the first tab again."):
        said = first.page.get_by_role("main", name=TITLE).get_by_text(text, exact=True)
        await expect(said).to_have_count(1)
    assert len(await first.devices()) == 1

    # Two windows side by side are both in sight: there it takes a press of a button.
    await page.get_by_role("button", name="Use Circle here").click()
    await second.inside()
    await first.page.get_by_role("heading", name=ELSEWHERE).wait_for(timeout=SLOW)
