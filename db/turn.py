"""One at a time: a lock that the task holding it may take again."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any

from db.errors import TransactionOver


class Turn:
    """A re-entrant asyncio lock. GraphQL resolvers run concurrently on one transaction; a connection takes one query.

    `async with turn:` waits for every other task; inside it the same task may enter again. Once closed it raises
    TransactionOver.
    """

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._owner: asyncio.Task[Any] | None = None
        self._depth = 0
        self._is_over = False

    async def close(self) -> None:
        """Wait for whoever has the turn; nobody gets it any more."""
        async with self:
            self._is_over = True

    async def __aenter__(self) -> None:
        task = asyncio.current_task()
        if self._owner is not task or task is None:
            await self._lock.acquire()
            if self._is_over:
                self._lock.release()
                raise TransactionOver
            self._owner = task
        self._depth += 1

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._depth -= 1
        if self._depth == 0:
            self._owner = None
            self._lock.release()
