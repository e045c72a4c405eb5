"""Typing is told at most every few seconds per member and conversation; that it stopped is told at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from db.ephemeral import Told
from db.queries.identity import MemberRow

MOST = 20_000
"""Places that are kept in mind; beyond, those that are over are dropped."""

Place = tuple[UUID, UUID]
"""A space and a member."""


@dataclass(slots=True)
class _Going:
    """When it was last told (the loop's time), and what is to be told next."""

    told_at: float
    next: Told | None = None
    timer: asyncio.TimerHandle | None = None


class TypingThrottle:
    """What is asked for too early is told when its time has come, unless the member has stopped by then."""

    def __init__(
        self, tell: Callable[[Told], None], clock: Callable[[], datetime], *, every: float, holds: float
    ) -> None:
        self._tell, self._clock, self._every, self._holds = tell, clock, every, timedelta(seconds=holds)
        self._going: dict[Place, _Going] = {}

    def set(self, told: Told, who: MemberRow, *, typing: bool) -> None:
        """Tell now or soon that `who` types, at once that they stopped; `told.body` is filled in here."""
        place, now = (told.space, told.member), asyncio.get_running_loop().time()
        going = self._going.get(place)
        told = replace(told, body=pack_typing(self._clock() + self._holds if typing else None, who))
        if not typing:
            if going is not None:
                self._forget_next(going)
            self._tell(told)
        elif going is None or now - going.told_at >= self._every:
            self._told(place, now)
            self._tell(told)
        else:
            going.next = told
            if going.timer is None:
                loop = asyncio.get_running_loop()
                going.timer = loop.call_at(going.told_at + self._every, self._tell_next, place)

    def hear(self, told: Told) -> None:
        """What any process has told counts for all."""
        if unpack_typing(told.body)[0] is not None:
            self._told((told.space, told.member), asyncio.get_running_loop().time())

    def stop(self) -> None:
        """Tell nothing more."""
        for going in self._going.values():
            self._forget_next(going)

    def _told(self, place: Place, now: float) -> None:
        going = self._going.setdefault(place, _Going(now))
        going.told_at = now
        if len(self._going) > MOST:
            over = now - self._every
            self._going = {
                place: going for place, going in self._going.items() if going.timer is not None or going.told_at > over
            }

    def _tell_next(self, place: Place) -> None:
        going = self._going[place]
        told, going.next, going.timer = going.next, None, None
        if told is not None:
            self._told(place, asyncio.get_running_loop().time())
            self._tell(told)

    def _forget_next(self, going: _Going) -> None:
        if going.timer is not None:
            going.timer.cancel()
        going.next = going.timer = None


def pack_typing(until: datetime | None, who: MemberRow) -> str:
    """The body of the message: whoever hears it needs no query to say who it is."""
    ends = None if until is None else until.isoformat()
    return json.dumps([ends, who.id.hex, who.handle, who.display_name, who.role, who.created_at.isoformat()])


def unpack_typing(body: str) -> tuple[datetime | None, MemberRow]:
    """Until when (None: stopped), and who."""
    ends, id_, handle, name, role, created_at = json.loads(body)
    until = None if ends is None else datetime.fromisoformat(ends).astimezone(UTC)
    return until, MemberRow(UUID(id_), handle, name, role, datetime.fromisoformat(created_at))
