"""Making what is sent: conversations, roster links, epochs, envelopes, complaints, grants (e2ee.md sections 5 to 7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

from circle_client.errors import CircleError, InvalidInput, KeysMissing, NotAllowed, Untrusted
from circle_client.machine.keyring import Keyring
from circle_client.machine.people import Known, People, Trust
from circle_client.machine.space import NO_EPOCH, Epoch, Space
from circle_client.protocol.cbor import Value
from circle_client.protocol.envelope import Envelope, Header, Kind, make_id, seal_envelope
from circle_client.protocol.epoch import decode_recipients, make_complaint
from circle_client.protocol.epoch_keys import NewEpoch, RecipientKey, check_recipients, make_epoch
from circle_client.protocol.errors import DueReason, ProtocolError
from circle_client.protocol.grant import GrantEntry, check_scope, open_grant, seal_grant
from circle_client.protocol.log import next_hash
from circle_client.protocol.primitives import Z32, random_bytes
from circle_client.protocol.roster import (
    Place,
    Policy,
    Role,
    Seat,
    SpaceType,
    make_add,
    make_create,
    make_policy,
    make_remove,
    make_role,
)
from circle_client.protocol.roster_state import Roster, apply_roster_link
from circle_client.protocol.rules import NEEDS, outlives
from circle_client.protocol.structures import Head, Signed, SignerHead


class EpochNeeded(CircleError):
    """Before anything is sealed here, the space's next epoch must be made; `reason` says why, None: it is too old."""

    def __init__(self, reason: DueReason | None) -> None:
        super().__init__("The conversation needs new keys before anything more is sent.", "EPOCH_DUE")
        self.reason = reason


class MembersChanged(CircleError):
    """The list of an epoch names what is not known here: ask the server for the members anew, then try again."""

    code = "RECIPIENTS_CHANGED"


@dataclass(frozen=True, slots=True)
class NewConversation:
    """What `createConversation` takes."""

    space: bytes
    link: Signed
    epoch: NewEpoch
    state: bytes | None


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be said: sealed again under the same id and time when an epoch ends in between. `b`: the lifetime
    class, None for the conversation's own; where the conversation has a shorter one by then, that holds.
    """

    id: bytes
    kind: Kind
    content: Mapping[int, Value]
    time: int
    ref: bytes | None = None
    b: int | None = None


class Maker:
    """Makes and signs, given this device's keys and the members it knows."""

    def __init__(self, keyring: Keyring, people: People) -> None:
        self._keys, self._people = keyring, people

    def _signer(self) -> SignerHead:
        head = self._people.chain(self._keys.member).head
        return SignerHead(self._keys.member, self._keys.device, head.n, head.hash)

    def _trusted(self, member: bytes) -> Known:
        if (refused := self._people.refused.get(member)) is not None:
            raise type(refused)(refused.message)
        known = self._people.get(member)
        if known is None:
            raise KeysMissing("The person's keys are not known yet.")
        if known.trust is Trust.CONTRADICTED:
            raise Untrusted(f"The keys that the server shows for @{known.person.handle} are not those of the invite.")
        return known

    # ---- conversations and rosters

    def conversation(
        self,
        type_: SpaceType,
        roles: Mapping[bytes, Role],
        policy: Policy,
        title: Mapping[int, Value] | None,
        time: int,
    ) -> NewConversation:
        """A conversation of this member with others (`roles`), its first epoch and state, made together.

        Raises NotAllowed, Untrusted, KeysMissing.
        """
        space = uuid4().bytes
        me = self._keys.member
        seats = [(member, Seat(self._trusted(member).chain.identity, role)) for member, role in roles.items()]
        seats.append((me, Seat(self._trusted(me).chain.identity, Role.OWNER)))
        signer = self._signer()
        link = make_create(space, type_, seats, policy, signer, self._keys.dk_seed, time)
        roster = self._checked(None, link, None)
        epoch = self._epoch(roster, NO_EPOCH, time)
        state = None
        if title is not None:
            l_1 = next_hash(Z32, 1, roster.hash)
            seen = Head(2, next_hash(l_1, 2, epoch.head.hash))
            draft = Draft(_new_id(time), Kind.STATE, title, time)
            header = self._header(space, epoch.head, seen, draft, policy.lifetime)
            state = seal_envelope(header, title, epoch.branches[policy.lifetime], self._keys.dk_seed).data
        return NewConversation(space, link, epoch, state)

    def add(self, space: Space, member: bytes, role: Role, time: int) -> Signed:
        """A roster link that adds a member. Raises NotAllowed, Untrusted, KeysMissing."""
        identity = self._trusted(member).chain.identity
        place = self._place(space)
        return self._link(space, make_add(place, member, identity, role, self._signer(), self._keys.dk_seed, time))

    def remove(self, space: Space, member: bytes, time: int) -> Signed:
        """A roster link that removes a member, or oneself. Raises NotAllowed."""
        return self._link(space, make_remove(self._place(space), member, self._signer(), self._keys.dk_seed, time))

    def renewal(self, space: Space, time: int) -> Signed:
        """After a reset: the link that puts this member's new ID into the account's roster. Raises NotAllowed."""
        me = self._keys.member
        place, identity = space.roster.place(space.newest), self._trusted(me).chain.identity
        return self._link(space, make_add(place, me, identity, Role.OWNER, self._signer(), self._keys.dk_seed, time))

    def policy(self, space: Space, policy: Policy, time: int) -> Signed:
        """A roster link that changes lifetime and history. Raises NotAllowed."""
        return self._link(space, make_policy(self._place(space), policy, self._signer(), self._keys.dk_seed, time))

    def role(self, space: Space, member: bytes, role: Role, time: int) -> Signed:
        """A roster link that changes a role. Raises NotAllowed."""
        return self._link(space, make_role(self._place(space), member, role, self._signer(), self._keys.dk_seed, time))

    def _place(self, space: Space) -> Place:
        self.check_open(space)
        return space.roster.place(space.newest)

    def _link(self, space: Space, link: Signed) -> Signed:
        self._checked(space.roster, link, space.newest)
        return link

    def _checked(self, roster: Roster | None, link: Signed, newest: Head | None) -> Roster:
        try:
            return apply_roster_link(roster, link, self._people.chain, newest)
        except ProtocolError as error:
            raise NotAllowed(error.message) from error

    def check_open(self, space: Space) -> None:
        """Raises Untrusted while the alarm is up, NotAllowed where one is not a member (any more, or not yet again)."""
        if space.alarm is not None:
            raise Untrusted(space.alarm)
        if space.left is not None:
            raise NotAllowed("You are no longer a member of this conversation.")
        seat = space.roster.seats.get(self._keys.member)
        if seat is not None and seat.identity != self._people.chain(self._keys.member).identity:
            raise NotAllowed("Your identity was reset: somebody here has to let you in again.")

    # ---- epochs

    def recipients(self, roster: Roster) -> list[bytes]:
        """Who gets a seal: the members whose ID is the roster's. Raises KeysMissing while one is unknown."""
        known = {member: self._trusted(member) for member in roster.seats}
        return roster.recipients({member: one.chain.identity for member, one in known.items()})

    def epoch(self, space: Space, time: int) -> NewEpoch:
        """The space's next epoch; fetch the members anew first. Raises NotAllowed, KeysMissing, Untrusted."""
        self.check_open(space)
        if (space.role(self._keys.member) or Role.READER) < Role.WRITER:
            raise NotAllowed("The conversation needs new keys, which a writer has to make first.")
        return self._epoch(space.roster, space.newest, time)

    def _epoch(self, roster: Roster, previous: Head, time: int) -> NewEpoch:
        to: list[RecipientKey] = []
        for member in self.recipients(roster):
            known = self._trusted(member)
            to.append(RecipientKey(member, known.chain.head, known.key.generation, known.key.key))
        return make_epoch(roster, previous, to, self._signer(), self._keys.dk_seed, time)

    def check_list(self, space: Space) -> None:
        """Compare the newest epoch's whole list with the members' chains and keys; once per epoch, before sending.

        A row may name an older link or generation than is known now (a device added, a scheduled rotation: neither
        makes an epoch due), never one from before a revocation. Raises MembersChanged.
        """
        epoch = space.epoch
        if epoch is None or epoch.checked or epoch.recipients is None:
            return
        rows = {row.member: row for row in decode_recipients(epoch.recipients)}
        expected: list[RecipientKey] = []
        for member in self.recipients(space.roster):
            known = self._trusted(member)
            row = rows.get(member)
            head, key = known.chain.head, known.key
            if row is not None:
                key = self._people.older_key(member, row.generation) or key
                if max(known.chain.state.key_floor, key.chain.n) <= row.n <= head.n:
                    head = Head(row.n, known.chain.hashes[row.n])
            expected.append(RecipientKey(member, head, key.generation, key.key))
        try:
            check_recipients(epoch.recipients, epoch.announcement, expected)
        except ProtocolError as error:
            raise MembersChanged("The conversation's keys are sealed to other members than it has.") from error
        epoch.checked, epoch.recipients = True, None

    def complaint(self, space: Space, epoch: int, time: int) -> Signed:
        """A complaint about the own seal of an epoch of `space.denied`."""
        head = space.epochs[epoch].announcement.head
        return make_complaint(space.id, head, space.denied[epoch], self._signer(), self._keys.dk_seed, time)

    # ---- grants

    def grant(self, space: Space, member: bytes, epochs: Sequence[int]) -> tuple[int, bytes] | None:
        """(generation, grant) with what is held of these epochs; None where that is nothing or not to be given."""
        known = self._trusted(member)
        entries = [
            GrantEntry(number, b, branch)
            for number in sorted(epochs)
            if (epoch := space.epochs.get(number)) is not None
            for b, branch in sorted(epoch.branches.items())
        ]
        complained = frozenset(space.complaints.get(member, ()))
        try:
            check_scope(entries, space.roster, member, known.chain.identity, complained)
        except ProtocolError:
            return None
        if not entries:
            return None
        return known.key.generation, seal_grant(space.id, member, known.key.generation, known.key.key, entries)

    def take_grant(self, space: Space, generation: int, sealed: bytes) -> bool:
        """Take the branches of a grant whose commits fit; whether there was something new. Raises ProtocolError."""
        own = self._keys.member_secrets(generation)
        if own is None:
            return False
        announcements = {number: epoch.announcement for number, epoch in space.epochs.items()}
        me = self._keys.member
        entries = open_grant(sealed, space.id, me, generation, own.mk_seed, own.mk, announcements)
        identity, complained = self._trusted(me).chain.identity, frozenset(space.complaints.get(me, ()))
        check_scope(entries, space.roster, me, identity, complained)
        new = False
        for entry in entries:
            branches = space.epochs[entry.epoch].branches
            if entry.b not in branches:
                new, branches[entry.b] = True, entry.branch
                space.denied.pop(entry.epoch, None)
                space.epochs[entry.epoch].sealed_to = max(generation, space.epochs[entry.epoch].sealed_to)
        return new

    # ---- envelopes

    def ready(self, space: Space, kind: Kind) -> Epoch:
        """The epoch to seal under; whether its 24 hours are over is the server's to say, by its own clock.

        Raises NotAllowed, Untrusted, EpochNeeded, MembersChanged, KeysMissing.
        """
        self.check_open(space)
        if (space.role(self._keys.member) or Role.READER) < NEEDS[kind]:
            raise NotAllowed("Your role in this conversation does not allow this.")
        epoch = space.epoch
        if space.log.epoch is None:
            raise EpochNeeded(DueReason.FIRST)
        if space.log.due is not None:
            raise EpochNeeded(space.log.due)
        if epoch is None or not epoch.branches:
            raise KeysMissing("The keys of this conversation have not arrived yet.")
        if not epoch.checked and epoch.recipients is None:
            raise KeysMissing("The list of this conversation's keys has not arrived yet.")
        self.check_list(space)
        return epoch

    def envelope(self, space: Space, draft: Draft) -> Envelope:
        """Seal a draft under the newest epoch. Raises as `ready`, InvalidInput where it is too long."""
        epoch = self.ready(space, draft.kind)
        limit = space.roster.policy.lifetime
        b = limit if draft.b is None or outlives(draft.b, limit) else draft.b
        if b not in epoch.branches:  # erased, because the epoch closed so long ago, or never had
            if 0 in epoch.branches:
                raise EpochNeeded(None)
            raise KeysMissing("The keys of this conversation have not arrived yet.")
        header = self._header(space.id, epoch.announcement.head, space.log.head, draft, b)
        try:
            return seal_envelope(header, draft.content, epoch.branches[b], self._keys.dk_seed)
        except ProtocolError as error:
            raise InvalidInput(error.message) from error

    def _header(self, space: bytes, epoch: Head, seen: Head, draft: Draft, b: int) -> Header:
        return Header(
            space=space,
            epoch=epoch,
            id=draft.id,
            member=self._keys.member,
            device=self._keys.device,
            n=self._people.chain(self._keys.member).head.n,
            seen=seen,
            kind=int(draft.kind),
            ref=draft.ref,
            b=b,
            time=draft.time,
        )


def _new_id(time: int) -> bytes:
    return make_id(time, random_bytes(10))
