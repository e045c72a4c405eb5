"""What the driver raises when the database itself is in trouble, told apart from all that a query can get wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from db.engine import Connection
from db.errors import DatabaseUnavailable

# InternalClientError: what the driver says where a connection ended between two steps of one query.
LOST = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
)
"""What a query raises, besides its own errors, on a connection that has gone."""

_GONE = "The connection to the database was lost."


@contextmanager
def outages(driver: Connection) -> Iterator[None]:
    """Inside the block a lost connection, a full disk and the like become DatabaseUnavailable.

    After a lost connection nobody knows whether a COMMIT that was under way took effect: a retry finds out.
    """
    try:
        yield
    except (asyncpg.InternalClientError, TimeoutError) as error:
        driver.terminate()  # a query that was never answered (command_timeout): neither will the next one be
        raise DatabaseUnavailable(_GONE) from error
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        trouble = _trouble(error, driver)
        if trouble is None:
            raise
        raise DatabaseUnavailable(trouble) from error


def _trouble(error: Exception, driver: Connection) -> str | None:
    if isinstance(error, asyncpg.DiskFullError):
        return "The database's disk is full."
    if isinstance(error, asyncpg.InsufficientResourcesError | asyncpg.PostgresSystemError):
        return f"The database is short of something ({error.sqlstate})."
    if isinstance(error, asyncpg.QueryCanceledError):
        return "The database took too long."
    if driver.is_closed() or isinstance(error, asyncpg.PostgresConnectionError | asyncpg.OperatorInterventionError):
        return _GONE
    return None
