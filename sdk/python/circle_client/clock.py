"""The clock of this client: one place, so that tests can put it forward."""

from __future__ import annotations

import time


def millis() -> int:
    """Now, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000
