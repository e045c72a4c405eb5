"""Writes the test vectors beside this file: `python sdk/vectors/generate.py`."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent.parent), str(HERE.parent / "python")]

from sdk.vectors.maker.write import write_all  # noqa: E402 - the paths above must be set first

if __name__ == "__main__":
    for name in write_all(HERE):
        print(name)
