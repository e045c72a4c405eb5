"""What a client remembers of chains, rosters, epochs and logs (e2ee.md section 12), held against what it is shown."""

from __future__ import annotations

from collections.abc import Callable

from circle_client.protocol.errors import Code, Layer, Refuser
from circle_client.protocol.structures import Head

_refuse = Refuser(Layer.LOG)


def check_pin(pin: Head, shown: Head, hash_at: Callable[[int], bytes | None]) -> None:
    """Compares a remembered [n, hash] with a newest head that is shown now.

    `hash_at` gives the shown hash at a number, None where it is not known (a log that was begun later). Raises FORK
    (`log`) for a lower head, or another hash at the number remembered: stop sending, keep the evidence, tell them.
    """
    if shown.n < pin.n:
        raise _refuse(Code.FORK, "What the server shows is older than what was seen before.")
    found = shown.hash if shown.n == pin.n else hash_at(pin.n)
    if found is not None and found != pin.hash:
        raise _refuse(Code.FORK, "What the server shows is not what was seen before.")
