"""Two and three machines exchange through a relay that believes everything: the machines do not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from circle_client.errors import Forked, NotAllowed, Untrusted
from circle_client.machine.events import EntryKind
from circle_client.machine.machine import Machine
from circle_client.machine.make import Draft, EpochNeeded
from circle_client.machine.people import MemberFacts, Trust
from circle_client.protocol.cbor import Value
from circle_client.protocol.contents import message
from circle_client.protocol.envelope import Kind
from circle_client.protocol.errors import DueReason
from circle_client.protocol.roster import Policy, Role, SpaceType, decode_roster_link
from circle_client.types import Person

from tests.sdk_python.relay import Player, Relay, changed, members


@pytest.fixture
def eve(relay: Relay) -> Player:
    return Player(relay, "eve")


def test_a_group_is_made_and_messages_cross(ada: Player, bob: Player) -> None:
    space = ada.create(SpaceType.GROUP, members(bob), "Tea")
    ada.say(space, "hello")
    bob.say(space, "and to you")
    assert ada.texts(space) == bob.texts(space) == ["hello", "and to you"]
    assert ada.space(space).title == bob.space(space).title == "Tea"
    assert ada.space(space).log.head == bob.space(space).log.head
    assert bob.space(space).alarm is None


def test_a_direct_conversation_has_fixed_members(ada: Player, bob: Player, eve: Player) -> None:
    space = ada.create(SpaceType.DIRECT, members(bob, role=Role.OWNER))
    bob.say(space, "just us")
    assert ada.texts(space) == ["just us"]
    bob.pull(space)
    with pytest.raises(NotAllowed):
        bob.machine.make.add(bob.space(space), eve.id, Role.WRITER, bob.relay.clock)
    with pytest.raises(NotAllowed):
        bob.machine.make.remove(bob.space(space), bob.id, bob.relay.clock)


def test_a_reader_of_a_broadcast_cannot_speak(ada: Player, bob: Player) -> None:
    space = ada.create(SpaceType.BROADCAST, members(bob, role=Role.READER))
    ada.say(space, "news")
    assert bob.texts(space) == ["news"]
    with pytest.raises(NotAllowed):
        bob.say(space, "me too")


def test_after_a_removal_nothing_is_sealed_before_a_new_epoch(ada: Player, bob: Player, eve: Player) -> None:
    space = ada.create(SpaceType.GROUP, members(bob, eve))
    for player in (ada, bob, eve):
        player.pull(space)
    ada.relay.roster(ada.machine.make.remove(ada.space(space), eve.id, ada.relay.clock))
    with pytest.raises(EpochNeeded) as due:
        bob.say(space, "too early")
    assert due.value.reason is DueReason.ROSTER
    ada.renew(space)
    bob.say(space, "without eve")
    assert ada.texts(space) == ["without eve"]
    assert eve.space(space).left is None
    eve.pull(space)  # even a server that shows her everything gives her no keys
    assert eve.texts(space) == ["[The keys for this message have not arrived yet.]"]
    assert eve.space(space).left is not None


def test_a_newcomer_reads_what_follows_the_joining(ada: Player, bob: Player, eve: Player) -> None:
    space = ada.create(SpaceType.GROUP, members(bob))
    ada.say(space, "before")
    ada.pull(space)
    ada.meet_all()
    add = ada.relay.roster(ada.machine.make.add(ada.space(space), eve.id, Role.WRITER, ada.relay.clock))
    ada.renew(space)
    ada.say(space, "after")
    eve.meet_all()
    for event in eve.relay.logs[space][add.seq - 1 :]:
        eve.take(event)
    assert [kept[0].text for kept in eve.past.entries.values() if kept[0].kind is EntryKind.MESSAGE] == ["after"]
    assert eve.machine.make.grant(eve.space(space), bob.id, [1]) is None
    assert ada.machine.make.grant(ada.space(space), eve.id, [1]) is None


def test_shared_history_is_read_with_a_grant(ada: Player, bob: Player, eve: Player) -> None:
    space = ada.create(SpaceType.GROUP, members(bob), policy=Policy(0, True))
    ada.say(space, "before")
    ada.pull(space)
    link = ada.machine.make.add(ada.space(space), eve.id, Role.WRITER, ada.relay.clock)
    ada.relay.roster(link)
    ada.pull(space)
    grant = ada.machine.make.grant(ada.space(space), eve.id, range(1, decode_roster_link(link.body).epoch.n + 1))
    assert grant is not None
    ada.renew(space)
    assert eve.texts(space) == ["[The keys for this message have not arrived yet.]"] * 2  # title and message
    assert eve.machine.take_grant(eve.space(space), *grant)
    waiting = [kept for kept in eve.past.entries.values() if kept[0].waiting]
    read = [eve.machine.reread(eve.space(space), kept[0], kept[1].body or b"") for kept in waiting]
    assert [(entry.kind, entry.text) for entry in read] == [(EntryKind.STATE, "A title"), (EntryKind.MESSAGE, "before")]
    assert eve.space(space).title == "A title"


def test_a_machine_goes_on_from_what_it_dumped(ada: Player, bob: Player) -> None:
    space = ada.create(SpaceType.GROUP, members(bob))
    bob.say(space, "one")
    bob.pull(space)
    kept: dict[str, list[tuple[bytes, Any]]] = {area: [] for area in ("keyring", "person", "space", "log", "epoch")}
    bob.machine.flush(lambda area, key, value: kept[area].append((key, value)))
    keyring = kept["keyring"][0][1]
    bob.machine = Machine.load(keyring, kept["person"], kept["space"], kept["log"], kept["epoch"], None, bob.past)
    ada.say(space, "two")
    bob.say(space, "three")
    assert bob.texts(space) == ada.texts(space) == ["one", "two", "three"]


@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        ("item", "does not fit"),
        ("body", "does not fit"),
        ("again", "second time"),
    ],
)
def test_a_lie_in_the_log_stops_sending(ada: Player, bob: Player, lie: str, reason: str) -> None:
    space = ada.create(SpaceType.GROUP, members(bob))
    first, second = ada.say(space, "one"), ada.say(space, "two")
    bob.pull(space, first.seq)
    lies = {
        "item": changed(second, item=bytes(range(32))),
        "body": changed(second, body=first.body),
        "again": changed(first, seq=second.seq),
    }
    (entry,) = bob.take(lies[lie])
    assert entry.kind is EntryKind.UNREADABLE
    assert reason in (entry.reason or "")
    assert bob.space(space).alarm is not None
    with pytest.raises(Untrusted):
        bob.machine.make.envelope(bob.space(space), bob.draft("no"))


def test_a_withheld_entry_shows_at_the_next_envelope_across(ada: Player, bob: Player) -> None:
    """The server hides 'one' from bob and gives 'two' in its place, with a log hash of its own making."""
    space = ada.create(SpaceType.GROUP, members(bob))
    hidden, shown = ada.say(space, "one"), ada.say(space, "two")
    bob.pull(space, hidden.seq - 1)
    bob.take(changed(shown, seq=hidden.seq))
    assert bob.space(space).alarm is not None


def test_an_own_send_must_lie_where_the_server_said(ada: Player, bob: Player) -> None:
    space = ada.create(SpaceType.GROUP, members(bob))
    bob.pull(space)
    bob.machine.promise(bob.space(space), bob.space(space).log.head.n + 1, bytes(range(32)))
    ada.say(space, "something else")
    bob.pull(space)
    assert bob.space(space).alarm is not None


def test_chains_never_go_back_and_generations_have_one_key(relay: Relay, ada: Player, bob: Player) -> None:
    ada.meet_all()
    imposter = Player(Relay(), "bob")
    facts = imposter.relay.members[imposter.id]
    with pytest.raises(Untrusted):
        ada.machine.learn(MemberFacts(Person("x", bob.id, "bob", "Bob"), facts.links, facts.key))
    with pytest.raises(Untrusted):
        ada.machine.learn(MemberFacts(Person("x", bob.id, "bob", "Bob"), [], facts.key))
    known = ada.machine.people.get(bob.id)
    assert known is not None
    assert known.trust is Trust.FIRST_SEEN


def test_an_invite_that_names_another_id_bars_a_member(ada: Player, bob: Player) -> None:
    ada.machine.people.pin(bob.id, bytes(32))
    with pytest.raises(Untrusted):
        ada.create(SpaceType.GROUP, members(bob))


def test_a_pinned_member_is_trusted_by_invite(ada: Player, bob: Player) -> None:
    ada.meet_all()
    known = ada.machine.people.get(bob.id)
    assert known is not None
    ada.machine.people.pin(bob.id, known.chain.identity)
    again = ada.machine.people.get(bob.id)
    assert again is not None
    assert again.trust is Trust.INVITE


def test_an_expired_body_keeps_the_chain(ada: Player, bob: Player) -> None:
    space = ada.create(SpaceType.GROUP, members(bob))
    gone, next_ = ada.say(space, "gone"), ada.say(space, "here")
    bob.pull(space, gone.seq - 1)
    bob.take(changed(gone, body=None))
    bob.take(next_)
    assert bob.space(space).alarm is None
    assert bob.texts(space) == ["here"]


def test_foreign_chains_are_a_fork(ada: Player, bob: Player) -> None:
    """The same member id with another link 0 contradicts what was seen."""
    ada.meet_all()
    other = Machine.signed_up(bob.bundle, Person("n", bob.id, "bob", "Bob"))
    known = other.people.get(bob.id)
    assert known is not None
    links = [type(known.links[0])(known.links[0].body, known.links[0].signature, bytes(64))]
    with pytest.raises((Forked, Untrusted)):
        ada.machine.learn(MemberFacts(known.person, links, known.signed_key))


def test_of_two_messages_with_one_id_the_first_counts(ada: Player, bob: Player) -> None:
    space = ada.create(SpaceType.GROUP, members(bob))
    ada.pull(space)
    first, second = ada.draft("first"), ada.draft("second")
    ada.relay.envelope(ada.machine.make.envelope(ada.space(space), first).data)
    ada.relay.envelope(ada.machine.make.envelope(ada.space(space), Draft(first.id, *_rest(second))).data)
    assert bob.texts(space) == ["first", "[Another message has come by this id before.]"]


def _rest(draft: Draft) -> tuple[Kind, Mapping[int, Value], int]:
    return draft.kind, draft.content, draft.time


def test_lifetimes_bound_what_is_sealed_and_shown(ada: Player, bob: Player) -> None:
    space = ada.create(SpaceType.GROUP, members(bob), policy=Policy(1, False))
    said = ada.say(space, "for an hour")
    bob.pull(space)
    entry = bob.past.entries[space, said.seq][0]
    assert (entry.text, entry.b) == ("for an hour", 1)
    assert bob.space(space).title == "A title"
    bob.machine.erase_expired(bob.relay.clock + 3_600_001)
    assert bob.space(space).title == ""


def test_a_message_about_one_from_before_the_joining_is_read(ada: Player, bob: Player, eve: Player) -> None:
    space = ada.create(SpaceType.GROUP, members(bob))
    old = ada.draft("old")
    ada.pull(space)
    ada.relay.envelope(ada.machine.make.envelope(ada.space(space), old).data)
    ada.pull(space)
    ada.meet_all()
    add = ada.relay.roster(ada.machine.make.add(ada.space(space), eve.id, Role.WRITER, ada.relay.clock))
    ada.renew(space)
    ada.pull(space)
    answer = Draft(ada.draft("").id, Kind.MESSAGE, message("about the old one"), ada.relay.clock, old.id)
    nothing = Draft(ada.draft("").id, Kind.MESSAGE, message("about nothing"), ada.relay.clock, bytes(16))
    for draft in (answer, nothing):
        ada.relay.envelope(ada.machine.make.envelope(ada.space(space), draft).data)
        ada.pull(space)
    eve.meet_all()
    for event in eve.relay.logs[space][add.seq - 1 :]:
        eve.take(event)
    assert [kept[0].text for kept in eve.past.entries.values() if kept[0].kind is EntryKind.MESSAGE] == [
        "about the old one",
        "about nothing",
    ]
    assert bob.texts(space) == [
        "old",
        "about the old one",
        "[The envelope names nothing that it can be about.]",
    ]
