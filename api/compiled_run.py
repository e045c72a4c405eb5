"""Running a compiled operation: resolvers that wait are gathered, wave by wave, until the data is whole."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from inspect import iscoroutine
from typing import Any

from graphql.execution.values import VariableValues
from strawberry.execution import optimized_is_awaitable

MISFITS = 10
"""So many times in a row may a plan not fit what it is given; then it is no longer tried."""


class Unforeseen(Exception):
    """What a plan was given is nothing that it knows; graphql-core has to say what becomes of it."""


@dataclass(slots=True)
class Run:
    """One execution: what resolvers are given, what is waited for and where it belongs, and why it failed."""

    context: Any
    variables: VariableValues
    root: Any = None
    arguments: dict[int, dict[str, Any]] = field(default_factory=dict)
    waiting: list[Waiting] = field(default_factory=list)
    failure: Exception | None = None

    async def settle(self) -> None:
        """Wait for what waits, and for what comes of that. Raises whatever any of it raises."""
        while self.waiting:
            wave, self.waiting = self.waiting, []
            if len(wave) == 1:
                results: Sequence[Any] = (await wave[0][0],)
            else:
                results = await asyncio.gather(*(one[0] for one in wave), return_exceptions=True)
            for (_, finish, place, key), found in zip(wave, results, strict=True):
                if isinstance(found, BaseException):
                    raise found
                place[key] = finish(found, self)

    def give_up(self) -> None:
        """Nobody will wait for what waits."""
        for awaitable, *_ in self.waiting:
            if iscoroutine(awaitable):
                awaitable.close()
            elif isinstance(awaitable, asyncio.Future):
                awaitable.cancel()
        self.waiting = []


Complete = Callable[[Any, Run], Any]
Read = Callable[[Any, Run], Any]
Waiting = tuple[Awaitable[Any], Complete, dict[str, Any], str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a mutation's resolver has brought: it has run, and must not run again."""

    value: Any = None
    failure: Exception | None = None

    def resolve(self, following: Callable[..., Any], root: Any, info: Any, **arguments: Any) -> Any:
        """As graphql-core's middleware: the root field's resolver is not asked any more."""
        if info.path.prev is not None:
            return following(root, info, **arguments)
        if self.failure is not None:
            raise self.failure
        return self.value


@dataclass(slots=True)
class Plan:
    """A compiled operation. `mutate` is its one field where it is a mutation; `complete` turns a root into the data."""

    complete: Complete
    mutate: tuple[str, Read, Complete] | None = None
    misfits: int = 0

    @property
    def is_of_use(self) -> bool:
        """Whether to try it."""
        return self.misfits < MISFITS

    async def query(self, run: Run) -> dict[str, Any] | None:
        """A query's data, or that of a subscription's event; None where graphql-core has to execute it."""
        try:
            data: dict[str, Any] = self.complete(run.root, run)
            if run.waiting:
                await run.settle()
        except Exception as failure:
            self._give_up(run, failure)
            return None
        self.misfits = 0
        return data

    def event(self, run: Run) -> dict[str, Any] | None:
        """The data of a subscription's event whose fields wait for nothing; None otherwise."""
        try:
            data: dict[str, Any] = self.complete(run.root, run)
        except Exception as failure:
            self._give_up(run, failure)
            return None
        if run.waiting:
            run.give_up()
            return None
        self.misfits = 0
        return data

    async def change(self, run: Run) -> dict[str, Any] | Outcome:
        """A mutation's data; what its resolver brought where graphql-core has to complete it."""
        assert self.mutate is not None  # noqa: S101  (asked of mutations alone)
        key, read, complete = self.mutate
        try:
            found = read(None, run)
            if optimized_is_awaitable(found):
                found = await found
        except Exception as failure:
            return Outcome(failure=failure)
        try:
            data = {key: complete(found, run)}
            if run.waiting:
                await run.settle()
        except Exception as failure:
            self._give_up(run, failure)
            return Outcome(found)
        self.misfits = 0
        return data

    def _give_up(self, run: Run, failure: Exception) -> None:
        run.give_up()
        run.failure = failure
        # What resolvers raise says nothing of the plan.
        if isinstance(failure, (Unforeseen, KeyError, AttributeError)):
            self.misfits += 1
