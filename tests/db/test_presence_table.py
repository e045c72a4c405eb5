"""Presence over several nodes: whatever was lost, in the end every node shows the same, and what is true."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from db.bus_backends import Postgres
from db.presence.states import PresenceState
from db.presence.table import Table, Times, Word
from db.presence.wire import WORDS, pack, unpack

TIMES = Times(grace=6, lease=15, tick=1, shards=5)
QUIET = 60
MEMBERS = [UUID(int=16 * n + 5) for n in range(3)]
NODES = range(3)
STATES = list(PresenceState)


def client_of(member: UUID) -> UUID:
    """Each has one here: what a member's several make together is another test's."""
    return UUID(int=member.int + 1_000)


class Node:
    """A process: its table, and whose sockets are open to it."""

    def __init__(self, name: str) -> None:
        self.name, self.table = name, Table(name, TIMES)
        self.sockets: list[UUID] = []


class Said:
    """What a member's client has said last. `holds`: nothing was lost since, and a socket was open all the time."""

    def __init__(self, node: Node, state: PresenceState) -> None:
        self.node: Node | None = node
        """Where it said so, while it has had a socket there ever since."""
        self.state, self.holds = state, True


class Nodes(RuleBasedStateMachine):
    """Clients connect to any node, say what they do, vanish; nodes crash, say good-bye; messages are lost at will."""

    def __init__(self) -> None:
        super().__init__()
        self.now, self.starts = 1_000.0, 0
        self.nodes = [self.start() for _ in NODES]
        self.said: dict[UUID, Said] = {}

    def start(self) -> Node:
        self.starts += 1
        return Node(f"node-{self.starts}")

    @rule(member=st.sampled_from(MEMBERS), at=st.sampled_from(NODES))
    def connect(self, member: UUID, at: int) -> None:
        node = self.nodes[at]
        node.sockets.append(member)
        node.table.opened(member, client_of(member), self.now)

    @rule(member=st.sampled_from(MEMBERS), at=st.sampled_from(NODES), state=st.sampled_from(STATES))
    def say(self, member: UUID, at: int, state: PresenceState) -> None:
        node = self.nodes[at]
        if member not in node.sockets:
            self.connect(member, at)
        self.now += 0.001
        node.table.set(member, client_of(member), state, self.now, self.stamp)
        self.said[member] = Said(node, state)

    @rule(member=st.sampled_from(MEMBERS), at=st.sampled_from(NODES))
    def vanish(self, member: UUID, at: int) -> None:
        node = self.nodes[at]
        if member in node.sockets:
            node.sockets.remove(member)
            node.table.closed(client_of(member), self.now)
            said = self.said.get(member)
            if said is not None and said.node is node and member not in node.sockets:
                said.node = None
        self.look_who_is_without()

    @rule(member=st.sampled_from(MEMBERS), at=st.sampled_from(NODES), to=st.sampled_from(NODES))
    def move(self, member: UUID, at: int, to: int) -> None:
        self.connect(member, to)
        self.vanish(member, at)

    @rule(seconds=st.integers(1, 20))
    def time_goes_by(self, seconds: int) -> None:
        for _ in range(seconds):
            self.tick(set())

    @rule(seconds=st.integers(1, 20), lost=st.sets(st.tuples(st.sampled_from(NODES), st.sampled_from(NODES))))
    def messages_are_lost(self, seconds: int, lost: set[tuple[int, int]]) -> None:
        self.nothing_holds()
        for _ in range(seconds):
            self.tick(lost)

    @rule(at=st.sampled_from(NODES))
    def crash(self, at: int) -> None:
        self.nodes[at] = self.start()
        self.nothing_holds()

    @rule(at=st.sampled_from(NODES), deaf=st.sets(st.sampled_from(NODES)))
    def stop(self, at: int, deaf: set[int]) -> None:
        for other in set(NODES) - deaf - {at}:
            self.nodes[other].table.leaves(self.nodes[at].name, self.now)
        self.crash(at)

    def tick(self, lost: set[tuple[int, int]]) -> None:
        self.now += 1
        for at, node in enumerate(self.nodes):
            words = node.table.tick(self.now, self.stamp // 60_000)
            for other in NODES:
                if other != at and (at, other) not in lost:
                    for message in pack(node.name, words):
                        self.nodes[other].table.hear(*unpack(message), self.now)

    def nothing_holds(self) -> None:
        for said in self.said.values():
            said.holds = False

    def look_who_is_without(self) -> None:
        for member, said in self.said.items():
            said.holds = said.holds and self.is_connected(member)

    def is_connected(self, member: UUID) -> bool:
        return any(member in node.sockets for node in self.nodes)

    @property
    def stamp(self) -> int:
        return round(self.now * 1_000)

    def teardown(self) -> None:
        for _ in range(QUIET):
            self.tick(set())
        for member in MEMBERS:
            shown = {node.table.state_of(member, self.now)[0] for node in self.nodes}
            assert len(shown) == 1, "nodes differ"
            said = self.said.get(member)
            if said is None or not self.is_connected(member):
                assert shown == {PresenceState.OFFLINE}
            elif said.holds or said.node in self.nodes:
                assert shown == {said.state}


Nodes.TestCase.settings = settings(max_examples=200, stateful_step_count=25, deadline=None)
TestNodes = Nodes.TestCase


def table(name: str = "a") -> Table:
    return Table(name, TIMES)


ANNA, PHONE, LAPTOP = MEMBERS[0], UUID(int=100), UUID(int=101)


def test_a_member_is_as_near_as_the_nearest_device() -> None:
    one = table()
    for client, state in ((PHONE, PresenceState.AWAY), (LAPTOP, PresenceState.ONLINE)):
        one.opened(ANNA, client, 0)
        one.set(ANNA, client, state, 0, 60_000)
    assert one.state_of(ANNA, 0) == (PresenceState.ONLINE, 1)
    one.set(ANNA, LAPTOP, PresenceState.OFFLINE, 0, 120_000)
    assert one.state_of(ANNA, 0) == (PresenceState.AWAY, 2)


def test_a_socket_that_comes_back_in_time_goes_on() -> None:
    one = table()
    one.opened(ANNA, PHONE, 0)
    one.set(ANNA, PHONE, PresenceState.ONLINE, 0, 1)
    one.closed(PHONE, 10)
    one.tick(15.9, 0)
    assert one.state_of(ANNA, 15.9)[0] is PresenceState.ONLINE
    one.opened(ANNA, PHONE, 15.9)
    one.tick(1_000, 0)
    assert one.state_of(ANNA, 1_000)[0] is PresenceState.ONLINE
    one.closed(PHONE, 1_000)
    one.tick(1_006, 0)
    assert one.state_of(ANNA, 1_006)[0] is PresenceState.OFFLINE


def test_without_a_socket_it_holds_for_the_grace() -> None:
    one = table()
    one.set(ANNA, PHONE, PresenceState.ONLINE, 0, 1)
    assert one.state_of(ANNA, 5.9)[0] is PresenceState.ONLINE
    assert one.state_of(ANNA, 6)[0] is PresenceState.OFFLINE


def test_everything_is_forgotten_in_the_end() -> None:
    one, other = table("a"), table("b")
    for n in range(50):
        one.opened(UUID(int=n), UUID(int=1_000 + n), 0)
        one.set(UUID(int=n), UUID(int=1_000 + n), PresenceState.ONLINE, 0, 1)
        one.closed(UUID(int=1_000 + n), 0)
    for now in range(60):
        other.hear("a", one.tick(now, 0), now)
        other.tick(now, 0)
        one.gone.clear()
        other.gone.clear()
    for each in (one, other):
        assert not each.own()
        assert not any(vars(each)[name] for name in ("_clients", "_of_member", "_sockets", "_say"))


def test_a_message_fits_notify() -> None:
    words = [
        Word(UUID(int=2**128 - 1 - n), UUID(int=2**127 + n), PresenceState.ONLINE, 2**44, True, 2**28)
        for n in range(3 * WORDS)
    ]
    messages = list(pack("0" * 8, words))
    assert len(messages) == 3
    heard: list[Any] = []
    for message in messages:
        text = json.dumps(["0" * 16, message], separators=(",", ":"))
        assert len(text.encode()) <= Postgres.LONGEST
        heard += unpack(json.loads(text)[1])[1]
    assert heard == words


def test_heartbeats_are_spread_and_each_client_is_said_once_a_round() -> None:
    times = Times(shards=30)
    one = Table("a", times)
    clients = [UUID(int=n * 7_919) for n in range(900)]
    for client in clients:
        one.opened(client, client, 0)
        one.set(client, client, PresenceState.ONLINE, 0, 1)
    assert len(one.tick(0, 0)) == len(clients)
    rounds = [[word.client for word in one.tick(now, 0)] for now in range(1, 31)]
    assert sorted(client for said in rounds for client in said) == clients
    assert max(map(len, rounds)) < 2 * len(clients) / 30


def test_who_missed_the_newest_word_is_told_by_whoever_heard_it() -> None:
    """The node through which it was said is gone, and the only one that holds the client has missed it."""
    holds, heard, gone = table("a"), table("b"), table("c")
    for node, state, stamp in ((holds, PresenceState.ONLINE, 1), (gone, PresenceState.AWAY, 2)):
        node.opened(ANNA, PHONE, 0)
        node.set(ANNA, PHONE, state, 0, stamp)
    heard.hear("c", gone.tick(1, 0), 1)
    for now in range(1, 30):
        heard.hear("a", holds.tick(now, 0), now)
        holds.hear("b", heard.tick(now, 0), now)
    assert holds.state_of(ANNA, 30)[0] is heard.state_of(ANNA, 30)[0] is PresenceState.AWAY


def test_that_a_client_is_gone_is_said_again_where_it_was_lost() -> None:
    one, other = table("a"), table("b")
    one.opened(ANNA, PHONE, 0)
    one.set(ANNA, PHONE, PresenceState.ONLINE, 0, 1)
    one.closed(PHONE, 0)
    for now in range(6):
        other.hear("a", one.tick(now, 0), now)
    one.tick(6, 0)  # the grace is over, and nobody hears it
    assert other.state_of(ANNA, 6)[0] is PresenceState.ONLINE
    for now in range(7, 7 + TIMES.shards):
        other.hear("a", one.tick(now, 0), now)
    assert other.state_of(ANNA, 12)[0] is PresenceState.OFFLINE
