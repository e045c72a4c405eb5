"""Writes the files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from sdk.vectors.maker import formulas, structures
from sdk.vectors.maker.forms import Case

ABOUT = "Made by sdk/vectors/generate.py; formats in sdk/vectors/README.md."
FILES: dict[str, Callable[[], list[Case]]] = {**formulas.FILES, **structures.FILES}


def write_all(folder: Path) -> Iterator[str]:
    """Writes every file into the folder; gives their names."""
    for name, make in FILES.items():
        extra = formulas.ed25519_extra() if name == "ed25519" else {}
        document = {"about": ABOUT, **extra, "cases": make()}
        path = folder / f"{name}.json"
        path.write_text(json.dumps(document, indent=1, ensure_ascii=True) + "\n", encoding="utf-8")
        yield path.name
