"""Taking the keys of an epoch: from the own seal, or from what a rotation has wrapped (e2ee.md sections 6 and 8)."""

from __future__ import annotations

from dataclasses import dataclass

from circle_client.machine.alarms import Why
from circle_client.machine.keyring import Keyring
from circle_client.machine.people import People
from circle_client.machine.space import Epoch, Space
from circle_client.machine.wraps import Wraps
from circle_client.protocol.epoch import Announcement, Recipient
from circle_client.protocol.epoch_keys import announced_rows, check_own_row, must_complain, open_epoch, own_row
from circle_client.protocol.errors import ProtocolError
from circle_client.protocol.primitives import sha256


@dataclass(frozen=True, slots=True)
class SealFacts:
    """What the server hands out of an epoch beside its announcement: E(list) and the own seal. Nothing believed."""

    recipients: bytes | None
    seal: bytes | None


class SealTaker:
    """Opens what epochs are sealed to, given this device's keys."""

    def __init__(self, keyring: Keyring, people: People, wraps: Wraps) -> None:
        self._keys, self._people, self._wraps = keyring, people, wraps

    def take_seal(self, space: Space, number: int, facts: SealFacts) -> None:
        """Check list, own row and own seal of an epoch and keep its branches; without a seal (a rotation since has
        removed it) those that were wrapped.

        A seal that its creator made badly leaves an entry of `space.denied`; what only the server can have done, the
        alarm. A seal for a key that a sibling has made and this device has yet to take is left for later.
        """
        epoch = space.epochs.get(number)
        if epoch is None or epoch.branches:
            return
        try:
            if epoch.foreign:
                epoch.branches = self._wraps.branches(epoch.announcement)  # granted after the reset, and carried over
            elif facts.seal is None:
                self._take_wraps(epoch, facts.recipients)
            elif facts.recipients is not None:
                self._take_own(space, epoch, facts.recipients, facts.seal)
        except ProtocolError as error:
            sentence = f"The keys that the server handed out do not fit, so nothing is sent here. {error.message}"
            space.warn(sentence, Why.INVALID)

    def _take_own(self, space: Space, epoch: Epoch, recipients: bytes, seal: bytes) -> None:
        announcement: Announcement = epoch.announcement
        me = self._keys.member
        row = own_row(announcement, recipients, me)
        own = self._keys.member_secrets(row.generation)
        if own is None and row.generation > self._keys.generation:
            return
        held = {g: sha256(found.mk) for g in self._keys.secrets if (found := self._keys.member_secrets(g)) is not None}
        check_own_row(row, self._people.chain(me), epoch.least_n, held)
        if own is None:
            return
        try:
            branches = open_epoch(announcement, row, seal, own.mk_seed)
        except ProtocolError as error:
            if not must_complain(error):
                raise
            space.denied[announcement.epoch] = row.seal_hash
            return
        epoch.branches, epoch.recipients = dict(enumerate(branches)), recipients
        epoch.sealed_to = row.generation

    def _take_wraps(self, epoch: Epoch, recipients: bytes | None) -> None:
        """Without a row of one's own the keys were granted, for a time when this member was not there."""
        branches = self._wraps.branches(epoch.announcement)
        if branches and recipients is not None and (row := self._find_row(epoch, recipients)) is not None:
            me = self._keys.member
            check_own_row(row, self._people.chain(me), epoch.least_n, self._people.generations(me))
            epoch.recipients = recipients
        epoch.branches = branches

    def _find_row(self, epoch: Epoch, recipients: bytes) -> Recipient | None:
        rows = announced_rows(epoch.announcement, recipients)
        return next((row for row in rows if row.member == self._keys.member), None)
