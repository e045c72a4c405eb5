"""The CBOR profile is strict: what is accepted is exactly what would be encoded."""

from __future__ import annotations

from typing import Any

import pytest
from circle_client.protocol import cbor
from circle_client.protocol.errors import Code, Layer, ProtocolError
from hypothesis import example, given
from hypothesis import strategies as st

CAP = 1 << 20
scalars = (
    st.integers(0, cbor.MAX_INT - 1)
    | st.binary(max_size=300)
    | st.text(st.characters(codec="utf-8"), max_size=300)
    | st.booleans()
    | st.none()
)


def containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    ascending = st.dictionaries(st.integers(0, 23), inner, max_size=5).map(lambda value: dict(sorted(value.items())))
    return st.lists(inner, max_size=5) | ascending


values = st.recursive(scalars, containers, max_leaves=20)


def depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max((depth(item) for item in value.values()), default=0)
    return 1 + max((depth(item) for item in value), default=0) if isinstance(value, list) else 0


def same(a: Any, b: Any) -> bool:
    """Equal, types included: True is not 1."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


@given(values)
def test_every_value_of_the_profile_comes_back(value: Any) -> None:
    if depth(value) > cbor.MAX_DEPTH:
        with pytest.raises(ProtocolError):
            cbor.encode(value)
        return
    assert same(cbor.decode(cbor.encode(value), CAP), value)


@given(st.binary(max_size=60))
@example(b"\xa2\x00\x00\x00\x01")
@example(b"\xc2\x41\x01")
@example(b"\xf9\x3c\x00")
def test_random_bytes_are_accepted_only_if_they_encode_again(data: bytes) -> None:
    try:
        value = cbor.decode(data, CAP)
    except ProtocolError as error:
        refused = (error.code, error.layer)
    else:
        assert cbor.encode(value) == data
        return
    assert refused == (Code.MALFORMED, Layer.CBOR)


@given(values, st.data())
def test_a_changed_byte_gives_another_value_or_nothing(value: Any, data: st.DataObject) -> None:
    if depth(value) > cbor.MAX_DEPTH:
        return
    encoded = cbor.encode(value)
    place = data.draw(st.integers(0, len(encoded) - 1))
    changed = bytearray(encoded)
    changed[place] ^= data.draw(st.integers(1, 255))
    try:
        other = cbor.decode(bytes(changed), CAP)
    except ProtocolError:
        return
    assert not same(other, value)


@given(values, st.binary(min_size=1, max_size=3))
def test_nothing_follows(value: Any, more: bytes) -> None:
    if depth(value) > cbor.MAX_DEPTH:
        return
    with pytest.raises(ProtocolError):
        cbor.decode(cbor.encode(value) + more, CAP)


def test_a_cap_is_held() -> None:
    data = cbor.encode(bytes(100))
    assert cbor.decode(data, len(data)) == bytes(100)
    with pytest.raises(ProtocolError):
        cbor.decode(data, len(data) - 1)


@pytest.mark.parametrize("value", [-1, cbor.MAX_INT, 1.0, {1: 0, 0: 0}, {24: 0}, {True: 0}, {"0": 0}, object(), {1, 2}])
def test_what_is_not_of_the_profile_is_not_encoded(value: Any) -> None:
    with pytest.raises(ProtocolError):
        cbor.encode(value)


def test_a_text_with_a_surrogate_is_not_encoded() -> None:
    with pytest.raises(ProtocolError):
        cbor.encode("\ud800")


@pytest.mark.parametrize("read", [cbor.uint, lambda v: cbor.raw(v, 1), lambda v: cbor.text(v, 9), cbor.array])
@pytest.mark.parametrize("value", [True, False, None, {0: 1}])
def test_field_readers_take_their_own_type_alone(read: Any, value: Any) -> None:
    with pytest.raises(ProtocolError):
        read(value)
