"""Signals of calls: sealed in the conversation, passed on at once, opened and verified, kept nowhere."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from circle_client.engine.engine import Engine, millis
from circle_client.engine.ephemeral import Streams
from circle_client.engine.live_api import SignalFacts
from circle_client.engine.momentary import Momentary
from circle_client.errors import CircleError, NotAllowed
from circle_client.machine.loose import KeysLacking
from circle_client.machine.make import Draft
from circle_client.machine.signals import Freshness
from circle_client.machine.space import Space
from circle_client.protocol.cbor import Value
from circle_client.protocol.envelope import Envelope, Header, Kind, decode_envelope, make_id
from circle_client.protocol.errors import ProtocolError
from circle_client.protocol.primitives import random_bytes
from circle_client.protocol.rules import SIGNAL_CLASS

log = logging.getLogger("circle_client")


@dataclass(frozen=True, slots=True)
class Heard:
    """A signal that was verified and opened."""

    header: Header
    content: Mapping[int, Any]


class Calls:
    """Sends signals, and listens to those of others and of one's own other devices."""

    def __init__(self, engine: Engine, momentary: Momentary, streams: Streams) -> None:
        self._engine, self._momentary, self._streams = engine, momentary, streams
        self._newest = 0

    async def send(self, space: Space, content: Mapping[int, Value]) -> bytes:
        """Seal and pass on; the signal's id. Raises as `Momentary.say`, TooManyTries."""
        made: list[bytes] = []

        def draft() -> Draft:
            self._newest = max(millis(), self._newest)  # a clock that goes back would put signals out of order
            made.append(make_id(self._newest, random_bytes(10)))
            return Draft(made[-1], Kind.SIGNAL, content, self._newest, b=SIGNAL_CLASS)

        await self._momentary.say(space, draft, self._engine.api.live.send_signal, renew=True)
        return made[-1]

    async def listen(self, space: Space) -> AsyncIterator[Heard]:
        """The signals of a conversation from now on. What does not verify is left out."""
        fresh = Freshness()

        def over() -> CircleError | None:
            now = self._engine.machine.spaces.get(space.id, space)
            return None if now.left is None else NotAllowed("You are no longer a member of this conversation.")

        async for facts in self._streams.follow(lambda: self._engine.api.live.signals(space.node), over):
            try:
                heard = await self._open(self._engine.space(space.id), facts, fresh)
            except (ProtocolError, KeysLacking, CircleError) as error:
                log.info("a signal was refused (%s)", getattr(error, "code", "NO_KEYS"))
            else:
                yield heard

    async def _open(self, space: Space, facts: SignalFacts, fresh: Freshness) -> Heard:
        engine, envelope = self._engine, decode_envelope(facts.envelope)
        header = envelope.header
        fresh.check(header, millis())
        if engine.machine.loose.needs(facts.envelope):
            await engine.know([header.member])
        if header.epoch.n > space.newest.n:
            await engine.catch_up(space)  # the streams are two: the signal was faster than its epoch
        content = self._content(space, envelope)
        fresh.heard(header, millis())
        return Heard(header, content)

    def _content(self, space: Space, envelope: Envelope) -> Mapping[int, Any]:
        calm = space.alarm is None
        try:
            return self._engine.machine.open_signal(space, envelope)
        finally:
            if calm and space.alarm is not None:
                self._engine.flush()
                self._engine.news.set()


__all__ = ["Calls", "Heard"]
