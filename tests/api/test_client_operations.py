"""The clients' own operations pass the server's limits, at the sizes that the clients ask for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from graphql import FragmentDefinitionNode, OperationDefinitionNode, parse, print_ast

from api.execution import Engine, Request
from api.settings import load_settings
from schema.root import schema

ROOT = Path(__file__).resolve().parents[2]
OPERATIONS = {
    "typescript": ROOT / "sdk/typescript/src/operations",
    "python": ROOT / "sdk/python/circle_client/operations",
}
# How many ids a client sends at once where it asks for much of each: IDENTITIES_AT_ONCE, _MEMBERS_AT_ONCE.
LISTS = {"Identities": 15, "MembersByProtocolId": 25}


def operations() -> list[tuple[str, str, str]]:
    found = []
    for client, folder in OPERATIONS.items():
        document = parse("\n".join(file.read_text() for file in sorted(folder.glob("*.graphql"))))
        fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
        for node in document.definitions:
            if isinstance(node, OperationDefinitionNode) and node.name:
                found.append((client, node.name.value, _with_fragments(print_ast(node), fragments)))
    return found


def _with_fragments(text: str, fragments: dict[str, FragmentDefinitionNode]) -> str:
    needed: dict[str, str] = {}
    waiting = [text]
    while waiting:
        for name in re.findall(r"\.\.\.\s*(?!on\b)(\w+)", waiting.pop()):
            if name not in needed:
                needed[name] = print_ast(fragments[name])
                waiting.append(needed[name])
    return "\n".join([text, *needed.values()])


@pytest.mark.parametrize(("client", "name", "text"), operations(), ids=lambda value: value if len(value) < 40 else "")
def test_an_operation_passes_the_limits(client: str, name: str, text: str) -> None:
    settings = load_settings()
    prepared = Engine(schema, settings).prepare(Request(text, {}, name))
    sizes: dict[str, object] = {}
    for variable in prepared.operation.variable_definitions or ():
        kind = print_ast(variable.type)
        sizes[variable.variable.name.value] = ["x"] * LISTS.get(name, 100) if kind.startswith("[") else 100
    cost = prepared.document.costs[name].evaluate(sizes)
    assert cost <= settings.max_cost, f"{client}'s {name} may cost {cost}"
