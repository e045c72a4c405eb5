"""This device and its siblings: rotations of the account's key, and the seals that follow them (e2ee.md section 8)."""

from __future__ import annotations

import asyncio
import base64
import logging
from dataclasses import dataclass, field

from circle_client.engine.device_api import DeviceFacts, Incomplete
from circle_client.engine.engine import Engine, millis
from circle_client.engine.kept import entry_of
from circle_client.errors import InvalidInput, KeysMissing, NotAllowed, Offline, Refused
from circle_client.machine.enrol import answer_request
from circle_client.machine.rotation import EARLY, Branch, GrantsNeeded, Required, Rotation, is_old, is_silent
from circle_client.protocol.errors import ProtocolError
from circle_client.protocol.linking import LINK_KEY, link_id, link_key
from circle_client.protocol.roster import SpaceType
from circle_client.protocol.structures import Signed
from circle_client.protocol.words import RecoveryKeys
from circle_client.transport import Backoff

log = logging.getLogger("circle_client")

QR = "circle-link:"
"""What the text of a linking QR code begins with; k as base64url follows."""

_TRIES = 8
_LOOK = 600_000
_LOOKS = 3
_LOST = {"GENERATION_CONFLICT", "CHAIN_CONFLICT", "REWRAP_INCOMPLETE"}


def read_code(code: str) -> bytes:
    """k from its twelve words, or from the text of the QR code. Raises InvalidInput."""
    text = code.strip()
    try:
        if not text.startswith(QR):
            return link_key(text)
        key = base64.b64decode(text.removeprefix(QR) + "==", altchars=b"-_", validate=True)
    except (ProtocolError, ValueError) as error:
        raise InvalidInput("This is not the code of a new device; look for a typing mistake.") from error
    if len(key) != LINK_KEY:
        raise InvalidInput("This is not the code of a new device; look for a typing mistake.")
    return key


@dataclass(slots=True)
class _Lacking:
    """What refusals have told so far: devices that want a box, and grants, which are then looked for everywhere."""

    boxes: set[bytes] = field(default_factory=set)
    thorough: bool = False
    looks: int = 0
    seen: int = 0

    def note(self, error: Incomplete) -> None:
        """Take what a refusal names."""
        self.boxes |= error.boxes
        if error.lacks_grants:
            self.looks += self.thorough
            self.thorough = True

    def name(self, shown: frozenset[str]) -> frozenset[str] | None:
        """The grants to name; None once the server has named some, again and again, that it does not show."""
        if len(shown) > self.seen:
            self.looks = 0
        self.seen = len(shown)
        return shown if self.looks < _LOOKS else None


class Devices:
    """The use cases of devices on top of the engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = asyncio.Lock()
        self._looked = 0

    async def tend(self, now: int) -> None:
        """Take the newest M every ten minutes, publish the seal that a rotation asks for, rotate what is due.

        Raises KeysMissing where this device was left out, Untrusted where own keys do not verify, Offline.
        """
        keyring = self._engine.machine.keyring
        if now - self._looked >= _LOOK or self._engine.machine.behind:
            await self._engine.keys.take_newest()
            self._looked = now
        if self._is_due(now):
            try:
                await self.rotate()
            except (NotAllowed, Refused) as error:
                log.info("the rotation was put off (%s)", error.code)
        if keyring.must_publish:
            await self.publish_seal()

    def _is_due(self, now: int) -> bool:
        known = self._engine.machine.people.get(self._engine.machine.me)
        if known is None:
            return False
        if self._engine.machine.rotator.load >= EARLY:
            return True
        if not is_old(known.key, now, True):
            return False
        return is_old(known.key, now, any(1 <= b <= 4 for _, _, b in self._living()))

    def _living(self) -> set[Branch]:
        """The branches b > 0 of which an unexpired envelope is kept here."""
        found: set[Branch] = set()
        for row in self._engine.store.expiring_items():
            entry = entry_of(row)
            if entry is not None and entry.epoch and row.space in self._engine.machine.spaces:
                found.add((row.space, entry.epoch, entry.b))
        return found

    async def rotate(self, revoke: bytes | None = None, recovery: RecoveryKeys | None = None) -> None:
        """Make M of the next generation, in one request with a device.revoke where a device is given, or with the new
        recovery key; again after another device was faster. Raises KeysMissing, Untrusted, InvalidInput, Refused,
        NotAllowed, Offline.
        """
        engine, backoff = self._engine, Backoff()
        lacking = _Lacking()
        async with self._lock:
            started = engine.machine.keyring.generation
            for left in range(_TRIES, -1, -1):
                await engine.keys.take_newest()
                if self._is_done(started, revoke, recovery):
                    return
                made = await self._make(revoke, recovery, lacking)
                try:
                    await engine.api.devices.rotate(made)
                except Offline:
                    if not left:
                        raise
                except Incomplete as error:
                    lacking.note(error)
                    if not left:
                        raise
                except Refused as error:
                    if error.code not in _LOST or not left:
                        raise
                else:
                    await engine.keys.take_newest()
                    await self.publish_seal()
                    return
                await backoff.pause()
        raise NotAllowed("Other devices keep changing the account's key. Try again in a while.")

    def _is_done(self, started: int, revoke: bytes | None, recovery: RecoveryKeys | None) -> bool:
        machine = self._engine.machine
        if revoke is not None:
            return revoke not in machine.people.chain(machine.me).state.devices
        if recovery is not None:
            return machine.people.chain(machine.me).state.rs == recovery.rs
        return machine.keyring.generation > started

    async def _make(self, revoke: bytes | None, recovery: RecoveryKeys | None, lacking: _Lacking) -> Rotation:
        engine = self._engine
        await engine.keys.look_for_grants(everywhere=lacking.thorough)  # they go with the old M
        seals = await self._seals()
        state, own = engine.machine.people.chain(engine.machine.me).state, engine.machine.keyring.device
        seal = engine.machine.rotator.check_seal(state, own, seals.get(own))
        if seal is not None and is_silent(seal, millis()):  # this device itself was away: else it would get no box
            await self._publish()
            seals = await self._seals()
        required = await engine.api.devices.required()
        try:
            return await self._made(seals, required, revoke, recovery, lacking)
        except GrantsNeeded:
            lacking.thorough = True
            await engine.keys.look_for_grants(everywhere=True)
            return await self._made(seals, required, revoke, recovery, lacking)

    async def _made(
        self,
        seals: dict[bytes, Signed],
        required: list[Required],
        revoke: bytes | None,
        recovery: RecoveryKeys | None,
        lacking: _Lacking,
    ) -> Rotation:
        engine, machine = self._engine, self._engine.machine
        async with engine.lock:
            unheld = [one for one in required if machine.lacks(one.space, one.epoch, one.branch)]
            if any(one.seal is None or lacking.thorough for one in unheld):
                await engine.keys.show_wraps()
            return machine.rotator.make(
                seals,
                required,
                self._living(),
                millis(),
                revoke=revoke,
                recovery=recovery,
                wanted=frozenset(lacking.boxes),
                grants=lacking.name(engine.keys.shown_grants(machine.keyring.generation)),
                thorough=lacking.thorough,
            )

    async def all(self) -> list[DeviceFacts]:
        """The devices that the own chain names as active, as the server describes them. Raises Untrusted, Offline."""
        engine = self._engine
        await engine.keys.take_newest()
        active = engine.machine.people.chain(engine.machine.me).state.devices
        return [facts for facts in await engine.api.devices.devices() if facts.id in active]

    # ---- linking

    async def answer_link(self, code: str) -> bytes:
        """Let the device that shows this code in; returns its protocol id. Raises InvalidInput where the code is wrong
        or over, Untrusted where the request is not of that device, Refused, Offline.
        """
        engine, machine, backoff = self._engine, self._engine.machine, Backoff()
        key = read_code(code)
        id, made = link_id(key), None
        offer = await engine.api.devices.find_offer(id)
        if offer is None:
            raise InvalidInput("No device shows this code (any more). It is good for five minutes.")
        async with self._lock:
            for left in range(_TRIES, -1, -1):
                await engine.keys.take_newest()
                known = machine.people.get(machine.me)
                if known is None:
                    raise KeysMissing("The own keys are not known yet.")
                if made is not None and made.device in known.chain.state.devices:
                    return made.device  # a try whose answer was lost had gone through
                account = next(s for s in machine.spaces.values() if s.roster.type is SpaceType.ACCOUNT)
                head = account.log.head
                made = answer_request(key, offer.request, offer.mac, machine.keyring, known, head, millis())
                try:
                    await engine.api.devices.answer(id, made)
                except Offline:
                    if not left:
                        raise
                except Refused as error:
                    if error.code == "NOT_FOUND":
                        raise InvalidInput(error.message) from error
                    if error.code not in {*_LOST, "STALE_DEVICE", "ID_CONFLICT"} or not left:
                        raise
                await backoff.pause()
        raise NotAllowed("Other devices keep changing the account's key. Try again in a while.")

    # ---- seals

    async def publish_seal(self) -> None:
        """Publish SK of k + 1 and, on the answer, destroy the old SK and M; nothing where no rotation came before."""
        if self._engine.machine.keyring.must_publish:
            await self._publish()

    async def _seals(self) -> dict[bytes, Signed]:
        return {facts.id: facts.seal for facts in await self._engine.api.devices.devices()}

    async def _publish(self) -> None:
        engine, backoff = self._engine, Backoff()
        keyring = engine.machine.keyring
        for left in range(_TRIES, -1, -1):
            seal = keyring.make_seal(millis())
            self._flush()  # kept before it is sent: boxes may be made for it from then on
            try:
                await engine.api.devices.publish_seal(seal, keyring.generation)
                break
            except Refused as error:
                if error.code == "GENERATION_CONFLICT" and left:  # its box opens with the present seal alone
                    await engine.keys.take_newest()
                    await backoff.pause()
                    continue
                own = (await self._seals()).get(keyring.device)
                if own is None or own.body != seal.body:  # else the try whose answer was lost had gone through
                    raise
                break
        async with engine.lock:
            if keyring.next_seal is not None and keyring.next_seal.signed == seal:
                keyring.seal_published()
                self._flush()
                engine.store.leave_nothing()

    def _flush(self) -> None:
        with self._engine.store.transaction():
            self._engine.machine.flush(self._engine.store.put)
