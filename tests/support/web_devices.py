"""Devices and the recovery key in the web client: what a person clicks, types and reads, by its accessible names."""

from __future__ import annotations

import re

from playwright.async_api import FloatRect, Locator, expect

from tests.support.web import SLOW, WebClient


class DeviceClient(WebClient):
    """One person at one page, with what this issue's devices need."""

    async def asks_for_keys(self) -> None:
        """Wait until the ways of bringing the messages here are offered."""
        title = "Your messages are not on this browser yet"
        await self.page.get_by_role("heading", name=title).wait_for(timeout=SLOW)

    async def show_link(self) -> list[str]:
        """On a new device: ask to be let in; the twelve words that are shown."""
        await self.page.get_by_role("button", name="Link with a device you have").click()
        words = self.page.get_by_role("list", name="Words of this link").get_by_role("listitem")
        await words.first.wait_for(timeout=SLOW)
        shown = [re.sub(r"^\d+\s*", "", word.strip()) for word in await words.all_inner_texts()]
        assert len(shown) == 12, shown
        return shown

    async def photograph_code(self) -> bytes:
        """On a new device that shows its code: what a camera before it sees, as a film of JPEG pictures."""
        code = self.page.get_by_role("img", name="Code to scan with your other device")
        await code.scroll_into_view_if_needed()
        box = await code.bounding_box()
        assert box is not None
        # Cameras give wide pictures: the code with what is around it.
        area: FloatRect = {"x": 0, "y": max(0, box["y"] - 20), "width": 384, "height": 288}
        picture = await self.page.screenshot(type="jpeg", quality=95, clip=area, scale="css")
        return picture * 4

    async def link_dialog(self) -> Locator:
        """On a device that is in: the window that lets another one in."""
        await self.settings("Devices")
        await self.page.get_by_role("button", name="Link a device").click()
        dialog = self.page.get_by_role("dialog", name="Link a device")
        await dialog.get_by_label("Word 1", exact=True).wait_for()
        return dialog

    async def let_in(self, dialog: Locator) -> None:
        """Answer the question whether the device may come in, which warns of strangers."""
        question = dialog.get_by_role("heading", name=re.compile(r"^Let “.+” in\?$"))
        await question.wait_for(timeout=SLOW)
        await expect(dialog).to_contain_text("Only if it is yours and you hold it in your hands.")
        await dialog.get_by_role("button", name="Let it in").click()
        await dialog.get_by_role("button", name="Done").click(timeout=SLOW)

    async def recover(self, words: list[str]) -> None:
        """On a new device: type the recovery key, its first words one by one, and open everything."""
        page = self.page
        await page.get_by_role("button", name="Use your recovery key").click()
        await page.get_by_label("Word 1", exact=True).click()
        for word in words[:4]:
            await page.keyboard.type(word[:4])
            await page.keyboard.press("Space")
        await page.get_by_label("Word 5", exact=True).fill(" ".join(words[4:]))
        await expect(page.get_by_text("All words fit")).to_be_visible()
        await page.get_by_role("button", name="Open my messages").click()

    async def devices(self) -> list[str]:
        """What the list of devices shows, a line each, this device first."""
        await self.settings("Devices")
        rows = self.page.get_by_role("list", name="Devices").get_by_role("listitem")
        await rows.first.wait_for(timeout=SLOW)
        return [" ".join((await row.inner_text()).split()) for row in await rows.all()]

    async def name_this_device(self, name: str) -> None:
        """Give this device another name."""
        await self.devices()
        await self._choose(self._rows().first, "Rename")
        await self.page.get_by_role("textbox", name=re.compile("^Name of ")).fill(name)
        await self.page.keyboard.press("Enter")
        await expect(self._rows().first).to_contain_text(name, timeout=SLOW)

    async def remove_device(self, name: str) -> None:
        """Remove the device of this name for good."""
        before = await self._rows().count()
        await self._choose(self._rows().filter(has_text=name), "Remove")
        dialog = self.page.get_by_role("dialog", name=f"Remove “{name}”?")
        await dialog.get_by_role("button", name="Remove it").click()
        await expect(self._rows()).to_have_count(before - 1, timeout=SLOW)

    async def stores(self) -> list[str]:
        """The names of the databases that this browser keeps for Circle."""
        names: list[str] = await self.page.evaluate("async () => (await indexedDB.databases()).map((one) => one.name)")
        return sorted(names)

    async def replace_recovery_key(self) -> list[str]:
        """Make a new recovery key and put it in force; its words."""
        await self.settings("Recovery key")
        await self.page.get_by_role("button", name="Make a new recovery key").click()
        words = await self._keep_words("Put this key in force")
        await self.page.get_by_text("Your new recovery key is in force").wait_for(timeout=SLOW)
        return words

    async def conversations(self) -> None:
        """Back to the conversations."""
        await self._go("Conversations")

    def _rows(self) -> Locator:
        return self.page.get_by_role("list", name="Devices").get_by_role("listitem")

    async def _choose(self, row: Locator, item: str) -> None:
        await row.get_by_role("button", name=re.compile("^Options for ")).click()
        await self.page.get_by_role("menuitem", name=item).click()

    async def settings(self, page: str) -> None:
        """Open a page of the settings."""
        if await self._back().is_visible():  # on a phone a conversation stands before everything
            await self.leave()
        await self._go("Settings")
        await self.page.get_by_role("list", name="Your keys").get_by_role("link", name=re.compile(f"^{page}")).click()
        await self.page.get_by_role("heading", name=page, level=1).wait_for()
