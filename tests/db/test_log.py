"""The log's writing side: contiguous, hashed, idempotent by design, in step with the space's row."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import pytest

from db.log import Entry, Head, NotLocked, append, find, lock_spaces, page
from db.models import EventKind
from db.uow import UnitOfWork
from tests.support.database import Maker, log_hash


def entry(space: UUID, actor: UUID | None = None, id: UUID | None = None) -> Entry:
    id = id or uuid4()
    return Entry(space, id, EventKind.ENVELOPE, id.bytes * 2, b"body", actor=actor)


async def test_append_continues_seq_and_hash_chain(uow: UnitOfWork, make: Maker) -> None:
    anna = await make.member()
    space = await make.space(anna)
    async with uow.write(anna) as tx:
        heads = await lock_spaces(tx, [space])
        before = heads[space]
        first = await append(tx, entry(space, anna), log_hash)
        second = await append(tx, entry(space, anna), log_hash)
    assert (before.seq, first.seq, second.seq) == (1, 2, 3)
    async with uow.read(anna) as tx:
        rows = await page(tx, space, after_seq=1, limit=10)
        assert [r.log_hash for r in rows] == [first.log_hash, second.log_hash]
        assert first.log_hash == log_hash(before.hash, 2, rows[0].item)
        assert second.log_hash == log_hash(first.log_hash, 3, rows[1].item)
        head = await tx.raw.fetchrow("SELECT head_seq, head_hash, last_id, last_xid FROM space WHERE id = $1", space)
        assert head is not None
        assert tuple(head) == (3, second.log_hash, rows[1].id, rows[1].xid)
        assert rows[1].accepted_at == second.accepted_at


async def test_nothing_is_appended_without_the_lock(uow: UnitOfWork, make: Maker) -> None:
    anna = await make.member()
    space = await make.space(anna)
    async with uow.write(anna) as tx:
        with pytest.raises(NotLocked):
            await append(tx, entry(space), log_hash)


async def test_foreign_and_missing_spaces_are_not_locked(uow: UnitOfWork, make: Maker) -> None:
    anna, ben = await make.member(), await make.member()
    mine, theirs = await make.space(anna), await make.space(ben)
    async with uow.write(anna) as tx:
        heads = await lock_spaces(tx, [theirs, mine, uuid4()])
        assert list(heads) == [mine]
        assert isinstance(heads[mine], Head)


async def test_a_retry_finds_the_first_result(uow: UnitOfWork, make: Maker) -> None:
    anna = await make.member()
    space, id = await make.space(anna), uuid4()

    async def send() -> int:
        async with uow.write(anna) as tx:
            await lock_spaces(tx, [space])
            known = await find(tx, space, id)
            return known.seq if known else (await append(tx, entry(space, anna, id), log_hash)).seq

    assert await asyncio.gather(*(send() for _ in range(6))) == [2] * 6
    async with uow.read(anna) as tx:
        assert await tx.raw.fetchval("SELECT head_seq FROM space WHERE id = $1", space) == 2


async def test_concurrent_writers_of_many_spaces_leave_no_hole_and_no_deadlock(uow: UnitOfWork, make: Maker) -> None:
    anna = await make.member()
    spaces = [await make.space(anna) for _ in range(4)]

    async def send(n: int) -> None:
        wanted = [spaces[n % 4], spaces[(n * 7 + 1) % 4], spaces[(n * 3 + 2) % 4]]
        async with uow.write(anna) as tx:
            await lock_spaces(tx, wanted)
            for space in dict.fromkeys(wanted):
                await append(tx, entry(space, anna), log_hash)
            if n % 5 == 0:
                raise ZeroDivisionError

    await asyncio.gather(*(send(n) for n in range(60)), return_exceptions=True)
    async with uow.read(anna) as tx:
        for space in spaces:
            rows = await page(tx, space, after_seq=0, limit=1000)
            assert [r.seq for r in rows] == list(range(1, len(rows) + 1))
            before = bytes(32)
            for r in rows:
                before = log_hash(before, r.seq, r.item)
                assert r.log_hash == before
            assert await tx.raw.fetchval("SELECT head_seq FROM space WHERE id = $1", space) == len(rows)


async def test_a_savepoint_that_fails_gives_the_head_back(uow: UnitOfWork, make: Maker) -> None:
    anna = await make.member()
    space = await make.space(anna)

    async with uow.write(anna) as tx:
        await lock_spaces(tx, [space])

        async def fail() -> None:
            async with tx.savepoint():
                await append(tx, entry(space, anna), log_hash)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await fail()
        assert (await append(tx, entry(space, anna), log_hash)).seq == 2


async def test_pages(uow: UnitOfWork, make: Maker) -> None:
    anna = await make.member()
    space = await make.space(anna)
    for _ in range(9):
        await make.event(space)
    async with uow.read(anna) as tx:

        async def seqs(**where: int) -> list[int]:
            return [r.seq for r in await page(tx, space, **where)]

        assert await seqs(limit=3) == [8, 9, 10]
        assert await seqs(limit=3, before_seq=8) == [5, 6, 7]
        assert await seqs(limit=3, after_seq=2) == [3, 4, 5]
        assert await seqs(limit=9, after_seq=2, before_seq=5) == [3, 4]


async def test_a_commit_that_appended_is_announced_and_others_are_not(uow: UnitOfWork, make: Maker) -> None:
    anna, announced = await make.member(), []
    space = await make.space(anna)
    told = UnitOfWork(uow._database, lambda: announced.append(1))
    async with told.write(anna) as tx:
        await lock_spaces(tx, [space])
    assert announced == []
    async with told.write(anna) as tx:
        await lock_spaces(tx, [space])
        await append(tx, entry(space), log_hash)
        assert announced == []
    assert announced == [1]
