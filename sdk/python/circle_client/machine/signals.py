"""Which signals of calls are refused for their time: old ones, repeated ones, and those out of order.

e2ee.md section 11; the counter of each call comes with the calls.
"""

from __future__ import annotations

from circle_client.protocol.envelope import Header, id_time, refuse
from circle_client.protocol.errors import Code

LONGEST = 60_000
"""Milliseconds after which a signal is too old, and before which it cannot be from the future."""


class Freshness:
    """What one listener has heard: remembers ids as long as they could come again."""

    def __init__(self) -> None:
        self._heard: dict[bytes, int] = {}
        self._newest: dict[tuple[bytes, bytes], int] = {}
        self._forgot_at = 0

    def check(self, header: Header, now: int) -> None:
        """Before anything else is looked at. Raises ProtocolError FORBIDDEN, REPLAYED."""
        for time in (header.time, id_time(header.id)):
            if abs(now - time) > LONGEST:
                raise refuse(Code.FORBIDDEN, "The signal is too old, or from the future.")
        if header.id in self._heard:
            raise refuse(Code.REPLAYED, "The signal has come before.")
        if header.time < self._newest.get((header.space, header.device), 0):
            raise refuse(Code.REPLAYED, "The signal comes after a newer one of its device.")

    def heard(self, header: Header, now: int) -> None:
        """It was verified and opened."""
        self._heard[header.id] = max(header.time, id_time(header.id))
        self._newest[header.space, header.device] = header.time
        if now - self._forgot_at > LONGEST:
            self._forgot_at = now
            # What `check` refuses for its time alone needs no memory.
            self._heard = {id: time for id, time in self._heard.items() if now - time <= LONGEST}
            self._newest = {key: time for key, time in self._newest.items() if now - time <= LONGEST}
