"""Must fail: envelopes and the log (e2ee.md section 14)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

from circle_client.protocol import contents
from circle_client.protocol.cbor import Value, encode
from circle_client.protocol.envelope import Envelope, Header, Kind
from circle_client.protocol.errors import Layer
from circle_client.protocol.labels import Label, h_body, kdf, sign_body
from circle_client.protocol.padding import pad
from circle_client.protocol.primitives import Z32, gcm_seal, mac, sha256
from circle_client.protocol.roster import Role, make_remove
from circle_client.protocol.rules import Ref
from circle_client.protocol.structures import Head

from sdk.vectors.maker import forms
from sdk.vectors.maker.forms import Case
from sdk.vectors.maker.refused import Refused
from sdk.vectors.maker.structures import group
from sdk.vectors.maker.world import Person, Space, uuid4


def assemble(header_bytes: bytes, syn: bytes, ct: bytes, seed: bytes) -> bytes:
    """An envelope of these parts, signed."""
    signature = sign_body(seed, Label.ENVELOPE, encode([header_bytes, syn, sha256(ct)]))
    return encode([header_bytes, syn, ct, signature])


def seal_padded(header: Header, padded: bytes, branch: bytes, seed: bytes, syn: bytes | None = None) -> bytes:
    """An envelope of any P, right or wrong."""
    header_bytes = header.encode()
    header_hash = sha256(header_bytes)
    syn_key = kdf(branch, b"", Label.SYN, [header.space, header.epoch.n, header.epoch.hash], 32)
    syn = syn or mac(syn_key, header_hash + padded)
    key = kdf(branch, syn, Label.ENVELOPE_KEY, header_hash, 44)
    return assemble(header_bytes, syn, gcm_seal(key[:32], key[32:], padded, header_bytes), seed)


def envelope_cases() -> list[Case]:
    """Bits, padding, signatures, rules."""
    refused = Refused("envelope")
    space, ada, ben, _ = group()
    seed, branches = ada.device.dk_seed, space.epochs[0].branches
    good = space.seal(ada, contents.message("for your eyes"))

    def opened(about: str, data: bytes, layer: Layer = Layer.ENVELOPE, branch: bytes = branches[0]) -> None:
        given = {"data": data.hex(), "dk": ada.device.dk.hex(), "branch": branch.hex()}
        refused.add(about, layer, "envelope.open", given)

    _bits(opened, good, seed)
    other = replace(good.header, epoch=Head(1, Z32)).encode()
    opened("other h_e in the header, signed again", assemble(other, good.syn, good.ct, seed))
    opened("the branch of another class", good.data, branch=branches[1])
    opened("the branch of another epoch", good.data, branch=space.make(ada).branches[0])
    foreign = assemble(good.header_bytes, good.syn, good.ct, ben.device.dk_seed)
    opened("signed by another's device", foreign, Layer.ED25519)
    second = space.seal(ada, contents.message("another"))
    opened("ct of another envelope", assemble(good.header_bytes, good.syn, second.ct, seed))
    opened("syn of another envelope", assemble(good.header_bytes, second.syn, good.ct, seed))
    padded = pad(encode(contents.message("x")))
    unrelated = seal_padded(good.header, padded, branches[0], seed, ada.roll(32))
    opened("syn that is no digest of P", unrelated)
    _padding(opened, good, branches[0], seed)
    _rules(refused, space, ada, ben)
    return refused.cases


class Opened(Protocol):
    """`opened` above, as the parts below call it."""

    def __call__(self, about: str, data: bytes, layer: Layer = ...) -> None:
        """Adds a case."""


def _bits(opened: Opened, good: Envelope, seed: bytes) -> None:
    def flip(data: bytes, place: int) -> bytes:
        return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]

    header, syn, ct = good.header_bytes, good.syn, good.ct
    at = header.index(good.header.member) + 3
    changed = {
        "header": (flip(header, at), syn, ct),
        "syn": (header, flip(syn, 0), ct),
        "ct": (header, syn, flip(ct, 0)),
        "tag": (header, syn, flip(ct, len(ct) - 1)),
    }
    for about, parts in changed.items():
        opened(f"a bit of {about} flipped", encode([*parts, good.signature]), Layer.ED25519)
        opened(f"a bit of {about} flipped, signed again", assemble(*parts, seed))
    opened("a bit of the signature flipped", encode([header, syn, ct, flip(good.signature, 0)]), Layer.ED25519)
    opened("signature of 63 bytes", encode([header, syn, ct, good.signature[:-1]]), Layer.CBOR)
    opened("syn of 31 bytes", encode([header, syn[:-1], ct, good.signature]), Layer.CBOR)
    opened("five parts", encode([header, syn, ct, good.signature, b""]), Layer.CBOR)
    opened("trailing byte", good.data + b"\x00", Layer.CBOR)
    opened("trailing byte in the header", assemble(header + b"\x00", syn, ct, seed), Layer.CBOR)
    opened("header as a map", encode([{0: 1}, syn, ct, good.signature]), Layer.CBOR)


def _padding(opened: Opened, good: Envelope, branch: bytes, seed: bytes) -> None:
    header, content = good.header, encode(contents.message("x"))
    padded = pad(content)

    def sealed(about: str, data: bytes, layer: Layer = Layer.ENVELOPE) -> None:
        opened(about, seal_padded(header, data, branch, seed), layer)

    sealed("padding longer than needed", padded + bytes(16))
    sealed("padding shorter than the least", padded[:-1])
    sealed("P of 128 bytes", padded[:128])
    sealed("P of 257 bytes: no Padmé size", padded + b"\x00")
    sealed("padding not zeros", padded[:-1] + b"\x01")
    sealed("length beyond P", (5000).to_bytes(4, "big") + padded[4:])
    sealed("length of 2^32 - 1", b"\xff\xff\xff\xff" + padded[4:])
    shorter = (len(content) - 1).to_bytes(4, "big")
    sealed("length that leaves a part of the content to the padding", shorter + padded[4:])
    sealed("length into the padding", (len(content) + 1).to_bytes(4, "big") + padded[4:])
    long = pad(encode({0: bytes(300)}))
    sealed("a short length in a long P", (10).to_bytes(4, "big") + long[4:])
    sealed("empty P", b"")
    opened("no ct", assemble(header.encode(), good.syn, b"", seed))
    sealed("ct above 96 KiB", pad(bytes(98_292)), Layer.CBOR)
    for about, data in {
        "content is an array": encode([1]),
        "content has a text key": bytes.fromhex("a1613000"),
        "content has trailing bytes": encode({0: "x"}) + b"\x00",
        "no content": b"",
    }.items():
        sealed(about, pad(data))


def _rules(refused: Refused, space: Space, ada: Person, ben: Person) -> None:
    id_ = uuid4(ada.roll)
    message = Ref(Kind.MESSAGE, ada.member, 0)
    others = Ref(Kind.MESSAGE, ben.member, 0)

    def case(
        about: str,
        kind: int,
        role: Role | None = Role.WRITER,
        *,
        b: int = 0,
        lifetime: int = 0,
        ref: Ref | None = None,
        named: bool | None = None,
    ) -> None:
        has_ref = ref is not None if named is None else named
        header = replace(space.header(ada), kind=int(kind), b=b, ref=id_ if has_ref else None)
        given = {"header": forms.header(header), "role": None if role is None else int(role)}
        given |= {"lifetime": lifetime, "ref": forms.ref(ref)}
        refused.add(about, Layer.ENVELOPE, "envelope.rules", given)

    case("a stranger's message", Kind.MESSAGE, None)
    case("a reader's message", Kind.MESSAGE, Role.READER)
    case("a reader's vault entry", Kind.VAULT_ENTRY, Role.READER)
    case("a writer's title", Kind.STATE, Role.WRITER)
    case("kind 0", 0, Role.OWNER)
    case("kind 9", 9, Role.OWNER)
    case("class 7", Kind.MESSAGE, b=7)
    case("b above policy", Kind.MESSAGE, b=4, lifetime=3)
    case("b 0 under a policy with a lifetime", Kind.MESSAGE, b=0, lifetime=3)
    case("state with b 0 under a policy with a lifetime", Kind.STATE, Role.OWNER, b=0, lifetime=6)
    case("signal with b 0", Kind.SIGNAL, b=0)
    case("signal with b 2", Kind.SIGNAL, b=2)
    case("edit by another", Kind.EDIT, Role.OWNER, ref=others)
    case("edit without a ref", Kind.EDIT)
    case("edit of nothing known", Kind.EDIT, named=True)
    case("edit of a reaction", Kind.EDIT, ref=Ref(Kind.REACTION, ada.member, 0))
    case("edit of a state", Kind.EDIT, Role.OWNER, ref=Ref(Kind.STATE, ada.member, 0))
    case("edit that outlives its ref", Kind.EDIT, b=3, ref=Ref(Kind.MESSAGE, ada.member, 2))
    case("edit for good of a message with a lifetime", Kind.EDIT, b=0, ref=Ref(Kind.MESSAGE, ada.member, 6))
    case("delete by another who is no admin", Kind.DELETE, ref=others)
    case("delete without a ref", Kind.DELETE, Role.OWNER)
    case("delete of a receipt", Kind.DELETE, Role.OWNER, ref=Ref(Kind.RECEIPT, ada.member, 0))
    case("delete of a state", Kind.DELETE, Role.OWNER, ref=Ref(Kind.STATE, ada.member, 0))
    case("reaction without a ref", Kind.REACTION)
    case("reaction to a reaction", Kind.REACTION, ref=Ref(Kind.REACTION, ada.member, 0))
    case("answer to nothing known", Kind.MESSAGE, named=True)
    case("answer to a receipt", Kind.MESSAGE, ref=Ref(Kind.RECEIPT, ada.member, 0))
    case("receipt with a ref", Kind.RECEIPT, ref=message)
    case("state with a ref", Kind.STATE, Role.OWNER, ref=message)
    case("signal with a ref", Kind.SIGNAL, b=1, ref=message)
    case("version of a message", Kind.VAULT_ENTRY, ref=message)


def log_cases() -> list[Case]:
    """Items, hashes, and envelopes against what the log holds."""
    refused = Refused("log")
    space, ada, ben, cyd = group()
    items = [item.hex() for item in space.items]
    refused.add("item twice", Layer.LOG, "log.items", {"items": [*items, items[0]]})
    for about, at in {
        "other hash": Head(2, Z32),
        "hash of the entry before": Head(2, space.head.hash[::-1]),
        "more than the log holds": Head(3, space.head.hash),
        "other l_0": Head(0, space.head.hash),
    }.items():
        refused.add(f"seen: {about}", Layer.LOG, "log.seen", {"items": items, "at": forms.head(at)})
    swapped: Case = {"items": [items[1], items[0]], "at": forms.head(space.head)}
    refused.add("seen: entries reordered", Layer.LOG, "log.seen", swapped)
    _log_envelopes(refused, space, ada, ben, cyd)
    return refused.cases


def _log_envelopes(refused: Refused, space: Space, ada: Person, ben: Person, cyd: Person) -> None:
    first = {"what": "epoch", "item": space.epoch.hash.hex()}
    start = Space(space.id, space.people, space.roll, rosters=space.rosters, epochs=space.epochs)
    start.append(space.epoch.hash)
    text: dict[int, Value] = {**contents.message("late")}

    def case(about: str, events: list[Case], data: bytes, sender: Person = ada, layer: Layer = Layer.LOG) -> None:
        given = {"epoch": forms.head(space.epoch), "events": events, "data": data.hex()}
        refused.add(about, layer, "log.envelope", {**given, "chain": forms.chain(sender.member, sender.links)})

    def sealed(sender: Person, **changed: Any) -> bytes:
        header = replace(start.header(sender), **changed)
        return seal_padded(header, pad(encode(text)), space.epochs[0].branches[0], sender.device.dk_seed)

    good = sealed(ada)
    removal = make_remove(space.place, cyd.member, ada.signer(), ada.device.dk_seed, space.tick())
    removed: Case = {"what": "roster", "item": h_body(Label.ROSTER, removal.body).hex()}
    case("after a removal", [first, removed], good)
    case("after a complaint", [first, {"what": "complaint", "item": "11" * 32}], good)
    linked: Case = {"what": "memberLink", "item": "22" * 32, "member": ben.member.hex(), "n": 1}
    case("after a recipient's member link", [first, linked], good)
    case("under an epoch to come", [first], sealed(ada, epoch=Head(2, Z32)))
    case("under another h_e of the same number", [first], sealed(ada, epoch=Head(1, Z32)))
    case("wrong seen", [first], sealed(ada, seen=Head(1, Z32)))
    case("seen beyond the log", [first], sealed(ada, seen=Head(9, Z32)))
    tablet, desk = ada.add_device(), ada.device
    ada.device = tablet
    early = sealed(ada, n=0)
    ada.device = desk
    case("device not active at field 7: added later", [first], early, layer=Layer.MEMBER)
    ada.revoke(tablet.id)
    ada.device = tablet
    late = sealed(ada)
    ada.device = desk
    case("revoked device", [first], late, layer=Layer.MEMBER)
    case("field 7 that is not known yet", [first], sealed(ada, n=9), layer=Layer.MEMBER)
    own: Case = {"what": "memberLink", "item": ada.chain.state.hash.hex(), "member": ada.member.hex(), "n": 2}
    stale = sealed(ada, n=1, seen=Head(0, Z32))
    case("field 7 below its member's last entered link", [own, first], stale)
