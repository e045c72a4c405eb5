"""Two browsers and a bot in one encrypted group: from the set-up link to what a thief of the disk finds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from circle_client import Circle
from circle_client.protocol.words import from_words
from playwright.async_api import Playwright, expect

from tests.support import seizure
from tests.support.browser import Profile, open_profile, running_playwright
from tests.support.sdk import hear
from tests.support.server import ServerProcess
from tests.support.web import PASSWORD, SLOW, WebClient

TITLE = "Expedition to Vatnajökull"
BOT_PASSWORD = "a password of the bot's own"


@dataclass
class Stage:
    """A server of its own, Chromium, and who is there."""

    server: ServerProcess
    playwright: Playwright
    folder: Path
    link: str
    stack: AsyncExitStack
    profiles: dict[str, Profile] = field(default_factory=dict)

    async def browser(
        self, name: str, *, width: int = 1280, height: int = 800, camera: Path | None = None
    ) -> WebClient:
        """Open (or open again) somebody's browser."""
        profile = await open_profile(self.playwright, self.folder / name, width=width, height=height, camera=camera)
        self.profiles[name] = profile
        self.stack.push_async_callback(profile.close)
        return WebClient(profile.page, self.server.url)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        server = ServerProcess(tmp_path / "data")
        said = await server.greeting()
        stack.push_async_callback(server.stop)
        playwright = await stack.enter_async_context(running_playwright())
        link = next(word for word in said.split() if "/join#" in word).replace("localhost", "127.0.0.1")
        server.url = link.partition("/join#")[0]
        yield Stage(server, playwright, tmp_path, link, stack)


async def test_two_browsers_and_a_bot_talk_until_one_is_removed(stage: Stage) -> None:
    ada = await stage.browser("ada")
    words = await ada.sign_up(stage.link, "Ada Lindqvist")
    bob = await stage.browser("bob", width=390, height=844)
    more_words = await bob.sign_up(await ada.invite(), "Bob Okafor")
    bot = await Circle.sign_up(
        stage.server.url, await ada.invite(), "echo", "Echo", BOT_PASSWORD, stage.folder / "bot.circle"
    )
    stage.stack.push_async_callback(bot.close)

    # Messages cross in all directions.
    await ada.create_group(TITLE, ["Bob Okafor", "Echo"])
    await ada.say("Is everyone here?")
    await bob.open(TITLE)
    await bob.reads("Is everyone here?")
    await bob.say("Bob is here.")
    inbox = bot.messages()
    heard = await hear(inbox, 2)
    assert [message.text for message in heard] == ["Is everyone here?", "Bob is here."]
    group = next(one for one in bot.conversations if one.title == TITLE)
    await group.send("The bot is here.")
    everything = ("Is everyone here?", "Bob is here.", "The bot is here.")
    await ada.reads(*everything)
    await bob.reads(*everything)
    await expect(ada.page.get_by_label("Sending")).to_have_count(0)

    # One browser is killed and comes back, and finds what was said meanwhile.
    await stage.profiles["bob"].kill()
    await ada.say("Said while Bob was away.")
    await ada.reads(*everything, "Said while Bob was away.")
    bob = await stage.browser("bob", width=390, height=844)
    await bob.page.goto(stage.server.url)
    await bob.unlock()
    await bob.inside()
    await bob.open(TITLE)
    await bob.reads(*everything, "Said while Bob was away.")
    await bob.say("Back again.")
    await ada.reads("Back again.")

    # The removed member reads nothing that follows, and is told so.
    await ada.remove("Bob Okafor")
    await ada.say("Only for the two of us.")
    await ada.reads("Only for the two of us.")
    heard = await hear(inbox, 4)
    assert [message.text for message in heard] == [
        "The bot is here.",
        "Said while Bob was away.",
        "Back again.",
        "Only for the two of us.",
    ]
    await bob.page.get_by_text("You are no longer in this conversation").wait_for(timeout=SLOW)
    await asyncio.sleep(1)  # were it to come, it would have by now
    await expect(bob.message("Only for the two of us.")).to_have_count(0)
    await bob.page.reload()
    await bob.page.get_by_text("You are no longer in this conversation").wait_for(timeout=SLOW)
    await expect(bob.message("Only for the two of us.")).to_have_count(0)

    await _thief_finds_nothing(stage, bot, words, more_words)
    assert [fault for profile in stage.profiles.values() for fault in profile.faults] == []


async def _thief_finds_nothing(stage: Stage, bot: Circle, *words: list[str]) -> None:
    secrets = {
        **{text: text.encode() for text in ("Is everyone here?", "Bob is here.", "Only for the two of us.", TITLE)},
        "a password": PASSWORD.encode(),
        "the bot's password": BOT_PASSWORD.encode(),
        **{f"recovery key {n}": from_words(" ".join(one)) for n, one in enumerate(words)},
        **{f"words of recovery key {n}": " ".join(one).encode() for n, one in enumerate(words)},
    }
    keyring = bot.running.engine.machine.keyring
    secrets |= {"the bot's signing key": keyring.dk_seed, "the bot's seal key": keyring.sk_seed}
    secrets |= {f"the bot's member secret {g}": secret for g, secret in keyring.secrets.items()}
    dump = await asyncio.to_thread(seizure.dump, stage.server.data_dir)
    assert seizure.leaks(dump, {"a handle": b"ada.lindqvist", "an id": keyring.member}) == ["a handle", "an id"]
    assert seizure.leaks(dump, secrets) == []
    files = await asyncio.to_thread(seizure.folder, stage.server.data_dir)
    assert seizure.leaks(files, {"a handle": b"ada.lindqvist", "an id": keyring.member}) == ["a handle", "an id"]
    assert seizure.leaks(files, secrets) == []
