"""Ports for servers that a test starts."""

from __future__ import annotations

import random
import socket

_RANGE = range(20_000, 32_000)
"""Below what Linux and macOS give to outgoing connections, which could take the port of a server that restarts."""


def free_port() -> int:
    """A port that nobody listened on a moment ago. Raises RuntimeError where none is found."""
    for port in random.SystemRandom().sample(_RANGE, 100):  # no seed: tests run side by side
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port was found")
