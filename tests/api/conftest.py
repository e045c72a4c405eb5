"""A server per test: the real application on a fresh database."""

from __future__ import annotations

import logging
import traceback
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.database import Server
from tests.support.server import RunningServer, running


@pytest.fixture
async def server(tmp_path: Path, dsn: str) -> AsyncIterator[RunningServer]:
    """The running application."""
    async with running(tmp_path, dsn) as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory, postgres: Server) -> AsyncIterator[RunningServer]:
    """One application for all tests of a module that change nothing, or nothing of each other's.

    Those tests run in the module's loop: `pytestmark = pytest.mark.asyncio(loop_scope="module")`.
    """
    async with postgres.fresh() as dsn, running(tmp_path_factory.mktemp("shared"), dsn) as found:
        yield found


class _Telling(logging.Handler):
    """Prints what the server masks, so that a failing test says why."""

    def emit(self, record: logging.LogRecord) -> None:
        failure = getattr(record, "failure", None)
        if isinstance(failure, BaseException):
            traceback.print_exception(failure)


@pytest.fixture(autouse=True)
def _tell_failures() -> Iterator[None]:
    handler = _Telling()
    logging.getLogger("circle").addHandler(handler)
    yield
    logging.getLogger("circle").removeHandler(handler)
