"""The custom scalars: what they write, read and refuse."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from graphql import GraphQLError, GraphQLScalarType
from hypothesis import given
from hypothesis import strategies as st

from schema.root import schema


def scalar(name: str) -> GraphQLScalarType:
    type_ = schema._schema.get_type(name)
    assert isinstance(type_, GraphQLScalarType)
    return type_


BYTES, TIME, CURSOR = scalar("Base64Bytes"), scalar("DateTime"), scalar("Cursor")


@given(st.binary(max_size=200))
def test_bytes_come_back_from_every_spelling(raw: bytes) -> None:
    standard, url = base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()
    assert BYTES.coerce_output_value(raw) == standard
    for text in (standard, url, standard.rstrip("="), url.rstrip("=")):
        assert BYTES.coerce_input_value(text) == raw


@pytest.mark.parametrize(
    "text", ["A", "AB", "AAB", "====", "AA===", "A A=", "AA\n==", "ä", "AB==", "AAB=", 5, True, None, [], {}]
)
def test_what_is_no_base64_is_refused(text: Any) -> None:
    if text in ("AA==", ""):
        return
    with pytest.raises(GraphQLError):
        BYTES.coerce_input_value(text)


def test_times_are_in_utc_with_milliseconds() -> None:
    time = datetime(2026, 11, 5, 9, 30, 0, 123456, timezone(timedelta(hours=1)))
    assert TIME.coerce_output_value(time) == "2026-11-05T08:30:00.123Z"
    assert TIME.coerce_input_value("2026-11-05T09:30:00+01:00") == datetime(2026, 11, 5, 8, 30, tzinfo=UTC)
    for bad in ("2026-11-05", "2026-11-05T08:30:00", "now", 5, None):
        with pytest.raises(GraphQLError):
            TIME.coerce_input_value(bad)


@pytest.mark.parametrize("bad", ["", "x" * 4097, "ä", 5, None, True])
def test_cursors_are_short_texts(bad: Any) -> None:
    with pytest.raises(GraphQLError):
        CURSOR.coerce_input_value(bad)
    assert CURSOR.coerce_input_value("x" * 4096) == "x" * 4096
