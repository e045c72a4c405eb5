"""What a start needs for itself alone: the data folder and the port. And all that can be wrong, in plain words."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from api.settings import Settings, SettingsError
from db.embedded import EmbeddedError
from db.errors import DatabaseUnavailable
from db.migrate import MigrationError

BACKLOG = 2048


class StartError(Exception):
    """The server can't start; the message is one plain sentence for the person who started it."""


PLAIN_FAILURES = (StartError, SettingsError, EmbeddedError, MigrationError, DatabaseUnavailable)


@contextmanager
def data_folder(path: Path) -> Iterator[None]:
    """Make the data folder and hold it alone. Raises StartError; a lock ends with its process, however that ends."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path / "circle.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StartError(f"The data folder {path.resolve()} cannot be used: {error.strerror}.") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            message = f"Circle is already running on the data folder {path.resolve()}. Set CIRCLE_DATA_DIR to another."
            raise StartError(message) from None
        yield
    finally:
        os.close(descriptor)


@contextmanager
def listening(settings: Settings) -> Iterator[socket.socket]:
    """The listening socket, taken before anything else is started. Raises StartError."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError:
        raise StartError(f"CIRCLE_HOST is wrong: this machine has no address {settings.host!r}.") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            # Listening at once: two sockets that only bound the same port would both succeed.
            listener.listen(BACKLOG)
        except PermissionError:
            raise StartError(f"Port {settings.port} needs more rights than this user has; set CIRCLE_PORT.") from None
        except OSError as error:
            reason = (
                "is taken by another program"
                if error.errno == errno.EADDRINUSE
                else f"cannot be used ({error.strerror})"
            )
            message = f"Port {settings.port} on {settings.host} {reason}. Set CIRCLE_PORT to a free one."
            raise StartError(message) from None
        yield listener
    finally:
        listener.close()


def greet(settings: Settings, set_up_link: str | None) -> None:
    """Say on standard output that the server is ready, and where to begin while it has no owner."""
    print(f"Circle is ready: {settings.origin}", flush=True)
    if set_up_link is not None:
        print("It has no owner yet. Whoever opens this link first sets it up:", flush=True)
        print(f"  {settings.origin}/join#{set_up_link}", flush=True)
