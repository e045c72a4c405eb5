"""Applying what the server shows, one batch at a time: fetch what is needed, apply, keep, all in one transaction."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable

from circle_client.engine.api import Api, ConversationFacts, EpochFacts
from circle_client.engine.kept import keep
from circle_client.engine.keys import Keys
from circle_client.errors import CircleError, Forked, NotAllowed, Untrusted
from circle_client.machine.events import EntryKind, EventKind, LogEvent
from circle_client.machine.machine import Machine
from circle_client.machine.people import MemberFacts
from circle_client.machine.space import Space
from circle_client.protocol.epoch import decode_announcement
from circle_client.protocol.errors import ProtocolError
from circle_client.protocol.roster import RosterKind, decode_roster_link
from circle_client.store import Store

log = logging.getLogger("circle_client")

CURSOR = "cursor"
_PATIENCE = 5.0


def millis() -> int:
    """Now, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Signal:
    """Wakes everybody who waits for news."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        """There is news."""
        self._event.set()
        self._event = asyncio.Event()

    def waiter(self) -> asyncio.Event:
        """Take it before looking, wait on it after nothing was found."""
        return self._event


class Engine:
    """The one writer of machine and store. Whatever changes them holds `lock`."""

    def __init__(self, api: Api, machine: Machine, store: Store) -> None:
        self.api, self.machine, self.store = api, machine, store
        self.lock = asyncio.Lock()
        self.keys = Keys(self)
        self.news = Signal()
        self.complain: Callable[[Space], None] | None = None
        self.complained: Callable[[Space, bytes, int], None] | None = None
        self.broken: dict[bytes, str] = {}

    # ---- applying

    async def absorb(self, batch: list[tuple[str, LogEvent]], cursor: str | None = None) -> None:
        """Apply (node id of the space, event) pairs, filling gaps first; then keep `cursor`. Raises Offline."""
        async with self.lock:
            by_space: dict[bytes, list[LogEvent]] = {}
            nodes = {event.space: node for node, event in batch}
            for _, event in batch:
                by_space.setdefault(event.space, []).append(event)
            ready: list[LogEvent] = []
            for space, events in by_space.items():
                ready += await self._contiguous(nodes[space], space, events)
            await self._apply(ready, nodes, cursor)

    async def catch_up(self, space: Space) -> None:
        """Apply what the server has of a space beyond the head known here."""
        async with self.lock:
            events = await self.api.log_after(space.node, space.id, space.log.head.n)
            events = await self._contiguous(space.node, space.id, events)
            await self._apply(events, {space.id: space.node}, None)

    async def _contiguous(self, node: str, id: bytes, events: list[LogEvent]) -> list[LogEvent]:
        """The events that follow what is known, with gaps filled from the server; loads a space that is unknown."""
        if id in self.broken:
            return []
        space = self.machine.spaces.get(id)
        if space is None:
            await self._load(node, id)
            space = self.machine.spaces.get(id)
            if space is None:
                return []
        head = space.log.head.n
        fresh = sorted({event.seq: event for event in events if event.seq > head}.values(), key=lambda e: e.seq)
        if not fresh or _runs(fresh, head):
            return fresh
        await self._apply_runs(node, id, await self.api.log_after(node, id, head))
        return []

    async def _apply_runs(self, node: str, id: bytes, events: list[LogEvent], new: Space | None = None) -> None:
        """Apply what the server shows of one space; gaps may only lie between an own removal and the next own add."""
        while events:
            space = new or self.machine.spaces[id]
            head = space.log.head.n
            length = next((i for i, event in enumerate(events) if event.seq != head + 1 + i), len(events))
            if length:
                await self._apply(events[:length], {id: node}, None, new)
                events, new = events[length:], None
            elif space.left is not None and self._adds_me(events[0]) and await self._rejoin(space, node, events[0]):
                events = events[1:]
            else:
                self._withheld(id)
                return

    def _alarm(self, space: Space, sentence: str) -> None:
        """Stop sending in a space, and write that down at once; the first alarm of a space stays."""
        with self.store.transaction():
            self.machine.alarm(space, sentence)
            self.machine.flush(self.store.put)
        self.news.set()

    def _withheld(self, id: bytes) -> None:
        sentence = "The server withholds a part of this conversation. Nothing more is sent here."
        if id in self.machine.spaces:
            self._alarm(self.machine.spaces[id], sentence)
        else:
            self.broken[id] = sentence

    def _adds_me(self, event: LogEvent) -> bool:
        if event.kind is not EventKind.ROSTER or event.body is None:
            return False
        try:
            link = decode_roster_link(event.body)
        except ProtocolError:
            return False
        return link.kind is RosterKind.ADD and link.member == self.machine.me

    async def _load(self, node: str, id: bytes) -> None:
        """A space from the first entry on that this member may see, page by page."""
        async for page in self.api.log_from_start(node, id):
            if not page:
                return
            first = page[0]
            new: Space | None = None
            if id not in self.machine.spaces:
                await self._know(self.machine.needs([first]))
                try:
                    if first.seq == 1:
                        new = self.machine.prepare(node, first)
                    else:
                        await self._join(node, first)
                        page = page[1:]
                except ProtocolError as error:
                    self.broken[id] = error.message
                    log.warning("a conversation cannot be opened: %s", error.message)
                    return
            await self._apply_runs(node, id, page, new)

    async def _join(self, node: str, first: LogEvent) -> None:
        links = await self.api.roster_links(node)
        decoded = [decode_roster_link(link.body) for link in links]
        named = {link.signer.member for link in decoded} | {member for link in decoded for member, _ in link.seats}
        named |= {link.member for link in decoded if link.member is not None}
        await self._know(member for member in named if self.machine.people.get(member) is None)
        applied = self.machine.join(node, links, first)
        with self.store.transaction():
            keep(self.store, self.machine.spaces[first.space], first, applied, millis())
            self.machine.flush(self.store.put)

    async def _rejoin(self, old: Space, node: str, first: LogEvent) -> bool:
        """Added again after a removal: what lay between is not shown; the roster must go on from the one known."""
        try:
            links = await self.api.roster_links(node)
            decoded = [decode_roster_link(link.body) for link in links]
            if len(decoded) <= old.roster.n or decoded[old.roster.n].hash != old.roster.hash:
                raise Untrusted("The server shows another member list than before.")
            await self._know(self.machine.needs([first]))
            await self._join(node, first)
        except (ProtocolError, Untrusted) as error:
            self._alarm(old, f"The conversation cannot be joined again. {error.message}")
            return False
        return True

    async def _know(self, members: Iterable[bytes]) -> None:
        """Fetch and verify members; what does not verify stays unknown, and what it signed is refused."""
        wanted = sorted(set(members))
        if not wanted:
            return
        told = await self.api.members(wanted)
        forked = [facts.person.protocol_id for facts in told if self._learn(facts) is not None]
        for facts in await self.api.members(forked) if forked else ():  # again: a newer answer may have overtaken
            if (error := self._learn(facts)) is not None:
                self._member_forked(facts, error)

    def _learn(self, facts: MemberFacts) -> Forked | None:
        try:
            self.machine.learn(facts)
        except Forked as error:
            return error
        except Untrusted as error:
            log.warning("a member's keys were refused: %s", error.code)
        return None

    def _member_forked(self, facts: MemberFacts, error: Forked) -> None:
        """Stop sending wherever this member is, and keep what was received (e2ee.md section 12)."""
        member = facts.person.protocol_id
        links = [[link.body, link.signature, link.cosignature] for link in facts.links]
        for space in self.machine.spaces.values():
            if member in space.roster.seats:
                self.machine.alarm(space, f"{error.message} Nothing more is sent here.")
        with self.store.transaction():
            self.store.put("evidence", member, [links, facts.key.body, facts.key.signature])
            self.machine.flush(self.store.put)

    async def know_roster(self, space: Space) -> None:
        """Fetch all members of a space anew, as before an epoch is made or after its list did not fit."""
        async with self.lock:
            await self._know(space.roster.seats)
            await self.keys.older_of(space)
            with self.store.transaction():
                self.machine.flush(self.store.put)

    async def know(self, members: Iterable[bytes]) -> None:
        """Fetch members anew and keep them."""
        async with self.lock:
            await self._know(members)
            with self.store.transaction():
                self.machine.flush(self.store.put)

    async def _apply(
        self, events: list[LogEvent], nodes: dict[bytes, str], cursor: str | None, new: Space | None = None
    ) -> None:
        await self._know(self.machine.needs(events))
        seals: dict[bytes, EpochFacts] = {}
        spaces = {**self.machine.spaces, new.id: new} if new else self.machine.spaces
        joined = {id: spaces[id].joined for id in {event.space for event in events}}
        for event in events:
            if self._adds_me(event):
                joined[event.space] = event.seq
            if event.kind is EventKind.EPOCH and event.seq >= joined[event.space]:
                facts = await self._epoch_facts(nodes[event.space], event)
                if facts is not None:
                    seals[event.item] = facts
        now = millis()
        complaints: list[tuple[Space, bytes, int]] = []
        with self.store.transaction():
            if new is not None:
                self.machine.adopt(new)
            for event in events:
                space = self.machine.spaces[event.space]
                facts = seals.get(event.item)
                trusted = space.alarm is None
                applied = self.machine.apply(event, facts.seal if facts else None)
                if trusted and space.alarm is not None:
                    self._keep_evidence(event)
                keep(self.store, space, event, applied, now)
                entry = applied.entry
                if entry.kind is EntryKind.COMPLAINT and entry.sender is not None:
                    complaints.append((space, entry.sender, entry.number))
                if facts is not None:
                    self.keys.take_grants(space, facts)
            self.machine.flush(self.store.put)
            if cursor is not None:
                self.store.put(CURSOR, b"", cursor)
        for complaint in complaints:
            if self.complained is not None:
                self.complained(*complaint)
        for id in {event.space for event in events}:
            space = self.machine.spaces[id]
            if space.complaint is not None and self.complain is not None:
                self.complain(space)
        self.news.set()

    def _keep_evidence(self, event: LogEvent) -> None:
        """What raised an alarm, as it was received (e2ee.md section 12)."""
        received = [event.kind.value, event.item, event.log_hash, event.accepted_at, event.body, event.signature]
        self.store.put("evidence", event.space + event.seq.to_bytes(8, "big"), received)

    async def _epoch_facts(self, node: str, event: LogEvent) -> EpochFacts | None:
        try:
            number = decode_announcement(event.body or b"").epoch
        except ProtocolError:
            return None
        return await self.keys.epoch(node, number)

    # ---- the state afresh

    async def refresh(self, account: str) -> None:
        """Compare every space with the server's heads: load what is new, fill what is missing, notice what is gone."""
        listed = await self.refresh_conversations()
        ids = {facts.space for facts in listed}
        async with self.lock:
            for id, space in self.machine.spaces.items():
                if id not in ids and space.node != account and space.left is None:
                    space.left = space.log.head.n
                    self.machine.touch(space)
            known = [space for space in self.machine.spaces.values() if space.node == account]
        if known:
            await self.catch_up(known[0])

    async def refresh_conversations(self) -> list[ConversationFacts]:
        """Compare the conversations that the server lists."""
        before = {id: space.log.head.n for id, space in self.machine.spaces.items()}
        listed = await self.api.conversations()
        for facts in listed:
            await self._compare(facts, before.get(facts.space, 0))
        return listed

    async def left(self, space: Space) -> None:
        """Wait for the own removal that the server has accepted: the stream alone brings it, so at most a while."""
        try:
            async with asyncio.timeout(_PATIENCE):
                while space.left is None:
                    await self.news.waiter().wait()
        except TimeoutError:
            space.left = space.log.head.n
            self.machine.touch(space)

    async def load_account(self, node: str, id: bytes) -> None:
        """Load the account's own space, once."""
        async with self.lock:
            if id not in self.machine.spaces:
                await self._load(node, id)

    async def _compare(self, facts: ConversationFacts, before: int) -> None:
        space = self.machine.spaces.get(facts.space)
        if space is None or space.log.head.n < facts.head:
            async with self.lock:
                events: list[LogEvent] = []
                if space is not None:
                    events = await self.api.log_after(facts.node, facts.space, space.log.head.n)
                events = await self._contiguous(facts.node, facts.space, events)
                await self._apply(events, {facts.space: facts.node}, None)
        space = self.machine.spaces.get(facts.space)
        if space is None:
            return
        mine = self.store.log_hash(facts.space, facts.head)
        if facts.head < before:
            self._alarm(space, "The server has lost a part of this conversation. Nothing more is sent here.")
        elif mine is not None and mine != facts.head_hash:
            self._alarm(space, "The server shows another past of this conversation. Nothing more is sent here.")

    def space(self, id: bytes) -> Space:
        """A known space. Raises NotAllowed."""
        found = self.machine.spaces.get(id)
        if found is None:
            raise NotAllowed(self.broken.get(id) or "There is no such conversation.")
        return found


def _runs(events: list[LogEvent], head: int) -> bool:
    return all(event.seq == head + 1 + i for i, event in enumerate(events))


__all__ = ["CURSOR", "CircleError", "Engine", "Signal", "millis"]
