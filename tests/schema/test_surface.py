"""The surface as a whole: described in plain words, bounded, and the committed text up to date."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    get_named_type,
    is_specified_scalar_type,
    parse,
    validate,
    validate_schema,
)

from schema.root import schema, sdl

ROOT = Path(__file__).parents[2]
CORE: GraphQLSchema = schema._schema
PAGE = {"first", "after", "last", "before"}
# Lists that are no connections, and what bounds them.
BOUNDED = {
    "Query.nodes": "as many as were asked for, 100 at most",
    "Query.membersByProtocolId": "as many as were asked for, 100 at most",
    "Member.devices": "20 devices",
    "Epoch.grants": "the newest 100",
    "Conversation.markers": "a receipt of each of 50 members at most",
    "PresenceUpdate.presences": "as many as were asked for, 200 at most",
    "RewrapIncompleteError.missing": "the first 1,000",
    "RewrapIncompleteError.missingBoxes": "20 devices and the recovery key",
}
BOUNDED_INPUTS = {
    "Query.nodes.ids": "100",
    "Query.membersByProtocolId.protocolIds": "100",
    "Subscription.presence.memberIds": "200",
    "SignUpInput.boxes": "two",
    "EpochInput.seals": "1,000",
    "RotateMemberKeyInput.boxes": "21",
    "RotateMemberKeyInput.wraps": "20,000",
    "RotateMemberKeyInput.grants": "10,000",
}


def named_types() -> list[GraphQLNamedType]:
    """Our own types."""
    return [
        type_
        for name, type_ in sorted(CORE.type_map.items())
        if not name.startswith("__") and not is_specified_scalar_type(type_)
    ]


def described() -> Iterator[tuple[str, str | None]]:
    """Every type, field, argument and enum value, with its description."""
    for type_ in named_types():
        yield type_.name, type_.description
        if isinstance(type_, GraphQLEnumType):
            for name, value in type_.values.items():
                yield f"{type_.name}.{name}", value.description
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            for name, field in type_.fields.items():
                yield f"{type_.name}.{name}", field.description
                for argument, definition in getattr(field, "args", {}).items():
                    yield f"{type_.name}.{name}({argument})", definition.description


def test_everything_is_described_in_a_sentence() -> None:
    bad = [name for name, text in described() if not text or len(text) < 8 or text.rstrip()[-1] not in ".)"]
    assert not bad


def test_every_list_is_bounded() -> None:
    unbounded = []
    for type_ in named_types():
        if not isinstance(type_, GraphQLObjectType) or type_.name.endswith(("Connection", "Edge", "Payload")):
            continue
        for name, field in type_.fields.items():
            place = f"{type_.name}.{name}"
            inner = get_named_type(field.type)
            if inner.name.endswith("Connection"):
                assert set(field.args) >= PAGE, place
                assert not any(str(field.args[argument].type).endswith("!") for argument in PAGE), place
            elif "[" in str(field.type) and place not in BOUNDED and inner.name not in ("String", "UserError"):
                unbounded.append(place)
    assert not unbounded


def test_every_list_given_has_its_cap_in_the_description() -> None:
    missing = []
    for type_ in named_types():
        fields = getattr(type_, "fields", {})
        for name, field in fields.items():
            places = {f"{type_.name}.{name}": field} if isinstance(type_, GraphQLInputObjectType) else {}
            places |= {f"{type_.name}.{name}.{key}": value for key, value in getattr(field, "args", {}).items()}
            for place, definition in places.items():
                cap = BOUNDED_INPUTS.get(place)
                if "[" in str(definition.type) and (cap is None or cap not in definition.description):
                    missing.append(place)
    assert not missing


def test_bytes_and_texts_given_have_their_caps_in_the_description() -> None:
    missing = []
    for type_ in named_types():
        if not isinstance(type_, GraphQLInputObjectType):
            continue
        for name, field in type_.fields.items():
            inner = get_named_type(field.type).name
            if inner in ("String", "Base64Bytes") and not any(char.isdigit() for char in field.description or ""):
                missing.append(f"{type_.name}.{name}")
    assert missing == ["SignInInput.handle"]  # any text is a handle that nobody has


def test_mutations_take_one_input_and_answer_with_their_own_payload() -> None:
    mutation = CORE.mutation_type
    assert mutation is not None
    for name, field in mutation.fields.items():
        stem = name[0].upper() + name[1:]
        assert {key: str(value.type) for key, value in field.args.items()} == {"input": f"{stem}Input!"}
        assert str(field.type) == f"{stem}Payload!"
        payload = get_named_type(field.type)
        assert isinstance(payload, GraphQLObjectType)
        assert str(payload.fields["errors"].type) == "[UserError!]!"
        results = {key: str(field.type) for key, field in payload.fields.items() if key not in ("errors", "signedOut")}
        assert not [key for key, type_ in results.items() if type_.endswith("!")]


def test_the_schema_is_valid_and_schema_graphql_is_up_to_date() -> None:
    assert validate_schema(CORE) == []
    assert (ROOT / "schema.graphql").read_text() == sdl(), "run `make schema`"


def test_the_text_says_all_that_the_code_does() -> None:
    again = build_schema(sdl())
    assert set(again.type_map) == set(CORE.type_map)


@pytest.mark.parametrize("folder", ["sdk/python/circle_client/operations", "sdk/typescript/src/operations"])
def test_the_sdks_operations_fit(folder: str) -> None:
    texts = [path.read_text() for path in sorted((ROOT / folder).glob("*.graphql"))]
    assert texts
    assert validate(CORE, parse("\n".join(texts))) == []
