"""The roster chain of e2ee.md section 5: its links as bytes, and what they say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from circle_client.protocol.branches import CLASSES
from circle_client.protocol.cbor import Value, array, encode, fields, malformed, raw, uint
from circle_client.protocol.cbor import body as decode_body
from circle_client.protocol.labels import Label, h_body
from circle_client.protocol.primitives import Z32
from circle_client.protocol.structures import (
    HASH,
    ID,
    NO_EPOCH,
    Head,
    Signed,
    SignerHead,
    parse_head,
    parse_signer,
    sign,
)

LINK_CAP = 65536
MAX_MEMBERS = 1000


class SpaceType(IntEnum):
    """What a space is; fixed by its first link."""

    DIRECT = 0
    GROUP = 1
    BROADCAST = 2
    VAULT = 3
    ACCOUNT = 4


class Role(IntEnum):
    """Roles, ascending."""

    READER = 0
    WRITER = 1
    ADMIN = 2
    OWNER = 3


class RosterKind(IntEnum):
    """Kinds of roster links."""

    CREATE = 0
    ADD = 1
    REMOVE = 2
    ROLE = 3
    POLICY = 4


@dataclass(frozen=True, slots=True)
class Seat:
    """A member's ID, as the roster knows it, and role."""

    identity: bytes
    role: Role


@dataclass(frozen=True, slots=True)
class Policy:
    """`lifetime` is a class b (0: none); `shared`: newcomers may be given earlier history."""

    lifetime: int = 0
    shared: bool = False

    def value(self) -> dict[int, int]:
        """The map as it is encoded."""
        return {0: self.lifetime, 1: int(self.shared)}


@dataclass(frozen=True, slots=True)
class RosterLink:
    """A decoded link. `type`, `seats`, `policy`, `member`, `identity`, `role` are set where the kind has them.

    `epoch` is field 6, the newest epoch that the signer knew; `signer` field 7.
    """

    body: bytes
    hash: bytes
    space: bytes
    n: int
    before: bytes
    kind: RosterKind
    epoch: Head
    signer: SignerHead
    time: int
    type: SpaceType | None = None
    seats: tuple[tuple[bytes, Seat], ...] = ()
    policy: Policy | None = None
    member: bytes | None = None
    identity: bytes | None = None
    role: Role | None = None


def _policy(value: object) -> Policy:
    lifetime, history = fields(value, 2)
    return Policy(uint(lifetime, CLASSES), bool(uint(history, 2)))


def _role(value: object) -> Role:
    return Role(uint(value, len(Role)))


def _seat(value: object) -> tuple[bytes, Seat]:
    member, identity, role = array(value, 3)
    return raw(member, ID), Seat(raw(identity, HASH), _role(role))


def decode_roster_link(body: bytes) -> RosterLink:
    """Decodes a link's body. Raises MALFORMED (`cbor`)."""
    _, space, n, before, kind, statement, epoch, signer, time = decode_body(body, LINK_CAP, 9)
    kind = RosterKind(uint(kind, len(RosterKind)))
    type_ = policy = member = identity = role = None
    seats: tuple[tuple[bytes, Seat], ...] = ()
    if kind == RosterKind.CREATE:
        raw_type, raw_seats, raw_policy = fields(statement, 3)
        type_, policy = SpaceType(uint(raw_type, len(SpaceType))), _policy(raw_policy)
        seats = tuple(_seat(item) for item in array(raw_seats))
        if not 1 <= len(seats) <= MAX_MEMBERS or len(dict(seats)) != len(seats):
            raise malformed("A roster names 1 to 1,000 members, each once.")
    elif kind == RosterKind.ADD:
        member, identity, role = fields(statement, 3)
        member, identity, role = raw(member, ID), raw(identity, HASH), _role(role)
    elif kind == RosterKind.REMOVE:
        (member,) = fields(statement, 1)
        member = raw(member, ID)
    elif kind == RosterKind.ROLE:
        member, role = fields(statement, 2)
        member, role = raw(member, ID), _role(role)
    else:
        (raw_policy,) = fields(statement, 1)
        policy = _policy(raw_policy)
    return RosterLink(
        body=body,
        hash=h_body(Label.ROSTER, body),
        space=raw(space, ID),
        n=uint(n),
        before=raw(before, HASH),
        kind=kind,
        epoch=parse_head(epoch),
        signer=parse_signer(signer),
        time=uint(time),
        type=type_,
        seats=seats,
        policy=policy,
        member=member,
        identity=identity,
        role=role,
    )


# ---- making links


@dataclass(frozen=True, slots=True)
class Place:
    """Where the next link goes: after [n, hash] of the roster (None: first), with field 6's newest epoch."""

    space: bytes
    head: Head | None = None
    epoch: Head = NO_EPOCH


def _make(
    place: Place, kind: RosterKind, statement: dict[int, Value], signer: SignerHead, dk_seed: bytes, time: int
) -> Signed:
    n, before = (place.head.n + 1, place.head.hash) if place.head else (0, Z32)
    link: dict[int, Value] = {0: 1, 1: place.space, 2: n, 3: before, 4: int(kind), 5: statement}
    body = encode(link | {6: place.epoch.value(), 7: signer.value(), 8: time})
    return sign(dk_seed, Label.ROSTER, body)


def make_create(
    space: bytes,
    type_: SpaceType,
    seats: Iterable[tuple[bytes, Seat]],
    policy: Policy,
    signer: SignerHead,
    dk_seed: bytes,
    time: int,
) -> Signed:
    """Link 0 of a space; members are listed in ascending order."""
    rows: list[Value] = [[member, seat.identity, int(seat.role)] for member, seat in sorted(seats, key=lambda s: s[0])]
    statement: dict[int, Value] = {0: int(type_), 1: rows, 2: {**policy.value()}}
    return _make(Place(space), RosterKind.CREATE, statement, signer, dk_seed, time)


def make_add(
    place: Place, member: bytes, identity: bytes, role: Role, signer: SignerHead, dk_seed: bytes, time: int
) -> Signed:
    """Adds a member, or gives a present one their new ID (same role)."""
    return _make(place, RosterKind.ADD, {0: member, 1: identity, 2: int(role)}, signer, dk_seed, time)


def make_remove(place: Place, member: bytes, signer: SignerHead, dk_seed: bytes, time: int) -> Signed:
    """Removes a member, or oneself."""
    return _make(place, RosterKind.REMOVE, {0: member}, signer, dk_seed, time)


def make_role(place: Place, member: bytes, role: Role, signer: SignerHead, dk_seed: bytes, time: int) -> Signed:
    """Changes a member's role."""
    return _make(place, RosterKind.ROLE, {0: member, 1: int(role)}, signer, dk_seed, time)


def make_policy(place: Place, policy: Policy, signer: SignerHead, dk_seed: bytes, time: int) -> Signed:
    """Sets lifetime and history."""
    return _make(place, RosterKind.POLICY, {0: {**policy.value()}}, signer, dk_seed, time)
