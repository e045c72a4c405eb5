"""Linking a device: one good linking after another, and everything that must be refused (e2ee.md sections 8, 14)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from circle_client.protocol.errors import Layer
from circle_client.protocol.linking import link_id, link_words, make_link_answer, make_link_request
from circle_client.protocol.member import SignedMemberLink, apply_member_link, make_device_add
from circle_client.protocol.member_key import BOX, make_device_seal
from circle_client.protocol.primitives import Z16
from circle_client.protocol.structures import Head, Signed

from sdk.vectors.maker import forms
from sdk.vectors.maker.forms import Case
from sdk.vectors.maker.refused import Refused
from sdk.vectors.maker.world import Device, Person, uuid4


@dataclass
class Linking:
    """A linking of a new device by a member's first one."""

    person: Person
    key: bytes
    device: Device
    seal: Signed
    request: bytes
    request_mac: bytes
    link: SignedMemberLink
    box: bytes
    chain: Head
    account: Head
    answer: bytes
    answer_mac: bytes

    @classmethod
    def of(cls, name: str) -> Linking:
        """Whole and good. The box is random bytes: who opens it is another file's matter."""
        person = Person.create(name)
        roll = person.roll
        key, device = roll(16), Device(uuid4(roll), roll(32), roll(32))
        seal = make_device_seal(person.member, device.id, 1, device.sk, device.dk_seed, person.tick())
        request, request_mac = make_link_request(key, person.member, device.id, device.dk, seal)
        old, state = person.device, person.chain.state
        link = make_device_add(state, device.id, device.dk, old.id, old.dk_seed, person.tick())
        after = apply_member_link(state, link)
        box, chain, account = roll(BOX), Head(after.n, after.hash), Head(7, roll(32))
        answer, answer_mac = make_link_answer(key, request, box, chain, account)
        return cls(
            person, key, device, seal, request, request_mac, link, box, chain, account, answer, answer_mac
        )  # fmt: skip

    def case(self, about: str) -> Case:
        """As it is written."""
        return {
            "about": about,
            "k": self.key.hex(),
            "words": " ".join(link_words(self.key)),
            "linkId": link_id(self.key).hex(),
            "member": self.person.member.hex(),
            "device": self.device.id.hex(),
            "dk": self.device.dk.hex(),
            "deviceSeal": forms.signed(self.seal),
            "request": self.request.hex(),
            "requestMac": self.request_mac.hex(),
            "box": self.box.hex(),
            "chain": forms.head(self.chain),
            "account": forms.head(self.account),
            "answer": self.answer.hex(),
            "answerMac": self.answer_mac.hex(),
        }


def linking_cases() -> list[Case]:
    """Requests and answers, with their MACs."""
    return [Linking.of(f"links {n}").case(f"linking {n}") for n in (1, 2)]


def refused_cases() -> list[Case]:
    """What the two devices refuse."""
    refused = Refused("linking")
    one, other = Linking.of("links 1"), Linking.of("links 2")
    asked: Case = {
        "k": one.key.hex(), "request": one.request.hex(), "mac": one.request_mac.hex(),
        "member": one.person.member.hex(),
    }  # fmt: skip

    def request(about: str, layer: Layer = Layer.LINK, **changed: Any) -> None:
        refused.add(f"request: {about}", layer, "link.request", {**asked, **changed})

    def made(seal: Signed | None = None, dk: bytes | None = None, device: bytes | None = None) -> dict[str, Any]:
        body, mac = make_link_request(
            one.key, one.person.member, device or one.device.id, dk or one.device.dk, seal or one.seal
        )
        return {"request": body.hex(), "mac": mac.hex()}

    seeds = one.device
    swapped = make_device_seal(one.person.member, seeds.id, 1, other.device.sk, other.device.dk_seed, 1)
    later = make_device_seal(one.person.member, seeds.id, 2, seeds.sk, seeds.dk_seed, 1)
    short = make_device_seal(one.person.member, seeds.id, 1, seeds.sk[:1184] + bytes(32), seeds.dk_seed, 1)
    request("other k", k=other.key.hex())
    request("MAC cut", mac=one.request_mac.hex()[:-2])
    request("MAC of the answer", mac=one.answer_mac.hex())
    request("a bit flipped", request=(one.request[:-1] + bytes([one.request[-1] ^ 1])).hex())
    request("another member's", member=other.person.member.hex())
    request("swapped SK, with the MAC of before", request=made(swapped)["request"])
    request("swapped SK, not signed by this DK", Layer.ED25519, **made(swapped))
    request("seal of another device", Layer.MEMBER, **made(device=other.device.id))
    request("another DK", Layer.ED25519, **made(dk=other.device.dk))
    request("DK of small order", Layer.ED25519, **made(dk=b"\x01" + bytes(31)))
    request("seal of generation 2", **made(later))
    request("SK with an X25519 half of 0", Layer.SEAL, **made(short))
    answered: Case = {
        "k": one.key.hex(), "request": one.request.hex(), "answer": one.answer.hex(), "mac": one.answer_mac.hex()
    }  # fmt: skip

    def answer(about: str, layer: Layer = Layer.LINK, **changed: Any) -> None:
        refused.add(f"answer: {about}", layer, "link.answer", {**answered, **changed})

    elsewhere = make_link_answer(one.key, other.request, one.box, one.chain, one.account)
    answer("other k", k=other.key.hex())
    answer("to another request", mac=elsewhere[1].hex())
    answer("another's answer", answer=other.answer.hex(), mac=other.answer_mac.hex())
    answer("box swapped", answer=make_link_answer(one.key, one.request, other.box, one.chain, one.account)[0].hex())
    answer("MAC of the request", mac=one.request_mac.hex())
    cut, cut_mac = make_link_answer(one.key, one.request, one.box[:-1], one.chain, one.account)
    answer("box cut", Layer.CBOR, answer=cut.hex(), mac=cut_mac.hex())
    return refused.cases


def server_cases() -> list[Case]:
    """What the server refuses, which holds no k."""
    refused = Refused("server-linking")
    one, other = Linking.of("links 1"), Linking.of("links 2")
    good: Case = {
        "request": one.request.hex(), "link": forms.member_link(one.link), "deviceSeal": forms.signed(one.seal),
        "answered": False, "late": False,
    }  # fmt: skip

    def case(about: str, **changed: Any) -> None:
        refused.add(about, Layer.SERVER, "server.answer", {**good, **changed})

    state, person = one.person.chain.state, one.person
    by_rs = make_device_add(state, one.device.id, one.device.dk, Z16, person.recovery.rs_seed, person.tick())
    same_device = make_device_add(
        state, one.device.id, other.device.dk, person.device.id, person.device.dk_seed, person.tick()
    )
    case("second use", answered=True)
    case("late", late=True)
    case("device.add of another device", link=forms.member_link(other.link))
    case("device.add of another DK", link=forms.member_link(same_device))
    case("swapped SK", deviceSeal=forms.signed(other.seal))
    case("signed by the recovery key", link=forms.member_link(by_rs))
    return refused.cases


FILES: dict[str, Callable[[], list[Case]]] = {"linking": linking_cases}
