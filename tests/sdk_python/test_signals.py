"""Signals of calls: which are opened, and which are refused (e2ee.md sections 7 and 11)."""

from __future__ import annotations

import pytest
from circle_client.machine.alarms import Why
from circle_client.machine.loose import KeysLacking
from circle_client.machine.make import Draft
from circle_client.machine.signals import LONGEST, Freshness
from circle_client.protocol.envelope import Envelope, Header, Kind, decode_envelope, make_id
from circle_client.protocol.errors import Code, ProtocolError
from circle_client.protocol.primitives import random_bytes
from circle_client.protocol.roster import Policy, Role, SpaceType
from circle_client.protocol.structures import Head
from hypothesis import given
from hypothesis import strategies as st

from tests.sdk_python.relay import NOW, Player, Relay, members


@pytest.fixture
def bob(relay: Relay, ada: Player) -> Player:
    return Player(relay, "bob")


def ring(player: Player, space: bytes, b: int = 1, kind: Kind = Kind.SIGNAL) -> Envelope:
    player.pull(space)
    draft = Draft(make_id(NOW, random_bytes(10)), kind, {0: "offer"}, NOW, b=b)
    return player.machine.make.envelope(player.space(space), draft)


def refused(player: Player, envelope: Envelope, space: bytes | None = None) -> Code:
    with pytest.raises(ProtocolError) as caught:
        player.machine.open_signal(player.space(space or envelope.header.space), envelope)
    return Code(caught.value.code)


@pytest.mark.parametrize("policy", [Policy(), Policy(lifetime=4)])
def test_a_signal_is_opened_by_whoever_has_the_keys(ada: Player, bob: Player, policy: Policy) -> None:
    space = ada.create(SpaceType.GROUP, members(bob, role=Role.READER), policy=policy)
    envelope = ring(bob, space)
    ada.pull(space)
    assert envelope.header.b == 1
    assert ada.machine.open_signal(ada.space(space), envelope) == {0: "offer"}
    ada.space(space).epochs[1].branches.clear()
    with pytest.raises(KeysLacking):
        ada.machine.open_signal(ada.space(space), envelope)


def test_what_is_no_signal_of_this_conversation_is_refused(ada: Player, bob: Player) -> None:
    space, other = (ada.create(SpaceType.GROUP, members(bob)) for _ in range(2))
    envelope = ring(bob, space)
    for one in (space, other):
        ada.pull(one)
    assert refused(ada, envelope, other) in (Code.STALE_EPOCH, Code.FORBIDDEN)
    assert refused(ada, ring(bob, space, kind=Kind.MESSAGE)) is Code.FORBIDDEN
    assert refused(ada, ring(bob, space, b=2)) is Code.FORBIDDEN
    forged = decode_envelope(envelope.data[:-1] + bytes([envelope.data[-1] ^ 1]))
    assert refused(ada, forged) is Code.FORBIDDEN


def test_after_an_epoch_has_ended_nothing_under_it_is_opened(ada: Player, bob: Player) -> None:
    space = ada.create(SpaceType.GROUP, members(bob))
    late = ring(bob, space)
    ada.pull(space)
    link = ada.machine.make.policy(ada.space(space), Policy(lifetime=3), NOW)
    ada.relay.roster(link)
    ada.pull(space)
    assert refused(ada, late) is Code.STALE_EPOCH
    ada.renew(space)
    ada.pull(space)
    assert refused(ada, late) is Code.STALE_EPOCH
    assert ada.machine.open_signal(ada.space(space), ring(bob, space)) == {0: "offer"}


def test_a_removed_member_is_not_heard(ada: Player, bob: Player) -> None:
    space = ada.create(SpaceType.GROUP, members(bob))
    late = ring(bob, space)
    ada.pull(space)
    ada.relay.roster(ada.machine.make.remove(ada.space(space), bob.id, NOW))
    ada.renew(space)
    ada.pull(space)
    assert refused(ada, late) is Code.STALE_EPOCH


def test_a_signal_from_another_past_raises_the_alarm(ada: Player, bob: Player) -> None:
    space = ada.create(SpaceType.GROUP, members(bob))
    bob.pull(space)
    ada.pull(space)
    log = bob.space(space).log
    true, log.head = log.head, Head(log.head.n, bytes(32))
    envelope = ring(bob, space)
    log.head = true
    assert refused(ada, envelope) is Code.FORK
    assert ada.space(space).why is Why.FORKED


# ---- time


def header(time: int, id_at: int | None = None, device: bytes = bytes(16)) -> Header:
    id = make_id(time if id_at is None else id_at, random_bytes(10))
    none = Head(0, bytes(32))
    return Header(bytes(16), none, id, bytes(16), device, 0, none, int(Kind.SIGNAL), None, 1, time)


def fits(fresh: Freshness, signal: Header, now: int) -> bool:
    try:
        fresh.check(signal, now)
    except ProtocolError:
        return False
    fresh.heard(signal, now)
    return True


@given(st.integers(-3 * LONGEST, 3 * LONGEST), st.integers(-3 * LONGEST, 3 * LONGEST))
def test_neither_time_is_older_than_a_minute_or_from_the_future(said: int, id_at: int) -> None:
    is_fresh = abs(said) <= LONGEST and abs(id_at) <= LONGEST
    assert fits(Freshness(), header(NOW + said, NOW + id_at), NOW) == is_fresh


def test_what_was_refused_leaves_no_trace() -> None:
    fresh, signal = Freshness(), header(NOW)
    fresh.check(signal, NOW)  # whatever it was, it did not verify: nobody calls `heard`
    assert fits(fresh, signal, NOW)


@given(
    st.lists(
        st.tuples(st.integers(0, 2 * LONGEST), st.integers(0, LONGEST), st.integers(0, 3), st.booleans()), max_size=60
    )
)
def test_nothing_is_heard_twice_or_out_of_order(arrivals: list[tuple[int, int, int, bool]]) -> None:
    fresh, now = Freshness(), NOW
    heard: list[Header] = []
    for passed, age, device, again in arrivals:
        now += passed
        signal = heard[age % len(heard)] if again and heard else header(now - age, device=bytes([device]) * 16)
        earlier = [one for one in heard if one.device == signal.device]
        expected = abs(now - signal.time) <= LONGEST and not (
            any(one.id == signal.id for one in heard) or any(one.time > signal.time for one in earlier)
        )
        assert fits(fresh, signal, now) == expected
        if expected:
            heard.append(signal)
