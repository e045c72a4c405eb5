"""A conversation as its members' clients know it: makes the next link, epoch or envelope, and follows the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from circle_client.protocol.contents import message
from circle_client.protocol.envelope import Envelope, Header, Kind, make_id, seal_envelope
from circle_client.protocol.epoch import decode_announcement, make_complaint
from circle_client.protocol.epoch_keys import NewEpoch, make_epoch
from circle_client.protocol.log import next_hash
from circle_client.protocol.primitives import Z32, random_bytes, sha256
from circle_client.protocol.roster import (
    Policy,
    Role,
    Seat,
    SpaceType,
    decode_roster_link,
    make_add,
    make_create,
    make_policy,
    make_remove,
    make_role,
)
from circle_client.protocol.roster_state import Roster, apply_roster_link
from circle_client.protocol.structures import NO_EPOCH, Head, Signed

from tests.support.actors import Actor, b64, signed_input


def epoch_input(epoch: NewEpoch) -> dict[str, Any]:
    """EpochInput."""
    return {
        "announcement": b64(epoch.announcement.body),
        "signature": b64(epoch.announcement.signature),
        "recipients": b64(epoch.recipients),
        "seals": [b64(seal) for seal in epoch.seals],
    }


@dataclass
class Room:
    """One conversation. `make_*` makes what a client would send; `took_*` says that the server accepted it."""

    space: bytes
    actors: dict[bytes, Actor]
    now: int
    roster: Roster | None = None
    epoch: Head = NO_EPOCH
    branches: tuple[bytes, ...] = ()
    head: Head = field(default_factory=lambda: Head(0, Z32))

    @classmethod
    def of(cls, actors: Sequence[Actor], now: int) -> Room:
        """A conversation that is not made yet; `actors` are all whose chains it may ever need."""
        return cls(random_bytes(16), {actor.member: actor for actor in actors}, now)

    @property
    def known(self) -> Roster:
        """The roster; there must be one."""
        assert self.roster is not None
        return self.roster

    # ---- roster

    def make_link0(
        self,
        owner: Actor,
        others: Mapping[bytes, Role],
        type_: SpaceType = SpaceType.GROUP,
        policy: Policy | None = None,
    ) -> Signed:
        """Link 0; `others` by member id."""
        seats = {owner.member: Seat(owner.identity, Role.OWNER)}
        seats |= {member: Seat(self.actors[member].identity, role) for member, role in others.items()}
        policy = policy or Policy(0, shared=True)
        return make_create(self.space, type_, seats.items(), policy, owner.signer(), owner.dk_seed, self.now)

    def make_add(self, by: Actor, who: Actor, role: Role = Role.WRITER) -> Signed:
        """Adds someone."""
        place = self.known.place(self.epoch)
        return make_add(place, who.member, who.identity, role, by.signer(), by.dk_seed, self.now)

    def make_remove(self, by: Actor, who: Actor) -> Signed:
        """Removes someone, or oneself."""
        return make_remove(self.known.place(self.epoch), who.member, by.signer(), by.dk_seed, self.now)

    def make_role(self, by: Actor, who: Actor, role: Role) -> Signed:
        """Changes a role."""
        return make_role(self.known.place(self.epoch), who.member, role, by.signer(), by.dk_seed, self.now)

    def make_policy(self, by: Actor, policy: Policy) -> Signed:
        """Changes the policy."""
        return make_policy(self.known.place(self.epoch), policy, by.signer(), by.dk_seed, self.now)

    def roster_after(self, link: Signed) -> Roster:
        """The roster once this link is accepted."""
        return apply_roster_link(self.roster, link, lambda member: self.actors[member].state, self.epoch)

    def took_link(self, link: Signed) -> None:
        """The server accepted a link: the log grew by it."""
        self.roster = self.roster_after(link)
        self._grew(decode_roster_link(link.body).hash)

    # ---- epochs

    def make_epoch(self, by: Actor, roster: Roster | None = None, previous: Head | None = None) -> NewEpoch:
        """The next epoch for the roster's members."""
        roster = roster or self.known
        to = [self.actors[member].recipient() for member in roster.seats]
        return make_epoch(roster, previous or self.epoch, to, by.signer(), by.dk_seed, self.now)

    def took_epoch(self, epoch: NewEpoch) -> None:
        """The server accepted an epoch."""
        self.epoch, self.branches = epoch.head, epoch.branches
        self._grew(decode_announcement(epoch.announcement.body).hash)

    def make_complaint(self, by: Actor, epoch: NewEpoch) -> Signed:
        """A complaint about the own seal of that epoch."""
        row = sorted(self.known.seats).index(by.member)
        return make_complaint(self.space, epoch.head, sha256(epoch.seals[row]), by.signer(), by.dk_seed, self.now)

    # ---- envelopes

    def header(self, by: Actor, kind: int = Kind.MESSAGE, **other: Any) -> Header:
        """A header that the server takes; `other` replaces fields."""
        header = Header(
            self.space, self.epoch, make_id(self.now, random_bytes(10)), by.member, by.device, by.state.n, self.head,
            int(kind), None, 0, self.now,
        )  # fmt: skip
        return replace(header, **other)

    def make_envelope(
        self, by: Actor, content: Mapping[int, Any] | None = None, kind: int = Kind.MESSAGE, **other: Any
    ) -> Envelope:
        """A sealed envelope; `other` replaces fields of its header."""
        header = self.header(by, kind, **other)
        branch = self.branches[header.b] if header.b < len(self.branches) else bytes(32)
        return seal_envelope(header, message("Hello") if content is None else content, branch, by.dk_seed)

    def took_envelope(self, envelope: Envelope) -> None:
        """The server accepted an envelope."""
        self._grew(envelope.item)

    def grew(self, item: bytes) -> None:
        """The log has a next entry."""
        self._grew(item)

    def _grew(self, item: bytes) -> None:
        seq = self.head.n + 1
        self.head = Head(seq, next_hash(self.head.hash, seq, item))

    # ---- inputs

    def create_input(self, link: Signed, epoch: NewEpoch, state: Envelope | None = None) -> dict[str, Any]:
        """CreateConversationInput."""
        made: dict[str, Any] = {"link": signed_input(link), "epoch": epoch_input(epoch)}
        return made if state is None else made | {"state": b64(state.data)}
