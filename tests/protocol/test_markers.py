"""What markers hold: what is refused (docs/decisions/0113)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from circle_client.protocol.cbor import MAX_INT
from circle_client.protocol.errors import ProtocolError
from circle_client.protocol.markers import OwnMarker, ReceiptMarker, read_own, read_receipt
from hypothesis import given
from hypothesis import strategies as st

from sdk.vectors.maker.markers import refused_cases
from sdk.vectors.maker.ops import run

DOCUMENT: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "sdk" / "vectors" / "markers.json").read_text("utf-8")
)
numbers = st.integers(0, MAX_INT - 1)


@pytest.mark.parametrize("case", DOCUMENT["refused"], ids=lambda case: case["about"])
def test_refused(case: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError) as caught:
        run(case)
    assert (caught.value.layer, caught.value.code) == (case["layer"], case["code"])


def test_the_refused_cases_are_what_the_maker_makes() -> None:
    assert refused_cases() == DOCUMENT["refused"]


@given(st.binary(min_size=16, max_size=16), numbers, st.none() | numbers, st.none() | numbers)
def test_contents_come_back(space: bytes, read: int, delivered: int | None, receipt: int | None) -> None:
    own, said = OwnMarker(space, read), ReceiptMarker(delivered, receipt)
    assert read_own(own.content()) == own
    assert read_receipt(said.content()) == said
