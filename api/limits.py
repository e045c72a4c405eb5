"""Limits that a document's bare shape must keep, checked before the costlier validation."""

from __future__ import annotations

from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from api.refusals import RequestError

INTROSPECTION = frozenset({"__schema", "__type"})


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one operation; see docs/decisions/0041."""

    tokens: int
    depth: int
    selections: int
    aliases: int
    root_fields: int
    cost: int


def check_structure(document: DocumentNode, limits: Limits) -> None:
    """Raises RequestError with SELECTION_LIMIT, DEPTH_LIMIT, ALIAS_LIMIT or ROOT_FIELD_LIMIT.

    The number of selections is bounded because validation compares fields of the same name pair by pair.
    Fragments count where they are spread. Introspection has its own depth rule: the usual introspection query is
    deeper than any other operation needs to be, and its answer is bounded by the schema.
    """
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    shape = _Shape(fragments, limits)
    try:
        selections, aliases = shape.count(document)
        if selections > limits.selections:
            message = f"The document has {selections} fields and fragments and the limit is {limits.selections}."
            raise RequestError("SELECTION_LIMIT", message, limit=limits.selections)
        for definition in document.definitions:
            if isinstance(definition, OperationDefinitionNode):
                shape.check_operation(definition)
        if aliases > limits.aliases:
            message = f"The document has {aliases} aliases and the limit is {limits.aliases}."
            raise RequestError("ALIAS_LIMIT", message, limit=limits.aliases)
    except RecursionError:
        raise RequestError("DEPTH_LIMIT", "The document is nested too deeply.", limit=limits.depth) from None


class _Shape:
    def __init__(self, fragments: dict[str, FragmentDefinitionNode], limits: Limits) -> None:
        self._fragments, self._limits = fragments, limits
        self._depths: dict[str, int] = {}

    def check_operation(self, operation: OperationDefinitionNode) -> None:
        depth = self._depth(operation.selection_set, frozenset())
        if depth > self._limits.depth:
            message = f"The operation is {depth} levels deep and the limit is {self._limits.depth}."
            raise RequestError("DEPTH_LIMIT", message, limit=self._limits.depth)
        fields = self._root_fields(operation.selection_set, set())
        if fields > self._limits.root_fields:
            message = f"The operation has {fields} root fields and the limit is {self._limits.root_fields}."
            raise RequestError("ROOT_FIELD_LIMIT", message, limit=self._limits.root_fields)

    def count(self, document: DocumentNode) -> tuple[int, int]:
        """How many selections and aliases the whole document writes down."""
        selections = aliases = 0
        stack = [
            definition.selection_set
            for definition in document.definitions
            if isinstance(definition, OperationDefinitionNode | FragmentDefinitionNode)
        ]
        while stack:
            for selection in stack.pop().selections:
                selections += 1
                if isinstance(selection, FieldNode) and selection.alias:
                    aliases += 1
                inner = getattr(selection, "selection_set", None)
                if inner is not None:
                    stack.append(inner)
        return selections, aliases

    def _depth(self, selection_set: SelectionSetNode, inside: frozenset[str]) -> int:
        deepest = 0
        for selection in selection_set.selections:
            if isinstance(selection, FieldNode):
                if selection.name.value in INTROSPECTION:
                    continue
                below = self._depth(selection.selection_set, inside) if selection.selection_set else 0
                deepest = max(deepest, 1 + below)
            elif isinstance(selection, FragmentSpreadNode):
                deepest = max(deepest, self._fragment_depth(selection.name.value, inside))
            elif (inner := getattr(selection, "selection_set", None)) is not None:
                deepest = max(deepest, self._depth(inner, inside))
        return deepest

    def _fragment_depth(self, name: str, inside: frozenset[str]) -> int:
        fragment = self._fragments.get(name)
        # Unknown fragments and cycles are validation's to refuse, with a better sentence.
        if fragment is None or name in inside:
            return 0
        if name not in self._depths:
            self._depths[name] = self._depth(fragment.selection_set, inside | {name})
        return self._depths[name]

    def _root_fields(self, selection_set: SelectionSetNode, seen: set[str]) -> int:
        count = 0
        for selection in selection_set.selections:
            if isinstance(selection, FieldNode):
                count += 1
            elif isinstance(selection, FragmentSpreadNode):
                name = selection.name.value
                if name in self._fragments and name not in seen:
                    seen.add(name)
                    count += self._root_fields(self._fragments[name].selection_set, seen)
            elif (inner := getattr(selection, "selection_set", None)) is not None:
                count += self._root_fields(inner, seen)
        return count
