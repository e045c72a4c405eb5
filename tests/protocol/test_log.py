"""A client's view of a log, and pins: what fits passes, what does not is a fork."""

from __future__ import annotations

import pytest
from circle_client.protocol import contents
from circle_client.protocol.envelope import Envelope
from circle_client.protocol.epoch_keys import must_complain
from circle_client.protocol.errors import Code, DueReason, Layer, ProtocolError
from circle_client.protocol.log import EPOCH_ENVELOPES, LogView, next_hash
from circle_client.protocol.member_chain import MemberChain
from circle_client.protocol.pins import check_pin
from circle_client.protocol.primitives import Z32
from circle_client.protocol.structures import Head
from hypothesis import given
from hypothesis import strategies as st

from sdk.vectors.maker.structures import busy_person, group
from sdk.vectors.maker.world import Person, Space

hashes = st.binary(min_size=32, max_size=32)


def view_of(space: Space) -> LogView:
    view = LogView()
    for seq, item in enumerate(space.items, 1):
        view.add(seq, item)
        if item == space.epoch.hash:
            view.entered_epoch(space.epoch)
    return view


def take(view: LogView, space: Space, sender: Person, envelope: Envelope) -> None:
    envelope.verify(view.check_envelope(envelope, sender.chain))
    space.append(envelope.item)
    view.add(space.head.n, envelope.item)
    view.entered_envelope()


def test_a_conversation_is_followed() -> None:
    space, ada, ben, _ = group()
    view = view_of(space)
    for sender in (ada, ben, ada):
        envelope = space.seal(sender, contents.message("hello"))
        take(view, space, sender, envelope)
        view.check_own(space.head.n, envelope.item)
    assert view.head == space.head
    view.entered_complaint()
    late = space.seal(ada, contents.message("late"))
    with pytest.raises(ProtocolError) as caught:
        view.check_envelope(late, ada.chain)
    assert caught.value.code == Code.STALE_EPOCH
    space.announce(ada)
    view.add(space.head.n, space.epoch.hash)
    view.entered_epoch(space.epoch)
    take(view, space, ada, space.seal(ada, contents.message("on time")))


def test_an_own_send_that_moved_is_noticed() -> None:
    space, ada, _, _ = group()
    view = view_of(space)
    envelope = space.seal(ada, contents.message("hello"))
    take(view, space, ada, envelope)
    for seq, item in ((space.head.n + 1, envelope.item), (space.head.n, Z32)):
        with pytest.raises(ProtocolError):
            view.check_own(seq, item)


def test_an_epoch_ends_by_count() -> None:
    view = LogView()
    view.entered_epoch(Head(1, Z32))
    for _ in range(EPOCH_ENVELOPES):
        assert view.due is None
        view.entered_envelope()
    assert view.due == DueReason.COUNT


@given(st.lists(hashes, unique=True, min_size=1, max_size=20), st.data())
def test_a_view_may_begin_anywhere(items: list[bytes], data: st.DataObject) -> None:
    whole = LogView()
    for seq, item in enumerate(items, 1):
        whole.add(seq, item)
    start = data.draw(st.integers(0, len(items)))
    part = LogView(start=Head(start, whole.hashes[start]))
    for seq, item in enumerate(items[start:], start + 1):
        part.add(seq, item)
    assert part.head == whole.head
    for seq, digest in whole.hashes.items():
        part.check_hash(Head(seq, digest))
    whole.trim(3)
    assert set(whole.hashes) == set(range(max(0, len(items) - 2), len(items) + 1))


@given(st.lists(hashes, unique=True, min_size=2, max_size=12), st.data())
def test_every_change_of_a_log_shows_in_the_last_hash(items: list[bytes], data: st.DataObject) -> None:
    other = data.draw(st.permutations(items) | st.just(items[:-1]) | st.lists(hashes, min_size=1, max_size=12))

    def last(entries: list[bytes]) -> bytes:
        before = Z32
        for seq, item in enumerate(entries, 1):
            before = next_hash(before, seq, item)
        return before

    assert (last(items) == last(other)) == (items == other)


def test_pins() -> None:
    person = busy_person()
    chain = MemberChain.verify(person.links, person.member)
    for n, digest in enumerate(chain.hashes):
        chain.check_pin(Head(n, digest))
        check_pin(Head(n, digest), chain.head, lambda at: chain.hashes[at])
        check_pin(Head(n, digest), chain.head, lambda _: None)
    for pin in (Head(chain.head.n + 1, Z32), Head(0, Z32), Head(chain.head.n, Z32)):
        with pytest.raises(ProtocolError) as caught:
            check_pin(pin, chain.head, lambda at: chain.hashes[at])
        assert caught.value.code == Code.FORK
        with pytest.raises(ProtocolError):
            chain.check_pin(pin)


def test_what_is_answered_with_a_complaint() -> None:
    def error(code: Code) -> ProtocolError:
        return ProtocolError(code, "", Layer.SEAL)

    assert must_complain(error(Code.BAD_SEAL))
    assert must_complain(error(Code.BAD_COMMIT))
    assert not must_complain(error(Code.SEAL_MISMATCH))
