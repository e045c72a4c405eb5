"""Positive vectors of encodings, labels, derivations and single formulas."""

from __future__ import annotations

from collections.abc import Callable

from circle_client.protocol import primitives
from circle_client.protocol.branches import CLASSES
from circle_client.protocol.cbor import Value, encode
from circle_client.protocol.invite import InviteLink, invite_mac
from circle_client.protocol.labels import Label, h, kdf, seal, x
from circle_client.protocol.padding import pad, padded
from circle_client.protocol.password import password_root
from circle_client.protocol.primitives import NONCE_0, SMALL_ORDER_Y, Z32, gcm_seal, mac, sha256
from circle_client.protocol.safety import safety_number, safety_qr
from circle_client.protocol.words import recovery_keys, to_words

from sdk.vectors.maker.forms import Case
from sdk.vectors.maker.world import dice, uuid4

LABEL_VALUES: dict[Label, Value] = {
    label: [bytes([i]) * 16, i, {0: 1, 1: "é"}, None, True] for i, label in enumerate(Label)
}


def cbor_cases() -> list[Case]:
    """Every type and every width of the profile."""
    deep: Value = []
    for _ in range(7):
        deep = [deep]
    values: list[tuple[str, Value]] = [
        *((f"integer {n}", n) for n in (0, 23, 24, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**53 - 1)),
        ("empty bytes", b""),
        ("24 bytes", bytes(range(24))),
        ("256 bytes", bytes(256)),
        ("65,536 bytes", bytes(65536)),
        ("empty text", ""),
        ("text with 1 to 4 byte characters", "aé€😀"),
        ("text that is not NFC stays as it is", "e\u0301"),
        ("text with a zero", "a\x00b"),
        ("text with a byte order mark", "\ufefftext"),
        ("array of all", [0, b"", "", [], {}, True, False, None]),
        ("array of 24", list(range(24))),
        ("map of all keys", dict.fromkeys(range(24), 0)),
        ("map with gaps", {0: 1, 5: {3: None}, 23: True}),
        ("8 arrays inside each other", deep),
    ]
    return [{"about": about, "data": encode(value).hex()} for about, value in values]


def label_cases() -> list[Case]:
    """X and H of every label."""
    return [
        {
            "about": label.value,
            "label": label.value,
            "value": encode(value).hex(),
            "x": x(label, value).hex(),
            "h": h(label, value).hex(),
        }
        for label, value in LABEL_VALUES.items()
    ]


def derivation_cases() -> list[Case]:
    """Every KDF of section 2, for every class where there is one."""
    roll = dice("derivations")
    member, space, device = uuid4(roll), uuid4(roll), uuid4(roll)
    cases: list[Case] = []

    def add(
        name: str, label: Label, value: Value, length: int = 32, salt: bytes = b"", key: bytes | None = None
    ) -> bytes:
        key = roll(32) if key is None else key
        output = kdf(key, salt, label, value, length)
        cases.append(
            {
                "about": name,
                "name": name,
                "label": label.value,
                "key": key.hex(),
                "salt": salt.hex(),
                "value": encode(value).hex(),
                "length": length,
                "output": output.hex(),
            }
        )
        return output

    add("seed of RS from RK", Label.RECOVERY_SIGN, [member])
    add("seed of RX from RK", Label.RECOVERY_SEAL, [member])
    secret = roll(32)
    for g in (1, 2, 300):
        add(f"seed of MK, g = {g}", Label.MEMBER_SEED, [member, g], key=secret)
        add(f"AK, g = {g}", Label.ARCHIVE, [member, g], key=secret)
    add("key of the wrap of AK_1, from AK_2", Label.REWRAP, [member, 1])
    epoch_hash = roll(32)
    for b in range(CLASSES):
        add(f"key of the wrap of B_{b}", Label.REWRAP, [member, space, 7, epoch_hash, b])
    s = add("S of epoch 1", Label.EPOCH_SECRET, [space, 1], salt=Z32)
    s = add("S of epoch 7", Label.EPOCH_SECRET, [space, 7], salt=roll(32))
    for b in range(CLASSES):
        key = add(f"B_{b}", Label.BRANCH, [space, 7, b], key=s)
        add(f"commit_{b}", Label.COMMIT, [space, 7, b], key=key)
        add(f"MAC key of syn under B_{b}", Label.SYN, [space, 7, epoch_hash], key=key)
        header_hash, syn = roll(32), roll(32)
        add(f"envelope key and nonce under B_{b}", Label.ENVELOPE_KEY, header_hash, 44, syn, key)
    k = roll(16)
    add("link id", Label.LINK_ID, [], 16, key=k)
    add("MAC key of a link request", Label.LINK_REQUEST, [], key=k)
    add("MAC key of a link answer", Label.LINK_ANSWER, [], key=k)
    add("key and access of a share link", Label.SHARE, [], 64, roll(16), roll(64))
    add("MAC key of an invite", Label.INVITE, [roll(16)])
    add("safety bytes of two IDs", Label.SAFETY, [], 60, key=roll(64))
    root = roll(32)
    add("auth value of a password", Label.PASSWORD_AUTH, [], key=root)
    add("unlock value of a password", Label.PASSWORD_UNLOCK, [member, device], key=root)
    return cases


def ed25519_cases() -> list[Case]:
    """Signatures that verify."""
    roll = dice("ed25519")
    cases = []
    for about, message in (("empty", b""), ("short", b"circle"), ("long", bytes(1000))):
        seed = roll(32)
        cases.append(
            {
                "about": about,
                "seed": seed.hex(),
                "key": primitives.public_key(seed).hex(),
                "message": message.hex(),
                "signature": primitives.sign(seed, message).hex(),
            }
        )
    return cases


def ed25519_extra() -> Case:
    """The byte list of section 1."""
    return {
        "smallOrder": [y.to_bytes(32, "little").hex() for y in sorted(SMALL_ORDER_Y)],
        "p": primitives.P.to_bytes(32, "little").hex(),
        "l": primitives.L.to_bytes(32, "little").hex(),
    }


def xwing_cases() -> list[Case]:
    """Keys from seeds, and seals to open."""
    roll = dice("xwing")
    cases = []
    for about, info, text in (
        ("empty info and text", b"", b""),
        ("32 bytes", b"info", roll(32)),
        ("long", roll(300), roll(5000)),
    ):
        seed = roll(32)
        public = primitives.xwing_public(seed)
        sealed = primitives.hpke_seal(public, info, text)
        cases.append(
            {
                "about": about,
                "seed": seed.hex(),
                "public": public.hex(),
                "info": info.hex(),
                "sealed": sealed.hex(),
                "text": text.hex(),
            }
        )
    return cases


def padding_cases() -> list[Case]:
    """Sizes around every step, and some whole P."""
    lengths = [
        0,
        1,
        251,
        252,
        253,
        255,
        256,
        267,
        268,
        269,
        508,
        509,
        1000,
        1020,
        1021,
        4092,
        4093,
        16000,
        65532,
        65533,
        96252,
    ]
    cases: list[Case] = [{"about": f"{n} bytes", "length": n, "padded": padded(n)} for n in lengths]
    for text in (b"", b"\xa0", encode({0: "hello"}), bytes(range(256)) * 2):
        cases.append(
            {
                "about": f"{len(text)} bytes, whole",
                "length": len(text),
                "padded": padded(len(text)),
                "text": text.hex(),
                "p": pad(text).hex(),
            }
        )
    return cases


def words_cases() -> list[Case]:
    """Words of recovery keys and of a linking key."""
    roll = dice("words")
    member = uuid4(roll)
    cases: list[Case] = []
    for entropy in (bytes(32), b"\xff" * 32, roll(32)):
        keys = recovery_keys(entropy, member)
        cases.append(
            {
                "about": "recovery key",
                "entropy": entropy.hex(),
                "words": " ".join(to_words(entropy)),
                "member": member.hex(),
                "rsSeed": keys.rs_seed.hex(),
                "rs": keys.rs.hex(),
                "rxSeed": keys.rx_seed.hex(),
                "rx": keys.rx.hex(),
            }
        )
    entropy = roll(16)
    cases.append({"about": "linking key", "entropy": entropy.hex(), "words": " ".join(to_words(entropy))})
    return cases


def password_cases() -> list[Case]:
    """Argon2id as the page fixes it; the two last passwords are the same in NFKC."""
    roll = dice("password")
    salt, member, device = roll(16), uuid4(roll), uuid4(roll)
    cases = []
    for password in ("correct horse battery", "pässwörd ﬁne", "pa\u0308sswo\u0308rd fine"):
        root = password_root(password, salt)
        cases.append(
            {
                "about": "password",
                "password": password,
                "salt": salt.hex(),
                "root": root.root.hex(),
                "authKey": root.auth_key().hex(),
                "member": member.hex(),
                "device": device.hex(),
                "unlockKey": root.unlock_key(member, device).hex(),
            }
        )
    return cases


def invite_cases() -> list[Case]:
    """A pinned invite, and a link that holds the token alone."""
    roll = dice("invite")
    token, secret, inviter, newcomer = roll(16), roll(32), roll(32), roll(32)
    full = {
        "about": "pinned",
        "token": token.hex(),
        "secret": secret.hex(),
        "inviter": inviter.hex(),
        "newcomer": newcomer.hex(),
        "fragment": InviteLink(token, secret, inviter).fragment(),
        "mac": invite_mac(secret, token, inviter, newcomer).hex(),
    }
    bare = InviteLink(roll(16))
    return [full, {"about": "token alone", "token": bare.token.hex(), "fragment": bare.fragment()}]


def safety_cases() -> list[Case]:
    """The same number both ways round."""
    roll = dice("safety")
    a, b = roll(32), roll(32)
    return [
        {
            "about": about,
            "own": one.hex(),
            "other": two.hex(),
            "number": safety_number(one, two),
            "qr": safety_qr(one, two),
        }
        for about, one, two in (("one way", a, b), ("the other way", b, a))
    ]


def later_cases() -> list[Case]:
    """Formulas of sections 8, 10 and 11, from X, KDF, GCM and SEAL alone."""
    roll = dice("later")
    key, nonce, version, part = roll(32), roll(12), roll(16), roll(100)
    share, share_key, share_text = roll(16), roll(32), roll(60)
    call_seed = roll(32)
    call_key = primitives.xwing_public(call_seed)
    media: Value = [*(uuid4(roll) for _ in range(4)), 77, uuid4(roll), uuid4(roll), sha256(call_key)]
    base, request, answer, k = roll(32), roll(80), roll(90), roll(16)
    request_key = kdf(k, b"", Label.LINK_REQUEST, [], 32)
    answer_key = kdf(k, b"", Label.LINK_ANSWER, [], 32)
    return [
        {
            "about": "chunk 0 of 1",
            "what": "chunk",
            "key": key.hex(),
            "nonce": nonce.hex(),
            "version": version.hex(),
            "index": 0,
            "count": 1,
            "part": part.hex(),
            "chunk": (nonce + gcm_seal(key, nonce, part, x(Label.CHUNK, [version, 0, 1]))).hex(),
        },
        {
            "about": "box of a share link",
            "what": "share",
            "id": share.hex(),
            "key": share_key.hex(),
            "text": share_text.hex(),
            "box": gcm_seal(share_key, NONCE_0, share_text, x(Label.SHARE, [share])).hex(),
        },
        {
            "about": "media base",
            "what": "media",
            "seed": call_seed.hex(),
            "value": encode(media).hex(),
            "base": base.hex(),
            "sealed": seal(call_key, Label.MEDIA, media, base).hex(),
        },
        {
            "about": "MACs of linking",
            "what": "link",
            "k": k.hex(),
            "request": request.hex(),
            "requestMac": mac(request_key, request).hex(),
            "answer": answer.hex(),
            "answerMac": mac(answer_key, sha256(request) + answer).hex(),
        },
    ]


FILES: dict[str, Callable[[], list[Case]]] = {
    "cbor": cbor_cases,
    "labels": label_cases,
    "derivations": derivation_cases,
    "ed25519": ed25519_cases,
    "xwing": xwing_cases,
    "padding": padding_cases,
    "words": words_cases,
    "password": password_cases,
    "invite": invite_cases,
    "safety": safety_cases,
    "later": later_cases,
}
