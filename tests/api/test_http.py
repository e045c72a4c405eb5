"""GraphQL over HTTP: media types, status codes, CSRF, limits, masking."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.support.client import MODERN
from tests.support.server import RunningServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

LEGACY = "application/json"
HELLO = "{ server { name } }"


async def post(shared: RunningServer, content: bytes | str, **headers: str) -> httpx.Response:
    sent = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return await shared.http().raw.post("/graphql", content=content, headers=sent)


def code(answer: httpx.Response) -> str:
    found: str = answer.json()["errors"][0]["extensions"]["code"]
    return found


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (MODERN, MODERN),
        (LEGACY, LEGACY),
        ("*/*", MODERN),
        ("application/*", MODERN),
        (f"{LEGACY}, {MODERN};q=0.5", LEGACY),
        (f"text/html, {LEGACY};q=0.9, {MODERN}", MODERN),
    ],
)
async def test_the_answer_has_the_media_type_that_was_asked_for(shared: RunningServer, accept: str, media: str) -> None:
    answer = await shared.http().send(HELLO, headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == f"{media}; charset=utf-8"
    assert answer.json() == {"data": {"server": {"name": "Circle"}}}


async def test_nothing_else_is_acceptable(shared: RunningServer) -> None:
    answer = await shared.http().send(HELLO, headers={"Accept": "text/html"})
    assert (answer.status_code, code(answer)) == (406, "NOT_ACCEPTABLE")


@pytest.mark.parametrize(
    ("query", "variables", "expected"),
    [
        ("{ server {", {}, "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("query($id: ID!) { node(id: $id) { id } }", {}, "BAD_USER_INPUT"),
        ("query($t: Base64Bytes!) { invite(token: $t) { role } }", {"t": "%%"}, "BAD_USER_INPUT"),
        ("subscription { events { __typename } }", {}, "BAD_REQUEST"),
        ("fragment F on Query { server { name } }", {}, "GRAPHQL_VALIDATION_FAILED"),
    ],
)
async def test_a_request_that_cannot_run_is_a_400_or_in_the_old_media_type_a_200(
    shared: RunningServer, query: str, variables: dict[str, Any], expected: str
) -> None:
    modern = await shared.http().send(query, variables)
    assert (modern.status_code, code(modern)) == (400, expected)
    assert "data" not in modern.json()
    legacy = await shared.http().send(query, variables, headers={"Accept": LEGACY})
    assert code(legacy) == expected
    assert legacy.status_code == (400 if expected == "BAD_REQUEST" else 200)


async def test_the_operation_is_picked_by_name(shared: RunningServer) -> None:
    document = "query A { server { name } } query B { server { hasOwner } }"
    picked = await shared.http().send(document, operationName="B")
    assert picked.json() == {"data": {"server": {"hasOwner": False}}}
    for name in (None, "C"):
        answer = await shared.http().send(document, operationName=name)
        assert (answer.status_code, code(answer)) == (400, "BAD_OPERATION_NAME")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"1", b'"x"', b'{"query": 1}', b'{"variables": {}}', b"\xff\xfe", b"[" * 100_000]
)
async def test_what_is_no_request_is_a_400(shared: RunningServer, content: bytes) -> None:
    answer = await post(shared, content)
    assert (answer.status_code, code(answer)) == (400, "BAD_REQUEST")


@pytest.mark.parametrize("key", ["variables", "extensions", "operationName"])
async def test_parameters_have_their_types(shared: RunningServer, key: str) -> None:
    answer = await post(shared, json.dumps({"query": HELLO, key: 7}))
    assert (answer.status_code, code(answer)) == (400, "BAD_REQUEST")


@pytest.mark.parametrize(
    "media",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/json; charset=utf-16"],
)
async def test_a_form_of_another_site_cannot_speak_to_us(shared: RunningServer, media: str) -> None:
    answer = await post(shared, json.dumps({"query": HELLO}), Content_Type=media)
    assert (answer.status_code, code(answer)) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
async def test_pages_of_other_sites_are_refused(shared: RunningServer, headers: dict[str, str]) -> None:
    answer = await post(shared, json.dumps({"query": HELLO}), **headers)
    assert (answer.status_code, code(answer)) == (403, "CROSS_SITE")


async def test_our_own_pages_are_served(shared: RunningServer) -> None:
    answer = await post(shared, json.dumps({"query": HELLO}), Origin=shared.url, Sec_Fetch_Site="same-origin")
    assert answer.status_code == 200


async def test_get_runs_queries_alone(shared: RunningServer) -> None:
    http = shared.http().raw
    variables = json.dumps({"handle": "ada"})
    query = "query($handle: String!) { passwordParameters(handle: $handle) { memoryKib } }"
    answer = await http.get("/graphql", params={"query": query, "variables": variables})
    assert answer.json() == {"data": {"passwordParameters": {"memoryKib": 65536}}}
    refused = await http.get("/graphql", params={"query": "mutation { signOut(input: {}) { signedOut } }"})
    assert (refused.status_code, code(refused), refused.headers["allow"]) == (405, "METHOD_NOT_ALLOWED", "POST")
    assert (await http.put("/graphql", json={"query": HELLO})).status_code == 405
    assert (await http.get("/graphql")).status_code == 400


async def test_a_body_past_the_cap_is_refused_whole_or_in_chunks(shared: RunningServer) -> None:
    content = json.dumps({"query": HELLO, "variables": {"x": "y" * (4 * 1024 * 1024)}}).encode()
    answer = await post(shared, content)
    assert (answer.status_code, code(answer)) == (413, "BODY_TOO_LARGE")

    async def chunks() -> Any:
        for start in range(0, len(content), 65536):
            yield content[start : start + 65536]

    streamed = await shared.http().raw.post("/graphql", content=chunks(), headers={"Content-Type": "application/json"})
    assert (streamed.status_code, code(streamed)) == (413, "BODY_TOO_LARGE")


DEEP = "{ viewer { member { chain(first: 1) { nodes " + "{ number }" + " } } } }"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{ server { " + "name " * 2100 + "} }", "TOKEN_LIMIT"),
        ("{ viewer" + " { member" * 900 + "}" * 900 + "}", "DEPTH_LIMIT"),
        (
            "{ viewer { conversations(first: 1) { nodes { members(first: 1) { nodes { member { chain(first: 1) { edges"
            " { node { number } } } } } } events(first: 1) { edges { node { space { ... on Conversation { events("
            "first: 1) { edges { node { space { ... on Conversation { events(first: 1) { edges { node { id } } }"
            " } } } } } } } } } } } } } }",
            "DEPTH_LIMIT",
        ),
        ("{ server { " + " ".join(f"a{i}: name" for i in range(31)) + " } }", "ALIAS_LIMIT"),
        ("{ " + "server { name } " * 11 + " }", "ROOT_FIELD_LIMIT"),
        ("{ ...A } fragment A on Query { " + "server { name } " * 11 + " }", "ROOT_FIELD_LIMIT"),
        ("{ members(first: 100) { nodes { chain(first: 100) { nodes { number } } } } }", "COST_LIMIT"),
    ],
)
async def test_each_limit_has_its_code_and_runs_nothing(shared: RunningServer, query: str, expected: str) -> None:
    answer = await shared.http().send(query)
    assert (answer.status_code, code(answer)) == (400, expected)


async def test_the_cost_counts_what_variables_ask_for(shared: RunningServer) -> None:
    _, http = await shared.owner()
    query = "query($n: Int!) { members(first: $n) { nodes { chain(first: 100) { nodes { number body } } } } }"
    assert len((await http.data(query, {"n": 10}))["members"]["nodes"]) == 1
    assert await http.codes(query, {"n": 100}) == ["COST_LIMIT"]
    many = "query($ids: [Base64Bytes!]!) { membersByProtocolId(protocolIds: $ids) "
    by_id = many + "{ chain(first: 100) { nodes { body } } } }"
    assert await http.codes(by_id, {"ids": ["AAAAAAAAAAAAAAAAAAAAAA=="] * 100}) == ["COST_LIMIT"]


@pytest.mark.parametrize(
    "fragments", ["fragment A on Query { ...A }", "fragment A on Query { ...B } fragment B on Query { ...A }"]
)
async def test_fragments_in_a_circle_are_a_validation_failure(shared: RunningServer, fragments: str) -> None:
    answer = await shared.http().send("{ server { name } ...A } " + fragments)
    assert code(answer) == "GRAPHQL_VALIDATION_FAILED"


async def test_fragments_that_double_are_counted_and_not_unfolded(shared: RunningServer) -> None:
    parts = [f"fragment F{i} on Member {{ ...F{i + 1} ...F{i + 1} }}" for i in range(30)]
    query = "{ members(first: 1) { nodes { ...F0 } } } " + " ".join(parts) + " fragment F30 on Member { handle }"
    answer = await shared.http().send(query)
    assert code(answer) == "COST_LIMIT"


async def test_the_usual_introspection_query_passes(shared: RunningServer) -> None:
    from graphql import get_introspection_query

    answer = await shared.http().send(get_introspection_query(descriptions=True, input_value_deprecation=True))
    assert answer.status_code == 200, answer.text
    assert "errors" not in answer.json()


async def test_an_unexpected_failure_is_masked_and_logged_under_its_reference(
    shared: RunningServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object) -> bool:
        raise RuntimeError("secret detail of row 42")

    monkeypatch.setattr("schema.identity.get_has_owner", fail)
    answer = await shared.http().send("{ server { hasOwner } }")
    error = answer.json()["errors"][0]
    assert answer.status_code == 500
    assert error["extensions"]["code"] == "INTERNAL"
    assert "secret" not in answer.text
    reference = error["extensions"]["reference"]
    assert reference in error["message"]
    record = next(record for record in caplog.records if getattr(record, "reference", None) == reference)
    assert "secret" not in record.getMessage()


async def test_every_answer_is_private_and_has_an_id(shared: RunningServer) -> None:
    answer = await shared.http().send(HELLO, headers={"X-Request-Id": "abc-123"})
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-request-id"] == "abc-123"
    odd = await shared.http().send(HELLO, headers={"X-Request-Id": "a b\tc"})
    assert odd.headers["x-request-id"] not in {"a b\tc", ""}
