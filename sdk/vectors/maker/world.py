"""A small world from a fixed seed: people with chains and keys, spaces with rosters, epochs and a log."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from circle_client.protocol.cbor import Value
from circle_client.protocol.envelope import Envelope, Header, Kind, make_id, seal_envelope
from circle_client.protocol.epoch_keys import NewEpoch, RecipientKey, make_epoch
from circle_client.protocol.labels import Label, h_body
from circle_client.protocol.log import next_hash
from circle_client.protocol.member import (
    SignedMemberLink,
    make_device_add,
    make_device_revoke,
    make_identity,
    make_recovery,
)
from circle_client.protocol.member_chain import MemberChain
from circle_client.protocol.member_key import (
    MemberSecrets,
    make_device_seal,
    make_member_key,
    member_secrets,
)
from circle_client.protocol.primitives import Z32, Random, public_key, xwing_public
from circle_client.protocol.roster import Place, Policy, Role, Seat, SpaceType, make_create
from circle_client.protocol.roster_state import Roster, apply_roster_link
from circle_client.protocol.structures import Head, Heads, Signed, SignerHead
from circle_client.protocol.words import RecoveryKeys, recovery_keys

START = 1_793_000_000_000
"""Milliseconds since 1970 at which the world begins (October 2026)."""


def dice(seed: str) -> Random:
    """Bytes that follow from the seed: never for anything but vectors and tests."""
    state = [0]

    def roll(length: int) -> bytes:
        state[0] += 1
        return hashlib.shake_256(f"circle vectors {seed} {state[0]}".encode()).digest(length)

    return roll


def uuid4(random: Random) -> bytes:
    """A random id, as clients make it."""
    number = int.from_bytes(random(16), "big")
    number = number & ~(0xF << 76) | (0x4 << 76)
    number = number & ~(0x3 << 62) | (0x2 << 62)
    return number.to_bytes(16, "big")


@dataclass
class Device:
    """One device's private keys."""

    id: bytes
    dk_seed: bytes
    sk_seed: bytes
    k: int = 1

    @property
    def dk(self) -> bytes:
        """The public DK."""
        return public_key(self.dk_seed)

    @property
    def sk(self) -> bytes:
        """The public SK."""
        return xwing_public(self.sk_seed)


@dataclass
class Person:
    """A member with everything that their devices hold."""

    name: str
    roll: Random
    member: bytes
    device: Device
    recovery_key: bytes
    recovery: RecoveryKeys
    links: list[SignedMemberLink]
    chain: MemberChain
    secrets: dict[int, MemberSecrets] = field(default_factory=dict)
    keys: dict[int, Signed] = field(default_factory=dict)
    time: int = START

    @classmethod
    def create(cls, name: str) -> Person:
        """Signs up: link 0, generation 1."""
        roll = dice(name)
        member, rk = uuid4(roll), roll(32)
        device = Device(uuid4(roll), roll(32), roll(32))
        recovery = recovery_keys(rk, member)
        link = make_identity(member, device.id, device.dk, device.dk_seed, recovery, START)
        person = cls(name, roll, member, device, rk, recovery, [link], MemberChain.verify([link], member))
        person.rotate()
        return person

    @property
    def generation(self) -> int:
        """The newest generation of M."""
        return max(self.secrets, default=0)

    @property
    def newest(self) -> MemberSecrets:
        """The newest M and what it gives."""
        return self.secrets[self.generation]

    def tick(self) -> int:
        """A later time."""
        self.time += 1000
        return self.time

    def rotate(self) -> None:
        """The next generation, signed by the present device at the head."""
        g = self.generation + 1
        self.secrets[g] = member_secrets(self.roll(32), self.member, g)
        self.keys[g] = make_member_key(
            self.member, g, self.secrets[g].mk, self.chain.head, self.device.id, self.device.dk_seed, self.tick()
        )

    def take(self, link: SignedMemberLink) -> None:
        """Adds a link to the own chain."""
        self.chain = self.chain.extend([link])
        self.links.append(link)

    def add_device(self) -> Device:
        """device.add by the present device."""
        new = Device(uuid4(self.roll), self.roll(32), self.roll(32))
        state, device = self.chain.state, self.device
        self.take(make_device_add(state, new.id, new.dk, device.id, device.dk_seed, self.tick()))
        return new

    def revoke(self, device: bytes) -> None:
        """device.revoke by the present device; rotate afterwards."""
        self.take(make_device_revoke(self.chain.state, device, self.device.id, self.device.dk_seed, self.tick()))

    def recover(self) -> None:
        """A new recovery key; rotate afterwards."""
        self.recovery_key = self.roll(32)
        self.recovery = recovery_keys(self.recovery_key, self.member)
        self.take(make_recovery(self.chain.state, self.recovery, self.device.id, self.device.dk_seed, self.tick()))

    def reset(self) -> None:
        """identity.reset on a new device, with a new recovery key; rotate afterwards."""
        self.recovery_key = self.roll(32)
        self.recovery = recovery_keys(self.recovery_key, self.member)
        self.device = new = Device(uuid4(self.roll), self.roll(32), self.roll(32))
        self.take(make_identity(self.member, new.id, new.dk, new.dk_seed, self.recovery, self.tick(), self.chain.state))

    def seal(self) -> Signed:
        """The present device's seal."""
        device = self.device
        return make_device_seal(self.member, device.id, device.k, device.sk, device.dk_seed, self.tick())

    def signer(self) -> SignerHead:
        """Field 7 of roster links and announcements."""
        return SignerHead(self.member, self.device.id, self.chain.state.n, self.chain.state.hash)

    def recipient(self) -> RecipientKey:
        """Whom an epoch is sealed to."""
        return RecipientKey(self.member, self.chain.head, self.generation, self.newest.mk)

    def seat(self, role: Role) -> tuple[bytes, Seat]:
        """A roster's row."""
        return self.member, Seat(self.chain.identity, role)


@dataclass
class Space:
    """A space as its members see it; everything that is made is appended to the log."""

    id: bytes
    people: dict[bytes, Person]
    roll: Random
    links: list[Signed] = field(default_factory=list)
    rosters: list[Roster] = field(default_factory=list)
    epochs: list[NewEpoch] = field(default_factory=list)
    items: list[bytes] = field(default_factory=list)
    head: Head = field(default_factory=lambda: Head(0, Z32))
    time: int = START

    @classmethod
    def create(
        cls, type_: SpaceType, seats: Mapping[Person, Role] | list[tuple[Person, Role]], policy: Policy | None = None
    ) -> Space:
        """Created by the first of the seats, with its first epoch."""
        rows = list(seats.items()) if isinstance(seats, Mapping) else seats
        creator = rows[0][0]
        space = cls(uuid4(creator.roll), {person.member: person for person, _ in rows}, creator.roll)
        listed = [person.seat(role) for person, role in rows]
        space.take(
            make_create(
                space.id, type_, listed, policy or Policy(), creator.signer(), creator.device.dk_seed, space.tick()
            )
        )
        space.announce(creator)
        return space

    def chains(self, member: bytes) -> Heads:
        """The members' chains."""
        return self.people[member].chain

    def tick(self) -> int:
        """A later time."""
        self.time += 1000
        return self.time

    def append(self, item: bytes) -> None:
        """The next log entry."""
        self.items.append(item)
        n = self.head.n + 1
        self.head = Head(n, next_hash(self.head.hash, n, item))

    @property
    def roster(self) -> Roster:
        """The present roster."""
        return self.rosters[-1]

    @property
    def epoch(self) -> Head:
        """[e, h_e] of the newest epoch."""
        return self.epochs[-1].head if self.epochs else Head(0, Z32)

    @property
    def place(self) -> Place:
        """Where the next roster link goes."""
        return self.roster.place(self.epoch)

    def take(self, link: Signed) -> None:
        """Adds a roster link."""
        before = self.rosters[-1] if self.rosters else None
        self.rosters.append(apply_roster_link(before, link, self.chains, self.epoch))
        self.links.append(link)
        self.append(h_body(Label.ROSTER, link.body))

    def make(self, creator: Person) -> NewEpoch:
        """The next epoch, not yet announced."""
        identities = {member: person.chain.identity for member, person in self.people.items()}
        to = [self.people[member].recipient() for member in self.roster.recipients(identities)]
        return make_epoch(self.roster, self.epoch, to, creator.signer(), creator.device.dk_seed, self.tick(), self.roll)

    def announce(self, creator: Person) -> NewEpoch:
        """Announces the next epoch."""
        epoch = self.make(creator)
        self.epochs.append(epoch)
        self.append(epoch.head.hash)
        return epoch

    def header(self, sender: Person, kind: Kind = Kind.MESSAGE, b: int = 0, ref: bytes | None = None) -> Header:
        """A header for the present epoch and head."""
        time = self.tick()
        return Header(
            space=self.id,
            epoch=self.epoch,
            id=make_id(time, self.roll(10)),
            member=sender.member,
            device=sender.device.id,
            n=sender.chain.state.n,
            seen=self.head,
            kind=int(kind),
            ref=ref,
            b=b,
            time=time,
        )

    def seal(
        self,
        sender: Person,
        content: Mapping[int, Value],
        kind: Kind = Kind.MESSAGE,
        b: int = 0,
        ref: bytes | None = None,
    ) -> Envelope:
        """An envelope for the present epoch and head, not appended."""
        header = self.header(sender, kind, b, ref)
        return seal_envelope(header, content, self.epochs[-1].branches[b], sender.device.dk_seed)
