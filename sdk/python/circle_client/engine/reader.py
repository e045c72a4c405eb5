"""Sending what was read and received, and no more often than anybody could care: markers (docs/decisions/0113).

What is to be sent is derived from what is kept, so nothing is lost by a failure or a restart.
"""

from __future__ import annotations

import asyncio
import logging
import random

from circle_client.engine.engine import Engine, millis
from circle_client.engine.live_api import MarkerConflict
from circle_client.engine.momentary import Momentary
from circle_client.errors import CircleError, Offline, Refused, ServerFault, SignedOut, TooManyTries
from circle_client.machine.make import Draft, EpochNeeded
from circle_client.machine.reading import Scope
from circle_client.machine.space import Space
from circle_client.protocol.envelope import Kind, make_id
from circle_client.protocol.markers import OwnMarker, ReceiptMarker
from circle_client.protocol.primitives import random_bytes
from circle_client.protocol.roster import Role
from circle_client.transport import Backoff
from circle_client.types import Privacy

log = logging.getLogger("circle_client")

PRIVACY = "privacy"
SPACING = 2.0
"""Seconds from one marker of a conversation to the next of the same scope, at least."""
_GATHER = (0.05, 0.4)
_TRIES = 5
_PRIVACY_AGE = 60_000
_REFUSED_FOR = 60.0
_LOOK = 30.0


class Reader:
    """Keeps the server's markers up to date with what is known here. `run` is a task of `Sync`."""

    def __init__(self, engine: Engine, momentary: Momentary) -> None:
        self._engine, self._momentary = engine, momentary
        stored = engine.store.get(PRIVACY, b"")
        self.privacy = Privacy(*stored) if stored else Privacy()
        self._asked_at: int | None = None
        self._not_before: dict[tuple[bytes, Scope], float] = {}
        self._due_at: dict[bytes, int] = {}
        """Conversations whose epoch the server calls due: its number, under which nothing is tried again."""
        self._look_at: dict[bytes, float] = {}

    # ---- what a person does

    def mark(self, space: Space, seq: int) -> None:
        """A person has read everything up to `seq`: kept at once, sent soon."""
        engine = self._engine
        if engine.machine.reading.mark(space, seq):
            engine.flush()
            engine.news.set()

    async def set_privacy(
        self, presence: bool | None, read_receipts: bool | None, delivery_receipts: bool | None
    ) -> Privacy:
        """Change what is given. Raises Refused, Offline."""
        self._keep(await self._engine.api.live.set_privacy(presence, read_receipts, delivery_receipts))
        self._engine.machine.reading.to_look.update(self._engine.machine.spaces)
        self._engine.news.set()
        return self.privacy

    def _keep(self, privacy: Privacy) -> None:
        self._asked_at = millis()
        if privacy != self.privacy or self._engine.store.get(PRIVACY, b"") is None:
            self.privacy = privacy
            kept = [privacy.presence, privacy.read_receipts, privacy.delivery_receipts]
            with self._engine.store.transaction():
                self._engine.store.put(PRIVACY, b"", kept)

    async def _ask_privacy(self) -> None:
        """Another device may have changed it: no receipt goes by settings of more than a minute ago."""
        if self._asked_at is None or millis() - self._asked_at > _PRIVACY_AGE:
            self._keep(await self._engine.api.live.privacy())

    # ---- the task

    async def run(self, online: asyncio.Event) -> None:
        """For ever: look at the conversations in which something happened, and send what is due."""
        backoff = Backoff(0.5, _LOOK)
        self._engine.machine.reading.to_look.update(self._engine.machine.spaces)
        while True:
            news = self._engine.news.waiter()
            if online.is_set():
                try:
                    await self.step()
                    backoff.reset()
                except TooManyTries as error:
                    await backoff.pause(error.retry_after)
                except CircleError as error:
                    log.info("markers were put off (%s)", error.code)
                    await backoff.pause()
            try:
                async with asyncio.timeout(self._pause() if online.is_set() else None):
                    await news.wait()
            except TimeoutError:
                continue

    def _pause(self) -> float:
        now = asyncio.get_running_loop().time()
        return min((max(at - now, 0.01) for at in self._look_at.values()), default=_LOOK)

    async def step(self) -> None:
        """One round. Raises Offline, ServerFault, SignedOut, TooManyTries, StoreError: then all is looked at again."""
        engine, now = self._engine, asyncio.get_running_loop().time()
        reading = engine.machine.reading
        if self._asked_at is None:
            await self._ask_privacy()
        if reading.unfetched():
            await engine.refresher.markers()
        if reading.open_sealed():
            engine.flush()
            engine.news.set()
        for id in reading.to_look:
            self._look_at.setdefault(id, now + random.uniform(*_GATHER))  # noqa: S311 - siblings take turns; no secret
        reading.to_look.clear()
        for id in [id for id, at in self._look_at.items() if at <= now]:
            space = engine.machine.spaces.get(id)
            again = None if space is None else await self._tend(space, now)
            if again is None:
                self._look_at.pop(id, None)
            else:
                self._look_at[id] = again

    async def _tend(self, space: Space, now: float) -> float | None:
        """Send what is due in a conversation; when to look again, None: when something happens."""
        found = [await self._tend_scope(space, scope, now) for scope in Scope]
        return min((at for at in found if at is not None), default=None)

    async def _tend_scope(self, space: Space, scope: Scope, now: float) -> float | None:
        key = (space.id, scope)
        if self._said(space, scope) is None:
            return None
        if (at := self._not_before.get(key, 0.0)) > now:
            return at
        try:
            if scope is Scope.RECEIPT:
                await self._ask_privacy()
            await self._send(space, scope)
        except (Offline, ServerFault, SignedOut, TooManyTries):
            raise
        except EpochNeeded as needed:
            if scope is Scope.RECEIPT:
                self._due_at[space.id] = space.newest.n
                return None
            log.info("an own marker was put off (%s)", needed.code)
            self._not_before[key] = now + _REFUSED_FOR
            return self._not_before[key]
        except CircleError as error:
            log.info("a marker was put off (%s)", error.code)
            self._not_before[key] = now + _REFUSED_FOR
            return self._not_before[key]
        self._not_before[key] = asyncio.get_running_loop().time() + SPACING
        return self._not_before[key] if self._said(space, scope) is not None else None

    def _said(self, space: Space, scope: Scope) -> OwnMarker | ReceiptMarker | None:
        """What the server should store and does not, as far as it may be sent now."""
        reading = self._engine.machine.reading
        if scope is Scope.OWN:
            return reading.own_due(space)
        if self._due_at.get(space.id) == space.newest.n and not self._may_renew(space, scope):
            return None
        return reading.receipt_due(space, self.privacy)

    def _may_renew(self, space: Space, scope: Scope) -> bool:
        """Whether an epoch that is due is made for this marker: for a receipt only where a person has read something,
        and writes here; else the next message makes it.
        """
        role = space.role(self._engine.machine.me) or Role.READER
        return scope is Scope.OWN or (self._engine.machine.reading.of(space.id).asked and role >= Role.WRITER)

    # ---- one marker

    async def _send(self, space: Space, scope: Scope) -> None:
        """Replace what the server stores by what is known here; where another device was faster, by the higher numbers
        of both, or not at all.
        """
        engine, backoff = self._engine, Backoff(0.1, 2.0)
        place = space if scope is Scope.RECEIPT else engine.refresher.account()
        for left in range(_TRIES - 1, -1, -1):
            said = self._said(space, scope)
            if said is None or place is None:
                return
            try:
                await self._replace(space, place, scope, said)
                return
            except MarkerConflict as conflict:
                await self._take(space, conflict)
                if not left:
                    raise
                await backoff.pause()
            except Refused as error:
                if scope is not Scope.RECEIPT or error.code not in {"TOO_MANY_MEMBERS", "FORBIDDEN"}:
                    raise
                engine.machine.reading.refused(space)
                engine.flush()
                return

    async def _replace(self, space: Space, place: Space, scope: Scope, said: OwnMarker | ReceiptMarker) -> None:
        engine, reading = self._engine, self._engine.machine.reading
        version = reading.of(space.id).versions.get(scope, 0)

        def draft() -> Draft:
            now = millis()
            b = 0 if scope is Scope.OWN else None
            return Draft(make_id(now, random_bytes(10)), Kind.RECEIPT, said.content(), now, b=b)

        async def send(sealed: bytes) -> int:
            return (await engine.api.live.set_marker(space.node, scope, version, sealed)).version

        stored = await self._momentary.say(place, draft, send, renew=self._may_renew(space, scope))
        reading.stored(space.id, scope, stored, said)
        engine.flush()

    async def _take(self, space: Space, conflict: MarkerConflict) -> None:
        """What another device has stored meanwhile."""
        engine, facts = self._engine, conflict.current
        if facts.space != space.id:
            raise ServerFault("The server answered with another conversation's marker.")
        async with engine.lock:
            await engine.know_now(engine.machine.loose.needs(facts.envelope))
            engine.machine.reading.replaced(facts)
            engine.flush()
        engine.news.set()
