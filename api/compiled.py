"""Compiled operations: what of an operation does not change from request to request is worked out once.

A plan gives exactly the data that graphql-core would give, or gives up: whatever is out of the ordinary (a failure, a
null where none may be, a value of a class nobody foresaw) raises inside the plan, and the caller lets graphql-core
execute it, errors and all. Fields are collected and arguments coerced by graphql-core itself (docs/decisions/0108).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    DirectiveNode,
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    Visitor,
    get_argument_values,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
    visit,
)
from graphql.execution.collect_fields import FieldDetailsList, FragmentDetails, collect_fields, collect_subfields
from graphql.execution.values import VariableValues
from graphql.pyutils import Path
from strawberry.execution import optimized_is_awaitable

from api.compiled_run import Complete, Plan, Read, Run, Unforeseen

NO_VARIABLES = VariableValues({}, {})
MAX_FIELDS = 400
"""Fields of a plan: each type that an interface may be has its own, and they multiply. Clients need 106 at most."""
_info: Any = GraphQLResolveInfo  # filled as Strawberry's own executor fills it, and not as it is typed
Field = tuple[str, str | None, Read | None, Complete]


class NotCompiled(Exception):
    """The operation holds something for which there is no plan."""


def compile_operation(core: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> Plan | None:
    """The operation's plan; None where there can be none."""
    # With directives, what is selected depends on variables; with variables of fragments, on the place.
    look = _Plain()
    visit(document, look)
    root = core.get_root_type(operation.operation)
    if not look.is_plain or root is None:
        return None
    try:
        return _Compiler(core, document, operation).plan(root)
    except (NotCompiled, GraphQLError):  # validation is no promise that constants can be coerced
        return None


class _Plain(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.is_plain = True

    def enter_directive(self, _node: DirectiveNode, *_: object) -> None:
        self.is_plain = False

    def enter_fragment_definition(self, node: FragmentDefinitionNode, *_: object) -> None:
        self.is_plain &= not node.variable_definitions


class _Compiler:
    def __init__(self, core: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> None:
        self._core, self._operation = core, operation
        self._count = 0
        self._definitions = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._fragments = {name: FragmentDetails(node, None) for name, node in self._definitions.items()}

    def plan(self, root: GraphQLObjectType) -> Plan:
        collected = collect_fields(self._core, self._fragments, NO_VARIABLES, root, self._operation)
        fields = self._fields(root, collected.grouped_field_set)
        if self._operation.operation is not OperationType.MUTATION:
            return Plan(_object_of(fields, None))
        key, _, read, complete = fields[0]
        if len(fields) > 1 or read is None:  # several run one after the other: graphql-core knows how
            raise NotCompiled
        return Plan(complete, (key, read, complete))

    def _fields(self, parent: GraphQLObjectType, grouped: Mapping[str, FieldDetailsList]) -> tuple[Field, ...]:
        return tuple(self._field(parent, key, details) for key, details in grouped.items())

    def _field(self, parent: GraphQLObjectType, key: str, details: FieldDetailsList) -> Field:
        self._count += 1
        if self._count > MAX_FIELDS:
            raise NotCompiled
        name = details[0].node.name.value
        if name == "__typename":
            typename = parent.name
            return key, None, None, lambda _value, _run: typename
        definition = parent.fields.get(name)
        ours = None if definition is None else definition.extensions.get("strawberry-definition")
        if definition is None or definition.resolve is None or ours is None:
            raise NotCompiled
        complete = self._value(definition.type, details)
        if ours.is_basic_field:
            return key, ours.python_name, None, complete
        if parent is self._core.subscription_type:  # its arguments were for the stream; an event is what came
            return key, None, lambda event, _run: event, complete
        return key, None, self._resolver(parent, key, definition, details), complete

    def _resolver(
        self, parent: GraphQLObjectType, key: str, definition: GraphQLField, details: FieldDetailsList
    ) -> Read:
        node, resolve = details[0].node, definition.resolve
        name, nodes = node.name.value, [detail.node for detail in details]
        is_fixed = not any(_has_variable(argument) for argument in node.arguments or ())
        fixed = get_argument_values(definition, node, NO_VARIABLES) if is_fixed else None
        core, fragments, operation = self._core, self._definitions, self._operation
        path = Path(None, key, parent.name)  # below the root that is not the whole way: nobody asks for it
        assert resolve is not None  # noqa: S101  (looked at before)

        def read(source: Any, run: Run) -> Any:
            arguments = fixed
            if arguments is None:
                arguments = run.arguments.get(key_of)
                if arguments is None:
                    arguments = run.arguments[key_of] = get_argument_values(definition, node, run.variables)
            info = _info(
                name, nodes, definition.type, parent, path, core, fragments, run.root, operation,
                run.variables.coerced, run.context, optimized_is_awaitable, None, None,
            )  # fmt: skip
            return resolve(source, info, **arguments)

        key_of = id(read)
        return read

    def _value(self, type_: GraphQLOutputType, details: FieldDetailsList) -> Complete:
        if is_non_null_type(type_):
            return _required(self._value(type_.of_type, details))
        if is_list_type(type_):
            return _list_of(self._value(type_.of_type, details))
        if is_leaf_type(type_):
            return _leaf(type_.name, type_.coerce_output_value)
        if is_object_type(type_):
            return _optional(self._object(type_, details, is_abstract=False))
        if is_abstract_type(type_):
            return self._abstract(type_, details)
        raise NotCompiled

    def _object(self, type_: GraphQLObjectType, details: FieldDetailsList, *, is_abstract: bool) -> Complete:
        collected = collect_subfields(self._core, self._fragments, NO_VARIABLES, self._operation, type_, details)
        definition = type_.extensions.get("strawberry-definition")
        if definition is None:
            raise NotCompiled
        is_checked = is_abstract or type_.is_type_of is not None
        return _object_of(self._fields(type_, collected.grouped_field_set), definition.origin if is_checked else None)

    def _abstract(self, type_: Any, details: FieldDetailsList) -> Complete:
        known: dict[type, Complete] = {}
        for possible in self._core.get_possible_types(type_):
            origin = possible.extensions["strawberry-definition"].origin
            if origin in known:  # two types of one class: only graphql-core knows which it is
                raise NotCompiled
            known[origin] = self._object(possible, details, is_abstract=True)

        def complete(value: Any, run: Run) -> Any:
            return None if value is None else known[value.__class__](value, run)

        return complete


def _has_variable(node: Any) -> bool:
    found = _Variables()
    visit(node, found)
    return found.any


class _Variables(Visitor):
    any = False

    def enter_variable(self, _node: VariableNode, *_: object) -> None:
        self.any = True


def _object_of(fields: tuple[Field, ...], origin: type | None) -> Complete:
    def complete(value: Any, run: Run) -> dict[str, Any]:
        if origin is not None and value.__class__ is not origin:
            raise Unforeseen
        result: dict[str, Any] = {}
        for key, attribute, read, finish in fields:
            if attribute is not None:
                found = getattr(value, attribute)
            elif read is not None:
                found = read(value, run)
                if optimized_is_awaitable(found):
                    result[key] = None  # its place in the order
                    run.waiting.append((found, finish, result, key))
                    continue
            else:
                found = None
            result[key] = finish(found, run)
        return result

    return complete


def _required(inner: Complete) -> Complete:
    def complete(value: Any, run: Run) -> Any:
        if value is None:
            raise Unforeseen
        return inner(value, run)

    return complete


def _optional(inner: Complete) -> Complete:
    return lambda value, run: None if value is None else inner(value, run)


def _list_of(item: Complete) -> Complete:
    def complete(value: Any, run: Run) -> Any:
        if value is None:
            return None
        if value.__class__ is not list and value.__class__ is not tuple:
            raise Unforeseen
        return [item(one, run) for one in value]

    return complete


def _leaf(name: str, coerce: Callable[[Any], Any]) -> Complete:
    is_text = name in ("String", "ID")

    def complete(value: Any, _run: Run) -> Any:
        if value is None or (is_text and value.__class__ is str):
            return value
        written = coerce(value)
        if written is None:
            raise Unforeseen
        return written

    return complete
