"""Applying what the server shows, one batch at a time: fetch what is needed, apply, keep, all in one transaction."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from circle_client.clock import millis
from circle_client.engine.api import Api
from circle_client.engine.convert import EpochFacts
from circle_client.engine.kept import StoredPast, keep
from circle_client.engine.keys import Keys
from circle_client.engine.loading import Loader
from circle_client.engine.own_epochs import keep_epoch
from circle_client.engine.refresh import Refresher
from circle_client.errors import CircleError, Forked, NotAllowed, Untrusted
from circle_client.machine.alarms import OWN_KEYS, Why
from circle_client.machine.events import Entry, EntryKind, EventKind, LogEvent
from circle_client.machine.machine import Machine
from circle_client.machine.people import MemberFacts
from circle_client.machine.reading import MarkerFacts
from circle_client.machine.space import Space
from circle_client.protocol.epoch import decode_announcement
from circle_client.protocol.epoch_keys import NewEpoch
from circle_client.protocol.errors import ProtocolError
from circle_client.protocol.roster import SpaceType
from circle_client.store import Store

log = logging.getLogger("circle_client")

CURSOR = "cursor"


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

    def __init__(self, api: Api, machine: Machine, store: Store, past: StoredPast) -> None:
        self.api, self.machine, self.store, self.past = api, machine, store, past
        self.lock = asyncio.Lock()
        self.clock = millis
        self.keys, self.loader, self.refresher = Keys(self), Loader(self), Refresher(self)
        self.news = Signal()
        self.told = asyncio.Event()
        """Another device may have told something in the account's space."""
        self.complain: Callable[[Space], None] | None = None
        self.complained: Callable[[Space, bytes, int], None] | None = None
        self.broken: dict[bytes, str] = {}
        self.made: dict[bytes, NewEpoch] = {}
        """Epochs of this device on their way into the log, by their hashes."""

    # ---- applying

    async def absorb(
        self,
        batch: list[tuple[str, LogEvent]],
        cursor: str | None = None,
        markers: Sequence[tuple[int, MarkerFacts]] = (),
    ) -> None:
        """Apply (node id of the space, event) pairs, filling gaps first, and `markers`, each after the entry of its
        conversation by this seq; then keep `cursor`. Raises Offline.
        """
        async with self.lock:
            by_space: dict[bytes, list[LogEvent]] = {}
            nodes = {event.space: node for node, event in batch}
            for _, event in batch:
                by_space.setdefault(event.space, []).append(event)
            ready: list[LogEvent] = []
            for space, events in by_space.items():
                ready += await self.loader.contiguous(nodes[space], space, events)
            await self.apply(ready, nodes, cursor, markers=markers)

    async def catch_up(self, space: Space) -> None:
        """Apply what the server has of a space beyond the head known here."""
        async with self.lock:
            events = await self.api.log_after(space.node, space.id, space.log.head.n)
            events = await self.loader.contiguous(space.node, space.id, events)
            await self.apply(events, {space.id: space.node}, None)

    def alarm(self, space: Space, sentence: str, why: Why) -> None:
        """Stop sending in a space, and write that down at once; the first alarm of a space stays."""
        with self.store.transaction():
            self.machine.alarm(space, sentence, why)
            self.machine.flush(self.store.put)
        self.news.set()

    def flush(self) -> None:
        """Write what changed."""
        with self.store.transaction():
            self.machine.flush(self.store.put)

    async def know_now(self, members: Iterable[bytes]) -> None:
        """Fetch and verify members, as a holder of the lock; what does not verify stays unknown, and what it signed is
        refused.
        """
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
        else:
            if facts.person.protocol_id == self.machine.me:
                self._own_fit()
        return None

    def learn_own(self, facts: MemberFacts) -> None:
        """Verify what the server tells of this member, as a holder of the lock. Raises Untrusted, and Forked where it
        is not what was seen before: then everything stops, and the sentence says what a person can do.
        """
        try:
            self.machine.learn(facts)
        except Forked as error:
            self._member_forked(facts, error)
            raise Forked(OWN_KEYS) from error
        self._own_fit()

    def _own_fit(self) -> None:
        """Nothing lower was ever taken: once the server shows the own keys again, nothing is wrong with them."""
        for space in self.machine.spaces.values():
            if space.why is Why.OWN:
                space.alarm = space.why = None
                self.machine.touch(space, seldom=True)

    def _member_forked(self, facts: MemberFacts, error: Forked) -> None:
        """Stop sending wherever this member is, and keep what was received (e2ee.md section 12)."""
        member = facts.person.protocol_id
        links = [[link.body, link.signature, link.cosignature] for link in facts.links]
        sentence, why = f"{error.message} Nothing more is sent here.", Why.MEMBER
        if member == self.machine.me:
            sentence, why = OWN_KEYS, Why.OWN
        for space in self.machine.spaces.values():
            if member in space.roster.seats:
                self.machine.alarm(space, sentence, why)
        with self.store.transaction():
            self.store.put("evidence", member, [links, facts.key.body, facts.key.signature])
            self.machine.flush(self.store.put)

    async def know_roster(self, space: Space) -> None:
        """Fetch all members of a space anew, as before an epoch is made or after its list did not fit."""
        async with self.lock:
            await self.know_now(space.roster.seats)
            await self.keys.older_of(space)
            with self.store.transaction():
                self.machine.flush(self.store.put)

    async def know(self, members: Iterable[bytes]) -> None:
        """Fetch members anew and keep them."""
        async with self.lock:
            await self.know_now(members)
            with self.store.transaction():
                self.machine.flush(self.store.put)

    async def apply(
        self,
        events: list[LogEvent],
        nodes: dict[bytes, str],
        cursor: str | None,
        new: Space | None = None,
        markers: Sequence[tuple[int, MarkerFacts]] = (),
    ) -> None:
        """Apply events that follow what is known, as a holder of the lock; `new`: a space that begins with them."""
        needs = self.machine.needs(events)
        await self.know_now(needs.union(*(self.machine.loose.needs(facts.envelope) for _, facts in markers)))
        seals: dict[bytes, EpochFacts] = {}
        spaces = {**self.machine.spaces, new.id: new} if new else self.machine.spaces
        joined = {id: spaces[id].joined for id in {event.space for event in events}}
        for event in events:
            if self.loader.adds_me(event):
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
            waiting = list(markers)
            for event in events:
                waiting = self._take_markers(waiting, event) if waiting else waiting
                space = self.machine.spaces[event.space]
                facts = seals.get(event.item)
                trusted = space.alarm is None
                applied = self.machine.apply(event, facts.seal if facts else None)
                if trusted and space.alarm is not None:
                    self._keep_evidence(event)
                before = self.past.before.get(event.item)
                keep(self.store, space, event, applied, now, self._sent(event, applied.entry), before)
                entry = applied.entry
                if entry.kind is EntryKind.COMPLAINT and entry.sender is not None:
                    complaints.append((space, entry.sender, entry.number))
                if facts is not None:
                    self.keys.take_grants(space, facts)
            self._take_markers(waiting, None)
            self.machine.flush(self.store.put)
            if cursor is not None:
                self.store.put(CURSOR, b"", cursor)
        for complaint in complaints:
            if self.complained is not None:
                self.complained(*complaint)
        if any(event.space in self.machine.spaces and self._is_account(event.space) for event in events):
            self.told.set()
        for id in {event.space for event in events}:
            space = self.machine.spaces[id]
            if space.denied and self.complain is not None:
                self.complain(space)
        self.news.set()

    def _take_markers(
        self, waiting: list[tuple[int, MarkerFacts]], event: LogEvent | None
    ) -> list[tuple[int, MarkerFacts]]:
        """Take those that come before this event of their conversation, or all; those that are left."""
        left: list[tuple[int, MarkerFacts]] = []
        for after, facts in waiting:
            if event is not None and (facts.space != event.space or after >= event.seq):
                left.append((after, facts))
            else:
                self.machine.take_marker(facts)
        return left

    def _sent(self, event: LogEvent, entry: Entry) -> Any:
        """What this member has signed, as the server takes it: to be offered again, should the server lose it."""
        if event.body is None or entry.sender != self.machine.me:
            return None
        if (made := self.made.pop(event.item, None)) is not None:
            keep_epoch(self.store, event.space, made, millis())
        return [event.body, event.signature]

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

    def _is_account(self, id: bytes) -> bool:
        return self.machine.spaces[id].roster.type is SpaceType.ACCOUNT

    def space(self, id: bytes) -> Space:
        """A known space. Raises NotAllowed."""
        found = self.machine.spaces.get(id)
        if found is None:
            raise NotAllowed(self.broken.get(id) or "There is no such conversation.")
        return found


__all__ = ["CURSOR", "CircleError", "Engine", "Signal", "millis"]
