"""Collects the cases of `invalid.json`; a case that is not refused by its layer fails the making."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from circle_client.protocol.errors import Layer, ProtocolError

from sdk.vectors.maker.forms import Case
from sdk.vectors.maker.ops import run


@dataclass
class Refused:
    """The cases of one section of e2ee.md section 14."""

    section: str
    cases: list[Case] = field(default_factory=list)

    def add(self, about: str, layer: Layer, op: str, given: dict[str, Any]) -> None:
        """Runs the case and keeps it. Raises AssertionError where nothing, or another layer, refuses it."""
        case: Case = {"id": f"{self.section}-{len(self.cases) + 1}", "section": self.section, "about": about}
        case |= {"layer": layer.value, "op": op, "input": given}
        try:
            run(case)
        except ProtocolError as error:
            if error.layer != layer:
                raise AssertionError(f"{case['id']} ({about}): refused by {error.layer}: {error}") from error
            self.cases.append({**case, "code": error.code.value})
        else:
            raise AssertionError(f"{case['id']} ({about}): not refused")
