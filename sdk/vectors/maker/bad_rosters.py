"""Must fail: rosters (e2ee.md section 14)."""

from __future__ import annotations

from collections.abc import Iterable

from circle_client.protocol.errors import Layer
from circle_client.protocol.labels import Label, h_body
from circle_client.protocol.primitives import Z32
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
from circle_client.protocol.structures import Head, Signed, SignerHead, sign

from sdk.vectors.maker import forms
from sdk.vectors.maker.forms import Case
from sdk.vectors.maker.refused import Refused
from sdk.vectors.maker.world import Person, Space, uuid4


class Rosters:
    """A group: Ada owner, Ben admin, Cyd writer, Dee reader; Eve is outside, Fay will reset."""

    def __init__(self) -> None:
        self.refused = Refused("roster")
        self.ada, self.ben, self.cyd, self.dee, self.eve, self.fay = (
            Person.create(name) for name in ("Ada", "Ben", "Cyd", "Dee", "Eve", "Fay")
        )
        rows = [(self.ada, Role.OWNER), (self.ben, Role.ADMIN), (self.cyd, Role.WRITER), (self.dee, Role.READER)]
        self.group = Space.create(SpaceType.GROUP, rows)

    def people(self) -> list[Person]:
        """Everybody."""
        return [self.ada, self.ben, self.cyd, self.dee, self.eve, self.fay]

    def case(
        self,
        about: str,
        space: Space,
        links: Iterable[Signed],
        layer: Layer = Layer.ROSTER,
        newest: Head | None = None,
    ) -> None:
        """The space's links and these."""
        chain = forms.roster_links(space.id, [*space.links, *links])
        given = {**chain, "chains": forms.chains(self.people()), "newest": newest and forms.head(newest)}
        self.refused.add(about, layer, "roster.chain", given)


def _seed(person: Person) -> tuple[SignerHead, bytes, int]:
    return person.signer(), person.device.dk_seed, person.tick()


def _hash(link: Signed) -> bytes:
    return h_body(Label.ROSTER, link.body)


def _roles(r: Rosters) -> None:
    group, place, eve = r.group, r.group.place, r.eve

    def add(by: Person, role: Role, about: str) -> None:
        r.case(about, group, [make_add(place, eve.member, eve.chain.identity, role, *_seed(by))])

    add(r.cyd, Role.READER, "a writer adds")
    add(r.dee, Role.READER, "a reader adds")
    add(eve, Role.READER, "a stranger adds itself")
    add(r.ben, Role.OWNER, "an admin adds an owner")
    for about, by, member in (
        ("a writer removes another", r.cyd, r.dee),
        ("an admin removes the owner", r.ben, r.ada),
        ("removes a stranger", r.ada, eve),
        ("the last owner leaves", r.ada, r.ada),
    ):
        r.case(about, group, [make_remove(place, member.member, *_seed(by))])
    for about, by, member, role in (
        ("an admin changes a role", r.ben, r.dee, Role.WRITER),
        ("an admin makes itself owner", r.ben, r.ben, Role.OWNER),
        ("the last owner steps down", r.ada, r.ada, Role.ADMIN),
        ("role of a stranger", r.ada, eve, Role.WRITER),
    ):
        r.case(about, group, [make_role(place, member.member, role, *_seed(by))])
    r.case("a writer sets the policy", group, [make_policy(place, Policy(1), *_seed(r.cyd))])
    ben = r.ben
    for about, identity, role in (
        ("adds a present member with the present ID", ben.chain.identity, Role.ADMIN),
        ("adds a present member in another role", Z32, Role.WRITER),
    ):
        r.case(about, group, [make_add(place, ben.member, identity, role, *_seed(r.ada))])
    r.case("gives itself a new ID", group, [make_add(place, r.ada.member, Z32, Role.OWNER, *_seed(r.ada))])


def _places(r: Rosters) -> None:
    group, place, epoch, ada = r.group, r.group.place, r.group.epoch, r.ada
    first = make_policy(place, Policy(1), *_seed(ada))
    second = make_policy(place, Policy(2), *_seed(ada))
    r.case("two links of one number", group, [first, second])
    r.case("gap", group, [make_policy(Place(group.id, Head(1, Z32), epoch), Policy(1), *_seed(ada))])
    r.case("other hash before", group, [make_policy(Place(group.id, Head(0, Z32), epoch), Policy(1), *_seed(ada))])
    other = Place(uuid4(ada.roll), group.roster.head, epoch)
    r.case("another space's", group, [make_policy(other, Policy(1), *_seed(ada))])
    r.case("old field 6", group, [make_policy(place, Policy(1), *_seed(ada))], newest=Head(2, Z32))
    none = Place(group.id, group.roster.head)
    r.case("field 6 of before the first epoch", group, [make_policy(none, Policy(1), *_seed(ada))], newest=epoch)
    later = make_policy(Place(group.id, group.roster.head, Head(2, Z32)), Policy(1), *_seed(ada))
    head = Head(1, _hash(later))
    r.case("field 6 goes back", group, [later, make_policy(Place(group.id, head, epoch), Policy(2), *_seed(ada))])
    forked = Place(group.id, head, Head(2, epoch.hash))
    other_epoch = make_policy(forked, Policy(2), *_seed(ada))
    r.case("field 6 names another epoch of the same number", group, [later, other_epoch])
    create = make_create(group.id, SpaceType.GROUP, [ada.seat(Role.OWNER)], Policy(), *_seed(ada))
    r.case("created twice", group, [create])


def _signers(r: Rosters) -> None:
    group, place, ada, ben = r.group, r.group.place, r.ada, r.ben
    old = ada.signer()
    good = make_policy(place, Policy(1), *_seed(ada))
    by_ben = sign(ben.device.dk_seed, Label.ROSTER, good.body)
    r.case("signed by another member", group, [by_ben], layer=Layer.ED25519)
    unknown = SignerHead(ada.member, ada.device.id, 9, Z32)
    seed = ada.device.dk_seed
    r.case("head that is not known yet", group, [make_policy(place, Policy(1), unknown, seed, 1)], layer=Layer.MEMBER)
    other = SignerHead(ben.member, ben.device.id, 0, Z32)
    forked = make_policy(place, Policy(1), other, ben.device.dk_seed, 1)
    r.case("head with another hash", group, [forked], layer=Layer.MEMBER)
    tablet = ada.add_device()
    by_tablet = SignerHead(ada.member, tablet.id, old.n, old.hash)
    early = make_policy(place, Policy(1), by_tablet, tablet.dk_seed, 1)
    r.case("device added after the head it names", group, [early], layer=Layer.MEMBER)
    first = make_policy(place, Policy(1), *_seed(ada))
    back = make_policy(Place(group.id, Head(1, _hash(first)), group.epoch), Policy(2), old, seed, 1)
    r.case("signer's head goes back", group, [first, back])
    ben_old = ben.signer()
    ben.reset()
    r.case("signer of another ID", group, [make_policy(place, Policy(1), *_seed(ben))])
    forged = SignerHead(ben.member, ben.device.id, ben_old.n, ben_old.hash)
    link = make_policy(place, Policy(1), forged, ben.device.dk_seed, 1)
    r.case("device of after a reset at the head before", group, [link], layer=Layer.MEMBER)


def _creations(r: Rosters) -> None:
    ada, cyd, dee = r.ada, r.cyd, r.dee
    empty = Space(uuid4(ada.roll), {}, ada.roll)

    def create(about: str, type_: SpaceType, seats: list[tuple[bytes, Seat]], by: Person = ada) -> None:
        r.case(about, empty, [make_create(empty.id, type_, seats, Policy(), *_seed(by))])

    owner, other = ada.seat(Role.OWNER), cyd.seat(Role.OWNER)
    create("created by a stranger", SpaceType.GROUP, [other])
    create("created by an admin", SpaceType.GROUP, [ada.seat(Role.ADMIN), other])
    create("creator listed with another ID", SpaceType.GROUP, [(ada.member, Seat(Z32, Role.OWNER))])
    create("direct with one", SpaceType.DIRECT, [owner])
    create("direct with three", SpaceType.DIRECT, [owner, other, dee.seat(Role.OWNER)])
    create("direct with a writer", SpaceType.DIRECT, [owner, cyd.seat(Role.WRITER)])
    create("account of two", SpaceType.ACCOUNT, [owner, other])
    first = make_policy(Place(empty.id), Policy(), *_seed(ada))
    r.case("does not begin with its creation", empty, [first])


def _fixed(r: Rosters) -> None:
    ada, cyd, dee = r.ada, r.cyd, r.dee
    direct = Space.create(SpaceType.DIRECT, [(ada, Role.OWNER), (cyd, Role.OWNER)])
    place = direct.place
    third = make_add(place, dee.member, dee.chain.identity, Role.OWNER, *_seed(ada))
    r.case("a third in a direct one", direct, [third])
    r.case("remove in a direct one", direct, [make_remove(place, cyd.member, *_seed(ada))])
    r.case("leave a direct one", direct, [make_remove(place, cyd.member, *_seed(cyd))])
    r.case("role in a direct one", direct, [make_role(place, cyd.member, Role.READER, *_seed(ada))])
    account = Space.create(SpaceType.ACCOUNT, [(ada, Role.OWNER)])
    place = account.place
    second = make_add(place, dee.member, dee.chain.identity, Role.READER, *_seed(ada))
    r.case("a second in an account", account, [second])
    r.case("leave an account", account, [make_remove(place, ada.member, *_seed(ada))])
    r.case("role in an account", account, [make_role(place, ada.member, Role.OWNER, *_seed(ada))])


def _renewals(r: Rosters) -> None:
    """After a reset: the account is renewed by its own member, an owner by an owner unless there is no other."""
    ada, ben, cyd, fay = r.ada, r.ben, r.cyd, r.fay
    account = Space.create(SpaceType.ACCOUNT, [(fay, Role.OWNER)])
    two = Space.create(SpaceType.GROUP, [(ada, Role.OWNER), (ben, Role.ADMIN), (cyd, Role.WRITER), (fay, Role.OWNER)])
    one = Space.create(SpaceType.GROUP, [(fay, Role.OWNER), (ben, Role.ADMIN), (cyd, Role.WRITER)])

    def add(about: str, space: Space, identity: bytes, role: Role, by: tuple[SignerHead, bytes, int]) -> None:
        r.case(about, space, [make_add(space.place, fay.member, identity, role, *by)])

    add("renews an account with the present ID", account, fay.chain.identity, Role.OWNER, _seed(fay))
    old = _seed(fay)
    fay.reset()
    new = fay.chain.identity
    add("renews an account with another ID than its own", account, Z32, Role.OWNER, _seed(fay))
    add("renews an account in another role", account, new, Role.ADMIN, _seed(fay))
    add("another renews an account", account, new, Role.OWNER, _seed(ben))
    add("the device of before a reset renews an account", account, new, Role.OWNER, old)
    add("an admin lets an owner in again who is not the only one", two, new, Role.OWNER, _seed(ben))
    add("a writer lets the only owner in again", one, new, Role.OWNER, _seed(cyd))
    add("lets the only owner in again in another role", one, new, Role.ADMIN, _seed(ben))
    add("the only owner lets itself in again", one, new, Role.OWNER, _seed(fay))


def roster_cases() -> list[Case]:
    """All of them."""
    rosters = Rosters()
    for part in (_roles, _places, _creations, _fixed, _signers, _renewals):
        part(rosters)
    return rosters.refused.cases
