"""The server's checks let through what is right (invalid.json holds what is not)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from circle_client.protocol import contents
from circle_client.protocol.branches import HOUR
from circle_client.protocol.envelope import Kind, decode_envelope
from circle_client.protocol.epoch import decode_recipients, make_complaint
from circle_client.protocol.errors import Code, DueReason, ProtocolError
from circle_client.protocol.grant import GrantEntry, seal_grant
from circle_client.protocol.member import make_device_add, make_device_revoke
from circle_client.protocol.member_key import make_device_seal, seal_member_box
from circle_client.protocol.primitives import Z16, sha256
from circle_client.protocol.rewrap import wrap_archive, wrap_branch
from circle_client.protocol.roster import Policy, Role, SpaceType, make_create, make_policy
from circle_client.protocol.rules import Ref
from circle_client.protocol.server import (
    Asker,
    EpochInput,
    Known,
    RecipientState,
    Rotation,
    SenderState,
    SignUp,
    SpaceState,
    Verdict,
    check_announcement,
    check_complaint,
    check_envelope,
    check_grant,
    check_member_link,
    check_roster_link,
    check_rotation,
    check_sign_up,
    due_reason,
    needs_rotation,
)
from circle_client.protocol.structures import NO_EPOCH, Signed

from sdk.vectors.maker.structures import group
from sdk.vectors.maker.world import Device, Person, Space, uuid4


def asker(person: Person) -> Asker:
    return Asker(person.member, person.device.id)


def row(space: Space, due: DueReason | None = None) -> SpaceState:
    return SpaceState(space.id, 0, space.head, space.epoch, space.time, 0, due)


def sender(space: Space, person: Person) -> SenderState:
    return SenderState(
        person.device.dk, person.chain.state.n, person.chain.identity, space.roster.seats.get(person.member)
    )


def recipient(person: Person) -> RecipientState:
    return RecipientState(person.chain.head, person.chain.identity, person.generation, sha256(person.newest.mk))


def test_an_envelope_and_its_retry() -> None:
    space, ada, _, _ = group()
    envelope = decode_envelope(space.seal(ada, contents.message("hello")).data)
    state = row(space)
    rows = (asker(ada), state, sender(space, ada))
    assert check_envelope(envelope, *rows, None, None, space.head.hash, space.time) == Verdict.NEW
    for known in (Known(envelope.data, envelope.item), Known(None, envelope.item)):
        later = replace(state, due=DueReason.ROSTER)
        verdict = check_envelope(envelope, asker(ada), later, sender(space, ada), known, None, None, space.time)
        assert verdict == Verdict.KNOWN


def test_a_reader_reacts_and_deletes_its_own() -> None:
    space, ada, _, cyd = group()
    message = uuid4(ada.roll)
    for kind, ref in (
        (Kind.REACTION, Ref(Kind.MESSAGE, ada.member, 0)),
        (Kind.DELETE, Ref(Kind.REACTION, cyd.member, 0)),
    ):
        envelope = space.seal(cyd, {}, kind, 0, message)
        verdict = check_envelope(
            envelope, asker(cyd), row(space), sender(space, cyd), None, ref, space.head.hash, space.time
        )
        assert verdict == Verdict.NEW


def test_why_an_epoch_is_due() -> None:
    space, _, _, _ = group()
    state, now = row(space), space.time
    assert due_reason(state, now) is None
    assert due_reason(state, now + 24 * HOUR - 1) is None
    assert due_reason(state, now + 24 * HOUR) == DueReason.AGE
    assert due_reason(replace(state, epoch_envelopes=5000), now) == DueReason.COUNT
    assert due_reason(replace(state, due=DueReason.COMPLAINT), now) == DueReason.COMPLAINT
    assert due_reason(replace(state, epoch=NO_EPOCH, epoch_accepted_at=None), now) == DueReason.FIRST


def test_a_conversation_is_created_changed_and_given_keys() -> None:
    ada, ben = Person.create("makes"), Person.create("joins")
    identities = {person.member: person.chain.identity for person in (ada, ben)}
    seats, seed = [ada.seat(Role.OWNER), ben.seat(Role.WRITER)], ada.device.dk_seed
    made = make_create(uuid4(ada.roll), SpaceType.GROUP, seats, Policy(), ada.signer(), seed, 1)
    link, roster = check_roster_link(made, asker(ada), ada.chain.state, None, NO_EPOCH, identities.get)
    space = Space(link.space, {person.member: person for person in (ada, ben)}, ada.roll)
    space.take(made)
    assert space.roster == roster
    epoch = space.make(ada)
    state = replace(row(space), epoch=NO_EPOCH, epoch_accepted_at=None)
    sent = EpochInput(epoch.announcement, epoch.recipients, epoch.seals)
    rows = {person.member: recipient(person) for person in (ada, ben)}
    found, listed = check_announcement(sent, asker(ada), ada.chain.state, state, roster, rows, space.time)
    assert found.head == epoch.head
    assert [item.member for item in listed] == sorted(rows)
    space.announce(ada)
    changed = make_policy(space.place, Policy(3), ada.signer(), seed, 2)
    _, after = check_roster_link(changed, asker(ada), ada.chain.state, roster, space.epoch, identities.get)
    assert after.policy == Policy(3)


def test_a_complaint_and_a_grant() -> None:
    space, _, _, cyd = group()
    rows = decode_recipients(space.epochs[0].recipients)
    own = next(item for item in rows if item.member == cyd.member)
    made = make_complaint(space.id, space.epoch, own.seal_hash, cyd.signer(), cyd.device.dk_seed, 1)
    check_complaint(made, asker(cyd), cyd.chain.state, space.id, space.epoch.hash, own, complained_this_hour=False)
    sealed = seal_grant(space.id, cyd.member, 1, cyd.newest.mk, [GrantEntry(1, 0, space.epochs[0].branches[0])])
    seat = space.roster.seats[cyd.member]
    check_grant(sealed, seat, seat, recipient(cyd), 1)


def sign_up(person: Person) -> SignUp:
    device, secrets = person.device, person.newest
    boxes = [
        (to_id, seal_member_box(to, person.member, 1, to_id, k, sha256(secrets.mk), secrets.secret))
        for to_id, to, k in ((device.id, device.sk, 1), (Z16, person.recovery.rx, 0))
    ]
    seats = [person.seat(Role.OWNER)]
    account = make_create(uuid4(person.roll), SpaceType.ACCOUNT, seats, Policy(), person.signer(), device.dk_seed, 1)
    return SignUp(person.links[0], person.seal(), person.keys[1], tuple(boxes), account)


def test_a_sign_up() -> None:
    person = Person.create("new")
    done = check_sign_up(sign_up(person))
    assert done.state == person.chain.state
    assert (done.device, done.device_seal.generation, done.member_key.generation) == (person.device.id, 1, 1)
    assert done.account.seats == {person.member: person.seat(Role.OWNER)[1]}


def test_a_device_comes_and_goes() -> None:
    person = Person.create("has two devices")
    new = Device(uuid4(person.roll), person.roll(32), person.roll(32))
    desk, state = person.device, person.chain.state
    add = make_device_add(state, new.id, new.dk, desk.id, desk.dk_seed, 1)
    seal = make_device_seal(person.member, new.id, 1, new.sk, new.dk_seed, 1)
    link, after, found = check_member_link(add, asker(person), state, taken=False, has_rotation=False, device_seal=seal)
    assert found is not None
    assert (needs_rotation(link), after.devices[new.id], found.key) == (False, new.dk, new.sk)
    by_rs = make_device_add(state, new.id, new.dk, Z16, person.recovery.rs_seed, 1)
    without = Asker(person.member, None)
    check_member_link(by_rs, without, state, taken=False, has_rotation=False, device_seal=seal)
    revoke = make_device_revoke(after, new.id, desk.id, desk.dk_seed, 2)
    link, last, _ = check_member_link(revoke, asker(person), after, taken=False, has_rotation=True)
    assert (needs_rotation(link), dict(last.devices), last.key_floor) == (True, {desk.id: desk.dk}, 2)


def rotation(person: Person, key: Signed, archive: bytes, branch: tuple[bytes, int, int], wrap: bytes) -> Rotation:
    boxes = tuple((device, bytes(1168)) for device in (*person.chain.state.devices, Z16))
    return Rotation(key, boxes, archive, {branch: wrap})


def test_a_rotation_and_what_it_leaves_behind() -> None:
    space, ada, _, _ = group()
    old = ada.newest
    ada.rotate()
    epoch, new = space.epochs[0], ada.newest
    branch = (space.id, 1, 0)
    wrap = wrap_branch(new.archive, ada.member, space.id, 1, epoch.head.hash, 0, epoch.branches[0])
    archive = wrap_archive(new.archive, ada.member, 1, old.archive)
    sent = rotation(ada, ada.keys[2], archive, branch, wrap)
    state = ada.chain.state
    assert check_rotation(sent, asker(ada), state, 1, frozenset({branch})).generation == 2
    more = frozenset({branch, (space.id, 1, 1)})
    with pytest.raises(ProtocolError) as caught:
        check_rotation(sent, asker(ada), state, 1, more)
    assert (caught.value.code, caught.value.missing) == (Code.REWRAP_INCOMPLETE, ((space.id, 1, 1),))
    check_rotation(sent, asker(ada), state, 1, more, complained=frozenset({(space.id, 1, 1)}))
    bare = replace(sent, archive=None, wraps={})
    check_rotation(bare, Asker(ada.member, None), state, 1, frozenset(), resets=True)
