"""The limits by themselves: what counts as how much, and that hostile documents are cheap to refuse."""

from __future__ import annotations

import pytest

from api.execution import Engine, Request
from api.refusals import RequestError
from api.settings import load_settings
from schema.root import schema


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(schema, load_settings())


def cost(engine: Engine, text: str, **variables: object) -> int:
    document = engine.prepare(Request(text, {}, None)).document
    return next(iter(document.costs.values())).evaluate(variables)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{ server { name version } }", 3),
        ("{ members(first: 10) { nodes { handle } } }", 1 + 10 * 2),
        ("{ members(first: 10) { edges { node { handle } } pageInfo { endCursor } } }", 1 + 10 * 5),
        ("{ members(first: 10) { nodes { devices { name } } } }", 1 + 10 * (1 + 1 + 5)),
        ("{ members(last: 4, first: 10) { nodes { id } } }", 1 + 10 * 2),
        ('{ nodes(ids: ["a", "b", "c"]) { id } }', 1 + 3),
        ("query($n: Int = 7) { members(first: $n) { nodes { id } } }", 1 + 2),  # defaults come with the variables
        ("{ node(id: 1) { ... on Member { handle displayName } ... on Device { name } id } }", 1 + 2 + 1),
        ("{ ...A ...A } fragment A on Query { server { name } }", 4),
        ("{ __typename server { __typename } }", 3),
        ("{ __schema { types { name } } }", 100),
    ],
)
def test_what_an_operation_may_cost(engine: Engine, text: str, expected: int) -> None:
    assert cost(engine, text) == expected


def test_variables_count_and_odd_ones_count_as_one(engine: Engine) -> None:
    text = "query($n: Int) { members(first: $n) { nodes { id } } }"
    assert [cost(engine, text, n=n) for n in (50, 0, -5, None, True)] == [101, 3, 3, 3, 3]
    ids = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    assert cost(engine, ids, ids=["x"] * 40) == 41


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{ server { " + "name " * 590 + "} }", None),
        ("{ server { " + "name " * 1900 + "} }", "SELECTION_LIMIT"),
        ("{ viewer { " + "... { " * 480 + "session { id }" + " }" * 480 + "} }", "DEPTH_LIMIT"),
        ("{ a " * 900, "DEPTH_LIMIT"),
        ("query(" + "$a: " + "[" * 1500, "DEPTH_LIMIT"),
        ("# " * 100_000, "GRAPHQL_PARSE_FAILED"),
        ("#\n" * 100_000, "TOKEN_LIMIT"),
        ("", "GRAPHQL_PARSE_FAILED"),
    ],
)
def test_hostile_documents(engine: Engine, text: str, code: str | None) -> None:
    try:
        engine.prepare(Request(text, {}, None))
        found = None
    except RequestError as refusal:
        found = refusal.errors[0]["extensions"]["code"]
    assert found == code


def test_a_document_is_read_once_and_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(schema, load_settings(document_cache_size=2))
    texts = ["{ server { name } }", "{ server { version } }", "{ server { hasOwner } }"]
    first = engine.prepare(Request(texts[0], {}, None)).document
    assert engine.prepare(Request(texts[0], {}, None)).document is first
    for text in texts[1:]:
        engine.prepare(Request(text, {}, None))
    assert engine.prepare(Request(texts[0], {}, None)).document is not first
