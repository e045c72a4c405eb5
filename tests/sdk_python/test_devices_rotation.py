"""A member's key rotates: what the old one opened is carried over, a second device follows, lies are refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from circle_client.errors import KeysMissing, NotAllowed, Untrusted
from circle_client.machine import rotation
from circle_client.machine.keyring import Keyring
from circle_client.machine.machine import Machine
from circle_client.machine.people import MemberFacts
from circle_client.machine.rotation import DAY, Required, Rotation, is_old
from circle_client.protocol.member_key import RECOVERY_DEVICE, decode_member_key, make_device_seal
from circle_client.protocol.primitives import xwing_public
from circle_client.protocol.roster import Policy, SpaceType
from circle_client.protocol.structures import Signed

from tests.sdk_python.relay import NOW, Kept, Player, Relay, members


def seal_of(keyring: Keyring, time: int = NOW) -> Signed:
    public = xwing_public(keyring.sk_seed)
    return make_device_seal(keyring.member, keyring.device, keyring.seal_generation, public, keyring.dk_seed, time)


def rotate(player: Player, required: list[Required] | None = None) -> Rotation:
    """A rotation as a server takes it: the own seals are gone, the key is the newest."""
    keys = player.machine.keyring
    made = player.machine.rotator.make({keys.device: seal_of(keys)}, required or [], (), player.relay.clock)
    old = player.relay.members[player.id]
    player.relay.members[player.id] = replace(old, key=made.member_key)
    for (space, number), epoch in player.relay.epochs.items():
        player.relay.unsealed.add((space, number, player.id))
        assert epoch.seals
    return made


def take(machine: Machine, facts: MemberFacts, made: Rotation) -> None:
    machine.learn(facts)
    box = {one.device: one.box for one in made.boxes}[machine.keyring.device]
    machine.rotator.take_box(decode_member_key(made.member_key.body), box)


def publish(machine: Machine, time: int = NOW) -> None:
    machine.keyring.make_seal(time)
    machine.keyring.seal_published()


def afresh(player: Player, made: list[Rotation]) -> Player:
    """The same device with the newest M alone and nothing loaded, shown archive and wraps."""
    keys = player.machine.keyring
    player.past = Kept()
    player.machine = Machine(
        Keyring.load({**keys.dump(), "m": {keys.generation: keys.secrets[keys.generation]}}), player.past
    )
    player.machine.learn(player.relay.members[player.id])
    own = player.machine.keyring.member_secrets(keys.generation)
    assert own is not None
    archive = [(decode_member_key(one.member_key.body).generation - 1, one.archive) for one in made if one.archive]
    wraps = {(w.space, w.epoch, w.branch): w for one in made for w in one.wraps if w.branch == 0}
    wraps |= {(w.space, w.epoch, w.branch): w for w in made[-1].wraps if w.branch > 0}
    player.machine.people.learn_keys(player.id, player.relay.keys[player.id])
    player.machine.wraps.show(keys.generation, own, archive, wraps.values())
    return player


def test_all_history_is_read_with_the_newest_key_alone(relay: Relay, ada: Player, bob: Player) -> None:
    forever, week = ada.create(SpaceType.GROUP, members(bob)), ada.create(SpaceType.GROUP, members(bob), "", Policy(4))
    made = []
    for day in range(3):
        for space in (forever, week):
            bob.say(space, f"day {day}")
            ada.pull(space)
        relay.keys.setdefault(ada.id, []).append(relay.members[ada.id].key)
        made.append(rotate(ada, [Required(week, number, 4, None, None) for number in ada.space(week).epochs]))
        take(ada.machine, relay.members[ada.id], made[-1])
        publish(ada.machine)
        for space in (forever, week):  # a new epoch, sealed to the new key
            bob.pull(space)
            bob.space(space).log.due = None
            bob.renew(space)
            ada.pull(space)
    assert sorted(ada.machine.keyring.secrets) == [4]
    expected = {space: ada.texts(space) for space in (forever, week)}
    afresh(ada, made)
    for space in (forever, week):
        assert ada.texts(space) == expected[space] == ["day 0", "day 1", "day 2"]
        assert ada.space(space).alarm is None
    ada.say(forever, "still here")
    assert bob.texts(forever)[-1] == "still here"


def test_b_0_is_wrapped_once_and_the_others_at_every_rotation(relay: Relay, ada: Player, bob: Player) -> None:
    space = ada.create(SpaceType.GROUP, members(bob))
    ada.pull(space)
    first = rotate(ada)
    assert [wrap.branch for wrap in first.wraps] == list(range(7))
    take(ada.machine, relay.members[ada.id], first)
    publish(ada.machine)
    assert {wrap.branch for wrap in rotate(ada).wraps} >= set(range(1, 7))


def test_an_epoch_that_this_device_never_saw_is_opened_by_its_seal(relay: Relay, ada: Player, bob: Player) -> None:
    space = bob.create(SpaceType.GROUP, members(ada))
    shown = relay.seal_for(space, 1, ada.id)
    announcement = relay.epochs[space, 1].announcement.body
    made = rotate(ada, [Required(space, 1, b, announcement, shown.seal) for b in range(7)])
    assert len(made.wraps) == 7
    relay.keys[ada.id] = [ada.bundle.member_key]
    take(ada.machine, relay.members[ada.id], made)
    publish(ada.machine)
    afresh(ada, [made])
    bob.say(space, "carried over")
    assert ada.texts(space) == ["carried over"]


def test_a_wrap_that_does_not_fit_gives_nothing(relay: Relay, ada: Player, bob: Player) -> None:
    space = ada.create(SpaceType.GROUP, members(bob))
    other = ada.create(SpaceType.GROUP, members(bob))
    for one in (space, other):
        bob.say(one, "hello")
        ada.pull(one)
    made = rotate(ada)
    relay.keys[ada.id] = [ada.bundle.member_key]
    take(ada.machine, relay.members[ada.id], made)
    publish(ada.machine)
    swapped = tuple(replace(wrap, space=other if wrap.space == space else space) for wrap in made.wraps)
    afresh(ada, [replace(made, wraps=swapped)])
    assert ada.texts(space) == ["[The keys for this message have not arrived yet.]"] * 2  # title and message
    assert ada.space(space).alarm is None


def test_a_box_with_another_key_is_refused(relay: Relay, ada: Player) -> None:
    first, second = rotate(ada), rotate(ada)
    with pytest.raises(Untrusted):
        take(ada.machine, relay.members[ada.id], replace(second, boxes=first.boxes))
    assert sorted(ada.machine.keyring.secrets) == [1]


def test_a_box_for_an_old_seal_is_refused(relay: Relay, ada: Player) -> None:
    made = rotate(ada)
    publish(ada.machine)
    with pytest.raises(Untrusted):
        take(ada.machine, relay.members[ada.id], made)


def test_the_next_seal_opens_before_its_answer_came(relay: Relay, ada: Player) -> None:
    made = rotate(ada)
    take(ada.machine, relay.members[ada.id], made)
    keys = ada.machine.keyring
    following = keys.make_seal(NOW)
    assert keys.make_seal(NOW + 1) == following
    made = ada.machine.rotator.make({keys.device: following}, [], (), NOW)
    relay.members[ada.id] = replace(relay.members[ada.id], key=made.member_key)
    take(ada.machine, relay.members[ada.id], made)
    assert keys.generation == 3


def test_a_rotation_needs_the_newest_key(relay: Relay, ada: Player) -> None:
    made = rotate(ada)
    ada.machine.learn(relay.members[ada.id])
    assert ada.machine.behind
    with pytest.raises(KeysMissing):
        rotate(ada)
    take(ada.machine, relay.members[ada.id], made)
    assert not ada.machine.behind


def test_who_was_silent_too_long_gets_no_box_but_the_recovery_key_does(ada: Player) -> None:
    keys = ada.machine.keyring
    made = ada.machine.rotator.make({keys.device: seal_of(keys)}, [], (), NOW + 46 * DAY)
    assert [one.device for one in made.boxes] == [RECOVERY_DEVICE]
    made = ada.machine.rotator.make({keys.device: seal_of(keys)}, [], (), NOW + 44 * DAY)
    assert [one.device for one in made.boxes] == [keys.device, RECOVERY_DEVICE]


def test_a_seal_that_goes_back_is_refused(relay: Relay, ada: Player) -> None:
    keys = ada.machine.keyring
    old = seal_of(keys)
    publish(ada.machine)
    with pytest.raises(Untrusted):
        ada.machine.rotator.make({keys.device: old}, [], (), NOW)


def test_a_key_is_old_after_a_week_or_after_a_day_with_short_lived_messages(ada: Player) -> None:
    key = decode_member_key(ada.bundle.member_key.body)
    assert [is_old(key, NOW + 2 * DAY, short) for short in (False, True)] == [False, True]
    assert is_old(key, NOW + 7 * DAY, False)


def test_a_seal_for_a_key_yet_to_take_waits_without_an_alarm(relay: Relay, ada: Player, bob: Player) -> None:
    space = bob.create(SpaceType.GROUP, members(ada))
    ada.pull(space)
    made = rotate(ada)
    relay.unsealed.clear()
    bob.pull(space)
    bob.space(space).log.due = None
    bob.renew(space)
    bob.say(space, "new key")
    assert ada.texts(space) == ["[The keys for this message have not arrived yet.]"]
    assert ada.space(space).alarm is None
    take(ada.machine, relay.members[ada.id], made)
    ada.machine.take_seal(ada.space(space), 2, relay.seal_for(space, 2, ada.id))
    assert ada.space(space).alarm is None
    assert ada.space(space).epochs[2].branches


def test_more_keys_than_one_rotation_carries_are_refused_in_words(
    relay: Relay, ada: Player, bob: Player, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation, "MOST_WRAPS", 6)
    space = ada.create(SpaceType.GROUP, members(bob))
    ada.pull(space)
    with pytest.raises(NotAllowed) as refused:  # one epoch, with seven branches
        rotate(ada)
    assert refused.value.message == rotation.TOO_MANY
    assert ada.machine.keyring.generation == 1
    bob.say(space, "still readable")
    assert ada.texts(space)[-1:] == ["still readable"]
    monkeypatch.setattr(rotation, "MOST_WRAPS", 7)
    assert len(rotate(ada).wraps) == 7


def test_what_lies_under_one_key_is_counted_until_it_is_rotated(ada: Player) -> None:
    spaces = [ada.create(SpaceType.GROUP, {}) for _ in range(3)]
    for space in spaces:
        ada.pull(space)
    assert ada.machine.rotator.load == 3
    ada.renew(spaces[0])
    ada.pull(spaces[0])
    assert ada.machine.rotator.load == 4
    made = rotate(ada)
    take(ada.machine, ada.relay.members[ada.id], made)
    publish(ada.machine)
    assert ada.machine.rotator.load == 0


@pytest.mark.parametrize(("days", "code"), [(44, "KEYS_WITHHELD"), (46, "KEYS_OUTDATED")])
def test_who_gets_no_box_knows_by_the_signed_times_why(relay: Relay, ada: Player, days: int, code: str) -> None:
    keys = ada.machine.keyring
    made = ada.machine.rotator.make({keys.device: seal_of(keys)}, [], (), keys.sealed_at + days * DAY)
    relay.members[ada.id] = replace(relay.members[ada.id], key=made.member_key)
    ada.machine.learn(relay.members[ada.id])
    known = ada.machine.people.get(ada.id)
    assert known is not None
    assert ada.machine.rotator.left_out(known.key).code == code


def test_a_keyring_keeps_the_time_of_its_seal(ada: Player) -> None:
    keys = ada.machine.keyring
    keys.make_seal(NOW + 7 * DAY)
    assert Keyring.load(keys.dump()).sealed_at == keys.sealed_at < NOW + 7 * DAY
    keys.seal_published()
    assert Keyring.load(keys.dump()).sealed_at == NOW + 7 * DAY
