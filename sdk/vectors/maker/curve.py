"""Just enough Edwards arithmetic to forge signatures that sloppy verifiers take; never used to sign or verify."""

from __future__ import annotations

import hashlib

from circle_client.protocol.primitives import L, P

D = -121665 * pow(121666, -1, P) % P
I = pow(2, (P - 1) // 4, P)  # noqa: E741 - the square root of -1, as RFC 8032 calls it
Point = tuple[int, int]
IDENTITY: Point = (0, 1)


def add(a: Point, b: Point) -> Point:
    """a + b, in affine coordinates."""
    (x1, y1), (x2, y2) = a, b
    t = D * x1 * x2 * y1 * y2
    return (x1 * y2 + x2 * y1) * pow(1 + t, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - t, -1, P) % P


def multiply(n: int, point: Point) -> Point:
    """n times the point."""
    result = IDENTITY
    while n:
        if n & 1:
            result = add(result, point)
        point, n = add(point, point), n >> 1
    return result


def lift(y: int) -> Point | None:
    """The point with this y and even x, None where the curve has none."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * I % P
    if x * x % P != square:
        return None
    return (x if x % 2 == 0 else P - x), y


def point(y: int) -> Point:
    """The point with this y. Raises ValueError where there is none."""
    found = lift(y)
    if found is None:
        raise ValueError("no point has this y")
    return found


def encode(a: Point) -> bytes:
    """The canonical encoding."""
    return (a[1] | (a[0] & 1) << 255).to_bytes(32, "little")


BASE = point(4 * pow(5, -1, P) % P)


def scalar(seed: bytes) -> int:
    """The secret scalar of a seed."""
    number = int.from_bytes(hashlib.sha512(seed).digest()[:32], "little")
    return number & ~(1 << 255) & ~7 | (1 << 254)


def challenge(r: bytes, a: bytes, message: bytes) -> int:
    """k of RFC 8032."""
    return int.from_bytes(hashlib.sha512(r + a + message).digest(), "little") % L


def number(s: int) -> bytes:
    """S as it is encoded."""
    return s.to_bytes(32, "little")
