"""Watching open sockets' sessions: what ends anywhere ends here within a second. And a little housekeeping."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from api.auth import RENEW_AFTER, Authenticator
from api.graphql_ws import SocketHub
from api.refusals import mask
from db.bus import Bus
from db.uow import UnitOfWork
from resolvers.attempts import drop_old_tries
from resolvers.context import EndReason
from resolvers.sessions import find_living, find_reasons, renew_sessions

log = logging.getLogger("circle.api.sessions")

SESSION_REVOKED, SESSION_DEVICE, GAP = "session-revoked", "session-device", "gap"
HOUSEKEEPING_SECONDS = 3600.0


class SessionWatch:
    """Closes sockets whose session has ended: told by the bus at once, and found by looking every moment."""

    def __init__(
        self,
        uow: UnitOfWork,
        bus: Bus,
        sockets: SocketHub,
        authenticator: Authenticator,
        clock: Callable[[], datetime],
        seconds: float,
    ) -> None:
        self._uow, self._bus, self._sockets, self._authenticator = uow, bus, sockets, authenticator
        self._clock, self._seconds = clock, seconds

    def tell(self, sessions: Sequence[UUID], reason: EndReason) -> None:
        """Tell every process that these sessions ended; this one knows it at once."""
        self._end(dict.fromkeys(sessions, reason))
        for session in sessions:
            self._bus.publish({"kind": SESSION_REVOKED, "session": str(session), "reason": reason.value})

    def tell_device(self, session: UUID, device: UUID) -> None:
        """Tell every process that a session signs as this device from now on; this one knows it at once."""
        self._take_device(session, device)
        self._bus.publish({"kind": SESSION_DEVICE, "session": str(session), "device": str(device)})

    def _take_device(self, session: UUID, device: UUID) -> None:
        self._authenticator.forget(session)
        self._sockets.give_device(session, device)

    def hear(self, message: dict[str, Any]) -> None:
        """Take a message of the bus."""
        kind = message.get("kind")
        if kind == SESSION_REVOKED:
            self._end({UUID(str(message.get("session"))): EndReason(message.get("reason", EndReason.REVOKED))})
        elif kind == SESSION_DEVICE:
            self._take_device(UUID(str(message.get("session"))), UUID(str(message.get("device"))))
        elif kind == GAP:
            # Something may have been missed: what is remembered is not to be trusted; sockets are looked at anyway.
            self._authenticator.forget()

    def _end(self, ended: Mapping[UUID, EndReason]) -> None:
        for session in ended:
            self._authenticator.forget(session)
        self._sockets.end_sessions(ended)

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        failing = False
        while True:
            await asyncio.sleep(self._seconds)
            try:
                await self.look()
                failing = False
            except Exception as failure:
                # The database may be restarting: sockets stay until it can be asked; said once, not every moment.
                if not failing:
                    mask(failure, "the watch over sessions")
                failing = True

    async def look(self) -> None:
        """Close the sockets whose session is over, renew those in use, and learn of devices that the bus has lost."""
        open_sessions: defaultdict[UUID, set[UUID | None]] = defaultdict(set)  # as which devices their sockets ask
        for socket in self._sockets.sockets:
            if socket.session is not None:
                open_sessions[socket.session.id].add(socket.session.viewer.device)
        if not open_sessions:
            return
        now = self._clock()
        async with self._uow.auth() as tx:
            living = await find_living(tx, list(open_sessions), now)
            stale = [id for id, (seen, _) in living.items() if now - seen > RENEW_AFTER]
            if stale:
                await renew_sessions(tx, stale, now)
            dead = [id for id in open_sessions if id not in living]
            reasons = await find_reasons(tx, dead) if dead else {}
        for id, (_, device) in living.items():
            if device is not None and open_sessions[id] != {device}:
                self._take_device(id, device)
        self._end(reasons)

    async def keep_house(self) -> None:
        """Drop counters that no longer count, now and every hour, until cancelled."""
        while True:
            try:
                async with self._uow.auth() as tx:
                    await drop_old_tries(tx, self._clock() - timedelta(days=1))
            except Exception as failure:
                mask(failure, "housekeeping")
            await asyncio.sleep(HOUSEKEEPING_SECONDS)
