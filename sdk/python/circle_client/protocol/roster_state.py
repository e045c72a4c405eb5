"""What holds after a roster link, and who may sign the next one (e2ee.md section 5; docs/decisions/0002, 0011)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from circle_client.protocol.errors import Code, Layer, Refuser
from circle_client.protocol.labels import Label, verify_body
from circle_client.protocol.primitives import Z32
from circle_client.protocol.roster import (
    MAX_MEMBERS,
    Place,
    Policy,
    Role,
    RosterKind,
    RosterLink,
    Seat,
    SpaceType,
    decode_roster_link,
)
from circle_client.protocol.structures import NO_EPOCH, Chains, Head, Signed

refuse = Refuser(Layer.ROSTER)


@dataclass(frozen=True, slots=True)
class Roster:
    """The roster after link [n, hash]; the server builds it from its rows, clients by `apply_roster_link`.

    `epoch`: field 6 of the newest link. `heads`: newest head each signer named; the server, which accepts current heads
    alone, may leave it empty. `joined`: field 6's epoch of each member's newest add (absent: from the first).
    """

    space: bytes
    type: SpaceType
    n: int
    hash: bytes
    policy: Policy
    seats: Mapping[bytes, Seat]
    epoch: Head = NO_EPOCH
    heads: Mapping[bytes, Head] = field(default_factory=dict)
    joined: Mapping[bytes, int] = field(default_factory=dict)

    @property
    def head(self) -> Head:
        """[n, hash]."""
        return Head(self.n, self.hash)

    def place(self, epoch: Head) -> Place:
        """Where the next link goes, given the space's newest epoch ([0, Z32] before the first)."""
        return Place(self.space, self.head, epoch)

    def role(self, member: bytes) -> Role | None:
        """The member's role, None for strangers."""
        seat = self.seats.get(member)
        return seat.role if seat else None

    def recipients(self, identities: Mapping[bytes, bytes]) -> list[bytes]:
        """The members, ascending, whose ID (`identities`: member -> present ID) is the roster's: who gets a seal."""
        return sorted(member for member, seat in self.seats.items() if identities.get(member) == seat.identity)


def apply_roster_link(
    roster: Roster | None, signed: Signed, chains: Chains, newest_epoch: Head | None = None
) -> Roster:
    """The roster after the next link (`roster` None: before link 0), all rules and the signature checked.

    `newest_epoch` is the space's newest epoch where the log is known: field 6 must name it; without it field 6 must
    not go back. Raises MALFORMED (`cbor`), CHAIN_CONFLICT for another place, head or epoch, FORBIDDEN for the rest.
    """
    link = decode_roster_link(signed.body)
    check_place(roster, link, newest_epoch)
    _check_head(roster, link)
    signer = link.signer
    key = chains(signer.member).signer(signer.device, signer.n, signer.hash)
    after = change(roster, link, key.identity)
    verify_body(key.dk, signed.signature, Label.ROSTER, link.body)
    return after


def replay_roster(links: Iterable[Signed], space: bytes, chains: Chains) -> tuple[Roster, ...]:
    """The rosters after each link, from link 0 on; index = n. Raises as `apply_roster_link`."""
    states: list[Roster] = []
    for signed in links:
        states.append(apply_roster_link(states[-1] if states else None, signed, chains))
    if not states or states[0].space != space:
        raise refuse(Code.CHAIN_CONFLICT, "The roster is empty or another space's.")
    return tuple(states)


def check_place(roster: Roster | None, link: RosterLink, newest_epoch: Head | None) -> None:
    """Whether the link follows the roster and names the newest epoch. Raises CHAIN_CONFLICT."""
    expected = (0, Z32) if roster is None else (roster.n + 1, roster.hash)
    if (link.n, link.before) != expected or (roster is not None and link.space != roster.space):
        raise refuse(Code.CHAIN_CONFLICT, "The link does not follow the roster's head.")
    known = NO_EPOCH if roster is None else newest_epoch
    if known is not None and link.epoch != known:
        raise refuse(Code.CHAIN_CONFLICT, "The link does not name the newest epoch.")
    if roster is not None and (
        link.epoch.n < roster.epoch.n or (link.epoch.n == roster.epoch.n and link.epoch != roster.epoch)
    ):
        raise refuse(Code.CHAIN_CONFLICT, "The link names an older epoch than the link before it.")


def _check_head(roster: Roster | None, link: RosterLink) -> None:
    before = roster.heads.get(link.signer.member) if roster else None
    if before is None:
        return
    if link.signer.n < before.n or (link.signer.n == before.n and link.signer.hash != before.hash):
        raise refuse(Code.CHAIN_CONFLICT, "The signer's chain goes back along the roster.")


def change(roster: Roster | None, link: RosterLink, signer_identity: bytes) -> Roster:
    """Applies the rules of roles, given the signer's ID at the head named; no signature. Raises FORBIDDEN."""
    member = link.signer.member
    if roster is None:
        return _created(link, signer_identity)
    seat = roster.seats.get(member)
    renews = roster.type == SpaceType.ACCOUNT and link.kind == RosterKind.ADD
    if seat is None or (seat.identity != signer_identity and not renews):
        raise refuse(Code.FORBIDDEN, "The signer is not in the roster with this ID.")
    seats, policy, joined = dict(roster.seats), roster.policy, dict(roster.joined)
    if renews:
        _renew(link, signer_identity, seat, seats, joined)
    elif link.kind == RosterKind.ADD:
        _add(roster, link, seat, seats, joined)
    elif link.kind == RosterKind.REMOVE:
        _remove(roster, link, seat, seats)
    elif link.kind == RosterKind.ROLE:
        _set_role(roster, link, seat, seats)
    elif link.kind == RosterKind.POLICY and link.policy is not None:
        _need(seat, Role.ADMIN)
        policy = link.policy
    else:
        raise refuse(Code.FORBIDDEN, "A space is created once.")
    return Roster(
        space=roster.space,
        type=roster.type,
        n=link.n,
        hash=link.hash,
        policy=policy,
        seats=seats,
        epoch=link.epoch,
        heads={**roster.heads, member: Head(link.signer.n, link.signer.hash)},
        joined=joined,
    )


def _created(link: RosterLink, signer_identity: bytes) -> Roster:
    seats = dict(link.seats)
    seat = seats.get(link.signer.member)
    if link.kind != RosterKind.CREATE or link.type is None or link.policy is None:
        raise refuse(Code.FORBIDDEN, "A roster begins with its creation.")
    if seat is None or seat.role != Role.OWNER or seat.identity != signer_identity:
        raise refuse(Code.FORBIDDEN, "A space is created by its owner, with the owner's present ID.")
    if link.type == SpaceType.DIRECT and (len(seats) != 2 or any(s.role != Role.OWNER for s in seats.values())):
        raise refuse(Code.FORBIDDEN, "A direct conversation has exactly two members, both owners.")
    if link.type == SpaceType.ACCOUNT and len(seats) != 1:
        raise refuse(Code.FORBIDDEN, "An account has one member.")
    return Roster(
        space=link.space,
        type=link.type,
        n=link.n,
        hash=link.hash,
        policy=link.policy,
        seats=seats,
        epoch=link.epoch,
        heads={link.signer.member: Head(link.signer.n, link.signer.hash)},
    )


def _need(seat: Seat, role: Role) -> None:
    if seat.role < role:
        raise refuse(Code.FORBIDDEN, "The signer's role does not allow this.")


def _add(roster: Roster, link: RosterLink, signer: Seat, seats: dict[bytes, Seat], joined: dict[bytes, int]) -> None:
    member, identity, role = link.member, link.identity, link.role
    if member is None or identity is None or role is None:
        raise refuse(Code.FORBIDDEN, "The link adds nobody.")
    _need(signer, Role.ADMIN)
    present = seats.get(member)
    if role > signer.role and not _is_only_owner(seats, member):
        raise refuse(Code.FORBIDDEN, "Nobody gives a role above their own.")
    if present is None:
        if roster.type == SpaceType.DIRECT:
            raise refuse(Code.FORBIDDEN, "A direct conversation has exactly two members.")
        if len(seats) >= MAX_MEMBERS:
            raise refuse(Code.FORBIDDEN, "A space has at most 1,000 members.")
    elif present.identity == identity or present.role != role or member == link.signer.member:
        raise refuse(Code.FORBIDDEN, "A present member is added only with a new ID, by another, in the same role.")
    seats[member] = Seat(identity, role)
    joined[member] = link.epoch.n


def _renew(
    link: RosterLink, signer_identity: bytes, signer: Seat, seats: dict[bytes, Seat], joined: dict[bytes, int]
) -> None:
    """After a reset the member takes the account over under the new ID (docs/decisions/0011)."""
    if link.member != link.signer.member or link.role != Role.OWNER:
        raise refuse(Code.FORBIDDEN, "Nobody is added to an account.")
    if link.identity != signer_identity or signer.identity == signer_identity:
        raise refuse(Code.FORBIDDEN, "An account is renewed with the member's own new ID alone.")
    seats[link.signer.member] = Seat(signer_identity, Role.OWNER)
    joined[link.signer.member] = link.epoch.n


def _is_only_owner(seats: Mapping[bytes, Seat], member: bytes) -> bool:
    return [other for other, seat in seats.items() if seat.role == Role.OWNER] == [member]


def _remove(roster: Roster, link: RosterLink, signer: Seat, seats: dict[bytes, Seat]) -> None:
    if roster.type in (SpaceType.DIRECT, SpaceType.ACCOUNT):
        raise refuse(Code.FORBIDDEN, "Nobody is removed from a direct conversation or an account.")
    present = seats.pop(link.member or b"", None)
    if present is None:
        raise refuse(Code.FORBIDDEN, "The member is not in the roster.")
    if link.member != link.signer.member:
        _need(signer, Role.ADMIN)
        if present.role > signer.role:
            raise refuse(Code.FORBIDDEN, "Nobody removes a role above their own.")
    _keep_owner(seats)


def _set_role(roster: Roster, link: RosterLink, signer: Seat, seats: dict[bytes, Seat]) -> None:
    if roster.type in (SpaceType.DIRECT, SpaceType.ACCOUNT):
        raise refuse(Code.FORBIDDEN, "Roles in a direct conversation or an account are fixed.")
    _need(signer, Role.OWNER)
    present = seats.get(link.member or b"")
    if present is None or link.member is None or link.role is None:
        raise refuse(Code.FORBIDDEN, "The member is not in the roster.")
    seats[link.member] = Seat(present.identity, link.role)
    _keep_owner(seats)


def _keep_owner(seats: Mapping[bytes, Seat]) -> None:
    if all(seat.role != Role.OWNER for seat in seats.values()):
        raise refuse(Code.FORBIDDEN, "The last owner stays.")
