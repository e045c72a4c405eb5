"""Writes the files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from sdk.vectors.maker import (
    account,
    bad_bytes,
    bad_envelopes,
    bad_epochs,
    bad_members,
    bad_rosters,
    bad_server,
    bad_sign_up,
    bad_wraps,
    epochs,
    formulas,
    linking,
    markers,
    structures,
)
from sdk.vectors.maker.forms import Case

ABOUT = "Made by sdk/vectors/generate.py; formats in sdk/vectors/README.md."
REFUSED: tuple[Callable[[], list[Case]], ...] = (
    bad_bytes.cbor_cases,
    bad_bytes.ed25519_cases,
    bad_bytes.seal_cases,
    bad_members.member_cases,
    bad_rosters.roster_cases,
    bad_epochs.epoch_cases,
    bad_envelopes.envelope_cases,
    bad_envelopes.log_cases,
    bad_wraps.wrap_cases,
    bad_wraps.grant_cases,
    bad_wraps.derivation_cases_bad,
    bad_server.envelope_cases,
    bad_server.announcement_cases,
    bad_server.space_cases,
    bad_sign_up.sign_up_cases,
    bad_sign_up.member_cases,
    linking.server_cases,
)
FILES: dict[str, Callable[[], list[Case]]] = {
    **formulas.FILES,
    **structures.FILES,
    **epochs.FILES,
    **linking.FILES,
    **account.FILES,
    **markers.FILES,
    "invalid": lambda: [case for make in REFUSED for case in make()],
}

EXTRA: dict[str, Callable[[], Case]] = {
    "ed25519": formulas.ed25519_extra,
    "linking": lambda: {"refused": linking.refused_cases()},
    "account": lambda: {"refused": account.refused_cases()},
    "markers": lambda: {"refused": markers.refused_cases()},
}


def write_all(folder: Path) -> Iterator[str]:
    """Writes every file into the folder; gives their names."""
    for name, make in FILES.items():
        yield write_file(folder, name, make())


def write_file(folder: Path, name: str, cases: list[Case]) -> str:
    """Writes one file; gives its name."""
    extra = EXTRA[name]() if name in EXTRA else {}
    path = folder / f"{name}.json"
    text = json.dumps({"about": ABOUT, **extra, "cases": cases}, indent=1, ensure_ascii=True)
    path.write_text(text + "\n", encoding="utf-8")
    return path.name
