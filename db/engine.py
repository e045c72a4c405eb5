"""Connections in five roles. The role is part of each connection's start-up, so a pool never mixes them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, TypedDict

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from db.errors import DatabaseUnavailable

Role = Literal["circle_app", "circle_auth", "circle_hub", "circle_job", "circle_send"]
if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]
    Lent = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
else:  # generic in the stubs alone
    Connection, Pool, Lent = asyncpg.Connection, asyncpg.Pool, asyncpg.pool.PoolConnectionProxy

PATIENCE, SHORT = 40.0, 15.0
"""Seconds after which a query without any answer is given up, and its connection with it: a half-open one says nothing
for ever. Longer than the server's own timeouts, which say what was wrong; SHORT where others wait behind it."""
_LONG: frozenset[Role] = frozenset({"circle_app", "circle_auth", "circle_job"})
_CLOSE_SECONDS = 1.0
_SETTINGS = {
    "jit": "off",
    "statement_timeout": "30s",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "60s",
    "timezone": "UTC",
}

# A batch's statements, and the hub's look, join so much that planning them costs more than running them, and the plan
# is the same for all. What the hub looks for is little, by indexes, whatever the tables' statistics make of it.
_ONE_PLAN: dict[Role, dict[str, str]] = {
    "circle_send": {"plan_cache_mode": "force_generic_plan"},
    "circle_hub": {
        "plan_cache_mode": "force_generic_plan",
        "enable_seqscan": "off",
        "enable_hashjoin": "off",
        "enable_mergejoin": "off",
    },
}


class _Login(TypedDict):
    user: str | None
    server_settings: dict[str, str]
    command_timeout: float


class Database:
    """The process's connections. `dsn` is a libpq URL (postgresql://...); nothing is connected before `open`."""

    def __init__(
        self,
        dsn: str,
        *,
        direct_dsn: str | None = None,
        own_logins: bool = False,
        pool_size: int = 8,
        pool_timeout: float = 5,
        patience: float = PATIENCE,
    ) -> None:
        """`direct_dsn` reaches the server past a PgBouncer (empty: the same as `dsn`); the hub listens through it.

        `own_logins`: log in as the roles themselves, as the embedded server lets us; otherwise the URL's login takes
        on a role at the start of each connection, and must be a member of all five.
        """
        self.dsn, self.direct_dsn, self._own_logins = dsn, direct_dsn or dsn, own_logins
        self._patience = patience
        self.app = self._engine("circle_app", pool_size, pool_timeout)
        self.auth = self._engine("circle_auth", 2, pool_timeout)
        self._backlog: Pool | None = None

    async def open(self) -> None:
        """Connect once per role and fill the backlog pool. Raises DatabaseUnavailable with a plain sentence."""
        roles: tuple[Role, ...] = ("circle_app", "circle_auth", "circle_hub", "circle_job", "circle_send")
        for role in roles:
            connection = await self.connect(role)
            await connection.close()
        self._backlog = await asyncpg.create_pool(
            self.direct_dsn, min_size=0, max_size=4, reset=_nothing, **self._as("circle_app")
        )

    async def close(self) -> None:
        """Close every pool; connections still lent out are ended."""
        if self._backlog is not None:
            pool, self._backlog = self._backlog, None
            try:
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await pool.close()
            except TimeoutError:
                pool.terminate()
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self.app.dispose()
                await self.auth.dispose()

    @property
    def backlog(self) -> Pool:
        """The hub's four connections (role circle_app) that read what subscribers missed."""
        if self._backlog is None:
            raise DatabaseUnavailable("The database is not open.")
        return self._backlog

    async def connect(self, role: Role, *, direct: bool = True) -> Connection:
        """A connection of one's own in that role, to be closed by the caller. Raises DatabaseUnavailable."""
        try:
            return await asyncpg.connect(self.direct_dsn if direct else self.dsn, timeout=10, **self._as(role))
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
            raise DatabaseUnavailable(_sentence(error, role)) from error

    def _as(self, role: Role) -> _Login:
        settings = {**_SETTINGS, **_ONE_PLAN.get(role, {}), "application_name": role}
        return {
            "user": role if self._own_logins else None,
            "server_settings": settings if self._own_logins else {**settings, "role": role},
            "command_timeout": self._patience if role in _LONG else min(self._patience, SHORT),
        }

    def _engine(self, role: Role, size: int, timeout: float) -> AsyncEngine:
        async def connect() -> Connection:
            return await self.connect(role, direct=False)

        # AUTOCOMMIT: SQLAlchemy sends no BEGIN of its own; db.uow opens the transaction together with the viewer.
        return create_async_engine(
            "postgresql+asyncpg://",
            async_creator=connect,
            isolation_level="AUTOCOMMIT",
            pool_size=size,
            max_overflow=0,
            pool_timeout=timeout,
            pool_use_lifo=True,
        )


async def answers(dsn: str) -> bool:
    """Whether a PostgreSQL server lets us in there."""
    try:
        connection = await asyncpg.connect(dsn, timeout=5)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError):
        return False
    await connection.close()
    return True


async def _nothing(_: Connection) -> None:
    """Backlog transactions set nothing that outlives them: no round trip to undo it."""


def _sentence(error: Exception, role: Role) -> str:
    if isinstance(error, asyncpg.InvalidParameterValueError | asyncpg.InvalidAuthorizationSpecificationError):
        return f"The database login can't use the role {role}: run `circle migrate`, or grant it that role."
    if isinstance(error, asyncpg.InvalidPasswordError):
        return "The database refuses the login: check user and password in CIRCLE_DATABASE_URL."
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return "The database named in CIRCLE_DATABASE_URL does not exist."
    if isinstance(error, asyncpg.PostgresError):
        return f"The database refuses the connection ({error.sqlstate})."
    return "The database can't be reached: is it running, and is CIRCLE_DATABASE_URL right?"
