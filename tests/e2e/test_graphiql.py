"""The explorer as the app serves it: everything from this server, under the strict policy, subscriptions included."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from playwright.async_api import Page, Request, expect

from tests.support.browser import open_profile, running_playwright
from tests.support.server import running

WEB = Path(__file__).resolve().parents[2] / "web" / "dist"
PATIENCE = 30_000.0


async def _run(page: Page, tab: str) -> None:
    await page.get_by_role("tablist").get_by_role("button", name=tab, exact=True).click()
    await page.get_by_role("button", name="Execute query").click()


async def test_the_explorer_runs_queries_and_subscriptions_with_a_pasted_token(tmp_path: Path, dsn: str) -> None:
    async with running(tmp_path / "server", dsn, web_dir=WEB) as server, running_playwright() as playwright:
        person, http = await server.owner()
        profile = await open_profile(playwright, tmp_path / "profile")
        page, elsewhere = profile.page, []

        def note(request: Request) -> None:
            parts = urlsplit(request.url)
            if parts.scheme not in ("data", "blob") and f"{parts.hostname}:{parts.port}" != urlsplit(server.url).netloc:
                elsewhere.append(request.url)

        page.on("request", note)
        await page.goto(f"{server.url}/graphiql")
        answer = page.get_by_role("region", name="Result Window")
        # GraphiQL runs nothing before its editors are there.
        for region in ("Operation Editor", "Result Window"):
            editor = page.get_by_role("region", name=region).get_by_role("textbox")
            await expect(editor).to_be_attached(timeout=PATIENCE)

        await _run(page, "Me")
        await expect(answer).to_contain_text('"viewer": null', timeout=PATIENCE)
        await page.get_by_label("Token").fill(http.raw.headers["Authorization"].removeprefix("Bearer "))
        await _run(page, "Me")
        await expect(answer).to_contain_text(person.handle, timeout=PATIENCE)

        await _run(page, "Live")
        await expect(answer).to_contain_text("CaughtUp", timeout=PATIENCE)
        await page.get_by_role("button", name="Stop").click()

        assert elsewhere == []
        assert profile.faults == []
        await profile.close()
