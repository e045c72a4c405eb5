"""The custom scalars: each has a meaning of its own."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from typing import NewType

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

Base64Bytes = NewType("Base64Bytes", bytes)
Cursor = NewType("Cursor", str)

MAX_CURSOR = 4096
_URL_SAFE = str.maketrans("-_", "+/")


def _write_bytes(value: object) -> str:
    if not isinstance(value, bytes | bytearray | memoryview):
        raise GraphQLError("Base64Bytes holds bytes alone.")
    return base64.b64encode(value).decode()


def _read_bytes(value: object) -> bytes:
    if isinstance(value, str):
        text = value.rstrip("=").translate(_URL_SAFE)
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        except (binascii.Error, ValueError):
            raw = None
        # One spelling per value: stray bits behind the last byte are refused.
        if raw is not None and base64.b64encode(raw).decode().rstrip("=") == text and len(value) - len(text) <= 2:
            return raw
    raise GraphQLError("Expected bytes as base64 or base64url text.")


def _write_time(value: object) -> str:
    if not isinstance(value, datetime):
        raise GraphQLError("DateTime holds a point in time alone.")
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _read_time(value: object) -> datetime:
    if isinstance(value, str) and "T" in value:
        try:
            time = datetime.fromisoformat(value)
        except ValueError:
            time = None
        if time is not None and time.tzinfo is not None:
            return time.astimezone(UTC)
    raise GraphQLError("Expected a time with its offset, like 2026-11-05T08:30:00Z.")


def _write_cursor(value: object) -> str:
    if not isinstance(value, str):
        raise GraphQLError("Cursor holds text alone.")
    return value


def _read_cursor(value: object) -> str:
    if isinstance(value, str) and 0 < len(value) <= MAX_CURSOR and value.isascii():
        return value
    raise GraphQLError("Expected a cursor as it was given.")


SCALARS: dict[object, ScalarDefinition] = {
    Base64Bytes: strawberry.scalar(
        name="Base64Bytes",
        description="Raw bytes. Written as standard base64 with padding; read as base64 or base64url, with or "
        "without padding.",
        serialize=_write_bytes,
        parse_value=_read_bytes,
    ),
    Cursor: strawberry.scalar(
        name="Cursor",
        description="An opaque position in a list or stream. Give it back as it was given; 4,096 characters at most.",
        serialize=_write_cursor,
        parse_value=_read_cursor,
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        description="A point in time by RFC 3339, in UTC with milliseconds: 2026-11-05T08:30:00.000Z.",
        serialize=_write_time,
        parse_value=_read_time,
    ),
}
