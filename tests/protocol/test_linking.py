"""Linking a device: what both devices accept, and what they refuse (e2ee.md sections 8 and 14)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from circle_client.protocol.cbor import encode
from circle_client.protocol.errors import Code, Layer, ProtocolError
from circle_client.protocol.linking import (
    ANSWER_CAP,
    REQUEST_CAP,
    decode_link_answer,
    decode_link_request,
    link_id,
    link_key,
    link_words,
    make_link_answer,
    make_link_request,
    new_link_key,
    verify_link_answer,
    verify_link_request,
)
from circle_client.protocol.member_key import BOX, make_device_seal
from circle_client.protocol.primitives import public_key, random_bytes, xwing_public
from circle_client.protocol.structures import Head
from hypothesis import given
from hypothesis import strategies as st

from sdk.vectors.maker.linking import refused_cases
from sdk.vectors.maker.ops import run

DOCUMENT: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "sdk" / "vectors" / "linking.json").read_text("utf-8")
)


def test_a_whole_linking() -> None:
    key, member, device, dk_seed = new_link_key(), random_bytes(16), random_bytes(16), random_bytes(32)
    sk = xwing_public(random_bytes(32))
    seal = make_device_seal(member, device, 1, sk, dk_seed, 1)
    request, tag = make_link_request(key, member, device, public_key(dk_seed), seal)
    typed = link_key("  " + " ".join(link_words(key)).upper())
    assert (typed, len(link_words(key)), len(link_id(key))) == (key, 12, 16)
    found, sealed = verify_link_request(typed, request, tag, member)
    assert (found.device, found.device_seal, sealed.key) == (device, seal, sk)
    answer, tag = make_link_answer(typed, request, bytes(BOX), Head(3, bytes(32)), Head(9, bytes(32)))
    taken = verify_link_answer(key, request, answer, tag)
    assert (taken.chain.n, taken.account.n, len(taken.box)) == (3, 9, BOX)


@pytest.mark.parametrize("case", DOCUMENT["refused"], ids=lambda case: case["about"])
def test_refused(case: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError) as caught:
        run(case)
    assert (caught.value.layer, caught.value.code) == (case["layer"], case["code"])


def test_the_refused_cases_are_what_the_maker_makes() -> None:
    assert refused_cases() == DOCUMENT["refused"]


def test_words_of_another_length_are_refused() -> None:
    with pytest.raises(ProtocolError) as caught:
        link_key("abandon " * 23 + "art")
    assert (caught.value.code, caught.value.layer) == (Code.BAD_WORDS, Layer.DERIVATION)


@given(st.binary(max_size=200) | st.sampled_from([bytes(REQUEST_CAP + 1), bytes(ANSWER_CAP + 1), encode({0: 1})]))
def test_parsers_refuse_whatever_comes(data: bytes) -> None:
    for decode in (decode_link_request, decode_link_answer):
        with pytest.raises(ProtocolError) as caught:
            decode(data)
        assert caught.value.code is Code.MALFORMED
