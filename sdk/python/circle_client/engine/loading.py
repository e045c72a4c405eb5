"""Loading a space: from its first entry that this member may see, and whatever is missing in between."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from circle_client.engine.kept import keep
from circle_client.errors import Untrusted
from circle_client.machine.alarms import WITHHELD, Why
from circle_client.machine.events import EventKind, LogEvent
from circle_client.machine.space import Space
from circle_client.protocol.errors import ProtocolError
from circle_client.protocol.roster import RosterKind, decode_roster_link

if TYPE_CHECKING:
    from circle_client.engine.engine import Engine

log = logging.getLogger("circle_client")


class Loader:
    """Brings spaces into the machine. Everything here is called by a holder of the engine's lock."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def contiguous(self, node: str, id: bytes, events: list[LogEvent]) -> list[LogEvent]:
        """The events that follow what is known, with gaps filled from the server; loads a space that is unknown."""
        engine = self._engine
        if id in engine.broken:
            return []
        space = engine.machine.spaces.get(id)
        if space is None:
            await self.load(node, id)
            space = engine.machine.spaces.get(id)
            if space is None:
                return []
        head = space.log.head.n
        fresh = sorted({event.seq: event for event in events if event.seq > head}.values(), key=lambda e: e.seq)
        if not fresh or _runs(fresh, head):
            return fresh
        await self._apply_runs(node, id, await engine.api.log_after(node, id, head))
        return []

    async def _apply_runs(self, node: str, id: bytes, events: list[LogEvent], new: Space | None = None) -> None:
        """Apply what the server shows of one space; gaps may only lie between an own removal and the next own add."""
        engine = self._engine
        while events:
            space = new or engine.machine.spaces[id]
            head = space.log.head.n
            length = next((i for i, event in enumerate(events) if event.seq != head + 1 + i), len(events))
            if length:
                await engine.apply(events[:length], {id: node}, None, new)
                events, new = events[length:], None
            elif space.left is not None and self.adds_me(events[0]) and await self._rejoin(space, node, events[0]):
                events = events[1:]
            else:
                self._withheld(id)
                return

    def _withheld(self, id: bytes) -> None:
        spaces = self._engine.machine.spaces
        if id in spaces:
            self._engine.alarm(spaces[id], WITHHELD, Why.WITHHELD)
        else:
            self._engine.broken[id] = WITHHELD

    def adds_me(self, event: LogEvent) -> bool:
        """Whether this is the roster link that adds this member."""
        if event.kind is not EventKind.ROSTER or event.body is None:
            return False
        try:
            link = decode_roster_link(event.body)
        except ProtocolError:
            return False
        return link.kind is RosterKind.ADD and link.member == self._engine.machine.me

    async def load(self, node: str, id: bytes) -> None:
        """A space from the first entry on that this member may see, page by page."""
        engine = self._engine
        async for page in engine.api.log_from_start(node, id):
            if not page:
                return
            first = page[0]
            new: Space | None = None
            if id not in engine.machine.spaces:
                await engine.know_now(engine.machine.needs([first]))
                try:
                    if first.seq == 1:
                        new = engine.machine.prepare(node, first)
                    else:
                        await self._join(node, first)
                        page = page[1:]
                except ProtocolError as error:
                    engine.broken[id] = error.message
                    log.warning("a conversation cannot be opened: %s", error.message)
                    return
            await self._apply_runs(node, id, page, new)

    async def _join(self, node: str, first: LogEvent) -> None:
        engine = self._engine
        links = await engine.api.roster_links(node)
        decoded = [decode_roster_link(link.body) for link in links]
        named = {link.signer.member for link in decoded} | {member for link in decoded for member, _ in link.seats}
        named |= {link.member for link in decoded if link.member is not None}
        await engine.know_now(member for member in named if engine.machine.people.get(member) is None)
        applied = engine.machine.join(node, links, first)
        with engine.store.transaction():
            space = engine.machine.spaces[first.space]
            keep(engine.store, space, first, applied, engine.clock(), None, engine.past.before.get(first.item))
            engine.machine.flush(engine.store.put)

    async def _rejoin(self, old: Space, node: str, first: LogEvent) -> bool:
        """Added again after a removal: what lay between is not shown; the roster must go on from the one known."""
        engine = self._engine
        try:
            links = await engine.api.roster_links(node)
            decoded = [decode_roster_link(link.body) for link in links]
            if len(decoded) <= old.roster.n or decoded[old.roster.n].hash != old.roster.hash:
                raise Untrusted("The server shows another member list than before.")
            await engine.know_now(engine.machine.needs([first]))
            await self._join(node, first)
        except (ProtocolError, Untrusted) as error:
            engine.alarm(old, f"The conversation cannot be joined again. {error.message}", Why.FORKED)
            return False
        return True


def _runs(events: list[LogEvent], head: int) -> bool:
    return all(event.seq == head + 1 + i for i, event in enumerate(events))
