"""Must fail: CBOR, Ed25519, SEAL (e2ee.md section 14)."""

from __future__ import annotations

import struct

from circle_client.protocol import primitives
from circle_client.protocol.branches import branches, commits
from circle_client.protocol.cbor import Value, encode
from circle_client.protocol.epoch import Recipient, encode_recipients, make_announcement
from circle_client.protocol.errors import Layer
from circle_client.protocol.labels import Label, seal, sign_body
from circle_client.protocol.member_key import decode_member_key, seal_member_box
from circle_client.protocol.primitives import SMALL_ORDER_Y, Z16, Z32, L, P, sha256

from sdk.vectors.maker import curve
from sdk.vectors.maker.forms import Case
from sdk.vectors.maker.refused import Refused
from sdk.vectors.maker.structures import group
from sdk.vectors.maker.world import Person, dice

SIGNED = (
    Label.MEMBER,
    Label.MEMBER_KEY,
    Label.DEVICE_SEAL,
    Label.ROSTER,
    Label.EPOCH,
    Label.COMPLAINT,
    Label.ENVELOPE,
)
SEALED = (Label.MEMBER_BOX, Label.EPOCH_SEAL, Label.GRANT, Label.MEDIA)


def cbor_cases() -> list[Case]:
    """Everything that the profile leaves out."""
    refused = Refused("cbor")
    rows = {
        "keys not ascending": "a201000000",
        "the same key twice": "a200000001",
        "integer in a wider form than needed": "1817",
        "integer in a wider form than needed (8 bytes)": "1b0000000000000001",
        "length in a wider form than needed": "580141",
        "map length in a wider form": "b80100 00".replace(" ", ""),
        "2^53": "1b0020000000000000",
        "2^64 - 1": "1bffffffffffffffff",
        "the float 1.0": "f93c00",
        "the float 1.0 in 8 bytes": "fb" + struct.pack(">d", 1.0).hex(),
        "minus 1": "20",
        "a tag": "c100",
        "a bignum": "c24101",
        "the tag of self-described CBOR": "d9d9f700",
        "the tag of a set": "d9010280",
        "the tag of a regular expression": "d8236161",
        "undefined": "f7",
        "a simple value": "e0",
        "text that is not UTF-8": "61ff",
        "text with a surrogate": "63eda080",
        "text in an overlong form": "62c1a1",
        "indefinite array": "9fff",
        "indefinite map": "bfff",
        "indefinite bytes": "5f4100ff",
        "indefinite text": "7f6161ff",
        "a break": "ff",
        "trailing byte": "0000",
        "nothing": "",
        "an array that is cut": "8201",
        "bytes that are cut": "4401",
        "a length beyond the data": "9bffffffffffffffff",
        "text key": "a1613000",
        "byte key": "a1410000",
        "key 24": "a1181800",
        "negative key": "a12000",
        "true as key": "a1f500",
        "null as key": "a1f600",
        "array as key": "a18000",
        "9 arrays inside each other": "81" * 8 + "80",
        "9 maps inside each other": "a100" * 8 + "a0",
        "reserved additional information": "1c",
        "reserved simple value in two bytes": "f800",
    }
    for about, data in rows.items():
        refused.add(about, Layer.CBOR, "cbor.decode", {"data": data})
    _structures(refused)
    return refused.cases


def _structures(refused: Refused) -> None:
    space, ada, _, _ = group()
    header = space.header(ada)
    good: list[Value] = [1, header.space, header.epoch.n, header.epoch.hash, header.id, header.member]
    good += [header.device, header.n]
    values: dict[int, Value] = dict(enumerate([*good, header.seen.value(), 1, None, 0, header.time]))

    def add(about: str, changed: dict[int, Value]) -> None:
        refused.add(about, Layer.CBOR, "cbor.structure", {"structure": "header", "data": encode(changed).hex()})

    add("a bool for an integer", values | {9: True})
    add("false for the chain number", values | {7: False})
    add("true for the suite", values | {0: True})
    add("suite 2", values | {0: 2})
    add("unknown key", values | {13: 0})
    add("missing key", {key: value for key, value in values.items() if key != 12})
    add("another key in place of the last", {key: values[key] for key in range(12)} | {13: 0})
    add("id of 15 bytes", values | {4: header.id[:15]})
    add("id that is no UUIDv7", values | {4: Z16})
    add("text for bytes", values | {5: "x" * 16})
    add("null for an id", values | {5: None})
    add("integer for a ref", values | {10: 0})
    add("seen with three parts", values | {8: [1, Z32, 0]})
    add("seen as a map", values | {8: {0: 1, 1: Z32}})
    refused.add("an array for a map", Layer.CBOR, "cbor.structure", {"structure": "header", "data": encode([1]).hex()})
    bodies = {
        "member-link": ada.links[0].body,
        "member-key": ada.keys[1].body,
        "device-seal": ada.seal().body,
        "roster-link": space.links[0].body,
        "announcement": space.epochs[0].announcement.body,
    }
    for structure, body in bodies.items():
        for about, data in (("suite 2", body[:2] + b"\x02" + body[3:]), ("trailing byte", body + b"\x00")):
            given = {"structure": structure, "data": data.hex()}
            refused.add(f"{structure}: {about}", Layer.CBOR, "cbor.structure", given)


def ed25519_cases() -> list[Case]:
    """Keys and signatures that some verifier would take."""
    refused = Refused("ed25519")
    roll = dice("bad ed25519")
    seed, text = roll(32), roll(40)
    key, good = primitives.public_key(seed), primitives.sign(seed, text)
    a, r = curve.scalar(seed), int.from_bytes(roll(32), "little") % L
    big_r = curve.encode(curve.multiply(r, curve.BASE))
    torsion = curve.point(min(y for y in SMALL_ORDER_Y if y > 1))

    def add(about: str, public: bytes, signature: bytes, data: bytes = text) -> None:
        given = {"key": public.hex(), "message": data.hex(), "signature": signature.hex()}
        refused.add(about, Layer.ED25519, "ed25519.verify", given)

    names = {1: "identity", 0: "order 4", P - 1: "order 2"}
    for y in sorted(SMALL_ORDER_Y):
        for sign in (0, 1):
            public = (y | sign << 255).to_bytes(32, "little")
            message = next(
                m for m in (bytes([i, sign]) for i in range(256)) if not curve.challenge(big_r, public, m) % 8
            )
            add(f"key of {names.get(y, 'order 8')}, sign {sign}, forged", public, big_r + curve.number(r), message)
    for y in (0, 1, 3):
        public = (y + P).to_bytes(32, "little")
        refused.add(f"key not canonical, y = p + {y}", Layer.ED25519, "ed25519.key", {"key": public.hex()})
    refused.add("key not canonical, all ones", Layer.ED25519, "ed25519.key", {"key": "ff" * 32})
    refused.add("key of 31 bytes", Layer.ED25519, "ed25519.key", {"key": key[:31].hex()})
    for about, encoded in (
        ("R is the identity", (1).to_bytes(32, "little")),
        ("R is the identity, not canonical", (P + 1).to_bytes(32, "little")),
        ("R is the identity with sign 1", (1 | 1 << 255).to_bytes(32, "little")),
    ):
        add(about, key, encoded + curve.number(curve.challenge(encoded, key, text) * a % L))
    with_torsion = curve.encode(curve.add(curve.multiply(r, curve.BASE), torsion))
    s = (r + curve.challenge(with_torsion, key, text) * a) % L
    add("torsion in R: only a verifier with cofactor takes it", key, with_torsion + curve.number(s))
    public = curve.encode(curve.add(curve.multiply(a, curve.BASE), torsion))
    message = next(m for m in (bytes([i]) for i in range(256)) if curve.challenge(big_r, public, m) % 8)
    s = (r + curve.challenge(big_r, public, message) * a) % L
    add("torsion in A: only a verifier with cofactor takes it", public, big_r + curve.number(s), message)
    add("S + L", key, good[:32] + curve.number(int.from_bytes(good[32:], "little") + L))
    add("S = L", key, good[:32] + curve.number(L))
    add("signature of 63 bytes", key, good[:63])
    add("another message", key, good, text + b"\x00")
    add("another key", primitives.public_key(roll(32)), good)
    body = encode({0: 1})
    for label, neighbour in zip(SIGNED, (*SIGNED[1:], SIGNED[0]), strict=True):
        given = {"key": key.hex(), "label": neighbour.value, "body": body.hex()}
        given["signature"] = sign_body(seed, label, body).hex()
        refused.add(f"signed as {label}, shown as {neighbour}", Layer.ED25519, "ed25519.body", given)
    return refused.cases


def seal_cases() -> list[Case]:
    """Keys that are none, and seals made for another place."""
    refused = Refused("seal")
    person = Person.create("Eve")
    mk = person.newest.mk
    for about, key in (
        ("MK one byte short", mk[:-1]),
        ("MK one byte long", mk + b"\x00"),
        ("a coefficient of q or more", b"\xff\xff\xff" + mk[3:]),
        ("a coefficient of exactly q", b"\x01\x0d" + bytes([mk[2]]) + mk[3:]),
        ("X25519 half 0", mk[:1184] + Z32),
        ("X25519 half 1", mk[:1184] + b"\x01" + bytes(31)),
        ("X25519 half p - 1", mk[:1184] + (P - 1).to_bytes(32, "little")),
        ("X25519 half p", mk[:1184] + P.to_bytes(32, "little")),
    ):
        refused.add(about, Layer.SEAL, "seal.key", {"key": key.hex()})
    _labels(refused, person)
    _epoch_seals(refused)
    _boxes(refused)
    return refused.cases


def _labels(refused: Refused, person: Person) -> None:
    value: Value = [person.member, 1]
    for label, neighbour in zip(SEALED, (*SEALED[1:], SEALED[0]), strict=True):
        sealed = seal(person.newest.mk, label, value, Z32)
        given = {"seed": person.newest.mk_seed.hex(), "label": neighbour.value, "value": encode(value).hex()}
        refused.add(
            f"sealed as {label}, opened as {neighbour}", Layer.SEAL, "seal.open", {**given, "sealed": sealed.hex()}
        )
        for about, data in (
            ("a bit flipped", bytes([sealed[0] ^ 1]) + sealed[1:]),
            ("cut", sealed[:-1]),
            ("empty", b""),
        ):
            refused.add(
                f"{label}: {about}", Layer.SEAL, "seal.open", {**given, "label": label.value, "sealed": data.hex()}
            )


def _epoch_seals(refused: Refused) -> None:
    space, ada, ben, _ = group()
    roll = dice("epoch seals")
    other, secret = roll(32), roll(32)
    key_hash, epoch = sha256(ada.newest.mk), space.epoch
    context: list[Value] = [space.id, 2, epoch.hash, space.roster.hash, ada.member, 1, key_hash]
    changes: list[tuple[str, int, Value]] = [
        ("space", 0, other[:16]),
        ("epoch", 1, 1),
        ("hash before", 2, other),
        ("roster", 3, other),
        ("member", 4, ben.member),
        ("generation", 5, 2),
        ("MK", 6, other),
    ]
    keys = commits(branches(secret, space.id, 2), space.id, 2)
    for about, place, value in changes:
        sealed = seal(ada.newest.mk, Label.EPOCH_SEAL, [*context[:place], value, *context[place + 1 :]], secret)
        row = Recipient(ada.member, 0, ada.chain.state.hash, 1, key_hash, sha256(sealed))
        made = make_announcement(
            space.id, epoch, space.roster.head, [row], keys, ada.signer(), ada.device.dk_seed, space.tick()
        )
        given = {"announcement": made.body.hex(), "recipients": encode_recipients([row]).hex()}
        given |= {"member": ada.member.hex(), "mkSeed": ada.newest.mk_seed.hex(), "seal": sealed.hex()}
        refused.add(f"epoch seal made for another {about}", Layer.SEAL, "epoch.open", given)


def _boxes(refused: Refused) -> None:
    ada = Person.create("Ada with boxes")
    key, device = decode_member_key(ada.keys[1].body), ada.device
    secret, foreign = ada.newest.secret, ada.roll(32)

    def add(about: str, g: int, device_id: bytes, k: int, key_hash: bytes, text: bytes) -> None:
        box = seal_member_box(device.sk, ada.member, g, device_id, k, key_hash, text)
        given = {"box": box.hex(), "seed": device.sk_seed.hex(), "memberKey": key.body.hex()}
        refused.add(about, Layer.SEAL, "seal.box", {**given, "device": device.id.hex(), "k": 2})

    add("box with a foreign M", 1, device.id, 2, key.key_hash, foreign)
    add("box with a short M", 1, device.id, 2, key.key_hash, secret[:31])
    add("box for an old k", 1, device.id, 1, key.key_hash, secret)
    add("box of another generation", 2, device.id, 2, key.key_hash, secret)
    add("box for another device", 1, ada.roll(16), 2, key.key_hash, secret)
    add("box for the recovery key", 1, Z16, 2, key.key_hash, secret)
    add("box for another MK", 1, device.id, 2, sha256(b"another"), secret)
