"""Headless Chromium for tests: one profile folder is one person's browser, and it can be killed like one."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from playwright.async_api import BrowserContext, Error, Page, Playwright, async_playwright

CHROMIUM = os.environ.get("CIRCLE_CHROMIUM", "/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Profile:
    """One person's browser: a profile folder, its open context and page, and what went wrong in the page."""

    folder: Path
    context: BrowserContext
    page: Page
    faults: list[str] = field(default_factory=list)

    def processes(self) -> list[psutil.Process]:
        """The Chromium processes that run on this profile, the parent first."""
        mark = f"--user-data-dir={self.folder}"
        mine = [p for p in psutil.process_iter(["cmdline"]) if mark in (p.info["cmdline"] or [])]
        found = list(mine)
        for process in mine:
            with suppress(psutil.NoSuchProcess):  # it may end while it is looked at
                found += process.children(recursive=True)
        return found

    async def close(self) -> None:
        """Close the browser, if it still runs."""
        with suppress(Error):
            await self.context.close()

    async def kill(self) -> None:
        """End the browser with SIGKILL, as a crash or a flat battery would."""
        for process in self.processes():
            try:
                os.kill(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        for _ in range(100):
            if not self.processes():
                return
            await asyncio.sleep(0.05)
        raise RuntimeError("the browser did not end")


def _clear_locks(folder: Path) -> None:
    for lock in folder.glob("Singleton*"):  # what a killed browser leaves behind
        lock.unlink()


def _camera_flags(camera: Path | None) -> list[str]:
    if camera is None:
        return []
    return [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={camera}",
    ]


async def open_profile(
    playwright: Playwright, folder: Path, *, width: int = 1280, height: int = 800, camera: Path | None = None
) -> Profile:
    """Open Chromium on `folder` (made if missing). Errors of the page are collected in `faults`.

    `camera` is a file of MJPEG pictures that the browser takes for its camera's, and that every page may see.
    """
    await asyncio.to_thread(_clear_locks, folder)
    context = await playwright.chromium.launch_persistent_context(
        str(folder),
        executable_path=CHROMIUM,
        args=[*FLAGS, *_camera_flags(camera)],
        headless=True,
        viewport={"width": width, "height": height},
    )
    page = context.pages[0] if context.pages else await context.new_page()
    profile = Profile(folder, context, page)
    page.on("pageerror", lambda error: profile.faults.append(str(error)[:500]))
    page.on("console", lambda line: profile.faults.append(line.text[:500]) if line.type == "error" else None)
    page.set_default_timeout(20_000)
    return profile


@asynccontextmanager
async def running_playwright() -> AsyncIterator[Playwright]:
    """Playwright's driver for the length of the block."""
    async with async_playwright() as playwright:
        yield playwright
