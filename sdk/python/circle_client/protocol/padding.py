"""P of e2ee.md section 7: 4-byte big-endian length ‖ text ‖ zeros, to Padmé(4 + length) and at least 256 bytes."""

from __future__ import annotations

from circle_client.protocol.errors import Code, Layer, Refuser

LENGTH = 4
MINIMUM = 256

_refuse = Refuser(Layer.ENVELOPE)


def padme(length: int) -> int:
    """Padmé(L): L rounded up to a multiple of 2^(e - bitlength(e)), e = bitlength(L) - 1. L is at least 1."""
    e = length.bit_length() - 1
    step = 1 << (e - e.bit_length())
    return (length + step - 1) // step * step


def padded(length: int) -> int:
    """The size of P for a text of `length` bytes."""
    return max(MINIMUM, padme(LENGTH + length))


def is_padded_size(size: int) -> bool:
    """Whether some text has a P of this size."""
    return size >= MINIMUM and padme(size) == size


def pad(text: bytes) -> bytes:
    """P of the text."""
    framed = len(text).to_bytes(LENGTH, "big") + text
    return framed.ljust(padded(len(text)), b"\x00")


def unpad(data: bytes) -> bytes:
    """The text of P. Raises UNREADABLE (`envelope`) for any other length or padding."""
    length = int.from_bytes(data[:LENGTH], "big")
    if len(data) < MINIMUM or LENGTH + length > len(data) or padded(length) != len(data):
        raise _refuse(Code.UNREADABLE, "The padding has a wrong length.")
    if any(data[LENGTH + length :]):
        raise _refuse(Code.UNREADABLE, "The padding is not all zeros.")
    return data[LENGTH : LENGTH + length]
