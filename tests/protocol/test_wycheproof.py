"""Wycheproof's vectors (sdk/vectors/wycheproof) through the protocol core's primitives, and the libraries below."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from circle_client.protocol.errors import ProtocolError
from circle_client.protocol.primitives import (
    XWING_KEY,
    check_xwing_key,
    gcm_open,
    gcm_seal,
    hkdf,
    hpke_open,
    hpke_seal,
    verify,
    xwing_public,
)
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

FOLDER = Path(__file__).resolve().parents[2] / "sdk" / "vectors" / "wycheproof"
SEED = bytes(range(32))

# Wycheproof calls these acceptable; e2ee.md section 1 refuses keys of small order.
SMALL_ORDER_KEYS = range(152, 160)
# ... and these: a point of full order with torsion in it. Verified without cofactor they hold, so they are accepted.
MIXED_ORDER_KEYS = range(160, 181)


def vectors(name: str) -> Iterator[tuple[dict[str, Any], Callable[[str], bytes]]]:
    """The cases of a file, and how to get the bytes of their fields."""
    data = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    for group in data["testGroups"]:
        for case in group["tests"]:
            whole = {**group, **case}

            def field(key: str, whole: dict[str, Any] = whole) -> bytes:
                return bytes.fromhex(whole[key])

            yield case, field


def test_aes_256_gcm() -> None:
    seen = 0
    for case, field in vectors("aes_256_gcm"):
        seen += 1
        sealed = field("ct") + field("tag")
        valid = case["result"] == "valid"
        opened = gcm_open(field("key"), field("iv"), sealed, field("aad"))
        assert opened == (field("msg") if valid else None), case["tcId"]
        if valid:
            assert gcm_seal(field("key"), field("iv"), field("msg"), field("aad")) == sealed, case["tcId"]
    assert seen == 66


def test_hkdf_sha256() -> None:
    seen = 0
    for case, field in vectors("hkdf_sha256"):
        seen += 1
        if case["result"] == "valid":
            assert hkdf(field("ikm"), field("salt"), field("info"), case["size"]) == field("okm"), case["tcId"]
        else:
            with pytest.raises(ValueError, match="larger than"):
                hkdf(field("ikm"), field("salt"), field("info"), case["size"])
    assert seen == 86


def test_ed25519() -> None:
    accepted: set[int] = set()
    refused: set[int] = set()
    for case, field in vectors("ed25519"):
        try:
            verify(field("publicKey"), field("sig"), field("msg"))
            (accepted if case["result"] == "acceptable" else set()).add(case["tcId"])
            assert case["result"] != "invalid", case["tcId"]
        except ProtocolError:
            (refused if case["result"] == "acceptable" else set()).add(case["tcId"])
            assert case["result"] != "valid", case["tcId"]
    assert refused == set(SMALL_ORDER_KEYS)
    assert accepted == set(MIXED_ORDER_KEYS)


def test_x25519_keys_that_give_no_secret_are_refused_as_half_of_a_key_and_of_a_seal() -> None:
    lattice, sealed = xwing_public(SEED)[:1184], hpke_seal(xwing_public(SEED), b"info", b"text")
    zero = 0
    for public in sorted({(field("public"), "ZeroSharedSecret" in case["flags"]) for case, field in vectors("x25519")}):
        if public[1]:
            zero += 1
            with pytest.raises(ProtocolError):
                check_xwing_key(lattice + public[0])
            with pytest.raises(ProtocolError):
                hpke_open(SEED, b"info", sealed[:1088] + public[0] + sealed[1120:])
    assert zero == len({field("public") for case, field in vectors("x25519") if "ZeroSharedSecret" in case["flags"]})
    assert zero > 10
    check_xwing_key(xwing_public(SEED))


def test_x25519_secrets() -> None:
    for case, field in vectors("x25519"):
        private, public = (
            X25519PrivateKey.from_private_bytes(field("private")),
            X25519PublicKey.from_public_bytes(field("public")),
        )
        if "ZeroSharedSecret" in case["flags"]:
            with pytest.raises(ValueError, match="shared"):
                private.exchange(public)
        else:
            assert private.exchange(public) == field("shared"), case["tcId"]


def test_ml_kem_768_keys() -> None:
    curve = xwing_public(SEED)[1184:]
    for case, field in vectors("mlkem_768_encaps"):
        key = field("ek") + curve
        if case["result"] == "valid":
            check_xwing_key(key)
            assert len(key) == XWING_KEY
        else:
            with pytest.raises(ProtocolError):
                check_xwing_key(key)


def test_ml_kem_768_decapsulation() -> None:
    for case, field in vectors("mlkem_768_decaps"):
        if case["result"] == "valid":
            private = MLKEM768PrivateKey.from_seed_bytes(field("seed"))
            assert private.public_key().public_bytes_raw() == field("ek"), case["tcId"]
            assert private.decapsulate(field("c")) == field("K"), case["tcId"]
        else:
            with pytest.raises(ValueError, match=r"seed|ciphertext|length|bytes"):
                MLKEM768PrivateKey.from_seed_bytes(field("seed")).decapsulate(field("c"))
