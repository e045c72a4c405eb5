"""Spoiling inputs: from a good input of a mutation, one that the server must refuse."""

from __future__ import annotations

import base64
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
)
from hypothesis import strategies as st

Path = tuple[str | int, ...]
# Bytes that the server cannot open: only their size can be wrong; and those that may be longer.
OPAQUE = {
    "grant", "boxes.box", "authKey", "mac", "tokenHash", "invite", "linkId", "box", "answer", "archive", "wraps.wrap",
}  # fmt: skip
GROWING = {"grant"}
WRONG_TYPES: list[Any] = [True, 1.5, {"no": "such"}, [[]], {}, "ä" * 3]


@dataclass(frozen=True)
class Place:
    """One value in an input: where, of which GraphQL type, and what it is."""

    path: Path
    type: GraphQLInputType
    value: Any

    @property
    def name(self) -> str:
        """The path without indices: `boxes.box`."""
        return ".".join(str(part) for part in self.path if isinstance(part, str))


def places(schema: GraphQLSchema, mutation: str, input_: dict[str, Any]) -> list[Place]:
    """Every value given in a mutation's input."""
    root = schema.mutation_type
    assert root is not None
    return list(_places((), root.fields[mutation].args["input"].type, input_))


def _places(path: Path, type_: GraphQLInputType, value: Any) -> Iterator[Place]:
    if path:
        yield Place(path, type_, value)
    inner = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
    if isinstance(inner, GraphQLInputObjectType):
        for name, given in value.items():
            yield from _places((*path, name), inner.fields[name].type, given)
    elif isinstance(inner, GraphQLList):
        for index, given in enumerate(value):
            yield from _places((*path, index), inner.of_type, given)


def put(input_: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """A copy of the input with another value at the path."""
    made = copy.deepcopy(input_)
    inner: Any = made
    for part in path[:-1]:
        inner = inner[part]
    inner[path[-1]] = value
    return made


def drop(input_: dict[str, Any], path: Path) -> dict[str, Any]:
    """A copy of the input without the path's field."""
    made = copy.deepcopy(input_)
    inner: Any = made
    for part in path[:-1]:
        inner = inner[part]
    del inner[path[-1]]
    return made


def spoiled(input_: dict[str, Any], place: Place) -> st.SearchStrategy[dict[str, Any]]:
    """Inputs that are wrong at one place."""
    replace: Callable[[Any], dict[str, Any]] = lambda value: put(input_, place.path, value)  # noqa: E731  (a short name)
    ways: list[st.SearchStrategy[dict[str, Any]]] = [st.sampled_from(WRONG_TYPES).map(replace)]
    required = isinstance(place.type, GraphQLNonNull)
    inner = place.type.of_type if isinstance(place.type, GraphQLNonNull) else place.type
    if required:
        ways.append(st.just(None).map(replace))
        if isinstance(place.path[-1], str):
            ways.append(st.just(drop(input_, place.path)))
    if isinstance(inner, GraphQLInputObjectType):
        ways.append(st.just(put(input_, (*place.path, "extra"), 1)))
    elif isinstance(inner, GraphQLEnumType):
        ways.append(st.sampled_from(["NOPE", "", 0]).map(replace))
    elif isinstance(inner, GraphQLList):
        ways += [st.just([]).map(replace), st.just([*place.value, *place.value]).map(replace)]
        ways.append(st.just([*place.value] * 600).map(replace))
    elif inner.name == "Base64Bytes":
        ways.append(_other_bytes(place.name, base64.b64decode(place.value)).map(replace))
    elif inner.name == "ID":
        ways.append(st.one_of(st.text(max_size=200), st.just("TWVtYmVyOgAAAAAAAAAAAAAAAAAAAAA")).map(replace))
    elif inner.name == "Int":
        ways.append(st.sampled_from([-1, 0, -(2**31), 2**31 - 1, 2**31, 10**30]).map(replace))
    return st.one_of(ways)


def _other_bytes(name: str, raw: bytes) -> st.SearchStrategy[str]:
    sizes = [
        st.just(b""),
        st.integers(0, max(0, len(raw) - 1)).map(lambda end: raw[:end]),
        st.just(raw + bytes(2 * 1024 * 1024)),
    ]
    if name not in GROWING:
        sizes.append(st.binary(min_size=1, max_size=64).map(lambda more: raw + more))
    flips = [st.integers(0, max(0, len(raw) * 8 - 1)).map(lambda bit: _flip(raw, bit))]
    texts = st.sampled_from(["*", "A", "AB==", "AAA\n"])
    return st.one_of(st.one_of(sizes if name in OPAQUE or not raw else sizes + flips).map(_b64), texts)


def _flip(raw: bytes, bit: int) -> bytes:
    made = bytearray(raw)
    made[bit // 8] ^= 1 << bit % 8
    return bytes(made)


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
