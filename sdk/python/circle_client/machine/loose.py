"""Envelopes that are no entries of a log, markers and signals: what is checked before they are opened.

The rules are those of section 7 of e2ee.md, as far as they can be told without a place in the log.
"""

from __future__ import annotations

from typing import Any

from circle_client.machine.alarms import FORKED, Why
from circle_client.machine.events import Past
from circle_client.machine.people import People
from circle_client.machine.space import Space
from circle_client.protocol.envelope import Envelope, Kind, decode_envelope, open_envelope
from circle_client.protocol.errors import Code, Layer, ProtocolError, Refuser
from circle_client.protocol.primitives import Z32
from circle_client.protocol.rules import SIGNAL_CLASS, check_rules

_refuse = Refuser(Layer.ENVELOPE)


class KeysLacking(Exception):
    """All is in order but for the keys of its epoch, which may yet come."""


class Loose:
    """Opens such envelopes, given the members and spaces that this device knows."""

    def __init__(self, people: People, past: Past) -> None:
        self._people, self._past = people, past

    def needs(self, data: bytes | None) -> set[bytes]:
        """The member whose chain must be known (further) before `open`; nobody for what does not decode."""
        try:
            header = decode_envelope(data or b"").header
        except ProtocolError:
            return set()
        return set() if self._people.knows(header.member, header.n) else {header.member}

    def open(self, space: Space, envelope: Envelope, kind: Kind) -> dict[int, Any]:
        """The content of an envelope of this kind whose sender, signature, rules and `seen` are in order.

        A foreign `seen` that is truly signed raises the space's alarm, as an entry of the log would. Raises
        ProtocolError where it is to be ignored, KeysLacking where it may be tried again.
        """
        header = envelope.header
        if header.space != space.id or header.kind != kind or header.ref is not None:
            raise _refuse(Code.FORBIDDEN, "The envelope is not what it was handed over as.")
        self._check_sender(space, envelope)
        self._check_seen(space, envelope)
        epoch = space.epochs.get(header.epoch.n)
        if epoch is None or epoch.announcement.head != header.epoch or header.b not in epoch.branches:
            raise KeysLacking
        return open_envelope(envelope, epoch.branches[header.b])

    def check_current(self, space: Space, envelope: Envelope) -> None:
        """Whether it is sealed under the space's newest epoch, which is not due. Raises ProtocolError STALE_EPOCH."""
        if envelope.header.epoch != space.log.epoch or space.log.due is not None:
            raise _refuse(Code.STALE_EPOCH, "The envelope came after its epoch had ended.")

    def _check_sender(self, space: Space, envelope: Envelope) -> None:
        header = envelope.header
        chain = self._people.chain(header.member)
        dk = chain.dk_at(header.device, header.n)
        if header.device not in chain.state.devices:
            # What a device that was taken away says now could be anybody's who found it.
            raise _refuse(Code.FORBIDDEN, "The device that sealed it is no longer its member's.")
        seat = space.roster.seats.get(header.member)
        if seat is None or chain.identity_at(header.n) != seat.identity:
            raise _refuse(Code.FORBIDDEN, "The sender is not in the roster with this ID.")
        # A policy that came later does not reach back: the class is looked at by itself.
        check_rules(header, seat.role, SIGNAL_CLASS if header.kind == Kind.SIGNAL else 0, None)
        envelope.verify(dk)

    def _check_seen(self, space: Space, envelope: Envelope) -> None:
        seen = envelope.header.seen
        known = space.log.hashes.get(seen.n) or self._past.log_hash(space.id, seen.n)
        if known is None and seen.n == 0:
            known = Z32
        if known is not None and known != seen.hash:
            space.warn(FORKED, Why.FORKED)
            raise _refuse(Code.FORK, "The log is not the one that others see.")
