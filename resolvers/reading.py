"""What the fields of one query read is of one moment: one read transaction per query, opened when first needed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING
from uuid import UUID

from db.ending import finish
from db.errors import TransactionOver
from db.queries.conversations import SpaceRow, spaces
from db.transaction import Transaction

if TYPE_CHECKING:
    from resolvers.context import Ctx


class Moment:
    """A query's transaction. Fields may ask for it concurrently: statements wait for their turn on it."""

    def __init__(self, failure: Exception | None) -> None:
        self._failure = failure
        self._stack, self._lock = AsyncExitStack(), asyncio.Lock()
        self._tx: Transaction | None = None
        self._is_over = False
        self._spaces: dict[UUID, SpaceRow | None] = {}
        self._looking = asyncio.Lock()

    async def spaces(self, tx: Transaction, viewer: UUID, ids: Iterable[UUID]) -> dict[UUID, SpaceRow]:
        """Those of these spaces in whose roster the viewer is. Each is asked for once: in a moment nothing changes."""
        wanted = set(ids)
        async with self._looking:
            missing = wanted - self._spaces.keys()
            if missing:
                rows = await spaces(tx, viewer, missing)
                self._spaces |= dict.fromkeys(missing) | {row.id: row for row in rows}
        return {space: row for space in wanted if (row := self._spaces[space]) is not None}

    async def enter(self, ctx: Ctx) -> Transaction:
        """The transaction, begun by whoever comes first.

        Raises the failure that it was made with, and TransactionOver once it is closed.
        """
        if self._failure is not None:
            raise self._failure
        async with self._lock:
            if self._is_over:
                raise TransactionOver
            if self._tx is None:
                self._tx = await self._stack.enter_async_context(ctx.uow.read(ctx.require_viewer().member))
            return self._tx

    async def close(self) -> None:
        """End the transaction, if there was one; none is begun any more. To its end, also if this task is cancelled."""
        self._is_over = True
        if self._tx is not None or self._lock.locked():
            await finish(self._end())

    async def _end(self) -> None:
        async with self._lock:  # or one that is being begun would be nobody's to end
            await self._stack.aclose()


@asynccontextmanager
async def one_moment(ctx: Ctx, failure: Exception | None = None) -> AsyncIterator[None]:
    """The edge runs a query inside. Not a mutation, whose fields must see what it just wrote, nor a subscription.

    With a `failure` (the database's, when the query was tried before) every read fails with it at once.
    """
    ctx.moment = Moment(failure)
    try:
        yield
    finally:
        moment, ctx.moment = ctx.moment, None
        await moment.close()


@asynccontextmanager
async def reading(ctx: Ctx) -> AsyncIterator[Transaction]:
    """A read transaction of the viewer's: the query's, outside of queries one of its own. Raises Unauthenticated.

    Every read goes through here: two transactions in one query could wait for each other's connection.
    """
    viewer = ctx.require_viewer().member
    if ctx.moment is not None:
        yield await ctx.moment.enter(ctx)
        return
    async with ctx.uow.read(viewer) as tx:
        yield tx
