"""Who is there, as one node knows it: its own clients, and what the others' heartbeats said. Pure: time is passed in.

Per client the newest word counts on every node alike (by its stamp, then by the state); a client is there while some
node holds it. A node holds it while it has a socket of the client, and a grace after; what it holds it says again in
shards, and what it has just let go it says for a while, too, so that a message that was lost is made good.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf
from uuid import UUID

from db.presence.states import PresenceState


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds: `grace` after a client's last socket, `lease` of what another node said, `tick` between looks.

    Every tick one of `shards` of the own clients is said again: in `shards` ticks, all are.
    """

    grace: float = 30.0
    lease: float = 75.0
    tick: float = 1.0
    shards: int = 30


@dataclass(frozen=True, slots=True)
class Word:
    """What one node says of a client. `stamp`: milliseconds; `seen`: the last minute in which it was online, or 0."""

    member: UUID
    client: UUID
    state: PresenceState
    stamp: int
    is_held: bool
    seen: int


@dataclass(slots=True)
class _Client:
    member: UUID
    state: PresenceState = PresenceState.OFFLINE
    stamp: int = 0
    seen: int = 0
    others: dict[str, float] = field(default_factory=dict)  # nodes that hold it, and until when unless they say more
    held: float | None = None  # until when this node holds it
    let_go: float | None = None  # until when this node says that it no longer does


class Table:
    """One node's knowledge. `node` is its name, new at each start."""

    def __init__(self, node: str, times: Times) -> None:
        self._node, self._times = node, times
        self._clients: dict[UUID, _Client] = {}
        self._of_member: dict[UUID, set[UUID]] = defaultdict(set)
        self._sockets: Counter[UUID] = Counter()
        self._say: dict[UUID, None] = {}
        self._shard = 0
        self.changed: set[UUID] = set()
        """Members whose presence may be another since the owner has emptied this."""
        self.gone: dict[UUID, int] = {}
        """When members were last seen whose clients are all forgotten; the owner empties it."""

    # ---- what happens here

    def opened(self, member: UUID, client: UUID, now: float) -> None:
        """A socket of the client was opened here. What the client said before, anywhere, holds on."""
        self._sockets[client] += 1
        known = self._clients.get(client)
        if known is not None and (known.held is not None or _is_there(known, now)):
            self._hold(client, known, inf)

    def closed(self, client: UUID, now: float) -> None:
        """A socket of the client was closed here; with the last one its grace begins."""
        self._sockets[client] -= 1
        if self._sockets[client] > 0:
            return
        del self._sockets[client]
        known = self._clients.get(client)
        if known is not None and known.held is not None:
            known.held = now + self._times.grace

    def set(self, member: UUID, client: UUID, state: PresenceState, now: float, stamp: int) -> None:
        """The client says what it is doing."""
        known = self._client(member, client)
        known.stamp = max(stamp, known.stamp + 1)
        self._state(known, state, stamp // 60_000)
        self._hold(client, known, inf if self._sockets[client] > 0 else now + self._times.grace)
        self._say[client] = None

    def forget(self, client: UUID) -> None:
        """The client's session is over: nothing of it holds any more."""
        known = self._clients.get(client)
        if known is not None and known.held is not None:
            known.held = -inf

    # ---- what others say

    def hear(self, node: str, words: Iterable[Word], now: float) -> None:
        """Another node's words."""
        if node == self._node:
            return
        for word in words:
            found = self._clients.get(word.client)
            is_here = self._sockets[word.client] > 0
            if found is None and not word.is_held and not is_here:
                continue
            known = found or self._client(word.member, word.client)
            before = (known.state, known.seen, _is_there(known, now))
            if (word.stamp, word.state) > (known.stamp, known.state):
                known.stamp, known.state = word.stamp, word.state
            elif (word.stamp, word.state) < (known.stamp, known.state):
                self._say[word.client] = None  # it has missed something, and whoever said it may be gone
            known.seen = max(known.seen, word.seen)
            if word.is_held:
                known.others[node] = now + self._times.lease
            else:
                known.others.pop(node, None)
            if known.held is None and is_here:
                self._hold(word.client, known, inf)
            if before != (known.state, known.seen, _is_there(known, now)):
                self.changed.add(known.member)

    def leaves(self, node: str, now: float) -> None:
        """Another node says good-bye: its clients have their grace to come back elsewhere."""
        for known in self._clients.values():
            if node in known.others:
                known.others[node] = min(known.others[node], now + self._times.grace)

    # ---- what is to be said

    def tick(self, now: float, minute: int, shards: int = 1) -> list[Word]:
        """Forget what is over; what is to be said now: news, and the next `shards` shards of what is held."""
        for client, known in list(self._clients.items()):
            self._expire(client, known, now)
        due = {(self._shard + more) % self._times.shards for more in range(min(shards, self._times.shards))}
        self._shard = (self._shard + len(due)) % self._times.shards
        for client, known in self._clients.items():
            if (known.held is not None or known.let_go is not None) and client.int % self._times.shards in due:
                self._say[client] = None
        said = [(client, self._clients[client]) for client in self._say if client in self._clients]
        for client, known in said:
            if known.state is PresenceState.ONLINE and self._sockets[client] > 0:
                known.seen = max(known.seen, minute)
        self._say.clear()
        return [self._word(client, known) for client, known in said]

    def state_of(self, member: UUID, now: float) -> tuple[PresenceState, int]:
        """The best of the member's clients' states, and the last minute in which one was online (0: not known)."""
        clients = [self._clients[client] for client in self._of_member.get(member, ())]
        states = [known.state for known in clients if _is_there(known, now)]
        seen = max([self.gone.get(member, 0), *(known.seen for known in clients)])
        return max(states, default=PresenceState.OFFLINE), seen

    def own_seen(self) -> dict[UUID, int]:
        """When the members whose clients this node holds, or has just let go, were last online; the known ones."""
        found: dict[UUID, int] = {}
        for known in self._clients.values():
            if known.seen and (known.held is not None or known.let_go is not None):
                found[known.member] = max(found.get(known.member, 0), known.seen)
        return found

    def own(self) -> int:
        """How many clients this node holds."""
        return sum(known.held is not None for known in self._clients.values())

    def _client(self, member: UUID, client: UUID) -> _Client:
        known = self._clients.get(client)
        if known is None:
            known = self._clients[client] = _Client(member)
            self._of_member[member].add(client)
        return known

    def _hold(self, client: UUID, known: _Client, until: float) -> None:
        if known.held is None:
            self._say[client] = None
        known.held, known.let_go = until, None
        self.changed.add(known.member)

    def _state(self, known: _Client, state: PresenceState, minute: int) -> None:
        if PresenceState.ONLINE in (state, known.state):
            known.seen = max(known.seen, minute)
        known.state = state
        self.changed.add(known.member)

    def _expire(self, client: UUID, known: _Client, now: float) -> None:
        for node in [node for node, until in known.others.items() if until <= now]:
            del known.others[node]
            self.changed.add(known.member)
        if known.held is not None and known.held <= now:
            known.held, known.let_go = None, now + self._times.lease
            self._say[client] = None
            self.changed.add(known.member)
        if known.let_go is not None and known.let_go <= now:
            known.let_go = None
        if known.held is None and known.let_go is None and not known.others:
            del self._clients[client]
            self._say.pop(client, None)
            self._of_member[known.member].discard(client)
            if not self._of_member[known.member]:
                del self._of_member[known.member]
            self.gone[known.member] = max(known.seen, self.gone.get(known.member, 0))
            self.changed.add(known.member)

    def _word(self, client: UUID, known: _Client) -> Word:
        return Word(known.member, client, known.state, known.stamp, known.held is not None, known.seen)


def _is_there(known: _Client, now: float) -> bool:
    return (known.held is not None and known.held > now) or any(until > now for until in known.others.values())
