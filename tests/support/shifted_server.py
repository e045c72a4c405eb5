"""`circle serve` under a world's clock: `python -m tests.support.shifted_server FILE`; FILE holds the offset in ms."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from api import app, cli


def shifted(real: Callable[[], datetime], path: Path) -> Callable[[], datetime]:
    """That clock, moved by what the file says now."""

    def now() -> datetime:
        return real() + timedelta(milliseconds=int(path.read_text()))

    return now


if __name__ == "__main__":
    app.utc_now = shifted(app.utc_now, Path(sys.argv[1]))
    sys.argv = ["circle", "serve"]
    cli.main()
