"""Resetting the identity of a member who lost every device and the recovery key, in two steps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from circle_client.account import Account, remove_store
from circle_client.engine.engine import millis
from circle_client.enrol import Guest, enter
from circle_client.errors import InvalidInput, Offline, Refused
from circle_client.machine.enrol import NewDevice
from circle_client.machine.reset import Reset, make_reset
from circle_client.protocol.primitives import random_bytes
from circle_client.protocol.words import recovery_keys, to_words
from circle_client.transport import Backoff

if TYPE_CHECKING:
    from circle_client.client import Circle

SENTENCE = "begin anew"
"""What `PendingReset.confirm` must be given: nobody resets an identity by accident."""

_TRIES = 8
_MOVED = {"CHAIN_CONFLICT", "GENERATION_CONFLICT"}


class PendingReset:
    """An identity that is reset with `confirm` and not before; `close` it to let it be.

    After it: all devices of before are ended, what was sealed so far is lost, and in every conversation somebody has to
    let this member in again. `words` is the new recovery key, to be written down first.
    """

    def __init__(self, guest: Guest, name: str, make: type[Circle]) -> None:
        """Not for scripts: use `Circle.reset`."""
        self._guest, self._name, self._make = guest, name, make
        member, secret = guest.session.me.protocol_id, random_bytes(32)
        self._device, self._keys = NewDevice.make(member, millis()), recovery_keys(secret, member)
        self._made: Reset | None = None
        self.words = tuple(to_words(secret))

    async def close(self) -> None:
        """Leave everything as it was."""
        await self._guest.api.transport.close()

    async def confirm(self, sentence: str) -> Circle:
        """Reset the identity. `sentence` must be "begin anew". Gives the running client of the new identity.

        Raises InvalidInput for another sentence, StoreError, Refused, Untrusted, Offline; again after a failure is
        harmless.
        """
        if sentence.strip().lower() != SENTENCE:
            raise InvalidInput(f'To reset the identity, confirm with "{SENTENCE}".')
        circle = self._make(await self._reset())
        circle.recovery_words = self.words
        await circle.synced()
        return circle

    async def _reset(self) -> Account:
        guest, backoff = self._guest, Backoff()
        for left in range(_TRIES, -1, -1):
            facts, known = await guest.facts()
            if self._made is not None and self._device.device in known.chain.state.devices:
                return guest.account(self._made.keyring, facts)  # a try whose answer was lost had gone through
            self._made = made = make_reset(self._device, self._keys, known, self._name, millis())
            account = guest.account(made.keyring, facts)  # kept first: an identity whose keys are lost is worth nothing
            try:
                await self._send(made)
                facts, _ = await guest.facts()
                account.learn_self(facts)
                return account
            except BaseException as error:
                account.store.close()
                remove_store(guest.path)
                if not (isinstance(error, Refused) and error.code in _MOVED and left):
                    raise
                await backoff.pause()
        raise Offline("Other devices keep changing the account's key. Try again in a while.")

    async def _send(self, made: Reset) -> None:
        """The same member key again gives the first result, so a lost answer changes nothing."""
        backoff = Backoff()
        for left in range(_TRIES, -1, -1):
            try:
                await self._guest.api.devices.rotate(made.rotation)
                return
            except Offline:
                if not left:
                    raise
                await backoff.pause()


async def begin_reset(
    make: type[Circle], origin: str, handle: str, password: str, path: str | Path, device_name: str
) -> PendingReset:
    """See `Circle.reset`."""
    return PendingReset(await enter(origin, handle, password, path), device_name, make)
