"""The web client as a person uses it: what they click and read, by its accessible names."""

from __future__ import annotations

import re

from playwright.async_api import Locator, Page, expect

PASSWORD = "correct horse battery"
SLOW = 60_000.0  # milliseconds: making keys, with other work on two cores


class WebClient:
    """One person at one page."""

    def __init__(self, page: Page, origin: str) -> None:
        self.page, self.origin = page, origin

    # ---- account

    async def sign_up(self, link: str, name: str) -> list[str]:
        """Open a join link and go through to the end; the recovery key's words."""
        page = self.page
        await page.goto(link)
        await page.get_by_label("Your name").fill(name)
        await page.get_by_label("Password", exact=True).fill(PASSWORD)
        await page.get_by_label("Type it again").fill(PASSWORD)
        await page.get_by_role("button", name="Continue").click()
        await page.get_by_role("heading", name="Your recovery key").wait_for(timeout=SLOW)
        shown = await page.get_by_role("list", name="Recovery key").get_by_role("listitem").all_inner_texts()
        words = [re.sub(r"^\d+\s*", "", word.strip()) for word in shown]
        await page.get_by_role("button", name="I have saved my recovery key").click()
        for box in await page.get_by_label(re.compile(r"^Word \d+$")).all():
            name_ = await box.get_attribute("name") or ""
            await box.fill(words[int(name_.removeprefix("word-"))])
        await page.get_by_role("button", name="Finish").click()
        await self.inside()
        return words

    async def unlock(self) -> None:
        """Type the password on the locked page."""
        await self.page.get_by_role("heading", name="Welcome back").wait_for(timeout=SLOW)
        await self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        await self.page.get_by_role("button", name="Unlock").click()

    async def inside(self) -> None:
        """Wait until the conversations are there."""
        await self.page.get_by_role("heading", name="Conversations", exact=True).wait_for(timeout=SLOW)

    async def invite(self) -> str:
        """Make an invitation; its link."""
        await self._go("Invitations")
        await self.page.get_by_role("button", name="Create invitation link").click()
        output = self.page.get_by_label("Invitation link", exact=True)
        await expect(output).to_contain_text("/join#", timeout=SLOW)
        link = (await output.inner_text()).strip()
        await self._go("Conversations")
        return link

    # ---- conversations

    async def create_group(self, title: str, people: list[str]) -> None:
        """Make a group and wait until one can write."""
        await self.page.get_by_role("button", name="New conversation").first.click()
        dialog = self.page.get_by_role("dialog", name="New conversation")
        await dialog.get_by_text("Group", exact=True).click()
        await dialog.get_by_label("Title").fill(title)
        for name in people:
            await dialog.get_by_role("combobox", name="Search people").fill(name)
            await dialog.get_by_role("option", name=name).click()
        await dialog.get_by_role("button", name="Create group").click()
        await self.page.get_by_label("Message", exact=True).wait_for(timeout=SLOW)

    async def open(self, title: str) -> None:
        """Open a conversation from the list, as soon as it is there."""
        listed = self.page.get_by_role("navigation", name="Conversations").get_by_role("link").filter(has_text=title)
        await listed.click(timeout=SLOW)
        await self.page.get_by_role("list", name="Messages").wait_for(timeout=SLOW)

    async def say(self, text: str) -> None:
        """Write and send."""
        box = self.page.get_by_label("Message", exact=True)
        await box.fill(text)
        await box.press("Enter")

    def message(self, text: str) -> Locator:
        """A line of the open conversation."""
        return self.page.get_by_role("list", name="Messages").get_by_text(text, exact=True)

    async def reads(self, *texts: str) -> None:
        """Wait until all of these are shown, in this order."""
        for text in texts:
            await self.message(text).wait_for(timeout=SLOW)
        lines = "\n".join(
            await self.page.get_by_role("list", name="Messages").get_by_role("listitem").all_inner_texts()
        )
        places = [lines.index(text) for text in texts]
        assert places == sorted(places), lines

    async def remove(self, name: str) -> None:
        """Remove a person from the open conversation."""
        await self.page.get_by_role("button", name="Details", exact=True).click()
        await self.page.get_by_role("button", name=f"Options for {name}").click()
        await self.page.get_by_role("menuitem", name="Remove from this group").click()
        dialog = self.page.get_by_role("dialog", name=f"Remove {name}?")
        await dialog.get_by_role("button", name=f"Remove {name}", exact=True).click()
        await expect(self.page.get_by_role("list", name="People")).not_to_contain_text(name, timeout=SLOW)

    async def _go(self, place: str) -> None:
        navigation = self.page.get_by_role("navigation", name="Main")
        await navigation.get_by_role("link", name=re.compile(f"^{place}")).first.click()
