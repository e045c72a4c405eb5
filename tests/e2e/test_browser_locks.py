"""What locks a browser's keys: a passkey of a virtual authenticator, a passphrase, and time without use."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from playwright.async_api import CDPSession, expect

from tests.support.browser import open_profile, running_playwright
from tests.support.server import ServerProcess
from tests.support.web import PASSWORD, SLOW
from tests.support.web_devices import DeviceClient

PASSPHRASE = "only on this machine"


class LockClient(DeviceClient):
    """One person at one page whose settings about locks are used. Passkeys come from a virtual authenticator."""

    cdp: CDPSession
    authenticator: str

    async def plug_in(self, *, prf: bool = True) -> None:
        """Give the page an authenticator that says yes to everything; with or without the extension for keys."""
        self.cdp = await self.page.context.new_cdp_session(self.page)
        await self.cdp.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "ctap2Version": "ctap2_1",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "hasPrf": prf,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        added = await self.cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        self.authenticator = added["authenticatorId"]

    async def unplug(self) -> None:
        """Take the authenticator away, and the passkeys in it."""
        await self.cdp.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": self.authenticator})

    async def locks(self) -> None:
        """The page about locks."""
        await self.settings("Lock")
        await self.page.get_by_role("list", name="What opens this browser").wait_for(timeout=SLOW)

    async def press(self, name: str) -> None:
        """Press a button of the page."""
        await self.page.get_by_role("button", name=name, exact=True).click()

    async def set_passphrase(self, passphrase: str) -> None:
        """Set or change the passphrase of this browser."""
        await self.page.get_by_role("button", name=re.compile("^(Set a|Change the) passphrase$")).click()
        dialog = self.page.get_by_role("dialog", name="Passphrase of this browser")
        await dialog.get_by_label("Passphrase", exact=True).fill(passphrase)
        await dialog.get_by_label("Type it again").fill(passphrase)
        await dialog.get_by_role("button", name="Save").click()
        await dialog.wait_for(state="hidden", timeout=SLOW)

    async def locked(self) -> None:
        """Wait for the locked page."""
        await self.page.get_by_role("heading", name="Welcome back").wait_for(timeout=SLOW)

    async def type(self, label: str, text: str) -> None:
        """Try to unlock with a password or a passphrase."""
        await self.page.get_by_label(label, exact=True).fill(text)
        await self.press("Unlock")

    async def told(self, text: str) -> None:
        """Wait for a plain sentence about what went wrong."""
        await self.page.get_by_text(text, exact=True).wait_for(timeout=SLOW)


@pytest.fixture
async def ada(tmp_path: Path) -> AsyncIterator[LockClient]:
    """The owner of a new server, in Chromium. A passkey belongs to a name: the page is asked for by localhost."""
    async with AsyncExitStack() as stack:
        server = ServerProcess(tmp_path / "data")
        said = await server.greeting()
        stack.push_async_callback(server.stop)
        playwright = await stack.enter_async_context(running_playwright())
        profile = await open_profile(playwright, tmp_path / "ada")
        stack.push_async_callback(profile.close)
        link = next(word for word in said.split() if "/join#" in word)
        assert "localhost" in link
        client = LockClient(profile.page, link.partition("/join#")[0])
        await client.sign_up(link, "Ada Lindqvist")
        yield client


async def test_a_passkey_opens_what_this_browser_keeps(ada: LockClient) -> None:
    page = ada.page
    await ada.plug_in()
    await ada.locks()
    await ada.press("Add a passkey")
    await page.get_by_role("button", name="Remove the passkey", exact=True).wait_for(timeout=SLOW)
    await ada.press("Lock")
    await ada.locked()
    await ada.press("Unlock with passkey")
    await page.get_by_role("navigation", name="Main").wait_for(timeout=SLOW)
    # The passkey is gone with its authenticator; the password still opens.
    await ada.locks()
    await ada.press("Lock")
    await ada.locked()
    await ada.unplug()
    await ada.plug_in()
    await ada.press("Unlock with passkey")
    await ada.told("The passkey was not used.")
    await ada.type("Password", PASSWORD)
    await page.get_by_role("navigation", name="Main").wait_for(timeout=SLOW)
    await ada.locks()
    await ada.press("Remove the passkey")
    await page.get_by_role("dialog").get_by_role("button", name="Remove the passkey", exact=True).click()
    await page.get_by_role("button", name="Add a passkey", exact=True).wait_for(timeout=SLOW)
    await ada.press("Lock")
    await ada.locked()
    await expect(page.get_by_role("button", name="Unlock with passkey")).to_have_count(0)


async def test_a_passkey_that_derives_no_keys_is_refused_in_plain_words(ada: LockClient) -> None:
    await ada.plug_in(prf=False)
    await ada.locks()
    await ada.press("Add a passkey")
    await ada.told("This passkey cannot protect keys. Use another one, or a passphrase.")
    await ada.page.reload()
    await ada.locks()
    await ada.page.get_by_role("button", name="Add a passkey", exact=True).wait_for()


async def test_a_passphrase_is_asked_for_at_every_reload_in_place_of_the_password(ada: LockClient) -> None:
    page, label = ada.page, "Passphrase of this browser"
    await page.reload()
    await ada.locks()
    await ada.set_passphrase(PASSPHRASE)
    await page.reload()
    await ada.locked()
    await ada.type(label, PASSWORD)
    await ada.told("This passphrase is not right.")
    await ada.type(label, PASSPHRASE)
    await ada.locks()
    await ada.set_passphrase(f"{PASSPHRASE}, and changed")
    await page.reload()
    await ada.locked()
    await ada.type(label, f"{PASSPHRASE}, and changed")
    await ada.locks()
    await ada.press("Remove the passphrase")
    await page.get_by_role("dialog").get_by_role("button", name="Remove the passphrase", exact=True).click()
    await page.get_by_role("button", name="Set a passphrase", exact=True).wait_for(timeout=SLOW)
    await page.reload()
    await ada.locks()
    await ada.press("Lock")
    await ada.locked()
    await ada.type("Password", PASSWORD)
    await page.get_by_role("navigation", name="Main").wait_for(timeout=SLOW)


async def test_circle_locks_when_nobody_uses_it(ada: LockClient) -> None:
    page = ada.page
    await page.clock.install()
    await page.reload()
    await ada.locks()
    choice = page.get_by_role("combobox", name="Without use, Circle locks")
    await choice.click()
    await page.get_by_role("option", name="After 5 minutes").click()
    await expect(choice).to_have_value("After 5 minutes")
    await page.clock.fast_forward("04:00")
    await page.keyboard.press("Shift")
    await page.clock.fast_forward("04:00")
    await page.get_by_role("heading", name="Lock", level=1).wait_for()
    await page.clock.fast_forward("01:30")
    await ada.locked()
    await page.reload()
    await ada.locked()
