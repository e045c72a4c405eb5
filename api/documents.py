"""GraphQL documents: parsed, limited and validated once per text, and kept in a bounded cache."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    parse,
    validate,
)
from graphql.validation import MaxIntrospectionDepthRule, specified_rules
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from api.compiled import compile_operation
from api.compiled_run import Plan
from api.cost import CostNode, plan_cost
from api.limits import Limits, check_structure
from api.refusals import RequestError

if TYPE_CHECKING:
    from api.sharing import Shape

RULES = (*specified_rules, MaxIntrospectionDepthRule, MaybeNullValidationRule, OneOfInputValidationRule)
MAX_VALIDATION_ERRORS = 20
MAX_CACHED_TEXT = 32 * 1024


@dataclass(frozen=True, slots=True)
class Document:
    """A valid document within the limits; `costs` says what each of its operations may cost.

    `shapes`: what sharing has found out of its operations, as far as that was asked (api.sharing). `fixed`: the costs
    that are the same whatever the variables.
    """

    ast: DocumentNode
    operations: Mapping[str, OperationDefinitionNode]
    costs: Mapping[str, CostNode]
    shapes: dict[str, Shape] = field(default_factory=dict)
    fixed: dict[str, int] = field(default_factory=dict)
    plans: dict[str, Plan | None] = field(default_factory=dict)

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation to run. Raises RequestError when the name fits none, or is needed and missing."""
        if name is None and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        if name is None:
            raise RequestError("BAD_OPERATION_NAME", "The document has several operations: name the one to run.")
        try:
            return self.operations[name]
        except KeyError:
            raise RequestError("BAD_OPERATION_NAME", "The document has no operation of that name.") from None


class DocumentCache:
    """Turns texts into documents; the same text is parsed and validated once."""

    def __init__(self, schema: GraphQLSchema, limits: Limits, size: int) -> None:
        self._schema, self._limits, self._size = schema, limits, size
        self._documents: OrderedDict[str, Document] = OrderedDict()

    def get(self, text: str) -> Document:
        """The document of `text`. Raises RequestError with the reasons, each with its code."""
        document = self._documents.get(text)
        if document is not None:
            self._documents.move_to_end(text)
            return document
        document = self._read(text)
        # A long text with few tokens is mostly literals: not worth the memory, and never asked for twice.
        if len(text) <= MAX_CACHED_TEXT:
            self._documents[text] = document
            if len(self._documents) > self._size:
                self._documents.popitem(last=False)
        return document

    def check_cost(self, document: Document, operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> None:
        """Raises RequestError when the operation could cost more than the limit with these variables."""
        name = _name(operation)
        cost = document.fixed.get(name)
        if cost is None:
            cost = document.costs[name].evaluate(variables)
            if not operation.variable_definitions or not document.costs[name].varies():
                document.fixed[name] = cost
        if cost > self._limits.cost:
            message = f"The operation may cost {cost} and the limit is {self._limits.cost}: ask for less at a time."
            raise RequestError("COST_LIMIT", message, cost=cost, limit=self._limits.cost)

    def plan(self, document: Document, operation: OperationDefinitionNode) -> Plan | None:
        """The operation's plan, made when it is first asked for; None where graphql-core has to execute it."""
        name = _name(operation)
        if name not in document.plans:
            document.plans[name] = compile_operation(self._schema, document.ast, operation)
        plan = document.plans[name]
        return plan if plan is not None and plan.is_of_use else None

    def _read(self, text: str) -> Document:
        ast = _parse(text, self._limits.tokens)
        check_structure(ast, self._limits)
        errors = validate(self._schema, ast, RULES, max_errors=MAX_VALIDATION_ERRORS)
        if errors:
            raise RequestError.of("GRAPHQL_VALIDATION_FAILED", errors)
        operations = {_name(node): node for node in ast.definitions if isinstance(node, OperationDefinitionNode)}
        if not operations:
            raise RequestError("BAD_OPERATION_NAME", "The document holds no operation.")
        return Document(ast, operations, plan_cost(self._schema, ast))


def _name(operation: OperationDefinitionNode) -> str:
    return operation.name.value if operation.name else ""


def _parse(text: str, max_tokens: int) -> DocumentNode:
    try:
        return parse(text, max_lexical_tokens=max_tokens, max_comments=max_tokens, allow_empty_selection_sets=False)
    except GraphQLError as error:
        # graphql-core says these two as syntax errors, told apart by their sentences alone.
        if "Document contains more than" in error.message:
            message = f"The document is longer than {max_tokens} tokens."
            raise RequestError("TOKEN_LIMIT", message, limit=max_tokens) from None
        if "nested too deeply" in error.message:
            raise RequestError("DEPTH_LIMIT", "The document is nested too deeply.") from None
        raise RequestError.of("GRAPHQL_PARSE_FAILED", [error]) from None


def is_mutation(operation: OperationDefinitionNode) -> bool:
    """True for an operation that changes something."""
    return operation.operation is OperationType.MUTATION


def is_subscription(operation: OperationDefinitionNode) -> bool:
    """True for an operation that streams."""
    return operation.operation is OperationType.SUBSCRIPTION
