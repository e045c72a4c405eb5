"""What a member does about keys: devices, the recovery key, and being sure of other people."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from circle_client import offers
from circle_client.errors import InvalidInput, KeysMissing, Untrusted
from circle_client.machine.space import Space
from circle_client.protocol.account import AccountContent
from circle_client.protocol.errors import ProtocolError
from circle_client.protocol.safety import safety_number, safety_qr
from circle_client.protocol.words import RecoveryKeys
from circle_client.recovery import PendingRecoveryKey
from circle_client.types import Alarm, Device, Offered, Person, SafetyNumber

if TYPE_CHECKING:
    from circle_client.running import Running


class KeyActions(ABC):
    """The part of `Circle` that is about keys."""

    @property
    @abstractmethod
    def running(self) -> Running:
        """The parts at work; `Circle` has them."""

    @property
    def me(self) -> Person:
        """Oneself."""
        return self.running.account.me

    @abstractmethod
    async def resolve(self, person: Person | str) -> Person:
        """A Person by handle; `Circle` finds them."""

    # ---- devices

    async def answer_link(self, code: str | Sequence[str]) -> None:
        """Let in the new device that shows this code: its twelve words, or the text of its QR code.

        It will read and write everything in this member's name: enter only what your own device shows. Raises
        InvalidInput for a wrong code or one that is over, Untrusted, Refused, Offline.
        """
        await self.running.devices.answer_link(code if isinstance(code, str) else " ".join(code))

    async def devices(self) -> Sequence[Device]:
        """This member's active devices. Raises Untrusted, Offline."""
        current = self.running.engine.machine.keyring.device
        return [
            Device(facts.node, facts.id, facts.name, facts.created_at, facts.last_seen_at, facts.id == current)
            for facts in await self.running.devices.all()
        ]

    async def rename_device(self, device: Device, name: str) -> None:
        """Give one of them another name, 1 to 120 characters. Raises Refused, Offline."""
        await self.running.account.api.devices.rename(device.id, name)

    async def revoke_device(self, device: Device) -> None:
        """End another device: it reads nothing that comes after, its sessions end, and its store is wiped when it next
        speaks. The account's key is changed in the same request. Raises InvalidInput for this device itself, Refused,
        Untrusted, Offline.
        """
        await self.running.devices.rotate(revoke=device.protocol_id)

    # ---- the account's own log

    @property
    def account_alarm(self) -> Alarm | None:
        """Why nothing is written to the account's own log any more, in which the devices tell each other what they saw
        and whom the person has verified; None while all is well. As `Conversation.alarm`.
        """
        space = self.running.engine.refresher.account()
        if space is None or space.alarm is None or space.why is None:
            return None
        return Alarm(space.alarm, can_offer=space.why.can_offer, can_accept=space.why.can_accept)

    async def offer_missing(self) -> Offered:
        """Offer a restored server what this device has written to the account's log; what came of it, of which nothing
        is a message. As `Conversation.offer_missing`.
        """
        return await offers.offer(self.running, self._account())

    async def accept_state(self) -> None:
        """A person's decision to go on with the account's log as the server shows it now. As
        `Conversation.accept_state`.
        """
        await self.running.resolver.accept_state(self._account())

    def _account(self) -> Space:
        space = self.running.engine.refresher.account()
        if space is None:
            raise KeysMissing("The account is not loaded yet.")
        return space

    # ---- the recovery key

    @property
    def recovery_key_confirmed(self) -> bool:
        """Whether the recovery key in force was written down, as one of this member's devices was told."""
        return self.running.engine.machine.books.book.confirmed

    async def acknowledge_recovery_key(self) -> None:
        """The person has proven to have written down the recovery key in force. Raises Refused, Offline."""
        await self.running.teller.tell([AccountContent(confirmed=True)])

    async def renew_recovery_key(self) -> PendingRecoveryKey:
        """A new recovery key, which takes effect when it is confirmed; then the old one opens nothing new."""
        return PendingRecoveryKey.make(self.me.protocol_id, self._take_recovery_key)

    async def _take_recovery_key(self, keys: RecoveryKeys) -> None:
        await self.running.devices.rotate(recovery=keys)
        await self.acknowledge_recovery_key()

    # ---- who is who

    async def safety_number(self, person: Person | str) -> SafetyNumber:
        """What to compare with somebody to be sure of them. Raises InvalidInput, Untrusted, Offline."""
        engine, member = self.running.engine, (await self._known(person)).protocol_id
        people, book = engine.machine.people, engine.machine.books.book
        own, other = (people.chain(one).identity for one in (engine.machine.me, member))
        verified = book.verified(member, other)
        mark, first = book.marks.get(member), people.first_identity(member)
        changed = not verified and (first != other or (mark is not None and mark.identity != other))
        return SafetyNumber(tuple(safety_number(own, other).split()), safety_qr(own, other), verified, changed)

    async def set_verified(self, person: Person | str, verified: bool) -> None:
        """Note that the safety number was compared and is the same, or take that back; all own devices learn it.

        Another identity of the person is not verified by it. Raises InvalidInput, Untrusted, Refused, Offline.
        """
        await self.running.teller.mark((await self._known(person)).protocol_id, verified)

    async def compare(self, person: Person | str, qr: str) -> bool:
        """Compare a scanned code with the person's safety number: marks them as verified when it fits, False when not.

        Raises InvalidInput for a text that is no safety number's code, and as `set_verified`.
        """
        found = await self._known(person)
        try:
            fits = self.running.teller.fits(found.protocol_id, qr)
        except ProtocolError as error:
            raise InvalidInput(error.message) from error
        if fits:
            await self.running.teller.mark(found.protocol_id, True)
        return fits

    async def _known(self, person: Person | str) -> Person:
        """Somebody else whose keys are verified here."""
        found, engine = await self.resolve(person), self.running.engine
        if found.protocol_id == engine.machine.me:
            raise InvalidInput("This is yourself.")
        await engine.know([found.protocol_id])
        if engine.machine.people.get(found.protocol_id) is None:
            raise Untrusted("The keys that the server shows for this person do not verify.")
        return found
