"""The clock of a browser, moved like that of a machine that slept: pages and their workers see the new time at once."""

from __future__ import annotations

from playwright.async_api import BrowserContext, Page, Request, Route

# In front of every script of the server. Timers run on in real time, as they do when a machine's clock is set.
_PRELUDE = """
if (!globalThis.movedClock) {
  const Real = Date;
  const moved = (globalThis.movedClock = { by: %d });
  globalThis.Date = class extends Real {
    constructor(...parts) { parts.length === 0 ? super(Real.now() + moved.by) : super(...parts); }
    static now() { return Real.now() + moved.by; }
  };
  new BroadcastChannel('moved-clock').onmessage = ({ data }) => { moved.by = data; };
}
"""

_MOVE = """by => {
  globalThis.movedClock.by = by;
  new BroadcastChannel('moved-clock').postMessage(by);
  // What a browser tells its pages when the machine wakes.
  setTimeout(() => document.dispatchEvent(new Event('visibilitychange')), 100);
}"""


class BrowserClock:
    """Belongs to one browser; made before its page opens the application."""

    def __init__(self) -> None:
        self._offset = 0

    async def install(self, context: BrowserContext) -> None:
        """Give every script of every page and worker this clock."""

        async def with_clock(route: Route, request: Request) -> None:
            if request.resource_type not in ("script", "other") or not request.url.partition("?")[0].endswith(".js"):
                await route.continue_()
                return
            answer = await route.fetch()
            await route.fulfill(response=answer, body=_PRELUDE % self._offset + await answer.text())

        await context.route("**/*.js*", with_clock)

    async def put(self, page: Page, offset: int) -> None:
        """Let it show the real time plus `offset` milliseconds."""
        self._offset = offset
        await page.evaluate(_MOVE, offset)
