"""Loaders: what many fields of one operation ask for is fetched with one query per kind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Any, TypeVar, cast

from strawberry.dataloader import DataLoader

from resolvers.context import Ctx

Key = TypeVar("Key", bound=Hashable)
Found = TypeVar("Found")


class Loader(DataLoader[Key, Found]):
    """A loader whose answers are shared: a field that is given up (another one's failure cancels it) takes none away
    from those that wait for the same."""

    def load(self, key: Key) -> Awaitable[Found]:
        """The answer for a key."""
        found = asyncio.ensure_future(super().load(key))
        answer = asyncio.shield(found)
        for future in (found, answer):
            future.add_done_callback(_seen)
        return answer


def _seen(answer: asyncio.Future[Any]) -> None:
    """Where nobody waits for an answer any more, nobody misses its failure: asyncio need not report it."""
    if not answer.cancelled():
        answer.exception()


def loader(ctx: Ctx, name: str, fetch: Callable[[Ctx, list[Key]], Awaitable[Sequence[Found]]]) -> Loader[Key, Found]:
    """The operation's loader of that name; `fetch(ctx, keys)` answers with one result per key, in order."""
    if name not in ctx.loaders:

        async def load(keys: list[Key]) -> Sequence[Found]:
            return await fetch(ctx, keys)

        ctx.loaders[name] = Loader(load_fn=load, max_batch_size=100)
    return cast("Loader[Key, Found]", ctx.loaders[name])


def forget(ctx: Ctx) -> None:
    """Drop what was loaded: a mutation has changed it."""
    ctx.loaders.clear()
