"""How quickly complaints may follow each other, so that a message can be sent between two of them."""

from __future__ import annotations

_FIRST, _MOST = 1.0, 60.0
_CALM = 3600.0


class Pace:
    """The complaints of one conversation, in rounds. A complaint makes the next epoch due: where every epoch is spoilt,
    as by a client that cannot seal to this member's key, and each were complained of at once, nobody would ever send.

    The first round is at once; the next may begin after 1 s, then after 2, 4 … 60. An hour without one begins anew.
    """

    def __init__(self) -> None:
        self._begun, self._pause = 0.0, 0.0

    def wait(self, now: float) -> float:
        """Seconds from `now` (seconds of a clock that never goes back) until a complaint that came up now may go. All
        that come up while a round waits belong to it.
        """
        if self._pause == 0 or now >= self._begun + _CALM:
            self._begun, self._pause = now, _FIRST
        elif now > self._begun:
            self._begun = max(now, self._begun + self._pause)
            self._pause = min(self._pause * 2, _MOST)
        return self._begun - now
