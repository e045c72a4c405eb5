"""Shared execution: subscribers with the same document, operation and variables have each event executed once.

Only where nothing selected depends on who asks: a field is shared if it is a plain attribute of the event's object, or
says so. Everything else keeps an execution of its own (design.md section 3; docs/decisions/0101).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
from graphql import (
    ExecutionResult,
    FieldNode,
    GraphQLSchema,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    VariableNode,
    Visitor,
    get_argument_values,
    visit,
)
from graphql.execution import Executor, execute_subscription_event

from api.compiled_run import Plan, Run
from api.documents import Document
from api.execution import Engine, Prepared, Response, respond
from db.hub import Delivery, Hub, Live
from resolvers.context import Ctx
from resolvers.streams import Delivered, Marked, live_entry, missed_entry
from schema.messages import stream_item
from schema.node import decode_id

SHARED = "shared"
"""The key in a field's metadata by which it says that it does not depend on the viewer."""
STREAMS = ("events", "messages")

_encode = msgspec.json.Encoder().encode
_sorted = msgspec.json.Encoder(order="sorted").encode

Key = tuple[str, str, bytes]


@dataclass(frozen=True, slots=True)
class Shape:
    """`root`: the subscription's field, None where it needs an execution of its own.

    `own`: a variable that says nothing but where a subscriber goes on, so that it divides no group.
    """

    root: FieldNode | None
    own: str | None


class Group:
    """Subscribers whose responses are the same bytes. The last event's are kept: the hub hands one out to all."""

    def __init__(self, executor: Executor[Any], plan: Plan | None, hub: Hub, space: UUID | None) -> None:
        self._executor, self._plan, self._hub, self._space = executor, plan, hub, space
        self._last: Live | None = None
        self._tail = b""
        self.members = 0

    def tail(self, live: Live) -> bytes:
        """The response to a live entry and the closing brace of the message that carries it, as JSON."""
        if live is not self._last:
            self._tail, self._last = self._encoded(live_entry(self._hub, live, self._space)), live
        return self._tail

    def missed(self, delivery: Delivery) -> bytes:
        """The same for a row of one member's backlog."""
        return self._encoded(missed_entry(self._hub, delivery))

    def _encoded(self, entry: Delivered | Marked) -> bytes:
        return _encode(self._respond(stream_item(entry))) + b"}"

    def _respond(self, item: Any) -> Response:
        executor = self._executor
        if self._plan is not None:
            data = self._plan.event(Run(executor.context_value, executor.variable_values, item))
            if data is not None:
                return {"data": data}
        result = execute_subscription_event(executor.build_per_event_executor(item))
        assert isinstance(result, ExecutionResult)  # noqa: S101  (plain fields: nothing to wait for)
        return respond(result)


class Groups:
    """The groups of a process."""

    def __init__(self, engine: Engine, core: GraphQLSchema, hub: Hub, nobody: Callable[[], Ctx]) -> None:
        """`nobody` makes a context without a viewer: what a shared field asks of one fails."""
        self._engine, self._core, self._hub, self._nobody = engine, core, hub, nobody
        self._groups: dict[Key, Group] = {}

    def join(self, prepared: Prepared) -> tuple[Key, Group] | None:
        """The group of a subscription; None where it needs an execution of its own. `leave` it at the end.

        Raises RequestError when the variables or the cost do not fit.
        """
        shape = shape_of(self._core, prepared.document, prepared.operation)
        root = shape.root
        if root is None:
            return None
        variables = {name: value for name, value in prepared.request.variables.items() if name != shape.own}
        key = (prepared.request.query, prepared.request.operation_name or "", _sorted(variables))
        group = self._groups.get(key)
        if group is None:
            executor = self._engine.build(prepared, self._nobody())
            space = self._space(root, executor)
            group = self._groups[key] = Group(executor, self._engine.plan(prepared), self._hub, space)
        group.members += 1
        return key, group

    def leave(self, key: Key) -> None:
        """One member less; the last one takes the group along."""
        group = self._groups[key]
        group.members -= 1
        if group.members == 0:
            del self._groups[key]

    def _space(self, root: FieldNode, executor: Executor[Any]) -> UUID | None:
        assert self._core.subscription_type is not None  # noqa: S101  (a subscription was validated against it)
        field = self._core.subscription_type.fields[root.name.value]
        arguments = get_argument_values(field, root, executor.variable_values)
        id_ = arguments.get("conversationId")
        return None if id_ is None else decode_id("Conversation", id_)


def shape_of(core: GraphQLSchema, document: Document, operation: OperationDefinitionNode) -> Shape:
    """What sharing needs to know of an operation. Found out once per document and operation."""
    name = operation.name.value if operation.name else ""
    known = document.shapes.get(name)
    if known is None:
        root, info = _root(operation), TypeInfo(core)
        look = _Look(info)
        visit(document.ast, TypeInfoVisitor(info, look))
        for definition in operation.variable_definitions or ():
            look.uses[definition.variable.name.value] -= 1
        after = next((arg.value for arg in root.arguments or () if arg.name.value == "after"), None) if root else None
        own = after.name.value if isinstance(after, VariableNode) and look.uses[after.name.value] == 1 else None
        known = document.shapes[name] = Shape(root if look.is_shared else None, own)
    return known


class _Look(Visitor):
    """Fields of fragments count wherever they are used; unused ones are refused by validation."""

    def __init__(self, info: TypeInfo) -> None:
        super().__init__()
        self._info = info
        self.is_shared = True
        self.uses: Counter[str] = Counter()

    def enter_field(self, node: FieldNode, *_: object) -> None:
        parent, definition = self._info.get_parent_type(), self._info.get_field_def()
        if parent is None or definition is None:
            self.is_shared = False
        elif parent.name == "Subscription":
            self.is_shared &= node.name.value in STREAMS
        elif not node.name.value.startswith("__"):
            self.is_shared &= _is_shared(definition.extensions)

    def enter_variable(self, node: VariableNode, *_: object) -> None:
        self.uses[node.name.value] += 1


def _is_shared(extensions: Mapping[str, Any]) -> bool:
    field = extensions.get("strawberry-definition")
    if field is None:
        return False
    return field.base_resolver is None or bool(field.metadata.get(SHARED))


def _root(operation: OperationDefinitionNode) -> FieldNode | None:
    selections = operation.selection_set.selections
    return selections[0] if len(selections) == 1 and isinstance(selections[0], FieldNode) else None
