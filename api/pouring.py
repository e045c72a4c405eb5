"""What a stream of shared responses pours into: ready messages on one socket, without an execution of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from api.sharing import Group
from api.socket_queue import Closed, Outgoing
from db.hub import Delivery, Live


class Pouring:
    """The sink of one operation on one socket."""

    def __init__(self, out: Outgoing, group: Group, first: bytes, is_followed: Callable[[], bool]) -> None:
        """`first` is the beginning of its messages, up to the payload; once not followed, it takes nothing more."""
        self._out, self._group, self._first, self._is_followed = out, group, first, is_followed

    def live(self, live: Live) -> bool:
        """Send a row now or queue it; False where the queue is full."""
        return self._is_followed() and self._out.put_ready(self._first, self._group.tail(live))

    async def missed(self, page: Sequence[Delivery]) -> bool:
        """Send a page of the backlog as the client takes it; False where the socket is closing."""
        try:
            await self._out.put_all_ready(self._first, map(self._group.missed, page))
        except Closed:
            return False
        return True
