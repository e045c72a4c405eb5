"""Read markers: whatever the order of deliveries, readings, conflicts and restarts, nothing goes back and nothing is
counted but what the definition says (docs/decisions/0113)."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from circle_client.clock import millis
from circle_client.machine.alarms import Why
from circle_client.machine.machine import Machine
from circle_client.machine.make import Draft
from circle_client.machine.reading import MOST_MEMBERS, MarkerFacts, Reading, Scope
from circle_client.protocol.branches import LIFETIMES
from circle_client.protocol.envelope import Kind, make_id
from circle_client.protocol.markers import ReceiptMarker
from circle_client.protocol.primitives import random_bytes
from circle_client.protocol.roster import Policy, Role, SpaceType
from circle_client.types import Privacy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sdk_python.readers import Device, Server, ada_deletes, ada_says, scene
from tests.sdk_python.relay import NOW, Player, Relay, members

WEIGHTS = {"ada": 3, "own": 1, "delete": 1, "hear": 4, "read": 4, "send": 3, "lose": 1, "try": 2} | dict.fromkeys(
    ["crash", "resync", "restart"], 1
)
kinds = st.sampled_from([what for what, weight in WEIGHTS.items() for _ in range(weight)])
steps = st.lists(st.tuples(kinds, st.integers(0, 1), st.integers(0, 99)), min_size=10, max_size=60)


class Judge:
    """Knows the definition: what Ada wrote and has not taken back, and what was read on each device."""

    def __init__(self, server: Server, ada: Player, devices: list[Device]) -> None:
        self.server, self.ada, self.devices = server, ada, devices
        self.written: list[int] = []
        self.deleted: dict[int, int] = {}
        self.highest = [0, 0]
        self.most = 0

    def step(self, what: str, which: int, number: int) -> None:
        device = self.devices[which]
        if what == "ada":
            self.written.append(ada_says(self.server, self.ada, "tea?"))
        elif what == "delete" and (left := [seq for seq in self.written if seq not in self.deleted]):
            seq = left[number % len(left)]
            ada_deletes(self.server, self.ada, seq)
            self.deleted[seq] = len(self.server.relay.logs[self.server.space])
        elif what == "own" and self._is_current(device):
            device.say("yes")
        elif what == "crash":
            device.deliver(crash=True)
        elif what == "hear":
            for _ in range(1 + number % 10):
                device.deliver()
        elif what == "resync":
            device.resync()
        elif what == "restart":
            device.restart()
        elif what == "read":
            seq = number % (device.space.log.head.n + 1)
            device.read(seq)
            self.most = max(self.most, seq)
        elif what in ("send", "lose", "try"):
            device.send(list(Scope)[number % 2], answered=what != "lose", tries=1 if what == "try" else 4)
        self.check()

    def _is_current(self, device: Device) -> bool:
        return device.space.log.head.n == len(self.server.relay.logs[self.server.space])

    def check(self) -> None:
        for which, device in enumerate(self.devices):
            head, read = device.space.log.head.n, device.read_seq
            assert device.space.alarm is None
            assert read >= self.highest[which]
            assert read <= self.most
            self.highest[which] = read
            here = [seq for seq in self.written if read < seq <= head]
            assert device.unread == sum(self.deleted.get(seq, head + 1) > head for seq in here)

    def settle(self) -> None:
        """Everything is heard and sent: both devices, the server and Ada know the highest of all."""
        for _ in range(3):
            for device in self.devices:
                while device.deliver():
                    pass
            for device in self.devices:
                assert all(device.send(scope) for scope in Scope)
        assert [device.read_seq for device in self.devices] == [self.most, self.most]
        writes = self.server.writes
        for device in self.devices:
            device.restart()
            assert all(device.send(scope) for scope in Scope)
        assert self.server.writes == writes  # nothing is said twice
        said = heard(self.server, self.ada)
        assert said == (max(self.written, default=None), self.most or None)


def heard(server: Server, ada: Player) -> tuple[int | None, int | None]:
    """What Ada hears of Bob's reading."""
    ada.pull(server.space)
    if Scope.RECEIPT in server.rows:
        ada.machine.take_marker(server.rows[Scope.RECEIPT])
    found = ada.machine.reading.of(server.space).receipts.get(server.owner)
    return (None, None) if found is None else (found.delivered, found.read)


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps)
def test_nothing_goes_back_and_unread_is_what_it_is_defined_to_be(taken: list[tuple[str, int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        server, ada, devices = scene(Path(folder))
        judge = Judge(server, ada, devices)
        for what, which, number in taken:
            judge.step(what, which, number)
        judge.settle()
        for device in devices:
            device.store.close()


@pytest.fixture
def made(tmp_path: Path) -> Iterator[tuple[Server, Player, list[Device]]]:
    found = scene(tmp_path)
    yield found
    for device in found[2]:
        device.store.close()


Made = tuple[Server, Player, list[Device]]


def test_a_lower_marker_of_another_device_changes_nothing(made: Made) -> None:
    server, _, (low, high) = made
    low.read(1)
    low.send(Scope.OWN)
    low.send(Scope.RECEIPT)
    high.read(3)
    while high.deliver():
        assert high.read_seq == 3
    assert high.send(Scope.OWN)
    assert high.send(Scope.RECEIPT)
    assert [row.version for row in server.rows.values()] == [2, 2]
    while low.deliver():
        pass
    assert low.read_seq == 3


def test_whoever_is_slower_replaces_nothing_higher(made: Made) -> None:
    server, _, (low, high) = made
    low.read(1)
    high.read(3)
    for scope in Scope:
        assert high.send(scope)
        assert low.send(scope)  # is told of the higher one, and has nothing to add
    assert [row.version for row in server.rows.values()] == [1, 1]
    assert low.read_seq == 3


def test_what_the_settings_forbid_is_not_said(made: Made) -> None:
    server, ada, (device, _) = made
    seq = ada_says(server, ada, "tea?")
    device.deliver()
    device.read(seq)
    reading = device.machine.reading

    def due(**shown: bool) -> ReceiptMarker | None:
        return reading.receipt_due(device.space, Privacy(**shown))

    assert due() == ReceiptMarker(seq, seq)
    assert due(read_receipts=False) == ReceiptMarker(seq, None)
    assert due(delivery_receipts=False) == ReceiptMarker(None, seq)
    assert due(read_receipts=False, delivery_receipts=False) is None


def test_what_is_not_said_any_more_stays_as_it_was(made: Made) -> None:
    server, ada, (device, _) = made
    seq = ada_says(server, ada, "tea?")
    device.deliver()
    device.read(seq)
    device.send(Scope.RECEIPT)
    assert heard(server, ada) == (seq, seq)
    said = device.seal(device.space, Kind.RECEIPT, {})
    ada.machine.take_marker(MarkerFacts(server.space, Scope.RECEIPT, 2, 0, said))
    assert heard(server, ada) == (seq, seq)


def test_nobody_has_read_more_than_they_have_seen(made: Made) -> None:
    server, ada, (device, _) = made
    seq = ada_says(server, ada, "tea?")
    device.deliver()
    said = device.seal(device.space, Kind.RECEIPT, ReceiptMarker(10**9, 10**9).content())
    server.rows[Scope.RECEIPT] = MarkerFacts(server.space, Scope.RECEIPT, 1, 0, said)
    assert heard(server, ada) == (seq, seq)


def taken(machine: Machine, facts: MarkerFacts) -> Reading:
    machine.take_marker(facts)
    return machine.reading


def test_a_marker_of_another_place_says_nothing(made: Made) -> None:
    server, ada, (device, other) = made
    seq = ada_says(server, ada, "tea?")
    for one in (device, other):
        one.deliver()
    device.read(seq)
    device.send(Scope.OWN)
    device.send(Scope.RECEIPT)
    own, receipt = server.rows[Scope.OWN], server.rows[Scope.RECEIPT]
    swapped = MarkerFacts(server.space, Scope.OWN, 9, 0, receipt.envelope)
    elsewhere = MarkerFacts(server.account, Scope.OWN, 9, 0, own.envelope)
    cut = MarkerFacts(server.space, Scope.OWN, 9, 0, (own.envelope or b"")[:-1])
    for facts in (swapped, elsewhere, cut):
        taken(other.machine, facts)
    assert other.read_seq == 0
    assert other.machine.reading.of(server.account).read == 0
    assert taken(other.machine, own).of(server.space).read == seq
    changed = bytearray(receipt.envelope or b"")
    changed[-1] ^= 1  # the signature
    taken(ada.machine, MarkerFacts(server.space, Scope.RECEIPT, 1, 0, bytes(changed)))
    assert server.owner not in ada.machine.reading.of(server.space).receipts


def test_a_receipt_that_saw_another_past_raises_the_alarm(made: Made) -> None:
    server, ada, (device, _) = made
    seq = ada_says(server, ada, "tea?")
    device.deliver()
    device.read(seq)
    log = device.space.log
    true, log.head = log.head, type(log.head)(log.head.n, bytes(32))
    device.send(Scope.RECEIPT)
    log.head = true
    assert heard(server, ada) == (None, None)
    assert ada.space(server.space).why is Why.FORKED


def test_after_a_decision_to_go_on_with_less_nothing_new_counts_as_read(made: Made) -> None:
    server, ada, (device, _) = made
    first, second = (ada_says(server, ada, text) for text in ("one", "two"))
    device.deliver()
    device.deliver()
    device.read(second)
    device.machine.reading.go_back(server.space, first)
    assert (device.read_seq, device.unread) == (first, 1)


def test_what_lacks_keys_waits_for_them_also_over_a_restart(made: Made) -> None:
    server, ada, (device, other) = made
    seq = ada_says(server, ada, "tea?")
    for one in (device, other):
        one.deliver()
    device.read(seq)
    for scope in Scope:
        device.send(scope)
    taken = {space.id: space.epochs[1].branches for space in other.machine.spaces.values()}
    for space in other.machine.spaces.values():
        space.epochs[1].branches = {}
        other.machine.touch(space)
    while other.deliver():
        pass
    other.restart()
    reading = other.machine.reading
    assert not reading.open_sealed()
    assert other.read_seq == 0
    for space in other.machine.spaces.values():
        space.epochs[1].branches = taken[space.id]
    assert reading.open_sealed()
    assert (other.read_seq, reading.of(server.space).receipt) == (seq, ReceiptMarker(seq, seq))
    assert reading.own_due(other.space) is None
    assert reading.receipt_due(other.space, Privacy()) is None


def test_a_receipt_is_forgotten_at_the_end_of_its_lifetime() -> None:
    relay = Relay()
    ada, bob = Player(relay, "ada"), Player(relay, "bob")
    space = ada.create(SpaceType.GROUP, members(bob), policy=Policy(lifetime=1))
    bob.pull(space)
    ada.pull(space)
    said = ReceiptMarker(1, 1).content()
    draft = Draft(make_id(NOW, random_bytes(10)), Kind.RECEIPT, said, NOW)
    envelope = bob.machine.make.envelope(bob.space(space), draft).data
    now = millis()
    ada.machine.take_marker(MarkerFacts(space, Scope.RECEIPT, 1, now, envelope))
    reading, hour = ada.machine.reading, LIFETIMES[1] or 0
    assert reading.of(space).receipts[bob.id].read == 1
    ends = reading.next_expiry()
    assert ends is not None
    assert ends <= now + hour
    assert not reading.erase_expired(ends - 1)
    assert reading.erase_expired(ends)
    assert (reading.of(space).receipts, reading.next_expiry()) == ({}, None)
    ada.machine.take_marker(MarkerFacts(space, Scope.RECEIPT, 1, now - hour, envelope))  # said to be old already
    assert reading.of(space).receipts == {}


@pytest.mark.parametrize(("kind", "role"), [(SpaceType.BROADCAST, Role.READER), (SpaceType.GROUP, Role.READER)])
def test_receipts_are_for_small_conversations_in_which_all_may_speak(kind: SpaceType, role: Role) -> None:
    relay = Relay()
    ada, bob = Player(relay, "ada"), Player(relay, "bob")
    space = ada.create(kind, members(bob, role=role))
    seq = ada.say(space, "tea?").seq
    bob.pull(space)
    reading = bob.machine.reading
    reading.begin_fetched(space)
    due = reading.receipt_due(bob.space(space), Privacy())
    assert due == (ReceiptMarker(seq) if kind is SpaceType.GROUP else None)
    roster = bob.space(space).roster
    more = {bytes([number]) * 16: roster.seats[bob.id] for number in range(MOST_MEMBERS - 1)}
    bob.space(space).roster = replace(roster, seats={**roster.seats, **more})
    assert reading.receipt_due(bob.space(space), Privacy()) is None
