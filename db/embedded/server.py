"""The embedded server's supervisor: starts PostgreSQL as this process's child, and never lets it outlive it."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import asyncpg

from db.embedded import orphans
from db.embedded.config import DATABASE, LOGINS, PORT, SUPERUSER, pg_hba_conf, pg_ident_conf, postgresql_conf
from db.embedded.errors import EmbeddedError
from db.embedded.place import (
    MAJOR,
    Socket,
    User,
    binaries,
    data_argument,
    make_socket,
    server_user,
    socket_place,
)

logger = logging.getLogger(__name__)
_LOG_LIMIT = 5 * 2**20


def dsn_of(data_dir: Path, database: str = DATABASE, user: str = SUPERUSER) -> str:
    """The URL of the embedded database of that Circle data folder, whether it runs or not."""
    return _dsn(socket_place(data_dir.resolve() / "postgres"), database, user)


def _dsn(socket: Socket, database: str, user: str = SUPERUSER) -> str:
    return f"postgresql://{user}@/{database}?host={quote(str(socket.folder))}&port={PORT}"


class EmbeddedPostgres:
    """PostgreSQL in `<data>/postgres`. One process at a time may hold a data folder; a kill -9 releases it.

    Start it in the thread that lives as long as the process: on Linux the server ends with that thread.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        user: str | None = None,
        settings: Mapping[str, str] | None = None,
        watch: bool = sys.platform != "linux",
    ) -> None:
        """`user`: whom root runs it as; `settings`: over postgresql.conf's own; `watch`: the way without PDEATHSIG."""
        self._root = data_dir.resolve()
        self._data = self._root / "postgres"
        self._wanted_user, self._settings, self._watch = user, dict(settings or {}), watch
        self._socket = socket_place(self._data)
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None
        self._stopping = False

    @property
    def dsn(self) -> str:
        """The URL to connect to, over the socket, as superuser: only migrations use it so; all else names a role."""
        return _dsn(self._socket, DATABASE)

    def dsn_for(self, database: str) -> str:
        """The URL of another database of this server."""
        return _dsn(self._socket, database)

    @property
    def running(self) -> bool:
        """Whether the server's process lives."""
        return self._process is not None and self._process.poll() is None

    async def start(self) -> None:
        """Make the data folder if there is none, end leftovers, start, wait until ready. Raises EmbeddedError."""
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._take_lock()
        try:
            user = server_user(self._wanted_user)
            await orphans.end(self._data)
            install = binaries(user)
            if not (self._data / "PG_VERSION").exists():
                await self._initialise(install, user)
            self._check_data(user)
            await self._run(install, user)
            await self._make_database()
        except BaseException:
            await self.stop()
            raise

    async def stop(self, patience: float = 20) -> None:
        """A fast shutdown; after `patience` seconds an immediate one (the next start recovers). Releases the lock."""
        self._stopping = True
        try:
            await self._end(patience)
        finally:
            self._stopping = False
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None

    async def keep(self) -> None:
        """Run until cancelled; if the server ends by itself, start it again, more and more patiently."""
        delay = 0.2
        while True:
            await asyncio.sleep(0.5)
            if self._process is None or self._stopping or self.running:
                delay = 0.2
                continue
            logger.error("The embedded PostgreSQL ended by itself; starting it again.")
            try:
                user = server_user(self._wanted_user)
                await orphans.end(self._data)
                await self._run(binaries(user), user)
            except EmbeddedError:
                logger.exception("The embedded PostgreSQL did not start again.")
                await asyncio.sleep(delay)
                delay = min(delay * 2, 30)

    def _take_lock(self) -> None:
        lock = os.open(self._root / "postgres.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise EmbeddedError(f"Circle is already running on the data folder {self._root}.") from None
        self._lock = lock

    async def _initialise(self, install: Path, user: User) -> None:
        """Make the cluster beside its place and move it in when whole: a start cut short leaves nothing half-made."""
        new = self._root / "postgres.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        user.owns(new)
        argv = [str(install / "bin" / "initdb"), "-D", data_argument(new, user), "-U", SUPERUSER, "--auth=peer"]
        argv += ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        process = self._launch([*argv, "--no-instructions"], new, user)
        if await asyncio.to_thread(process.wait) != 0:
            raise EmbeddedError(f"The database folder {self._data} could not be made: {self._last_words()}")
        new.rename(self._data)

    def _check_data(self, user: User) -> None:
        version = (self._data / "PG_VERSION").read_text().strip()
        if version != MAJOR:
            raise EmbeddedError(
                f"{self._data} was made by PostgreSQL {version}, this Circle brings {MAJOR}: "
                "restore a backup into a new data folder."
            )
        owner = self._data.stat().st_uid
        if owner != (os.geteuid() if user.uid is None else user.uid):
            raise EmbeddedError(
                f"{self._data} belongs to another user: start Circle as the user who made it, "
                f"or hand the folder to {user.name}."
            )

    async def _run(self, install: Path, user: User) -> None:
        users = {user.name, "root"}
        for name, text in (
            ("postgresql.conf", postgresql_conf(self._socket.argument, self._settings)),
            ("pg_hba.conf", pg_hba_conf()),
            ("pg_ident.conf", pg_ident_conf(users)),
        ):
            path = self._data / name
            path.write_text(text)
            user.owns(path)
        make_socket(self._socket, user)
        # Stale after a kill -9. Removing it is safe: we hold the folder's lock, and no server works in it.
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        argv = [str(install / "bin" / "postgres"), "-D", data_argument(self._data, user)]
        self._process = self._launch(argv, self._data, user)
        while not self._ready():
            if self._process.poll() is not None:
                raise EmbeddedError(f"The embedded PostgreSQL did not start: {self._last_words()}")
            await asyncio.sleep(0.01)

    def _launch(self, argv: list[str], cwd: Path, user: User) -> subprocess.Popen[bytes]:
        spec = {"argv": argv, "cwd": str(cwd), "uid": user.uid, "gid": user.gid}
        spec |= {"parent": os.getpid(), "watch": self._watch}
        path = self._root / "postgres.log"
        if path.exists() and path.stat().st_size > _LOG_LIMIT:
            path.replace(self._root / "postgres.log.1")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as log:
            return subprocess.Popen(  # noqa: S603  (our own launcher)
                [sys.executable, "-I", "-S", str(Path(__file__).with_name("launch.py")), json.dumps(spec)],
                stdin=subprocess.PIPE if self._watch else subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
                start_new_session=True,  # a Ctrl-C in the terminal is for us, we stop the server in order
            )

    def _ready(self) -> bool:
        """As pg_ctl does it: the eighth line of postmaster.pid says so."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready"

    async def _make_database(self) -> None:
        """Make our database, and the roles that log in here by themselves."""
        try:
            connection = await asyncpg.connect(self.dsn_for("postgres"), timeout=10)
        except (OSError, TimeoutError, asyncpg.PostgresError) as error:
            raise EmbeddedError(f"The embedded PostgreSQL does not let us in: {error}") from error
        try:
            roles = await connection.fetch("SELECT rolname, rolcanlogin FROM pg_roles")
            able = {r["rolname"]: r["rolcanlogin"] for r in roles}
            for role in LOGINS:
                if not able.get(role):
                    verb = "ALTER" if role in able else "CREATE"
                    await connection.execute(f"{verb} ROLE {role} LOGIN NOSUPERUSER NOBYPASSRLS")
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
                await connection.execute(f'CREATE DATABASE "{DATABASE}"')
        finally:
            await connection.close()

    async def _end(self, patience: float) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for number, wait in ((signal.SIGINT, patience), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
            if process.poll() is not None:
                break
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(number)
            waited = 0.0
            while process.poll() is None and waited < wait:
                await asyncio.sleep(0.01)
                waited += 0.01
        if process.stdin is not None:
            process.stdin.close()

    def _last_words(self) -> str:
        """The last line of the log that says why, without its time; PostgreSQL is told to quote no content there."""
        try:
            lines = (self._root / "postgres.log").read_text(errors="replace").splitlines()[-20:]
        except OSError:
            return "it left no word."
        telling = [line for line in lines if "FATAL" in line or "error:" in line or "PANIC" in line]
        return (telling or lines or ["it left no word."])[-1].split("] ")[-1]
