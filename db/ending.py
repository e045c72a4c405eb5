"""Ending a task, or its work, for sure."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

_AGAIN = 1.0


async def end(task: asyncio.Task[Any]) -> None:
    """Cancel a task until it is over. Its result, or what it raised, is of no interest any more.

    Once is not always enough: a library on the way (broadcaster's disconnect is one) may answer the cancellation with
    an error of its own, which a supervisor then takes for a lost connection.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=_AGAIN)
    if not task.cancelled():
        task.exception()


async def finish(work: Awaitable[object]) -> None:
    """Await work to its end even if this task is cancelled meanwhile; raises what it raises, or the cancellation."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # looked at: what counts now is the cancellation
        raise
