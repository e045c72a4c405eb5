"""What a new device and those that let it in refuse: the machine's part of linking and recovery."""

from __future__ import annotations

from dataclasses import replace

import pytest
from circle_client.errors import Forked, InvalidInput, Untrusted
from circle_client.machine.enrol import LetIn, NewDevice, answer_request, is_revoked, let_in, recover
from circle_client.machine.people import Known, MemberFacts, People
from circle_client.protocol.linking import new_link_key, verify_link_answer
from circle_client.protocol.member import apply_member_link, make_device_add, make_device_revoke
from circle_client.protocol.primitives import Z32, public_key, random_bytes
from circle_client.protocol.structures import Head
from circle_client.protocol.words import from_words, recovery_keys

from tests.sdk_python.relay import NOW, Player, Relay

ACCOUNT = Head(1, Z32)


def known(player: Player) -> Known:
    found = player.machine.people.get(player.id)
    assert found is not None
    return found


def shown(player: Player, made: LetIn | None = None) -> Known:
    """What a new device verifies from link 0."""
    facts = player.relay.members[player.id]
    links = [*facts.links, made.link] if made else facts.links
    return People().learn(MemberFacts(facts.person, links, facts.key))


def test_a_linked_device_gets_the_key(ada: Player) -> None:
    device, key = NewDevice.make(ada.id, NOW), new_link_key()
    request, mac = device.request(key)
    made = answer_request(key, request, mac, ada.machine.keyring, known(ada), ACCOUNT, NOW)
    answer = verify_link_answer(key, request, made.answer, made.mac)
    keyring = let_in(device, answer, shown(ada, made), answer.box)
    assert keyring.secrets == ada.machine.keyring.secrets
    assert keyring.device == made.device


def test_a_request_under_another_code_or_of_another_member_is_refused(relay: Relay, ada: Player) -> None:
    bob, key = Player(relay, "bob"), new_link_key()
    for device, code in ((NewDevice.make(ada.id, NOW), new_link_key()), (NewDevice.make(bob.id, NOW), key)):
        request, mac = device.request(code)
        with pytest.raises(Untrusted):
            answer_request(key, request, mac, ada.machine.keyring, known(ada), ACCOUNT, NOW)


def test_a_new_device_refuses_an_older_or_other_chain(relay: Relay, ada: Player) -> None:
    bob, key = Player(relay, "bob"), new_link_key()
    device = NewDevice.make(ada.id, NOW)
    request, mac = device.request(key)
    made = answer_request(key, request, mac, ada.machine.keyring, known(ada), ACCOUNT, NOW)
    answer = verify_link_answer(key, request, made.answer, made.mac)
    for chain in (shown(ada), shown(bob)):
        with pytest.raises(Forked):
            let_in(device, answer, chain, answer.box)
    with pytest.raises(Untrusted):
        let_in(NewDevice.make(ada.id, NOW), answer, shown(ada, made), answer.box)
    with pytest.raises(Untrusted):
        let_in(device, answer, shown(ada, made), bytes(len(answer.box)))


def test_the_recovery_words_open_their_own_account_alone(relay: Relay, ada: Player) -> None:
    bob, device = Player(relay, "bob"), NewDevice.make(ada.id, NOW)
    words = recovery_keys(from_words(" ".join(ada.bundle.words)), ada.id)
    box = ada.bundle.boxes[1].box
    made = recover(device, words, shown(ada), box, NOW)
    assert made.keyring.secrets == ada.machine.keyring.secrets
    with pytest.raises(InvalidInput):
        recover(device, words, shown(bob), box, NOW)
    with pytest.raises(Untrusted):
        recover(device, words, shown(ada), bob.bundle.boxes[1].box, NOW)
    with pytest.raises(Untrusted):
        recover(device, words, replace(shown(ada), key=known(bob).key), box, NOW)


def test_only_a_true_revocation_of_this_device_counts(relay: Relay, ada: Player) -> None:
    sibling = NewDevice.make(ada.id, NOW)
    mine, chain = ada.machine.keyring, known(ada).chain
    add = make_device_add(chain.state, sibling.device, public_key(sibling.dk_seed), mine.device, mine.dk_seed, NOW)
    chain = chain.extend([add])
    signed = make_device_revoke(chain.state, mine.device, sibling.device, sibling.dk_seed, NOW)
    assert is_revoked(mine, chain, signed.body, signed.signature)
    forged = make_device_revoke(chain.state, mine.device, sibling.device, random_bytes(32), NOW)
    assert not is_revoked(mine, chain, forged.body, forged.signature)
    other = make_device_revoke(chain.state, sibling.device, mine.device, mine.dk_seed, NOW)
    assert not is_revoked(mine, chain, other.body, other.signature)
    assert not is_revoked(mine, chain, b"nonsense", signed.signature)
    assert is_revoked(mine, chain.extend([signed]), signed.body, signed.signature)
    assert not is_revoked(mine, chain.extend([other]), signed.body, signed.signature)


def test_a_revocation_behind_links_not_seen_needs_a_known_signer(relay: Relay, ada: Player) -> None:
    sibling, third = NewDevice.make(ada.id, NOW), NewDevice.make(ada.id, NOW)
    mine, chain = ada.machine.keyring, known(ada).chain
    add = make_device_add(chain.state, sibling.device, public_key(sibling.dk_seed), mine.device, mine.dk_seed, NOW)
    chain = chain.extend([add])
    unseen = make_device_add(chain.state, third.device, public_key(third.dk_seed), sibling.device, sibling.dk_seed, NOW)
    after = apply_member_link(chain.state, unseen)
    by_known = make_device_revoke(after, mine.device, sibling.device, sibling.dk_seed, NOW)
    by_unknown = make_device_revoke(after, mine.device, third.device, third.dk_seed, NOW)
    assert is_revoked(mine, chain, by_known.body, by_known.signature)
    assert not is_revoked(mine, chain, by_unknown.body, by_unknown.signature)
