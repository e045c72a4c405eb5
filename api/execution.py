"""Running one GraphQL operation: the same way for HTTP and for sockets.

Strawberry builds the schema; graphql-core runs it here directly, so that a document is parsed and validated once, each
operation (and each event of a subscription) has a context of its own, and every error passes through one place.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any

import strawberry
from graphql import ExecutionResult, GraphQLError, OperationDefinitionNode
from graphql.execution import (
    Executor,
    MiddlewareManager,
    create_source_event_stream,
    execute_root_selection_set,
    execute_subscription_event,
    get_variable_values,
)
from graphql.execution.async_iterables import map_async_iterable
from graphql.execution.values import VariableValues
from strawberry.execution import optimized_is_awaitable

from api.compiled_run import Outcome, Plan, Run
from api.documents import Document, DocumentCache, is_mutation, is_subscription
from api.limits import Limits
from api.refusals import FormattedError, RequestError, present
from api.settings import Settings
from db.errors import Busy, DatabaseUnavailable
from resolvers.context import Ctx
from resolvers.reading import one_moment

Response = dict[str, Any]
MAX_COERCION_ERRORS = 50


@dataclass(frozen=True, slots=True)
class Request:
    """One operation as the client sent it."""

    query: str
    variables: Mapping[str, Any]
    operation_name: str | None

    @classmethod
    def read(cls, payload: object) -> Request:
        """Check the shape of a decoded request. Raises RequestError with code BAD_REQUEST."""
        if not isinstance(payload, dict):
            raise RequestError("BAD_REQUEST", "A request is one JSON object; batches are not taken.")
        query, variables = payload.get("query"), payload.get("variables")
        name, extensions = payload.get("operationName"), payload.get("extensions")
        if not isinstance(query, str) or not query:
            raise RequestError("BAD_REQUEST", "The request needs a `query`, a GraphQL document as text.")
        if variables is not None and not isinstance(variables, dict):
            raise RequestError("BAD_REQUEST", "`variables` must be an object.")
        if name is not None and not isinstance(name, str):
            raise RequestError("BAD_REQUEST", "`operationName` must be a text.")
        if extensions is not None and not isinstance(extensions, dict):
            raise RequestError("BAD_REQUEST", "`extensions` must be an object.")
        return cls(query, variables or {}, name or None)


class Engine:
    """Runs operations against the schema within the limits."""

    def __init__(self, schema: strawberry.Schema, settings: Settings) -> None:
        # Validation and execution need the graphql-core schema; Strawberry's own transports read it the same way.
        self._core = schema._schema
        self._executor: type[Executor[Any]] = schema.execution_context_class
        limits = Limits(
            tokens=settings.max_tokens,
            selections=settings.max_selections,
            depth=settings.max_depth,
            aliases=settings.max_aliases,
            root_fields=settings.max_root_fields,
            cost=settings.max_cost,
        )
        self._documents = DocumentCache(self._core, limits, settings.document_cache_size)

    def prepare(self, request: Request) -> Prepared:
        """Read the document and pick the operation. Raises RequestError."""
        document = self._documents.get(request.query)
        return Prepared(document, document.operation(request.operation_name), request)

    async def execute(self, prepared: Prepared, ctx: Ctx) -> Response:
        """Run a query or mutation. Raises RequestError when variables or cost do not fit; nothing ran then."""
        variables = self._coerce(prepared)
        plan = self.plan(prepared)
        run = Run(ctx, variables)
        if prepared.is_mutation:
            # Its fields must see what it just wrote: no moment.
            done = None if plan is None else await plan.change(run)
            if done is not None and not isinstance(done, Outcome):
                return {"data": done}
            ctx.loaders.clear()
            return await _execute(self.build(prepared, ctx, done))
        if plan is not None:
            async with one_moment(ctx):
                data = await plan.query(run)
            if data is not None:
                return {"data": data}
            ctx.loaders.clear()
        away = run.failure if isinstance(run.failure, (Busy, DatabaseUnavailable)) else None
        async with one_moment(ctx, away):
            return await _execute(self.build(prepared, ctx))

    async def subscribe(self, prepared: Prepared, new_ctx: Callable[[], Ctx]) -> AsyncGenerator[Response, None]:
        """Run a subscription: yields responses; `new_ctx` is asked for a context per event.

        A response without `data` says why the stream could not start or had to end. Raises RequestError when the
        request does not fit; nothing ran then.
        """
        executor = self.build(prepared, new_ctx())
        plan = self.plan(prepared)
        source = create_source_event_stream(executor)
        stream = await source if isawaitable(source) else source
        if isinstance(stream, ExecutionResult):
            yield respond(stream, started=False)
            return

        async def answer(item: Any) -> Response:
            ctx = new_ctx()
            if plan is not None:
                data = await plan.query(Run(ctx, executor.variable_values, item))
                if data is not None:
                    return {"data": data}
                ctx.loaders.clear()
            event_executor = executor.build_per_event_executor(item)
            event_executor.context_value = ctx
            result = execute_subscription_event(event_executor)
            return respond(await result if isawaitable(result) else result)

        events = map_async_iterable(stream, answer)
        try:
            async for response in events:
                yield response
        except Exception as failure:
            # A source that is a generator refuses only when it is first asked.
            error = failure if isinstance(failure, GraphQLError) else GraphQLError("", original_error=failure)
            yield {"errors": [present(error)]}
        finally:
            await events.aclose()

    def plan(self, prepared: Prepared) -> Plan | None:
        """The operation's plan; None where graphql-core has to execute it."""
        return self._documents.plan(prepared.document, prepared.operation)

    def _coerce(self, prepared: Prepared) -> VariableValues:
        # As the executor coerces them. Raises RequestError when variables or cost do not fit.
        definitions, given = prepared.operation.variable_definitions or (), prepared.request.variables
        variables = get_variable_values(self._core, definitions, dict(given), MAX_COERCION_ERRORS)
        if isinstance(variables, list):
            raise RequestError.of("BAD_USER_INPUT", variables)
        self._documents.check_cost(prepared.document, prepared.operation, variables.coerced)
        return variables

    def build(self, prepared: Prepared, ctx: Ctx, known: Outcome | None = None) -> Executor[Any]:
        """What runs the operation; `known` is what its one field's resolver has brought already.

        Raises RequestError when variables or cost do not fit.
        """
        name = prepared.operation.name.value if prepared.operation.name else None
        executor = self._executor.build(
            self._core,
            prepared.document.ast,
            None,
            ctx,
            dict(prepared.request.variables),
            name,
            middleware=None if known is None else MiddlewareManager(known),
            max_coercion_errors=MAX_COERCION_ERRORS,
            is_awaitable=optimized_is_awaitable,  # type: ignore[arg-type]  # typed as bool, not as a guard
            operation_extensions=None,
        )
        if isinstance(executor, list):
            raise RequestError.of("BAD_USER_INPUT", executor)
        self._documents.check_cost(prepared.document, prepared.operation, executor.variable_values.coerced)
        return executor


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request whose document is valid, with the operation to run."""

    document: Document
    operation: OperationDefinitionNode
    request: Request

    @property
    def is_mutation(self) -> bool:
        """True for an operation that changes something."""
        return is_mutation(self.operation)

    @property
    def is_subscription(self) -> bool:
        """True for an operation that streams."""
        return is_subscription(self.operation)


async def _execute(executor: Executor[Any]) -> Response:
    result = execute_root_selection_set(executor)
    return respond(await result if isawaitable(result) else result)


def respond(result: ExecutionResult, *, started: bool = True) -> Response:
    """A result as it is sent, each error by way of `present`; without `data` where nothing `started`."""
    response: Response = {"data": result.data} if started else {}
    if result.errors:
        response["errors"] = [present(error) for error in result.errors]
    return response


def failed(errors: list[FormattedError]) -> Response:
    """The response to a request that was refused before it ran: without `data`, as the specification says."""
    return {"errors": errors}
