"""Ways to change valid bytes: bits, cuts, insertions, and edits of the CBOR inside, also inside byte strings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import cbor2
from circle_client.protocol.cbor import decode
from circle_client.protocol.errors import ProtocolError
from hypothesis import strategies as st

_CAP = 1 << 20
_ODD: list[Any] = [
    *(
        None,
        True,
        False,
        0,
        1,
        23,
        24,
        255,
        256,
        2**32,
        2**53 - 1,
        2**53,
        2**64,
        -1,
        1.0,
        float("nan"),
        b"",
        "",
        [],
        {},
    ),
    *(bytes(16), bytes(32), b"\xff" * 32, [[]], {0: 1}, {"0": 1}, {24: 0}, "é", cbor2.CBORTag(1, 0), cbor2.undefined),
]


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _paths(item, (*path, index))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _paths(item, (*path, key))


def _edited(value: Any, path: tuple[Any, ...], change: Callable[[Any], Any]) -> Any:
    if not path:
        return change(value)
    if isinstance(value, list):
        return [_edited(item, path[1:], change) if index == path[0] else item for index, item in enumerate(value)]
    return {key: _edited(item, path[1:], change) if key == path[0] else item for key, item in value.items()}


def _inside(data: bytes) -> Any | None:
    try:
        value = decode(data, _CAP)
    except ProtocolError:
        return None
    return value if isinstance(value, list | dict) else None


def _changed(draw: st.DrawFn, value: Any) -> Any:
    """One change of a value that fits its type, or puts another type in its place."""
    if isinstance(value, bytes) and (inside := _inside(value)) is not None and draw(st.booleans()):
        return cbor2.dumps(_edit(draw, inside))
    if isinstance(value, bytes) and value and draw(st.booleans()):
        return draw(bytes_like(value))
    if type(value) is int and draw(st.booleans()):
        return max(0, value + draw(st.sampled_from([-1, 1, 256, 2**32])))
    if isinstance(value, list) and value and draw(st.booleans()):
        at = draw(st.integers(0, len(value) - 1))
        return draw(
            st.sampled_from([value[:at] + value[at + 1 :], [*value, value[at]], value[::-1], [value[at], *value]])
        )
    if isinstance(value, dict) and value and draw(st.booleans()):
        key = draw(st.sampled_from(sorted(value)))
        without = {k: v for k, v in value.items() if k != key}
        return draw(st.sampled_from([without, {**value, max(value) + 1: 0}, {**without, key: value[key]}]))
    return draw(st.sampled_from(_ODD))


def _edit(draw: st.DrawFn, value: Any) -> Any:
    path = draw(st.sampled_from(list(_paths(value))))
    return _edited(value, path, lambda found: _changed(draw, found))


@st.composite
def bytes_like(draw: st.DrawFn, original: bytes) -> bytes:
    """The bytes with bits flipped, cut, something put in, or doubled."""
    data = bytearray(original)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        how = draw(st.integers(0, 4))
        if how == 0 and data:
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif how == 1:
            del data[at:]
        elif how == 2:
            data[at:at] = draw(st.binary(min_size=1, max_size=8))
        elif how == 3:
            del data[at : at + draw(st.integers(1, 8))]
        else:
            data += data[at : at + 16]
    return bytes(data)


@st.composite
def mutations(draw: st.DrawFn, original: bytes) -> bytes:
    """Something near the original, or nothing like it."""
    value = _inside(original)
    how = draw(st.integers(0, 9))
    if how == 0:
        return draw(st.binary(max_size=200))
    if value is not None and how < 6:
        return cbor2.dumps(_edit(draw, value))
    return draw(bytes_like(original))
