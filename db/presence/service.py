"""Presence in one process: the table between bus, sockets, database and subscribers; one look a second."""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from db.bus import Bus, Message
from db.ending import end
from db.engine import Database
from db.hub.watching import Watching
from db.presence.privacy import Hiding
from db.presence.states import NOTHING, PresenceState, Shown
from db.presence.store import Store, moment
from db.presence.table import Table, Times
from db.presence.watcher import Watcher
from db.presence.wire import PRESENCE, pack, unpack
from db.queries.presence import PeerRow

log = logging.getLogger(__name__)

HELLO, GOODBYE, PRIVACY = "presence-hello", "presence-goodbye", "privacy"
PATIENCE = 10.0
"""Seconds between two tries to ask a database that does not answer."""
HURRY = 6
"""After another node's hello, so many shards a tick until all were said: five seconds instead of thirty."""


class Presences:
    """Start it once per process, behind bus and hub."""

    def __init__(
        self, database: Database, bus: Bus, watching: Watching, clock: Callable[[], datetime], times: Times
    ) -> None:
        self._bus, self._watching, self._clock, self._times = bus, watching, clock, times
        self._node = secrets.token_hex(4)
        self._table = Table(self._node, times)
        self._store = Store(database)
        self._hiding = Hiding(self._store.hidden)
        self._watchers: dict[UUID, set[Watcher]] = defaultdict(set)  # by whom they ask for
        self._of_viewer: dict[UUID, set[Watcher]] = defaultdict(set)
        self._kept: dict[UUID, int] = {}  # when members were last seen, as far as it is known and asked for
        self._written: dict[UUID, int] = {}
        self._hurry = 0
        self._turn = 0
        self._greeted = False
        self._tasks: list[asyncio.Task[None]] = []
        self._ends: list[Callable[[], None]] = []
        self.published = 0
        """Messages that this node has put on the bus; to be measured."""

    async def start(self) -> None:
        """Begin to hear and to tell; ask the other nodes to say soon what they know."""
        self._ends = [self._bus.subscribe(self._hear), self._watching.on_look(self._looked)]
        self._tasks = [asyncio.create_task(work, name="presence") for work in (self._run(), self._keep())]

    async def stop(self) -> None:
        """Say good-bye, so that the own clients have their grace to come back elsewhere, then end."""
        for unsubscribe in self._ends:
            unsubscribe()
        await asyncio.gather(*(end(task) for task in self._tasks))
        if self._tasks:
            self._publish({"kind": GOODBYE, "n": self._node})
        with suppress(Exception):  # the database may be gone: what was seen last is a minute older then
            await self._write_seen(self._table.own_seen())
        await self._store.close()

    # ---- what happens here

    def opened(self, member: UUID, client: UUID) -> None:
        """A socket of the client (a session) was opened in this process."""
        self._table.opened(member, client, _now())

    def closed(self, client: UUID) -> None:
        """A socket of the client was closed."""
        self._table.closed(client, _now())

    def say(self, member: UUID, client: UUID, state: PresenceState) -> None:
        """The client says what it is doing; other nodes hear it with the next look."""
        self._table.set(member, client, state, _now(), int(self._clock().timestamp() * 1000))

    def tell_privacy(self, member: UUID) -> None:
        """Tell every process that a member's settings changed: hidden until they are read anew."""
        self._forget_privacy(member)
        self._bus.publish({"kind": PRIVACY, "m": member.hex})

    # ---- what is shown

    def state_of(self, member: UUID) -> tuple[PresenceState, datetime | None]:
        """A member's true state, and when last seen as far as this process knows. Not for everybody's eyes."""
        state, minute = self._table.state_of(member, _now())
        return state, moment(minute) if minute else None

    def watch(self, viewer: UUID, members: Iterable[UUID]) -> tuple[Watcher, Callable[[], None]]:
        """A subscriber, told of what may have changed from now on; and what ends that."""
        watcher = Watcher(viewer, members)
        unwatch = self._watching.watch([viewer, *watcher.members])
        for member in watcher.members:
            self._watchers[member].add(watcher)
        self._of_viewer[viewer].add(watcher)
        self._hiding.want([viewer, *watcher.members])

        def leave() -> None:
            unwatch()
            self._hiding.unwant([viewer, *watcher.members])
            _leave(self._of_viewer, viewer, watcher)
            for member in watcher.members:
                _leave(self._watchers, member, watcher)
                if member not in self._watchers:
                    self._kept.pop(member, None)

        return watcher, leave

    def learn(self, viewer: UUID, rows: Iterable[PeerRow]) -> None:
        """What a query under the viewer's policies has said of members who are watched."""
        for row in rows:
            if row.member != viewer:
                self._hiding.learn(viewer, hides=not row.dated)
                if row.near:
                    self._hiding.learn(row.member, hides=not row.shown)
            if row.seen is not None and row.member in self._watchers:
                self._kept[row.member] = max(self._kept.get(row.member, 0), int(row.seen.timestamp()) // 60)

    def shown(self, viewer: UUID, member: UUID) -> Shown | None:
        """What a subscriber is shown of a watched member at this moment; None: as before, while the hub is away and
        nobody knows who shares a space with whom."""
        is_self = viewer == member
        if not is_self and self._hiding.is_hidden(member):
            return NOTHING
        if not (self._watching.knows(viewer) and self._watching.knows(member)):
            return None
        if not is_self and not self._watching.shares(viewer, member):
            return NOTHING
        state, minute = self._table.state_of(member, _now())
        minute = max(minute, self._kept.get(member, 0))
        if state is PresenceState.ONLINE or not minute or (not is_self and self._hiding.is_hidden(viewer)):
            return Shown(state)
        return Shown(state, moment(minute))

    # ---- the bus

    def _hear(self, message: Message) -> None:
        kind = message.get("kind")
        if kind == PRESENCE:
            node, words = unpack(message)
            self._table.hear(node, words, _now())
        elif kind == GOODBYE:
            self._table.leaves(message["n"], _now())
        elif kind == PRIVACY:
            self._forget_privacy(UUID(message["m"]))
        elif kind == "session-revoked":
            self._table.forget(UUID(str(message.get("session"))))
        elif (kind == HELLO and message["n"] != self._node) or kind == "gap":
            self._hurry = -(-self._times.shards // HURRY)
            if kind == "gap":  # others may have missed us, and we a change of privacy
                self._hiding.forget_all()
                self._greeted = False

    def _publish(self, message: Message) -> None:
        self.published += 1
        self._bus.mention(message)

    # ---- the look

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._times.tick)
            self.look()

    async def _keep(self) -> None:
        wait = self._times.tick
        while True:
            await asyncio.sleep(wait)
            try:
                await self._ask()
                wait = self._times.tick
            except Exception as error:
                # The database may be restarting: nobody new is shown meanwhile; said once, not every time.
                if wait == self._times.tick:
                    log.warning("Presence could not ask the database (%s).", type(error).__name__)
                wait = min(PATIENCE, wait * 2) * random.uniform(0.5, 1.5)  # noqa: S311  (jitter, no secret)

    def look(self) -> None:
        """Say what is to be said, and tell the subscribers whom to look at: one difference for each."""
        minute = int(self._clock().timestamp()) // 60
        if not self._greeted and self._bus.connected.is_set():
            self._greeted = True
            self._publish({"kind": HELLO, "n": self._node})
        is_hurried, self._hurry = self._hurry > 0, max(0, self._hurry - 1)
        for message in pack(self._node, self._table.tick(_now(), minute, HURRY if is_hurried else 1)):
            self._publish(message)
        changed, self._table.changed = self._table.changed, set()
        for member, seen in self._table.gone.items():
            if member in self._watchers:
                self._kept[member] = max(self._kept.get(member, 0), seen)
        self._table.gone.clear()
        self._touch(changed)

    def _touch(self, members: Iterable[UUID]) -> None:
        touched: dict[Watcher, list[UUID]] = defaultdict(list)
        for member in members:
            for watcher in self._watchers.get(member, ()):
                touched[watcher].append(member)
        for watcher, of_it in touched.items():
            watcher.touch(of_it)

    async def _ask(self) -> None:
        """The database: a shard of the settings anew, and what was seen since, at most once a minute per member."""
        self._turn = (self._turn + 1) % self._times.shards
        fresh = await self._hiding.refresh(self._turn, self._times.shards)
        self._table.changed |= fresh
        for viewer in fresh & self._of_viewer.keys():
            self._touch_viewer(viewer)
        seen = self._table.own_seen()
        self._written = {member: minute for member, minute in self._written.items() if member in seen}
        await self._write_seen({m: minute for m, minute in seen.items() if m.int % self._times.shards == self._turn})

    async def _write_seen(self, seen: dict[UUID, int]) -> None:
        """Of whoever hides, nothing is kept."""
        due = {member: minute for member, minute in seen.items() if minute > self._written.get(member, 0)}
        if due:
            hidden = await self._store.hidden(list(due))
            await self._store.write_seen({member: minute for member, minute in due.items() if member not in hidden})
            self._written |= due

    def _looked(self, changed: set[UUID] | None) -> None:
        """The hub has looked: who shares a space with whom may be another."""
        if changed is None:
            self._table.changed |= self._watchers.keys()
            return
        self._table.changed |= changed & self._watchers.keys()
        for viewer in changed & self._of_viewer.keys():
            self._touch_viewer(viewer)

    def _touch_viewer(self, viewer: UUID) -> None:
        for watcher in self._of_viewer.get(viewer, ()):
            self._table.changed.update(watcher.members)

    def _forget_privacy(self, member: UUID) -> None:
        self._hiding.forget(member)
        self._table.changed.add(member)
        self._touch_viewer(member)


def _leave(watchers: dict[UUID, set[Watcher]], key: UUID, watcher: Watcher) -> None:
    watchers[key].discard(watcher)
    if not watchers[key]:
        del watchers[key]


def _now() -> float:
    return asyncio.get_running_loop().time()
