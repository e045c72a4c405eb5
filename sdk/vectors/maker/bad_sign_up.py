"""Must fail at the server: sign-up, member links, rotations (e2ee.md sections 4, 8, 13)."""

from __future__ import annotations

from typing import Any

from circle_client.protocol.errors import Layer
from circle_client.protocol.member import make_device_add, make_device_revoke, make_identity
from circle_client.protocol.member_key import make_device_seal, make_member_key, seal_member_box
from circle_client.protocol.primitives import Z16, Z32, sha256
from circle_client.protocol.rewrap import wrap_archive
from circle_client.protocol.roster import Policy, Role, SpaceType, make_create
from circle_client.protocol.structures import Head

from sdk.vectors.maker import forms
from sdk.vectors.maker.bad_server import asker
from sdk.vectors.maker.forms import Case
from sdk.vectors.maker.refused import Refused
from sdk.vectors.maker.world import Device, Person, uuid4


def sign_up(person: Person) -> Case:
    """A good sign-up."""
    device, recovery, secrets = person.device, person.recovery, person.newest
    key_hash = sha256(secrets.mk)
    to_device = seal_member_box(device.sk, person.member, 1, device.id, 1, key_hash, secrets.secret)
    to_recovery = seal_member_box(recovery.rx, person.member, 1, Z16, 0, key_hash, secrets.secret)
    seats = [person.seat(Role.OWNER)]
    account = make_create(
        uuid4(person.roll), SpaceType.ACCOUNT, seats, Policy(), person.signer(), device.dk_seed, person.tick()
    )
    return {
        "identity": forms.member_link(person.links[0]),
        "deviceSeal": forms.signed(person.seal()),
        "memberKey": forms.signed(person.keys[1]),
        "boxes": [[device.id.hex(), to_device.hex()], [Z16.hex(), to_recovery.hex()]],
        "account": forms.signed(account),
        "dkTaken": False,
    }


def sign_up_cases() -> list[Case]:
    """Sign-ups with one part wrong."""
    refused = Refused("server-sign-up")
    ada, eve = Person.create("Ada signs up"), Person.create("Eve signs up")
    good, other = sign_up(ada), sign_up(eve)
    device, seed, g1 = ada.device, ada.device.dk_seed, ada.newest

    def case(about: str, layer: Layer = Layer.SERVER, **changed: Any) -> None:
        refused.add(about, layer, "server.signUp", {**good, **changed})

    case("DK in another chain", dkTaken=True)
    case("another member's seal", Layer.MEMBER, deviceSeal=other["deviceSeal"])
    case("another member's key", memberKey=other["memberKey"])
    case("another member's account", account=other["account"])
    case("cosignature missing", Layer.MEMBER, identity={**good["identity"], "cosignature": None})
    ada.device.k = 2
    case("first seal of generation 2", deviceSeal=forms.signed(ada.seal()))
    ada.device.k = 1
    head = ada.chain.head
    second = make_member_key(ada.member, 2, g1.mk, head, device.id, seed, 1)
    case("first key of generation 2", memberKey=forms.signed(second))
    elsewhere = make_member_key(ada.member, 1, g1.mk, Head(0, Z32), device.id, seed, 1)
    case("member key at another link", memberKey=forms.signed(elsewhere))
    foreign = make_member_key(ada.member, 1, g1.mk, head, eve.device.id, seed, 1)
    case("member key of another device", memberKey=forms.signed(foreign))
    bad_mk = make_member_key(ada.member, 1, g1.mk[:1184] + Z32, head, device.id, seed, 1)
    case("MK that is no key", Layer.SEAL, memberKey=forms.signed(bad_mk))
    bad_sk = make_device_seal(ada.member, device.id, 1, b"\xff\xff\xff" + device.sk[3:], seed, 1)
    case("SK that is no key", Layer.SEAL, deviceSeal=forms.signed(bad_sk))
    boxes = good["boxes"]
    case("no box for the recovery key", boxes=boxes[:1])
    case("no box for the device", boxes=boxes[1:])
    case("a box for a stranger", boxes=[*boxes, [eve.device.id.hex(), boxes[0][1]]])
    case("two boxes for one", boxes=[*boxes, boxes[0]])
    case("box of another size", Layer.CBOR, boxes=[boxes[0], [boxes[1][0], boxes[1][1][:-2]]])
    seats = [ada.seat(Role.OWNER)]
    group = make_create(uuid4(ada.roll), SpaceType.GROUP, seats, Policy(), ada.signer(), seed, 1)
    case("a group for an account", account=forms.signed(group))
    return refused.cases


def member_cases() -> list[Case]:
    """Links and rotations of a member with two devices."""
    refused = Refused("server-member")
    ada, eve = Person.create("Ada links"), Person.create("Eve links")
    tablet, desk = ada.add_device(), ada.device
    new = Device(uuid4(ada.roll), ada.roll(32), ada.roll(32))
    state = ada.chain.state
    seal = forms.signed(make_device_seal(ada.member, new.id, 1, new.sk, new.dk_seed, 1))
    add = make_device_add(state, new.id, new.dk, desk.id, desk.dk_seed, 1)
    revoke = make_device_revoke(state, tablet.id, desk.id, desk.dk_seed, 1)

    def link(about: str, made: Any, layer: Layer = Layer.SERVER, **changed: Any) -> None:
        given: Case = {"link": forms.member_link(made), "asker": asker(ada), "taken": False, "hasRotation": False}
        given |= {"chain": forms.chain(ada.member, ada.links), "deviceSeal": None}
        refused.add(about, layer, "server.memberLink", {**given, **changed})

    link("another member's session", add, asker=asker(eve), deviceSeal=seal)
    on_tablet = {"member": ada.member.hex(), "device": tablet.id.hex()}
    link("another device's session", add, asker=on_tablet, deviceSeal=seal)
    link("DK in another chain", add, taken=True, deviceSeal=seal)
    link("device.add without a seal", add)
    link("device.add with a rotation", add, hasRotation=True, deviceSeal=seal)
    link("revoke without a rotation", revoke)
    link("revoke with a seal", revoke, hasRotation=True, deviceSeal=seal)
    fork = make_device_add(Person.create("Ada links").chain.state, new.id, new.dk, desk.id, desk.dk_seed, 1)
    link("fork", fork, Layer.MEMBER, deviceSeal=seal)
    reset = make_identity(ada.member, new.id, new.dk, new.dk_seed, ada.recovery, 1, state)
    link("reset without a rotation", reset, deviceSeal=seal)
    other = forms.signed(make_device_seal(ada.member, tablet.id, 1, new.sk, tablet.dk_seed, 1))
    link("device.add with another's seal", add, Layer.MEMBER, deviceSeal=other)
    bad = forms.signed(make_device_seal(ada.member, new.id, 1, new.sk[:1184] + Z32, new.dk_seed, 1))
    link("device.add with a seal that is no key", add, Layer.SEAL, deviceSeal=bad)
    _rotations(refused, ada, tablet)
    return refused.cases


def _rotations(refused: Refused, ada: Person, tablet: Device) -> None:
    desk, old = ada.device, ada.newest
    ada.rotate()
    new, space = ada.newest, uuid4(ada.roll)
    required = [[space.hex(), 1, b] for b in range(7)]
    wraps = [[*branch, "00" * 48] for branch in required]
    boxes = [[device.hex(), "00" * 1168] for device in (desk.id, tablet.id, Z16)]
    archive = wrap_archive(new.archive, ada.member, 1, old.archive).hex()

    def case(about: str, layer: Layer = Layer.SERVER, **changed: Any) -> None:
        given: Case = {"memberKey": forms.signed(ada.keys[2]), "boxes": boxes, "archive": archive, "wraps": wraps}
        given |= {"asker": asker(ada), "chain": forms.chain(ada.member, ada.links), "generation": 1}
        given |= {"required": required, "complained": [], "staleSeals": [], "today": 0, "resets": False}
        refused.add(about, layer, "server.rotation", {**given, **changed})

    case("g + 2", generation=0)
    case("g again", generation=2)
    case("made at an older head", chain=forms.chain(ada.member, ada.links[:1]))
    case("another device's session", asker={"member": ada.member.hex(), "device": tablet.id.hex()})
    case("wrap missing", wraps=wraps[1:])
    case("wrap missing, another complained of", wraps=wraps[2:], complained=required[:1])
    case("AK missing", archive=None)
    case("wrap of another size", Layer.CBOR, wraps=[[*required[0], "00" * 47]])
    case("box missing", boxes=boxes[1:])
    case("box for a stranger", boxes=[*boxes, ["11" * 16, "00" * 1168]])
    case("box for a device with an old seal", staleSeals=[tablet.id.hex()])
    case("25th of a day", today=24)
    case("wraps with a reset", resets=True)
