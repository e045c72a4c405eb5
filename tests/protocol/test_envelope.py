"""Envelopes: what is sealed opens, and nothing that was changed does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from circle_client.protocol import contents, markers
from circle_client.protocol.cbor import Value
from circle_client.protocol.envelope import (
    CT_CAP,
    Envelope,
    Kind,
    decode_envelope,
    id_time,
    make_id,
    open_envelope,
    seal_envelope,
)
from circle_client.protocol.errors import Code, ProtocolError
from hypothesis import given, settings
from hypothesis import strategies as st

from sdk.vectors.maker.structures import group
from tests.protocol.test_cbor import depth, values

SPACE, ADA, BEN, _ = group()
BRANCHES = SPACE.epochs[0].branches
SEED = ADA.device.dk_seed
some_contents = st.dictionaries(st.integers(0, 23), values, max_size=6).map(lambda value: dict(sorted(value.items())))


def seal(content: dict[int, Value], b: int = 0) -> Envelope:
    return SPACE.seal(ADA, content, Kind.MESSAGE, b)


def read(data: bytes) -> dict[int, Any]:
    envelope = decode_envelope(data)
    envelope.verify(ADA.device.dk)
    return open_envelope(envelope, BRANCHES[envelope.header.b])


@settings(max_examples=50, deadline=None)
@given(some_contents, st.integers(0, 6))
def test_opens(content: dict[int, Value], b: int) -> None:
    if depth(content) <= 8:
        assert read(seal(content, b).data) == content


GOOD = seal(contents.message("one of many bits"))


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(GOOD.data) * 8 - 1))
def test_no_bit_can_be_flipped(bit: int) -> None:
    changed = bytearray(GOOD.data)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ProtocolError):
        read(bytes(changed))


def test_the_same_envelope_seals_to_the_same_bytes() -> None:
    header = SPACE.header(ADA)
    first = seal_envelope(header, contents.message("x"), BRANCHES[0], SEED)
    again = seal_envelope(header, contents.message("x"), BRANCHES[0], SEED)
    other = seal_envelope(header, contents.message("y"), BRANCHES[0], SEED)
    assert first.data == again.data
    assert first.syn != other.syn
    assert decode_envelope(first.data) == first


def test_the_item_is_not_that_of_the_signature() -> None:
    other = replace(GOOD, signature=bytes(64))
    assert other.item == GOOD.item


def test_content_that_is_too_long_is_refused() -> None:
    seal({0: bytes(96_000)})
    with pytest.raises(ProtocolError) as caught:
        seal({0: bytes(CT_CAP)})
    assert caught.value.code == Code.MALFORMED


@given(st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10))
def test_ids_hold_their_time(time: int, random: bytes) -> None:
    made = make_id(time, random)
    assert id_time(made) == time
    assert (made[6] >> 4, made[8] >> 6) == (7, 2)


def test_contents_come_back() -> None:
    picture = contents.State("A title", b"\x00" * 10, "image/webp")
    assert contents.read_state({**picture.content(), 9: "unknown"}) == picture
    assert contents.read_state(contents.State("bare").content()) == contents.State("bare")
    assert contents.read_message(contents.message("hello")) == "hello"
    assert contents.read_reaction(contents.reaction("🧗")) == "🧗"
    assert markers.read_receipt({**markers.ReceiptMarker(7).content(), 9: "unknown"}) == markers.ReceiptMarker(7)
    assert markers.read_receipt(markers.ReceiptMarker(read=0).content()) == markers.ReceiptMarker(None, 0)
    own = markers.OwnMarker(bytes(16), 2**53 - 1)
    assert markers.read_own({**own.content(), 9: "unknown"}) == own


@pytest.mark.parametrize(
    ("read_content", "content"),
    [
        (contents.read_message, {}),
        (contents.read_message, {0: b"bytes"}),
        (contents.read_message, {0: "x" * 16_001}),
        (contents.read_reaction, {0: None}),
        (markers.read_receipt, {0: True}),
        (markers.read_receipt, {0: None, 1: 3}),
        (markers.read_receipt, {1: -1}),
        (markers.read_own, {}),
        (markers.read_own, {0: bytes(16)}),
        (markers.read_own, {0: bytes(15), 1: 3}),
        (markers.read_own, {0: bytes(16), 1: 2**53}),
        (contents.read_state, {0: "x" * 121}),
        (contents.read_state, {0: "x", 1: b"picture"}),
        (contents.read_state, {0: "x", 2: "image/webp"}),
        (contents.read_state, {0: "x", 1: bytes(65_537), 2: "image/webp"}),
    ],
)
def test_contents_of_another_shape_are_refused(read_content: Any, content: dict[int, Any]) -> None:
    with pytest.raises(ProtocolError) as caught:
        read_content(content)
    assert caught.value.code == Code.UNREADABLE
