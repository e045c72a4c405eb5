"""Must fail: member chains, member keys, device seals (e2ee.md section 14)."""

from __future__ import annotations

import copy
from dataclasses import replace

from circle_client.protocol.errors import Layer
from circle_client.protocol.labels import Label, sign_body
from circle_client.protocol.member import (
    MemberState,
    SignedMemberLink,
    make_device_add,
    make_device_revoke,
    make_identity,
    make_recovery,
)
from circle_client.protocol.member_key import make_member_key
from circle_client.protocol.primitives import Z16, Z32
from circle_client.protocol.structures import Head, Signed
from circle_client.protocol.words import recovery_keys

from sdk.vectors.maker import forms
from sdk.vectors.maker.forms import Case
from sdk.vectors.maker.refused import Refused
from sdk.vectors.maker.world import Device, Person, uuid4


class Members:
    """Cases about one person: a desk with a tablet, then with a second tablet."""

    def __init__(self) -> None:
        self.refused = Refused("member")
        self.ada = Person.create("Ada, forged")
        self.tablet = self.ada.add_device()

    def chain(self, about: str, *links: SignedMemberLink, layer: Layer = Layer.MEMBER, pin: Head | None = None) -> None:
        """A chain of Ada's present links and these."""
        given = {"chain": forms.chain(self.ada.member, [*self.ada.links, *links])}
        self.refused.add(about, layer, "member.chain", {**given, "pin": None if pin is None else forms.head(pin)})

    def new(self) -> Device:
        """A device that is in no chain yet."""
        roll = self.ada.roll
        return Device(uuid4(roll), roll(32), roll(32))

    def add(self, state: MemberState, device: Device, signer: bytes, seed: bytes) -> SignedMemberLink:
        """device.add."""
        return make_device_add(state, device.id, device.dk, signer, seed, self.ada.tick())


def _forks(m: Members) -> None:
    ada, desk, one, two = m.ada, m.ada.device, m.new(), m.new()
    state, links = ada.chain.state, ada.links
    first = m.add(state, one, desk.id, desk.dk_seed)
    second = m.add(state, two, desk.id, desk.dk_seed)
    grown = ada.chain.extend([first])
    third = m.add(grown.state, m.new(), desk.id, desk.dk_seed)
    m.chain("two links of one number", first, second)
    m.chain("gap", third)
    m.chain("hash before of another branch", second, third)
    m.chain("fork: another link at a number seen before", second, pin=grown.head)
    m.chain("shrink: fewer links than seen before", pin=grown.head)
    m.chain("repeated link", links[-1])
    given = {"chain": forms.chain(Person.create("Mallory").member, links), "pin": None}
    m.refused.add("another member's chain", Layer.MEMBER, "member.chain", given)
    given = {"chain": forms.chain(ada.member, links[1:]), "pin": None}
    m.refused.add("does not begin at link 0", Layer.MEMBER, "member.chain", given)
    m.refused.add("empty", Layer.MEMBER, "member.chain", {"chain": forms.chain(ada.member, []), "pin": None})
    stranger = Person.create("Mallory")
    foreign = m.add(replace(state, member=stranger.member), one, desk.id, desk.dk_seed)
    m.chain("link that names another member", foreign)


def _signers(m: Members) -> None:
    ada, desk, tablet, new = m.ada, m.ada.device, m.tablet, m.new()
    state = ada.chain.state
    revoke = make_device_revoke(state, tablet.id, desk.id, desk.dk_seed, ada.tick())
    revoked = ada.chain.extend([revoke]).state
    m.chain("signer revoked before", revoke, m.add(revoked, new, tablet.id, tablet.dk_seed))
    m.chain("signer added later", m.add(state, new, new.id, new.dk_seed))
    m.chain("signer unknown", m.add(state, new, m.new().id, new.dk_seed))
    m.chain("signed by another device", m.add(state, new, desk.id, tablet.dk_seed), layer=Layer.ED25519)
    m.chain("RS named, signed by a device", m.add(state, new, Z16, desk.dk_seed), layer=Layer.ED25519)
    recovery = recovery_keys(ada.roll(32), ada.member)
    recover = make_recovery(state, recovery, desk.id, desk.dk_seed, ada.tick())
    recovered = ada.chain.extend([recover]).state
    old_rs = m.add(recovered, new, Z16, ada.recovery.rs_seed)
    m.chain("signed by the RS before the newest", recover, old_rs, layer=Layer.ED25519)
    by_rs = make_recovery(state, recovery, Z16, ada.recovery.rs_seed, ada.tick())
    m.chain("recovery signed by the old RS alone", by_rs)
    m.chain("recovery without the new RS", replace(recover, cosignature=None))
    wrong = replace(recover, cosignature=sign_body(ada.recovery.rs_seed, Label.MEMBER, recover.body))
    m.chain("recovery with the old RS as the new", wrong, layer=Layer.ED25519)
    added = m.add(state, new, desk.id, desk.dk_seed)
    m.chain("device.add with a cosignature", replace(added, cosignature=added.signature))
    reset = make_identity(ada.member, new.id, new.dk, new.dk_seed, recovery, ada.tick(), state)
    after = ada.chain.extend([reset]).state
    m.chain("signer of before a reset", reset, m.add(after, m.new(), desk.id, desk.dk_seed))
    m.chain("RS of before a reset", reset, m.add(after, m.new(), Z16, ada.recovery.rs_seed), layer=Layer.ED25519)
    m.chain("reset without RS", replace(reset, cosignature=None))
    by_old = replace(reset, signature=sign_body(desk.dk_seed, Label.MEMBER, reset.body))
    m.chain("reset signed by an old device", by_old, layer=Layer.ED25519)
    back = make_identity(ada.member, desk.id, desk.dk, desk.dk_seed, recovery, ada.tick(), state)
    m.chain("reset to a device of before", back)


def _statements(m: Members) -> None:
    ada, desk, tablet, new = m.ada, m.ada.device, m.tablet, m.new()
    state = ada.chain.state
    revoke = make_device_revoke(state, tablet.id, desk.id, desk.dk_seed, ada.tick())
    revoked = ada.chain.extend([revoke]).state
    m.chain("device that is active already", make_device_add(state, tablet.id, new.dk, desk.id, desk.dk_seed, 1))
    m.chain("DK that is active already", make_device_add(state, new.id, tablet.dk, desk.id, desk.dk_seed, 1))
    m.chain("device that was revoked", revoke, make_device_add(revoked, tablet.id, new.dk, desk.id, desk.dk_seed, 1))
    m.chain("DK that was revoked", revoke, make_device_add(revoked, new.id, tablet.dk, desk.id, desk.dk_seed, 1))
    m.chain("device with the id of RS", make_device_add(state, Z16, new.dk, desk.id, desk.dk_seed, 1))
    m.chain("revokes a stranger", make_device_revoke(state, new.id, desk.id, desk.dk_seed, 1))
    m.chain("revokes twice", revoke, make_device_revoke(revoked, tablet.id, desk.id, desk.dk_seed, 1))
    m.chain("revokes itself", make_device_revoke(state, desk.id, desk.id, desk.dk_seed, 1))
    last = make_device_revoke(revoked, desk.id, Z16, ada.recovery.rs_seed, 1)
    m.chain("revokes the last device", revoke, last)
    identity = (1).to_bytes(32, "little")
    m.chain(
        "DK of small order", make_device_add(state, new.id, identity, desk.id, desk.dk_seed, 1), layer=Layer.ED25519
    )
    small = replace(ada.recovery, rs=identity)
    m.chain("RS of small order", make_recovery(state, small, desk.id, desk.dk_seed, 1), layer=Layer.ED25519)
    second = make_identity(ada.member, new.id, new.dk, new.dk_seed, ada.recovery, 1)
    m.chain("a second identity link", second)
    crowd, links = ada.chain, []
    for _ in range(19):
        links.append(m.add(crowd.state, m.new(), desk.id, desk.dk_seed))
        crowd = crowd.extend(links[-1:]) if len(crowd.state.devices) < 20 else crowd
    m.chain("a 21st device", *links)


def _keys(m: Members) -> None:
    ada, desk, tablet = copy.copy(m.ada), m.ada.device, m.tablet
    ada.links, ada.keys, ada.secrets = list(ada.links), dict(ada.keys), dict(ada.secrets)
    ada.rotate()
    before = ada.chain.head
    ada.revoke(tablet.id)
    chain = forms.chain(ada.member, ada.links)

    def add(about: str, key: Signed, known: int = 1, layer: Layer = Layer.MEMBER) -> None:
        m.refused.add(about, layer, "member.key", {"chain": chain, "key": forms.signed(key), "known": known})

    def make(device: Device, at: Head = ada.chain.head, g: int = 3, member: bytes = ada.member) -> Signed:
        return make_member_key(member, g, ada.newest.mk, at, device.id, device.dk_seed, 1)

    add("revoke without a rotation: the newest key is of before", ada.keys[2])
    add("made after the revoke at a link of before", make(desk, before))
    add("signed by the revoked device", make(tablet))
    add("lower generation than known", make(desk, g=3), known=4)
    add("generation 0", make(desk, g=0), known=0)
    add("another member's", make(desk, member=Person.create("Mallory").member))
    add("link that is not known yet", make(desk, Head(before.n + 2, Z32)))
    add("other hash of the link", make(desk, Head(before.n + 1, Z32)))
    good = make(desk)
    add("signed by another key", Signed(good.body, make(tablet).signature), layer=Layer.ED25519)
    ada.rotate()
    ada.recover()
    chain = forms.chain(ada.member, ada.links)
    add("recovery without a rotation", ada.keys[3])
    ada.rotate()
    ada.reset()
    chain = forms.chain(ada.member, ada.links)
    add("reset without a rotation", ada.keys[4])
    given = {"chain": chain, "device": desk.id.hex(), **forms.head(before)}
    m.refused.add("signer's link named with another hash", Layer.MEMBER, "member.signer", {**given, "hash": "00" * 32})
    for about, device, n in (
        ("device of before a reset at its head", desk.id, ada.chain.state.n),
        ("device before it was added", ada.device.id, before.n),
        ("revoked device at the revocation", tablet.id, before.n + 1),
    ):
        at = {"device": device.hex(), "n": n, "hash": ada.chain.hashes[n].hex()}
        m.refused.add(about, Layer.MEMBER, "member.signer", {"chain": chain, **at})


def _device_seals(m: Members) -> None:
    ada, other = m.ada, m.tablet
    seal = ada.seal()

    def add(about: str, layer: Layer, **changed: object) -> None:
        given = {"seal": forms.signed(seal), "member": ada.member.hex(), "device": ada.device.id.hex()}
        m.refused.add(about, layer, "member.deviceSeal", {**given, "dk": ada.device.dk.hex(), "known": 1, **changed})

    add("device seal with a lower k than known", Layer.MEMBER, known=2)
    add("device seal of another device", Layer.MEMBER, device=other.id.hex())
    add("device seal of another member", Layer.MEMBER, member="00" * 16)
    add("device seal signed by another device", Layer.ED25519, dk=other.dk.hex())


def member_cases() -> list[Case]:
    """All of them."""
    members = Members()
    for part in (_forks, _signers, _statements, _keys, _device_seals):
        part(members)
    return members.refused.cases
