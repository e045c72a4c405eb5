"""Every case of invalid.json is refused by the layer that it names, with the code that it states."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from circle_client.protocol.errors import Layer, ProtocolError

from sdk.vectors.maker.ops import run

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "sdk" / "vectors" / "invalid.json").read_text("utf-8")
)["cases"]


@pytest.mark.parametrize("section", sorted({case["section"] for case in CASES}))
def test_section_is_refused(section: str) -> None:
    for case in (case for case in CASES if case["section"] == section):
        with pytest.raises(ProtocolError) as caught:
            run(case)
        assert (caught.value.layer, caught.value.code) == (case["layer"], case["code"]), case["about"]


def test_every_layer_refuses_something() -> None:
    # What the two devices of a linking refuse stands in linking.json.
    assert {case["layer"] for case in CASES} == {layer.value for layer in Layer} - {Layer.LINK.value}


def test_ids_are_unique() -> None:
    assert len({case["id"] for case in CASES}) == len(CASES)
