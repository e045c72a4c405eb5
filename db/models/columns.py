"""Column helpers shared by the tables: the few PostgreSQL types they use, each spelled once."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, SmallInteger
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.types import UserDefinedType
from sqlmodel import Field

Z32 = bytes(32)
"""The hash before the first one (e2ee.md section 2)."""


class Xid8(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id; asyncpg reads and writes it as an int."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The type's name in DDL."""
        return "xid8"


ischema_names["xid8"] = Xid8  # so that Alembic's comparison knows the type when it reads it back


def big(default: int | None = ..., **more: Any) -> Any:  # type: ignore[assignment]  # `...` means required
    """A bigint column: protocol numbers go up to 2^53."""
    return Field(default=default, sa_type=BigInteger, **more)


def small(default: int | None = ..., **more: Any) -> Any:  # type: ignore[assignment]  # `...` means required
    """A smallint column."""
    return Field(default=default, sa_type=SmallInteger, **more)


def moment(default: datetime | None = ..., **more: Any) -> Any:  # type: ignore[assignment]  # `...` means required
    """A timestamptz column; values are aware datetimes."""
    return Field(default=default, sa_type=DateTime(timezone=True), **more)
