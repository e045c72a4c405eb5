"""Attacks on a member's own devices: linking, rotation, revocation; `ON_DEVICES` names them for tests of both SDKs.

What a server needs for them it has: everything that went through it, and keys of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from circle_client.engine.engine import millis
from circle_client.protocol.linking import decode_link_request, make_link_answer, make_link_request, new_link_key
from circle_client.protocol.member import (
    LinkKind,
    MemberState,
    SignedMemberLink,
    apply_member_link,
    decode_member_link,
    make_device_add,
    make_device_revoke,
)
from circle_client.protocol.member_key import (
    decode_device_seal,
    decode_member_key,
    make_device_seal,
    seal_member_box,
)
from circle_client.protocol.primitives import public_key, random_bytes, sha256, xwing_public
from circle_client.protocol.structures import Head

from tests.support.attacks import OnMember, flipped
from tests.support.hostile_view import Attack, Json, View, b64, each, unb64
from tests.support.impostor import impostor


def chain_state(member: Json) -> MemberState:
    """Where a member's chain stands, as the API's JSON tells it."""
    state: MemberState | None = None
    for node in member["chain"]["nodes"]:
        cosignature = node.get("cosignature")
        signed = unb64(node["body"]), unb64(node["signature"]), unb64(cosignature) if cosignature else None
        state = apply_member_link(state, SignedMemberLink(*signed))
    assert state is not None
    return state


def newest_device(view: View) -> Json:
    """The device that came last of those that the server told of, as it was told of last."""
    return max((told[-1] for told in view.devices.values()), key=lambda device: str(device["createdAt"]))


# ---- linking


@dataclass
class SwapRequest(Attack):
    """Shows, to who read a code, a request for a device of the server's own; `own_mac`: under a code of its own."""

    own_mac: bool = True

    def answer(self, operation: str, variables: Json, data: Json, view: View) -> Json:
        each(data, "answerMac", self._swap)
        return data

    def _swap(self, offer: Json) -> None:
        asked = decode_link_request(unb64(offer["request"]))
        device, dk, sk = random_bytes(16), random_bytes(32), random_bytes(32)
        seal = make_device_seal(asked.member, device, 1, xwing_public(sk), dk, millis())
        request, mac = make_link_request(new_link_key(), asked.member, device, public_key(dk), seal)
        offer["request"] = b64(request)
        if self.own_mac:
            offer["mac"] = b64(mac)


@dataclass
class SwapAnswer(Attack):
    """Shows a new device an answer with a key of the server's own; `own_mac`: under a code of its own."""

    own_mac: bool = True

    def answer(self, operation: str, variables: Json, data: Json, view: View) -> Json:
        each(data, "answerMac", self._swap)
        return data

    def _swap(self, offer: Json) -> None:
        if not offer.get("answer"):
            return
        request = unb64(offer["request"])
        asked = decode_link_request(request)
        seal = decode_device_seal(asked.device_seal.body)
        box = seal_member_box(seal.key, asked.member, 1, asked.device, 1, random_bytes(32), random_bytes(32))
        head = Head(1, random_bytes(32))
        answer, mac = make_link_answer(new_link_key(), request, box, head, head)
        offer["answer"] = b64(answer)
        if self.own_mac:
            offer["answerMac"] = b64(mac)


class WithholdAnswer(Attack):
    """Never shows a new device its answer."""

    def answer(self, operation: str, variables: Json, data: Json, view: View) -> Json:
        each(data, "answerMac", lambda offer: offer.update(answer=None, answerMac=None))
        return data


# ---- chains


class GhostDevice(OnMember):
    """Adds a device of the server's own to the member's chain, in the name of one that is active."""

    def __init__(self, handle: str) -> None:
        super().__init__(handle)
        self._dk = random_bytes(32)
        self._device = random_bytes(16)

    def member(self, member: Json) -> None:
        state = chain_state(member)
        link = make_device_add(state, self._device, public_key(self._dk), min(state.devices), self._dk, 1)
        shown = {"number": state.n + 1, "body": b64(link.body), "signature": b64(link.signature), "cosignature": None}
        member["chain"]["nodes"] = [*member["chain"]["nodes"], shown]


class OtherChain(OnMember):
    """Puts the chain and key of somebody else, sound in themselves, in the place of the member's."""

    def member(self, member: Json) -> None:
        made = impostor(random_bytes(16))
        link = {"number": 0, "body": b64(made.link.body), "signature": b64(made.link.signature)}
        member["chain"]["nodes"] = [{**link, "cosignature": b64(made.link.cosignature or b"")}]
        member["key"] = {"generation": 1, "body": b64(made.key.body), "signature": b64(made.key.signature)}


# ---- rotation


@dataclass
class RollBackKey(Attack):
    """Shows the member's first key again, instead of the newest."""

    handle: str = ""

    def answer(self, operation: str, variables: Json, data: Json, view: View) -> Json:
        def roll(member: Json) -> None:
            if member.get("handle") == self.handle:
                member["key"] = min((told["key"] for told in view.members[self.handle]), key=lambda k: k["generation"])

        each(data, "chain", roll)
        return data


@dataclass
class ForgedBox(Attack):
    """Hands out another box for the newest device: with a bit changed, or one that the server has sealed itself."""

    handle: str = ""
    own: bool = True

    def answer(self, operation: str, variables: Json, data: Json, view: View) -> Json:
        def forge(viewer: Json) -> None:
            if viewer["keyBox"]:
                viewer["keyBox"]["box"] = b64(self._box(unb64(viewer["keyBox"]["box"]), view))

        each(data, "keyBox", forge)
        return data

    def _box(self, box: bytes, view: View) -> bytes:
        if not self.own:
            return flipped(box, 1130)
        seal = decode_device_seal(unb64(newest_device(view)["seal"]))
        key = decode_member_key(unb64(view.members[self.handle][-1]["key"]["body"]))
        place = (key.generation, seal.device, seal.generation, sha256(key.key))
        return seal_member_box(seal.key, seal.member, *place, random_bytes(32))


@dataclass
class WithholdBox(Attack):
    """Gives a device no box with the newest key; `old`: the one of the generation before, as if none had come since."""

    old: bool = False

    def answer(self, operation: str, variables: Json, data: Json, view: View) -> Json:
        each(data, "keyBox", self._withhold)
        return data

    def _withhold(self, viewer: Json) -> None:
        if not self.old:
            viewer["keyBox"] = None
        elif viewer["keyBox"]:
            viewer["keyBox"]["generation"] -= 1


@dataclass
class Wraps(Attack):
    """What rotations carried over: withheld, each in the place of another, or said to be of another generation."""

    how: str = "withheld"

    def answer(self, operation: str, variables: Json, data: Json, view: View) -> Json:
        each(data, "wraps", lambda viewer: self._twist(viewer["wraps"]["nodes"]))
        if self.how == "withheld":
            each(data, "archive", lambda viewer: viewer["archive"].update(nodes=[]))
        return data

    def _twist(self, nodes: list[Json]) -> None:
        if self.how == "withheld":
            nodes.clear()
        elif self.how == "swapped":
            wraps = [node["wrap"] for node in nodes]
            for node, wrap in zip(nodes, [*wraps[1:], *wraps[:1]], strict=True):
                node["wrap"] = wrap
        else:
            for node in nodes:
                node["generation"] += 1


@dataclass
class SwapDeviceSeal(Attack):
    """Shows, for the newest device, a seal whose key is the server's own; `old`: the device's own of before."""

    old: bool = False

    def answer(self, operation: str, variables: Json, data: Json, view: View) -> Json:
        each(data, "sealSignature", lambda device: self._swap(device, view))
        return data

    def _swap(self, device: Json, view: View) -> None:
        if device["protocolId"] != newest_device(view)["protocolId"]:
            return
        if self.old:
            first = view.devices[device["protocolId"]][0]
            device.update(seal=first["seal"], sealSignature=first["sealSignature"])
            return
        seal = decode_device_seal(unb64(device["seal"]))
        key, dk = xwing_public(random_bytes(32)), random_bytes(32)
        made = make_device_seal(seal.member, seal.device, seal.generation + 1, key, dk, millis())
        device.update(seal=b64(made.body), sealSignature=b64(made.signature))


# ---- revocation


@dataclass
class FakeRevocation(Attack):
    """Says that the newest device was removed. `proof`: none, one that the server has signed itself (for the chain's
    next link, or for a later one), the true removal of another device, or the true link that let this one in.
    `everywhere`: also to who signs in.
    """

    handle: str = ""
    proof: str = "none"
    everywhere: bool = False

    def refusal(self, in_session: bool, view: View) -> Json | None:
        if not (in_session or self.everywhere):
            return None
        said = {"code": "DEVICE_REVOKED", **({} if self.proof == "none" else {"link": self._link(view)})}
        return {"message": "This device was revoked.", "extensions": said}

    def _link(self, view: View) -> Json:
        member, device = view.members[self.handle][-1], unb64(newest_device(view)["protocolId"])
        wanted = {"other": LinkKind.DEVICE_REVOKE, "add": LinkKind.DEVICE_ADD}
        for node in member["chain"]["nodes"]:
            link = decode_member_link(unb64(node["body"]))
            if link.kind is wanted.get(self.proof) and (link.device == device) is (self.proof == "add"):
                return {"body": node["body"], "signature": node["signature"], "cosignature": None}
        assert self.proof in {"unsigned", "later"}, "the chain holds no such link"
        state = chain_state(member)
        if self.proof == "later":
            state = replace(state, n=state.n + 3, hash=random_bytes(32))
        signer = min(one for one in state.devices if one != device)
        made = make_device_revoke(state, device, signer, random_bytes(32), millis())
        return {"body": b64(made.body), "signature": b64(made.signature), "cosignature": None}


ON_DEVICES: dict[str, Callable[..., Attack]] = {
    made.__name__: made
    for made in (
        SwapRequest,
        SwapAnswer,
        WithholdAnswer,
        GhostDevice,
        OtherChain,
        RollBackKey,
        ForgedBox,
        WithholdBox,
        Wraps,
        SwapDeviceSeal,
        FakeRevocation,
    )
}
