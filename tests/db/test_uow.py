"""Units of work: viewer, commit, rollback, callbacks, sharing between tasks."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from db.engine import Connection, Database, Role
from db.errors import Busy, DatabaseUnavailable, TransactionOver
from db.models import Invite, Member
from db.uow import UnitOfWork
from tests.support.database import NOW, Maker


def invite(inviter: UUID | None) -> Invite:
    return Invite(id=uuid4(), token_hash=uuid4().bytes, inviter_id=inviter, created_at=NOW, expires_at=NOW)


async def test_session_and_raw_are_one_transaction_with_the_viewer_set(uow: UnitOfWork, make: Maker) -> None:
    anna = await make.member("anna")
    async with uow.write(anna) as tx:
        assert await tx.raw.fetchval("SELECT current_setting('circle.member')::uuid") == anna
        assert await tx.raw.fetchval("SELECT current_user") == "circle_app"
        row = invite(anna)
        tx.session.add(row)
        await tx.flush()
        assert await tx.raw.fetchval("SELECT count(*) FROM invite") == 1
    async with uow.read(anna) as tx:
        assert (await tx.session.scalars(select(Invite))).one().id == row.id
        assert await tx.raw.fetchval("SELECT current_setting('transaction_isolation')") == "repeatable read"


async def test_a_servers_login_takes_on_the_role(dsn: str, make: Maker) -> None:
    anna = await make.member("anna")
    database = Database(dsn)
    await database.open()
    async with UnitOfWork(database).read(anna) as tx:
        assert await tx.raw.fetchval("SELECT current_user") == "circle_app"
        assert await tx.raw.fetchval("SELECT session_user") == "circle"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await tx.raw.fetchval("SELECT count(*) FROM credential")
        await tx.raw.execute("ROLLBACK")
    await database.close()


async def test_the_viewer_does_not_stay_on_the_connection(uow: UnitOfWork, make: Maker) -> None:
    anna = await make.member("anna")
    async with uow.read(anna) as tx:
        assert await tx.raw.fetchval("SELECT count(*) FROM member") == 1
    async with uow.read(None) as tx:
        assert await tx.raw.fetchval("SELECT count(*) FROM member") == 0
    async with uow.auth() as tx:
        assert await tx.raw.fetchval("SELECT current_user") == "circle_auth"
        assert await tx.session.scalar(select(func.count()).select_from(Member)) == 1


async def test_an_exception_undoes_everything_and_calls_nobody(uow: UnitOfWork, make: Maker) -> None:
    anna, called = await make.member("anna"), []

    async def fail() -> None:
        async with uow.write(anna) as tx:
            tx.on_commit(lambda: called.append(1))
            tx.session.add(invite(anna))
            await tx.flush()
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await fail()
    async with uow.read(anna) as tx:
        assert await tx.raw.fetchval("SELECT count(*) FROM invite") == 0
    assert called == []


async def test_callbacks_run_after_the_commit_and_one_that_fails_harms_none(uow: UnitOfWork, make: Maker) -> None:
    anna, seen = await make.member("anna"), []

    def fails() -> None:
        raise RuntimeError("callback")

    async def looks() -> None:
        async with uow.read(anna) as other:
            seen.append(await other.raw.fetchval("SELECT count(*) FROM invite"))

    async with uow.write(anna) as tx:
        tx.on_commit(fails)
        tx.on_commit(looks)
        tx.session.add(invite(anna))
    assert seen == [1]


async def test_a_savepoint_undoes_its_block_alone(uow: UnitOfWork, make: Maker) -> None:
    anna = await make.member("anna")
    first = invite(anna)
    async with uow.write(anna) as tx:
        tx.session.add(first)
        await tx.flush()
        second = invite(anna)
        second.token_hash = first.token_hash

        async def fail() -> None:
            async with tx.savepoint():
                tx.session.add(second)
                await tx.flush()

        with pytest.raises(IntegrityError):
            await fail()
        with pytest.raises(asyncpg.UniqueViolationError):
            async with tx.savepoint():
                await tx.raw.execute("INSERT INTO invite SELECT * FROM invite")
        assert await tx.raw.fetchval("SELECT count(*) FROM invite") == 1
    async with uow.read(anna) as tx:
        assert await tx.raw.fetchval("SELECT count(*) FROM invite") == 1


async def test_many_tasks_share_a_transaction(uow: UnitOfWork, make: Maker) -> None:
    members = [await make.member() for _ in range(5)]
    async with uow.read(members[0]) as tx:

        async def by_session(id: UUID) -> UUID:
            row = await tx.session.get(Member, id)
            assert row is not None
            return row.id

        async def by_raw(id: UUID) -> UUID:
            async with tx.lock:
                await tx.raw.fetchval("SELECT pg_sleep(0.001)")
                found: UUID = await tx.raw.fetchval("SELECT id FROM member WHERE id = $1", id)
                return found

        results = await asyncio.gather(*(way(m) for m in members for way in (by_session, by_raw)))
    assert results == [m for m in members for _ in (0, 1)]


async def test_a_cancelled_operation_gives_its_connection_back_clean(dsn: str, admin: Connection, make: Maker) -> None:
    anna = await make.member("anna")
    database = Database(dsn, pool_size=1)
    uow = UnitOfWork(database)
    entered = asyncio.Event()

    async def slow() -> None:
        async with uow.write(anna) as tx:
            tx.session.add(invite(anna))
            await tx.flush()
            entered.set()
            await tx.raw.execute("SELECT pg_sleep(30)")

    task = asyncio.create_task(slow())
    await entered.wait()
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with uow.read(anna) as tx:
        assert await tx.raw.fetchval("SELECT count(*) FROM invite") == 0
    await database.close()


async def test_a_full_pool_says_busy(dsn: str) -> None:
    database = Database(dsn, pool_size=1, pool_timeout=0.05)
    uow = UnitOfWork(database)
    async with uow.read(None):
        with pytest.raises(Busy):
            async with uow.read(None):
                raise AssertionError("there is one connection only")
    await database.close()


async def test_a_connection_that_died_in_the_pool_is_replaced(uow: UnitOfWork, admin: Connection, make: Maker) -> None:
    anna = await make.member("anna")
    async with uow.read(anna) as tx:
        await tx.raw.fetchval("SELECT 1")
    await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'circle_app'")
    await asyncio.sleep(0.05)
    async with uow.read(anna) as tx:
        assert await tx.raw.fetchval("SELECT count(*) FROM member") == 1


@pytest.mark.parametrize("fails", [False, True])
async def test_nothing_runs_on_a_connection_once_its_transaction_is_over(dsn: str, fails: bool) -> None:
    """Other tasks may share a transaction, and need not know when it ends: its connection is somebody else's then."""
    database = Database(dsn, pool_size=1)
    uow = UnitOfWork(database)
    with suppress(ZeroDivisionError):
        async with uow.read(None) as tx:
            server = await tx.raw.fetchval("SELECT pg_backend_pid()")
            slow = asyncio.create_task(tx.raw.fetchval("SELECT 1 FROM pg_sleep(0.2)"))
            await asyncio.sleep(0.05)
            if fails:
                raise ZeroDivisionError
    assert slow.done()
    assert await slow == 1  # it was let come to its end
    async with uow.read(None) as other:
        assert await other.raw.fetchval("SELECT pg_backend_pid()") == server  # which cost no connection
        with pytest.raises(TransactionOver):
            await tx.raw.fetchval("SELECT 2")
        with pytest.raises(TransactionOver):
            await tx.session.execute(select(1))
    await database.close()


async def test_a_connection_that_dies_while_it_is_made_is_said_in_a_sentence(dsn: str) -> None:
    """SQLAlchemy asks something of each new connection, of the first one more: the driver's errors are raw there."""
    made = 0

    class Dying(Database):
        async def connect(self, role: Role, *, direct: bool = True) -> Connection:
            nonlocal made
            made += 1
            connection = await super().connect(role, direct=direct)
            if made != 2:
                connection.terminate()
            return connection

    database = Dying(dsn)
    uow = UnitOfWork(database)
    with pytest.raises(DatabaseUnavailable, match="was lost"):
        async with uow.read(None):
            raise AssertionError("the connection is gone")
    async with uow.read(None):
        with pytest.raises(DatabaseUnavailable, match="was lost"):
            async with uow.read(None):
                raise AssertionError("the connection is gone")
    async with uow.read(None):
        pass
    assert made == 3
    await database.close()


async def test_no_database_is_said_in_a_sentence() -> None:
    with pytest.raises(DatabaseUnavailable, match="can't be reached"):
        await Database("postgresql://nobody@127.0.0.1:1/none").open()
