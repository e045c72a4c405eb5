"""What somebody finds who takes the server's disk: a dump of the database, and every byte of the data folder."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Mapping
from pathlib import Path

from db.embedded.place import binaries, server_user
from db.embedded.server import dsn_of


def dump(data_dir: Path) -> bytes:
    """The whole database as pg_dump tells it, past all policies. The server must be running."""
    program = binaries(server_user()) / "bin" / "pg_dump"
    done = subprocess.run(
        [program, "--inserts", "--enable-row-security", dsn_of(data_dir)], capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def folder(data_dir: Path) -> bytes:
    """Every file below the data folder, one after the other: tables, indexes, write-ahead log, logs."""
    files = [path for path in sorted(data_dir.rglob("*")) if path.is_file() and not path.is_symlink()]
    return b"\n".join(path.read_bytes() for path in files)


def shapes(secret: bytes) -> list[bytes]:
    """How a secret might stand there: as it is, in hexadecimal, in base64 at any of its three offsets."""
    found = [secret, secret.hex().encode(), secret.hex().upper().encode()]
    for offset in range(3):
        text = base64.b64encode(bytes(offset) + secret)
        inner = text[4 if offset else 0 : -4]  # without the characters that hold neighbours
        if len(inner) >= 8:
            found += [inner, inner.translate(bytes.maketrans(b"+/", b"-_"))]
    return found


def leaks(haystack: bytes, secrets: Mapping[str, bytes]) -> list[str]:
    """The names of the secrets that are there in any shape."""
    return [name for name, secret in secrets.items() if any(shape in haystack for shape in shapes(secret))]
