"""What an operation may cost at most: one per field, times the sizes of the lists around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    is_composite_type,
)

from api.limits import INTROSPECTION

PAGE_ARGUMENTS = ("first", "last")
# Lists that take no page: devices of a member, grants of an epoch. What a connection holds is counted by its page.
PLAIN_LIST = 5
UNCOUNTED_LISTS = frozenset({"edges", "nodes", "errors"})
INTROSPECTION_COST = 100
CEILING = 10**9

Factor: TypeAlias = "int | str"  # a number known from the text, or the name of the variable that says it


@dataclass(slots=True)
class CostNode:
    """`own` plus, times the greatest factor, what is below and the dearest of the types that an object may have."""

    own: int = 0
    factors: list[Factor] = field(default_factory=list)
    below: list[CostNode] = field(default_factory=list)
    by_type: dict[str, CostNode] = field(default_factory=dict)

    def evaluate(self, variables: Mapping[str, Any]) -> int:
        """The cost with these (coerced) variables; a fragment counts at each place and is computed once."""
        return _evaluate(self, variables, {})

    def varies(self) -> bool:
        """Whether it depends on variables at all."""
        nodes, seen = [self], set[int]()
        while nodes:
            node = nodes.pop()
            if any(isinstance(factor, str) for factor in node.factors):
                return True
            if id(node) not in seen:
                seen.add(id(node))
                nodes += [*node.below, *node.by_type.values()]
        return False


def _evaluate(node: CostNode, variables: Mapping[str, Any], known: dict[int, int]) -> int:
    if id(node) in known:
        return known[id(node)]
    total = sum(_evaluate(below, variables, known) for below in node.below)
    total += max((_evaluate(option, variables, known) for option in node.by_type.values()), default=0)
    if node.factors:
        total *= max(1, *(_size(factor, variables) for factor in node.factors))
    known[id(node)] = result = min(CEILING, node.own + total)
    return result


def _size(factor: Factor, variables: Mapping[str, Any]) -> int:
    if isinstance(factor, int):
        return factor
    value = variables.get(factor)
    if isinstance(value, list):
        return len(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else 1


def plan_cost(schema: GraphQLSchema, document: DocumentNode) -> dict[str, CostNode]:
    """The cost of each operation of a valid document, by operation name ('' for the unnamed one)."""
    planner = _Planner(schema, document)
    plans = {}
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            root = schema.get_root_type(node.operation)
            plans[node.name.value if node.name else ""] = planner.selections(root, node.selection_set)
    return plans


class _Planner:
    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._schema = schema
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._fragment_plans: dict[str, CostNode] = {}

    def selections(self, parent: GraphQLNamedType | None, selection_set: SelectionSetNode) -> CostNode:
        plan = CostNode()
        for selection in selection_set.selections:
            if isinstance(selection, FieldNode):
                plan.below.append(self._field(parent, selection))
            elif isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition
                inner = self._schema.get_type(condition.name.value) if condition else parent
                self._add(plan, parent, inner, self.selections(inner, selection.selection_set))
            elif isinstance(selection, FragmentSpreadNode):
                condition = self._fragments[selection.name.value].type_condition
                inner = self._schema.get_type(condition.name.value)
                self._add(plan, parent, inner, self._fragment(selection.name.value))
        return plan

    def _add(
        self, plan: CostNode, parent: GraphQLNamedType | None, inner: GraphQLNamedType | None, part: CostNode
    ) -> None:
        # An object has one type: of parts for different object types only one can apply.
        if isinstance(inner, GraphQLObjectType) and inner is not parent:
            plan.by_type.setdefault(inner.name, CostNode()).below.append(part)
        else:
            plan.below.append(part)

    def _fragment(self, name: str) -> CostNode:
        if name not in self._fragment_plans:
            fragment = self._fragments[name]
            inner = self._schema.get_type(fragment.type_condition.name.value)
            self._fragment_plans[name] = self.selections(inner, fragment.selection_set)
        return self._fragment_plans[name]

    def _field(self, parent: GraphQLNamedType | None, node: FieldNode) -> CostNode:
        if node.name.value in INTROSPECTION:
            return CostNode(own=INTROSPECTION_COST)
        definition = getattr(parent, "fields", {}).get(node.name.value)
        plan = CostNode(own=1)
        if definition is None or not node.selection_set or not is_composite_type(get_named_type(definition.type)):
            return plan
        plan.below.append(self.selections(get_named_type(definition.type), node.selection_set))
        plan.factors = self._factors(definition, node)
        return plan

    def _factors(self, definition: GraphQLField, node: FieldNode) -> list[Factor]:
        factors: list[Factor] = []
        for argument in node.arguments or ():
            if (
                argument.name.value in PAGE_ARGUMENTS
                or isinstance(argument.value, ListValueNode)
                or _is_list(definition.args[argument.name.value].type)
            ):
                factors.append(self._factor(argument.value))
        if not factors and _is_list(definition.type) and node.name.value not in UNCOUNTED_LISTS:
            factors.append(PLAIN_LIST)
        return factors

    def _factor(self, value: ValueNode) -> Factor:
        if isinstance(value, IntValueNode):
            return min(CEILING, int(value.value))
        if isinstance(value, ListValueNode):
            return len(value.values)
        if isinstance(value, VariableNode):
            return value.name.value
        return 1


def _is_list(type_: Any) -> bool:
    return isinstance(type_.of_type if isinstance(type_, GraphQLNonNull) else type_, GraphQLList)
