"""What the account space holds, and safety numbers' codes: what is refused (e2ee.md section 12, decision 80)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from circle_client.protocol.account import AccountBook, AccountContent, Mark, read_account
from circle_client.protocol.errors import Code, ProtocolError
from circle_client.protocol.safety import read_safety_qr
from hypothesis import given
from hypothesis import strategies as st

from sdk.vectors.maker.account import refused_cases
from sdk.vectors.maker.ops import run

DOCUMENT: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "sdk" / "vectors" / "account.json").read_text("utf-8")
)


@pytest.mark.parametrize("case", DOCUMENT["refused"], ids=lambda case: case["about"])
def test_refused(case: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError) as caught:
        run(case)
    assert (caught.value.layer, caught.value.code) == (case["layer"], case["code"])


def test_the_refused_cases_are_what_the_maker_makes() -> None:
    assert refused_cases() == DOCUMENT["refused"]


def test_a_content_is_of_one_thing() -> None:
    for content in (AccountContent(), AccountContent(marks=(Mark(bytes(16), bytes(32), True),), confirmed=True)):
        with pytest.raises(ProtocolError):
            content.content()


def test_a_mark_falls_with_the_identity() -> None:
    book = AccountBook()
    book.take(AccountContent(marks=(Mark(bytes(16), bytes(32), True),)), 2)
    assert book.verified(bytes(16), bytes(32))
    assert not book.verified(bytes(16), b"\x01" * 32)
    assert not book.verified(b"\x01" * 16, bytes(32))
    book.take(AccountContent(marks=(Mark(bytes(16), bytes(32), False),)), 1)  # an older entry, read later
    assert book.verified(bytes(16), bytes(32))
    book.take(AccountContent(marks=(Mark(bytes(16), bytes(32), False),)), 3)
    assert not book.verified(bytes(16), bytes(32))


def test_a_confirmation_falls_with_the_recovery_key() -> None:
    book = AccountBook()
    book.take(AccountContent(confirmed=True), 4)
    book.recovery_key_changed(3)
    assert book.confirmed
    book.recovery_key_changed(5)
    assert not book.confirmed


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2**53 - 1) | st.binary(max_size=40) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.integers(0, 23), inner, max_size=3),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from([16, 17, 18, 19, 20]), _ANY, max_size=3))
def test_the_reader_refuses_or_reads_whatever_comes(content: dict[int, Any]) -> None:
    code = None
    try:
        read = read_account(content)
    except ProtocolError as error:
        read, code = AccountContent(), error.code
    assert code in (None, Code.UNREADABLE)
    assert not any((read.members, read.spaces, read.marks)) or read_account(read.content()) == read


@given(st.text(max_size=120) | st.binary(max_size=70).map(lambda b: "circle-safety:" + b.hex()))
def test_codes_of_strangers_are_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        read_safety_qr(text)
