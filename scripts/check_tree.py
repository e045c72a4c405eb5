"""Rules of the tree that no linter holds: file lengths, lock files without addresses, no skipped tests."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

LONGEST = 500
GENERATED = re.compile(r"(^|/)(gql|generated|versions)/|\.gen\.|(^|/)vectors/")
SKIPS = re.compile(
    r"pytest\.mark\.(skip|xfail)|pytest\.skip\(|\b(it|test|describe)\.(skip|todo|only)\(|\bTODO\b|\bFIXME\b"
)
ADDRESSES = re.compile(r'"resolved": *"http|--(extra-)?index-url|--find-links|https?://[^\s"]*(pypi|npmjs)')


def tracked() -> list[Path]:
    """Every tracked file that is still there."""
    listing = subprocess.run(["git", "ls-files"], check=True, capture_output=True, text=True).stdout  # noqa: S607
    return [path for name in listing.splitlines() if (path := Path(name)).is_file()]


def faults(path: Path) -> list[str]:
    """What is wrong with one file, a sentence each."""
    name = path.as_posix()
    found: list[str] = []
    if path.suffix in {".py", ".ts", ".tsx"} and not GENERATED.search(name):
        text = path.read_text(encoding="utf-8")
        lines = text.count("\n")
        if lines > LONGEST:
            found.append(f"{name}: {lines} lines; past {LONGEST} a file becomes a folder")
        if name != "scripts/check_tree.py" and (hit := SKIPS.search(text)):
            found.append(f"{name}: holds {hit.group()!r}")
    if path.name == "package-lock.json" or (path.parent.name == "requirements" and path.suffix == ".txt"):
        text = path.read_text(encoding="utf-8")
        if hit := ADDRESSES.search(text):
            found.append(f"{name}: a lock file holds a download address ({hit.group()!r})")
    return found


def main() -> int:
    """Print every fault; 1 if there is one."""
    found = [fault for path in tracked() for fault in faults(path)]
    print("\n".join(found) or "The tree is in order.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
