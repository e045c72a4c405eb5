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
        words = await self._keep_words("Finish")
        await self.inside()
        return words

    async def _keep_words(self, finish: str) -> list[str]:
        """Read the recovery key and type some of it back; its words."""
        page = self.page
        await page.get_by_role("heading", name="Your recovery key").wait_for(timeout=SLOW)
        shown = await page.get_by_role("list", name="Recovery key").get_by_role("listitem").all_inner_texts()
        words = [re.sub(r"^\d+\s*", "", word.strip()) for word in shown]
        await page.get_by_role("button", name="I have saved my recovery key").click()
        for box in await page.get_by_label(re.compile(r"^Word \d+$")).all():
            name_ = await box.get_attribute("name") or ""
            await box.fill(words[int(name_.removeprefix("word-"))])
        await page.get_by_role("button", name=finish).click()
        return words

    async def sign_in(self, handle: str) -> None:
        """Sign in with the password, as on a browser that was never used for it."""
        await self.page.goto(self.origin)
        await self.page.get_by_label("Handle").fill(handle)
        await self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        await self.page.get_by_role("button", name="Sign in").click()

    async def begin_anew(self, handle: str) -> list[str]:
        """Signed in and without any keys: give up everything; the new recovery key's words."""
        page = self.page
        await page.get_by_role("button", name="I have lost everything").click(timeout=SLOW)
        await page.get_by_role("button", name="I have nothing left, go on").click()
        await page.get_by_label("Your handle").fill(handle)
        await page.get_by_label("Password", exact=True).fill(PASSWORD)
        await page.get_by_role("button", name="Give up my messages and begin anew").click()
        await page.get_by_role("button", name="Yes, begin anew").click()
        words = await self._keep_words("Begin anew")
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

    async def start_direct(self, name: str) -> None:
        """Start a conversation with one person and wait until one can write."""
        await self.page.get_by_role("button", name="New conversation").first.click()
        dialog = self.page.get_by_role("dialog", name="New conversation")
        await dialog.get_by_role("combobox", name="Search people").fill(name)
        await dialog.get_by_role("option", name=name).click()
        await dialog.get_by_role("button", name="Start conversation").click()
        made = self.page.get_by_role("main", name=name)
        await made.get_by_label("Message", exact=True).wait_for(timeout=SLOW)

    async def create_group(self, title: str, people: list[str], history: str | None = None) -> None:
        """Make a group and wait until one can write. `history` is a choice of what new people can read."""
        await self.page.get_by_role("button", name="New conversation").first.click()
        dialog = self.page.get_by_role("dialog", name="New conversation")
        await dialog.get_by_text("Group", exact=True).click()
        await dialog.get_by_label("Title").fill(title)
        for name in people:
            await dialog.get_by_role("combobox", name="Search people").fill(name)
            await dialog.get_by_role("option", name=name).click()
        if history is not None:
            await dialog.get_by_role("button", name="Change what is kept").click()
            await dialog.get_by_role("combobox", name="New people can read").click()
            await self.page.get_by_role("option", name=history).click()
        await dialog.get_by_role("button", name="Create group").click()
        made = self.page.get_by_role("main", name=title)
        await made.get_by_label("Message", exact=True).wait_for(timeout=SLOW)

    async def open(self, title: str) -> None:
        """Open a conversation from the list, as soon as it is there."""
        listed = self.page.get_by_role("navigation", name="Conversations").get_by_role("link").filter(has_text=title)
        await listed.click(timeout=SLOW)
        await self.page.get_by_role("list", name="Messages").wait_for(timeout=SLOW)

    async def leave(self) -> None:
        """From an open conversation back to the list, on a phone; returns when it is gone from the screen."""
        await self._back().click()
        await self._back().wait_for(state="hidden", timeout=SLOW)

    def _back(self) -> Locator:
        return self.page.get_by_role("button", name="Back to conversations")

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

    async def show_details(self) -> Locator:
        """The open conversation's details."""
        pane = self.page.get_by_role("complementary", name="Details")
        if not await pane.is_visible():
            await self.page.get_by_role("button", name=re.compile(", show details$")).click()
        await pane.wait_for()
        return pane

    async def add_person(self, name: str) -> str:
        """Add somebody to the open conversation; what the window said that they will be able to read."""
        pane = await self.show_details()
        await pane.get_by_role("button", name="Add people").click()
        dialog = self.page.get_by_role("dialog", name="Add people")
        await dialog.get_by_role("combobox", name="Search people").fill(name)
        await dialog.get_by_role("option", name=name).click()
        told = await dialog.get_by_role("note", name="What they will be able to read").inner_text()
        await dialog.get_by_role("button", name=f"Add {name}").click()
        await expect(self.page.get_by_role("list", name="People")).to_contain_text(name, timeout=SLOW)
        return told.strip()

    async def let_disappear(self, after: str) -> None:
        """Set the open conversation's lifetime, such as '1 hour'."""
        pane = await self.show_details()
        await pane.get_by_role("button", name="Disappearing messages").click()
        dialog = self.page.get_by_role("dialog", name="Disappearing messages")
        await dialog.get_by_role("radio", name=f"After {after}").check()
        await dialog.get_by_role("button", name="Save").click()
        await expect(pane.get_by_role("button", name="Disappearing messages")).to_contain_text(after, timeout=SLOW)

    async def show_profile(self, name: str) -> Locator:
        """Somebody's profile, from the people of the open conversation."""
        pane = await self.show_details()
        await pane.get_by_role("list", name="People").get_by_role("button", name=name).first.click()
        dialog = self.page.get_by_role("dialog", name="Profile")
        await dialog.get_by_role("list", name="Safety number").wait_for(timeout=SLOW)
        return dialog

    async def let_in_again(self, name: str) -> None:
        """Let somebody in again who began anew, from the banner of the open conversation."""
        first = name.split()[0]
        await self.page.get_by_role("button", name=f"Let {first} in again…").click(timeout=SLOW)
        dialog = self.page.get_by_role("dialog", name=f"Let {first} in again?")
        await dialog.get_by_role("button", name=f"Let {first} in again", exact=True).click()
        await expect(self.page.get_by_role("status", name="New identity")).to_be_empty(timeout=SLOW)

    async def _go(self, place: str) -> None:
        navigation = self.page.get_by_role("navigation", name="Main")
        await navigation.get_by_role("link", name=re.compile(f"^{place}")).first.click()
