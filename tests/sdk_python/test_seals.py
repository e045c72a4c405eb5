"""Seals that do not open, lists that do not fit: complaint, grant, alarm."""

from __future__ import annotations

from dataclasses import replace

import pytest
from circle_client.errors import Untrusted
from circle_client.machine.alarms import Why
from circle_client.machine.events import EntryKind, EventKind
from circle_client.machine.make import EpochNeeded, MembersChanged
from circle_client.machine.seals import SealFacts
from circle_client.protocol import epoch_keys
from circle_client.protocol.branches import commits
from circle_client.protocol.epoch import (
    decode_announcement,
    decode_complaint,
    decode_recipients,
    encode_recipients,
    make_announcement,
    recipients_hash,
)
from circle_client.protocol.epoch_keys import NewEpoch
from circle_client.protocol.errors import DueReason
from circle_client.protocol.labels import Label, seal
from circle_client.protocol.primitives import random_bytes
from circle_client.protocol.roster import SpaceType

from tests.sdk_python.relay import Player, Relay, members, sha256


@pytest.fixture
def trio() -> tuple[Player, Player, Player]:
    relay = Relay()
    return Player(relay, "ada"), Player(relay, "bob"), Player(relay, "eve")


def spoil(ada: Player, space: bytes, victim: bytes) -> NewEpoch:
    """An epoch whose creator seals another secret to one member, and lists and signs all of it."""
    good = ada.machine.make.epoch(ada.space(space), ada.relay.clock)
    announcement = decode_announcement(good.announcement.body)
    rows = list(decode_recipients(good.recipients))
    place = next(i for i, row in enumerate(rows) if row.member == victim)
    row = rows[place]
    known = ada.machine.people.get(victim)
    assert known is not None
    context = epoch_keys._seal_context(
        space, announcement.epoch, announcement.before, announcement.roster.hash, victim, row.generation, row.key_hash
    )
    bad = seal(known.key.key, Label.EPOCH_SEAL, context, random_bytes(32))
    rows[place] = replace(row, seal_hash=sha256(bad))
    signed = make_announcement(
        space,
        ada.space(space).newest,
        announcement.roster,
        rows,
        commits(good.branches, space, announcement.epoch),
        announcement.creator,
        ada.machine.keyring.dk_seed,
        announcement.time,
    )
    seals = tuple(bad if i == place else one for i, one in enumerate(good.seals))
    return NewEpoch(signed, encode_recipients(rows), seals, decode_announcement(signed.body).head, good.branches)


def test_a_bad_seal_is_complained_of_and_mended(trio: tuple[Player, Player, Player]) -> None:
    ada, bob, eve = trio
    space = ada.create(SpaceType.GROUP, members(bob, eve))
    ada.pull(space)
    ada.relay.roster(ada.machine.make.role(ada.space(space), eve.id, ada.space(space).roster.seats[ada.id].role, 1))
    ada.pull(space)
    ada.relay.epoch(spoil(ada, space, bob.id))
    said = ada.say(space, "can you read this?")
    bob.pull(space)
    assert bob.space(space).denied
    assert bob.space(space).alarm is None

    complaint = bob.machine.make.complaint(bob.space(space), max(bob.space(space).denied), bob.relay.clock)
    digest = decode_complaint(complaint.body).hash
    ada.relay.append(space, EventKind.COMPLAINT, digest, complaint.body, complaint.signature)
    with pytest.raises(EpochNeeded) as due:
        eve.say(space, "not yet")
    assert due.value.reason is DueReason.COMPLAINT
    assert eve.space(space).complainers == {bob.id}
    grant = eve.machine.make.grant(eve.space(space), bob.id, [2])
    assert grant is not None
    eve.renew(space)
    eve.say(space, "better?")
    assert bob.texts(space) == ["[The keys for this message have not arrived yet.]", "better?"]
    assert bob.machine.take_grant(bob.space(space), *grant)
    entry, event, _ = bob.past.entries[space, said.seq]
    assert bob.machine.reread(bob.space(space), entry, event.body or b"").text == "can you read this?"


def test_a_complaint_by_a_stranger_makes_nothing_due(trio: tuple[Player, Player, Player]) -> None:
    ada, bob, eve = trio
    space = ada.create(SpaceType.GROUP, members(bob))
    bob.pull(space)
    bob.space(space).denied = {1: bytes(32)}
    complaint = bob.machine.make.complaint(bob.space(space), max(bob.space(space).denied), bob.relay.clock)
    forged = complaint.signature[::-1]
    digest = decode_complaint(complaint.body).hash
    ada.pull(space)
    ada.relay.append(space, EventKind.COMPLAINT, digest, complaint.body, forged)
    (entry,) = ada.pull(space)
    assert entry.kind is EntryKind.UNREADABLE
    assert ada.space(space).log.due is None
    assert eve.id not in ada.space(space).roster.seats


def test_another_seal_than_the_listed_one_is_the_servers_doing(trio: tuple[Player, Player, Player]) -> None:
    ada, bob, eve = trio
    space = ada.create(SpaceType.GROUP, members(bob, eve))
    epoch = ada.relay.epochs[space, 1]
    ada.relay.epochs[space, 1] = replace(epoch, seals=tuple(reversed(epoch.seals)))
    bob.pull(space)
    ada.relay.epochs[space, 1] = replace(epoch, seals=(epoch.seals[1], epoch.seals[2], epoch.seals[0]))
    eve.pull(space)
    assert any(player.space(space).alarm for player in (bob, eve))


def test_another_list_than_the_announced_one_is_the_servers_doing(trio: tuple[Player, Player, Player]) -> None:
    ada, bob, eve = trio
    space = ada.create(SpaceType.GROUP, members(bob, eve))
    epoch = ada.relay.epochs[space, 1]
    rows = [row for row in decode_recipients(epoch.recipients) if row.member != eve.id]
    ada.relay.epochs[space, 1] = replace(epoch, recipients=encode_recipients(rows))
    bob.pull(space)
    assert bob.space(space).alarm is not None


def test_nothing_is_sealed_to_a_list_that_names_another_key(trio: tuple[Player, Player, Player]) -> None:
    """Bob's list is the announced one, but eve's row in it is not what her chain and key say."""
    ada, bob, eve = trio
    space = ada.create(SpaceType.GROUP, members(bob, eve))
    bob.pull(space)
    epoch = bob.space(space).epoch
    assert epoch is not None
    assert epoch.recipients is not None
    rows = decode_recipients(epoch.recipients)
    changed = [replace(row, key_hash=bytes(32)) if row.member == eve.id else row for row in rows]
    listed = encode_recipients(changed)
    epoch.recipients = listed
    epoch.announcement = replace(epoch.announcement, recipients=recipients_hash(listed))
    with pytest.raises(MembersChanged):
        bob.machine.make.envelope(bob.space(space), bob.draft("no"))


def test_a_late_seal_is_taken(trio: tuple[Player, Player, Player]) -> None:
    ada, bob, _ = trio
    space = ada.create(SpaceType.GROUP, members(bob))
    bob.meet_all()
    for event in bob.relay.logs[space]:
        if event.seq == 1:
            bob.machine.adopt(bob.machine.prepare("node", event))
        bob.machine.apply(event)
    facts = bob.relay.seal_for(space, 1, bob.id)
    bob.machine.take_seal(bob.space(space), 1, SealFacts(facts.recipients, None))
    assert not bob.space(space).epochs[1].branches
    bob.machine.take_seal(bob.space(space), 1, facts)
    assert len(bob.space(space).epochs[1].branches) == 7
    assert bob.machine.make.envelope(bob.space(space), bob.draft("yes")).data


def test_branches_of_closed_epochs_are_destroyed_with_their_lifetime(trio: tuple[Player, Player, Player]) -> None:
    ada, bob, _ = trio
    space = ada.create(SpaceType.GROUP, members(bob))
    ada.pull(space)
    role = ada.space(space).roster.seats[ada.id].role
    ada.relay.roster(ada.machine.make.role(ada.space(space), bob.id, role, ada.relay.clock))
    ada.renew(space)
    ada.pull(space)
    ada.machine.erase_expired(ada.relay.clock + 2 * 3_600_000)
    assert sorted(ada.space(space).epochs[1].branches) == [0, 2, 3, 4, 5, 6]
    assert sorted(ada.space(space).epochs[2].branches) == [0, 1, 2, 3, 4, 5, 6]


def test_an_alarm_holds(trio: tuple[Player, Player, Player]) -> None:
    ada, bob, _ = trio
    space = ada.create(SpaceType.GROUP, members(bob))
    ada.pull(space)
    ada.machine.alarm(ada.space(space), "Something is wrong.", Why.FORKED)
    for make in (
        lambda: ada.machine.make.envelope(ada.space(space), ada.draft("x")),
        lambda: ada.machine.make.remove(ada.space(space), bob.id, 1),
        lambda: ada.machine.make.epoch(ada.space(space), 1),
    ):
        with pytest.raises(Untrusted, match="Something is wrong"):
            make()
