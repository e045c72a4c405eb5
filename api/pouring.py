"""What a stream of shared responses pours into: ready messages on one socket, without an execution of its own."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from api.sharing import Group
from api.socket_queue import Closed, Outgoing
from db.hub import Delivery, Live


class Pouring:
    """The sink of one operation on one socket."""

    __slots__ = ("_first", "_group", "_is_over", "_out")  # thousands are gone through for each entry

    def __init__(self, out: Outgoing, group: Group, id_: str) -> None:
        """`id_`: the operation's."""
        self._out, self._group, self._is_over = out, group, False
        self._first = b'{"id":' + msgspec.json.encode(id_) + b',"type":"next","payload":'

    def live(self, live: Live) -> bool:
        """Send a row now or queue it; False where the queue is full or nobody follows any more."""
        if self._is_over:
            return False
        return self._out.put_ready(self._first, self._group.tail(live))

    def stop(self) -> None:
        """Nobody follows any more, and the id may be another operation's soon."""
        self._is_over = True

    async def missed(self, page: Sequence[Delivery]) -> bool:
        """Send a page of the backlog as the client takes it; False where the socket is closing."""
        try:
            await self._out.put_all_ready(self._first, map(self._group.missed, page))
        except Closed:
            return False
        return True
