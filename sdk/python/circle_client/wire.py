"""The custom scalars of the API as Python values; the generated operations call these."""

from __future__ import annotations

import base64
import binascii
from typing import overload


def parse_bytes(value: object) -> bytes:
    """The bytes of a `Base64Bytes`. Raises ValueError for anything but standard base64 with padding."""
    if not isinstance(value, str):
        raise ValueError("base64 text is expected")
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise ValueError("base64 text is expected") from error


@overload
def write_bytes(value: bytes) -> str: ...


@overload
def write_bytes(value: list[bytes]) -> list[str]: ...


def write_bytes(value: bytes | list[bytes]) -> str | list[str]:
    """A `Base64Bytes` of the bytes, or a list of them (the generator calls it for list arguments, too)."""
    if isinstance(value, list):
        return [write_bytes(item) for item in value]
    return base64.b64encode(value).decode("ascii")
