"""P: every text fits one size alone, and every change of it is refused."""

from __future__ import annotations

import pytest
from circle_client.protocol.errors import Layer, ProtocolError
from circle_client.protocol.padding import is_padded_size, pad, padded, padme, unpad
from hypothesis import given
from hypothesis import strategies as st

texts = st.binary(max_size=2000)


@given(texts)
def test_comes_back(text: bytes) -> None:
    data = pad(text)
    assert unpad(data) == text
    assert is_padded_size(len(data))


@given(st.integers(1, 1 << 24))
def test_padme_adds_at_most_an_eighth_and_is_stable(length: int) -> None:
    size = padme(length)
    assert length <= size <= max(length + length // 8, length + 1)
    assert padme(size) == size


@given(texts, st.data())
def test_a_changed_bit_changes_the_text_or_is_refused(text: bytes, data: st.DataObject) -> None:
    changed = bytearray(pad(text))
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        found = unpad(bytes(changed))
    except ProtocolError as error:
        refused = error.layer
    else:
        assert found != text
        return
    assert refused == Layer.ENVELOPE


@given(texts, st.integers(1, 300))
def test_more_or_fewer_zeros_are_refused(text: bytes, by: int) -> None:
    data = pad(text)
    for other in (data + bytes(by), data[: len(data) - by]):
        with pytest.raises(ProtocolError):
            unpad(other)


@given(st.binary(max_size=600))
def test_random_bytes_are_a_p_only_if_padding_makes_them(data: bytes) -> None:
    try:
        text = unpad(data)
    except ProtocolError:
        return
    assert pad(text) == data


def test_sizes_are_those_that_a_text_can_have() -> None:
    sizes = {padded(length) for length in range(20000)}
    assert sizes == {size for size in range(max(sizes) + 1) if is_padded_size(size)}
