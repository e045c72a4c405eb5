"""E: the CBOR profile of e2ee.md section 1, and the type checks of decoded fields.

What is accepted: unsigned integers below 2^53, byte strings, UTF-8 text, arrays, maps with keys 0 to 23 ascending,
true, false, null; shortest forms, definite lengths, at most 8 containers inside each other. Everything is decoded,
encoded again and compared; every failure is MALFORMED in the layer `cbor`.
"""

from __future__ import annotations

from typing import Any, TypeAlias, cast

import cbor2

from circle_client.protocol.errors import Code, Layer, ProtocolError, Refuser

Value: TypeAlias = "int | bytes | str | bool | list[Value] | tuple[Value, ...] | dict[int, Value] | None"

MAX_INT = 2**53
MAX_DEPTH = 8
MAX_KEY = 23
SUITE = 1

_refuse = Refuser(Layer.CBOR)


def malformed(message: str) -> ProtocolError:
    """The error of everything that is not of the profile or not of the structure's shape."""
    return _refuse(Code.MALFORMED, message)


def _no_tags(value: object, immutable: bool) -> object:
    raise ValueError("tags are not of the profile")


# cbor2 would build dates, regular expressions, sets and shared values from these: refused before anything is built.
_TAGS = (0, 1, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 52, 54, 100, 256, 258, 260, 261, 1004, 43000, 55799)
_SEMANTIC = dict.fromkeys(_TAGS, _no_tags)


_PLAIN = frozenset({bytes, str, bool, type(None)})


def _walk(value: object, depth: int) -> None:
    kind = type(value)
    if kind in _PLAIN:
        return
    if kind is int:
        if not 0 <= cast("int", value) < MAX_INT:
            raise malformed("An integer is out of range.")
        return
    if depth == MAX_DEPTH:
        raise malformed("The structure is nested too deeply.")
    if kind is list or kind is tuple:
        for item in cast("list[object]", value):
            if type(item) not in _PLAIN:  # saves a call for most items: this is the server's hot path
                _walk(item, depth + 1)
        return
    if kind is not dict:
        raise malformed("A type is not allowed.")
    last = -1
    for key, item in cast("dict[object, object]", value).items():
        if type(key) is not int or not last < key <= MAX_KEY:
            raise malformed("Map keys must be integers from 0 to 23 in ascending order.")
        last = key
        if type(item) not in _PLAIN:
            _walk(item, depth + 1)


def encode(value: Value) -> bytes:
    """E(value). Raises MALFORMED for what the profile does not hold (also maps whose keys do not ascend)."""
    _walk(value, 0)
    try:
        return cbor2.dumps(value)
    except (cbor2.CBOREncodeError, UnicodeError) as error:
        raise malformed("A text is not valid Unicode.") from error


def decode(data: bytes, cap: int) -> Any:
    """The value of `data`, which has at most `cap` bytes. Raises MALFORMED unless E(value) is `data` again."""
    if len(data) > cap:
        raise malformed(f"The structure is longer than {cap} bytes.")
    try:
        value = cbor2.loads(
            data,
            semantic_decoders=_SEMANTIC,
            max_depth=MAX_DEPTH,
            allow_indefinite=False,
            allow_duplicate_keys=False,
        )
        _walk(value, 0)
        again = cbor2.dumps(value)
    except ProtocolError:
        raise
    except Exception as error:  # cbor2 raises many kinds, all mean the same here
        raise malformed("The bytes are not CBOR of the profile.") from error
    if again != data:
        raise malformed("The CBOR is not in its shortest form.")
    return value


def fields(value: object, count: int) -> list[Any]:
    """The values of a map with exactly the keys 0 to count - 1. Raises MALFORMED."""
    if type(value) is not dict or len(value) != count or (count and next(reversed(value)) != count - 1):
        raise malformed(f"A map with the keys 0 to {count - 1} is expected.")
    return list(value.values())


def body(data: bytes, cap: int, count: int) -> list[Any]:
    """The fields of a structure whose field 0 is the suite. Raises MALFORMED, also for another suite."""
    values = fields(decode(data, cap), count)
    if type(values[0]) is not int or values[0] != SUITE:
        raise malformed("The suite is not known.")
    return values


def uint(value: object, limit: int = MAX_INT) -> int:
    """An integer below `limit`; a bool is none. Raises MALFORMED."""
    if type(value) is not int or not 0 <= value < limit:
        raise malformed("An integer in range is expected.")
    return value


def raw(value: object, length: int) -> bytes:
    """A byte string of exactly `length`. Raises MALFORMED."""
    if type(value) is not bytes or len(value) != length:
        raise malformed(f"A byte string of {length} bytes is expected.")
    return value


def blob(value: object, cap: int) -> bytes:
    """A byte string of at most `cap`. Raises MALFORMED."""
    if type(value) is not bytes or len(value) > cap:
        raise malformed(f"A byte string of at most {cap} bytes is expected.")
    return value


def text(value: object, cap: int) -> str:
    """A text of at most `cap` characters (code points). Raises MALFORMED."""
    if type(value) is not str or len(value) > cap:
        raise malformed(f"A text of at most {cap} characters is expected.")
    return value


def array(value: object, count: int | None = None) -> list[Any]:
    """An array, of exactly `count` items if given. Raises MALFORMED."""
    if type(value) is not list or (count is not None and len(value) != count):
        raise malformed("An array of another length is expected." if type(value) is list else "An array is expected.")
    return value
