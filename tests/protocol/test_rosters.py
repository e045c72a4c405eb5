"""Rosters under any sequence of links: what is accepted keeps the invariants, whoever signs."""

from __future__ import annotations

import pytest
from circle_client.protocol.errors import ProtocolError
from circle_client.protocol.roster import (
    Policy,
    Role,
    SpaceType,
    make_add,
    make_create,
    make_policy,
    make_remove,
    make_role,
)
from circle_client.protocol.roster_state import Roster, apply_roster_link, replay_roster
from circle_client.protocol.structures import NO_EPOCH, Signed
from hypothesis import given, settings
from hypothesis import strategies as st

from sdk.vectors.maker.world import Person, Space, uuid4

PEOPLE = [Person.create(f"roster {i}") for i in range(5)]
BY_ID = {person.member: person for person in PEOPLE}
person = st.sampled_from(PEOPLE)
role = st.sampled_from(list(Role))
step = st.tuples(st.sampled_from(["add", "remove", "role", "policy"]), person, person, role)


def link(roster: Roster, what: str, by: Person, whom: Person, given_role: Role) -> Signed:
    place, signer, seed, time = roster.place(NO_EPOCH), by.signer(), by.device.dk_seed, 1
    if what == "add":
        return make_add(place, whom.member, whom.chain.identity, given_role, signer, seed, time)
    if what == "remove":
        return make_remove(place, whom.member, signer, seed, time)
    if what == "role":
        return make_role(place, whom.member, given_role, signer, seed, time)
    return make_policy(place, Policy(int(given_role)), signer, seed, time)


def created(type_: SpaceType, owners: list[Person]) -> tuple[Roster, Signed]:
    first = owners[0]
    seats = [owner.seat(Role.OWNER) for owner in owners]
    made = make_create(uuid4(first.roll), type_, seats, Policy(), first.signer(), first.device.dk_seed, 1)
    return apply_roster_link(None, made, lambda member: BY_ID[member].chain), made


@settings(max_examples=60, deadline=None)
@given(st.lists(step, max_size=25))
def test_a_group_keeps_its_invariants(steps: list[tuple[str, Person, Person, Role]]) -> None:
    roster, first = created(SpaceType.GROUP, PEOPLE[:1])
    links = [first]
    for what, by, whom, given_role in steps:
        made, before = link(roster, what, by, whom, given_role), roster
        try:
            roster = apply_roster_link(roster, made, lambda member: BY_ID[member].chain)
        except ProtocolError:
            continue
        links.append(made)
        own = before.role(by.member)
        assert own is not None
        assert any(seat.role == Role.OWNER for seat in roster.seats.values())
        assert roster.n == before.n + 1
        if by is not whom or what != "remove":
            assert own >= (Role.OWNER if what == "role" else Role.ADMIN)
        changed = {m for m in {*before.seats, *roster.seats} if before.seats.get(m) != roster.seats.get(m)}
        assert changed <= ({whom.member} if what != "policy" else set())
        assert all((before.role(m) or 0) <= own and (roster.role(m) or 0) <= own for m in changed)
    assert replay_roster(links, roster.space, lambda member: BY_ID[member].chain)[-1] == roster


@settings(max_examples=60, deadline=None)
@given(st.lists(step, max_size=15), st.sampled_from([SpaceType.DIRECT, SpaceType.ACCOUNT]))
def test_fixed_spaces_keep_their_seats(steps: list[tuple[str, Person, Person, Role]], type_: SpaceType) -> None:
    roster, _ = created(type_, PEOPLE[: 2 if type_ == SpaceType.DIRECT else 1])
    seats = dict(roster.seats)
    for what, by, whom, given_role in steps:
        try:
            roster = apply_roster_link(
                roster, link(roster, what, by, whom, given_role), lambda member: BY_ID[member].chain
            )
        except ProtocolError:
            continue
        assert what == "policy"
    assert roster.seats == seats


def test_a_thousand_members_and_no_more() -> None:
    ada = PEOPLE[0]
    crowd = [(uuid4(ada.roll), ada.seat(Role.READER)[1]) for _ in range(999)]
    made = make_create(
        uuid4(ada.roll), SpaceType.GROUP, [ada.seat(Role.OWNER), *crowd], Policy(), ada.signer(), ada.device.dk_seed, 1
    )
    roster = apply_roster_link(None, made, lambda _: ada.chain)
    with pytest.raises(ProtocolError):
        apply_roster_link(roster, link(roster, "add", ada, PEOPLE[1], Role.READER), lambda _: ada.chain)


def test_recipients_are_those_with_the_rosters_id() -> None:
    ada, ben = Person.create("keeps"), Person.create("resets")
    space = Space.create(SpaceType.GROUP, [(ada, Role.OWNER), (ben, Role.WRITER)])
    identities = {ada.member: ada.chain.identity, ben.member: ben.chain.identity}
    assert space.roster.recipients(identities) == sorted(identities)
    ben.reset()
    identities[ben.member] = ben.chain.identity
    assert space.roster.recipients(identities) == [ada.member]
    assert space.roster.recipients({}) == []
