"""docs/security.md names attacks, tests and sentences: all of them exist, and every attack by name has its row."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from tests.support.attacks import ATTACKS
from tests.support.attacks_on_devices import ON_DEVICES
from tests.support.attacks_on_trust import ON_TRUST
from tests.support.server import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
TABLES = PAGE[PAGE.index("## Attacks and the tests that cover them") :]
ROWS = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in TABLES.splitlines() if line.startswith("|")]
ATTACK_ROWS = [row for row in ROWS if len(row) == 5 and row[0] != "attack"]
CODES = frozenset(re.findall(r"`([A-Z_]{4,})`", TABLES))
SENTENCES = sorted(set(re.findall(r'"([A-Z…][^"]{9,})"', TABLES)))


@cache
def sources(*folders: str) -> str:
    """All that the SDKs' own code says, with strings of several lines in one."""
    files = [path for folder in folders for path in sorted((ROOT / folder).rglob("*")) if path.suffix in {".py", ".ts"}]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    return re.sub(r'"\s*\n\s*f?"', "", text).replace("\\'", "'")


def found(name: str, folder: str) -> list[Path]:
    """The files of this name, or of this end of a path, below the folder."""
    return [path for path in (ROOT / folder).rglob(Path(name).name) if path.as_posix().endswith(f"/{name}")]


def test_every_attack_has_one_row() -> None:
    told = [row[0] for row in ATTACK_ROWS]
    assert len(told) == len(set(told)) > 40
    named = " ".join(told)
    for name in (*ATTACKS, *ON_TRUST, *ON_DEVICES):
        assert f"`{name}`" in named, name


@pytest.mark.parametrize("row", ATTACK_ROWS, ids=lambda row: row[0][:60])
def test_the_tests_of_a_row_exist(row: list[str]) -> None:
    for cell, folder in ((row[3], "tests"), (row[4], "sdk/typescript/test")):
        names = re.findall(r"`([^`]+)`", cell)
        assert names, f"{row[0]}: no test"
        for name in names:
            file, _, case = name.partition(" › " if "›" in name else "::")
            paths = found(file.removeprefix("tests/"), folder)
            assert len(paths) == 1, f"{file}: {len(paths)} files"
            wanted = f"def {case}(" if case.startswith("test_") else case
            assert wanted in paths[0].read_text(encoding="utf-8"), name


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_sentence_is_one_of_the_clients(sentence: str) -> None:
    said = sources("sdk/python/circle_client", "sdk/typescript/src")
    for part in (part.strip() for part in sentence.split("…")):
        assert part in said, part


def test_the_codes_are_those_of_the_clients() -> None:
    said = sources("sdk/python/circle_client", "sdk/typescript/src")
    assert [code for code in sorted(CODES) if f"'{code}'" not in said and f'"{code}"' not in said] == []
