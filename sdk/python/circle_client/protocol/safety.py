"""The safety number of two members (e2ee.md section 12)."""

from __future__ import annotations

from circle_client.protocol.labels import Label, kdf

GROUPS = 12


def safety_number(own: bytes, other: bytes) -> str:
    """12 groups of five digits from two IDs; the same for both members."""
    lower, higher = sorted((own, other))
    data = kdf(lower + higher, b"", Label.SAFETY, [], GROUPS * 5)
    numbers = (int.from_bytes(data[i : i + 5], "big") % 100_000 for i in range(0, len(data), 5))
    return " ".join(f"{number:05d}" for number in numbers)
