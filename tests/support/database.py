"""A real PostgreSQL for tests: one embedded server per test run, one fresh migrated database per test.

The migrated template is cloned (some 20 ms). The server runs without fsync: tests of durability start their own.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import itertools
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from db.embedded import EmbeddedPostgres
from db.engine import Connection
from db.migrate import migrate
from db.models import EventKind, SpaceRole, SpaceType

TEMPLATE = "circle_template"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
_numbers = itertools.count(1)

FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "120"}


@contextmanager
def quick_folder() -> Iterator[Path]:
    """A folder in memory where there is room for it (cloning the template is thirty times quicker there)."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2**30
    if roomy:
        _sweep(memory)
    folder = Path(tempfile.mkdtemp(prefix="circle-tests-", dir=memory if roomy else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(memory: Path) -> None:
    """Remove what killed test runs left: folders an hour old whose lock nobody holds."""
    for left in memory.glob("circle-tests-*"):
        try:
            if time.time() - left.stat().st_mtime > 3600:
                with (left / "postgres.lock").open() as lock:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(left, ignore_errors=True)
        except OSError:  # held, or another user's
            continue


def log_hash(before: bytes, seq: int, item: bytes) -> bytes:
    """Stands in for H('log', ...): tests below the protocol need any injective function."""
    return hashlib.sha256(before + seq.to_bytes(8, "big") + item).digest()


class Server:
    """The test run's PostgreSQL."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.embedded = EmbeddedPostgres(folder, settings=FAST)

    async def start(self) -> None:
        await self.embedded.start()
        async with self.connected("postgres") as admin:
            await admin.execute(f"CREATE DATABASE {TEMPLATE}")
        await migrate(self.embedded.dsn_for(TEMPLATE))

    async def stop(self) -> None:
        await self.embedded.stop()

    async def let_in(self, role: str) -> None:
        """Let whoever may log in as the superuser log in as that role too, until the server ends."""
        ident = self.folder / "postgres" / "pg_ident.conf"
        ident.write_text(ident.read_text() + f"circle /^.*$ {role}\n")
        async with self.connected("postgres") as admin:
            await admin.execute("SELECT pg_reload_conf()")
            await admin.execute("SELECT pg_sleep(0.2)")

    @asynccontextmanager
    async def connected(self, database: str) -> AsyncIterator[Connection]:
        """A superuser's connection."""
        connection = await asyncpg.connect(self.embedded.dsn_for(database))
        try:
            yield connection
        finally:
            await connection.close()

    @asynccontextmanager
    async def fresh(self, template: str = TEMPLATE) -> AsyncIterator[str]:
        """The URL of a database of one's own, dropped afterwards."""
        name = f"test_{next(_numbers)}"
        async with self.connected("postgres") as admin:
            await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
            try:
                yield self.embedded.dsn_for(name)
            finally:
                await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


class Maker:
    """Puts rows in place directly, past all policies: for tests below the use cases. Bytes are made up."""

    def __init__(self, admin: Connection) -> None:
        self.admin = admin

    async def member(self, handle: str | None = None, role: int = 0) -> UUID:
        """A member with chain, key and one active device, without account or credential."""
        id, handle = uuid4(), handle or f"member{next(_numbers)}"
        device = uuid4()
        async with self.admin.transaction():
            await self.admin.execute(
                "INSERT INTO member (id, handle, display_name, role, created_at) VALUES ($1, $2, $3, $4, $5)",
                id,
                handle,
                handle.title(),
                role,
                NOW,
            )
            await self.admin.execute(
                "INSERT INTO device (id, member_id, dk, name, active, created_at, seal_generation, sk, seal,"
                " seal_signature) VALUES ($1, $2, $3, 'A device', true, $4, 1, '', '', '')",
                device,
                id,
                device.bytes * 2,
                NOW,
            )
            await self.admin.execute(
                "INSERT INTO member_chain VALUES ($1, 0, $2, $2, '', '', 0, 1, $2, true)", id, id.bytes * 2
            )
            await self.admin.execute("INSERT INTO member_link VALUES ($1, 0, 0, $2, '', '', NULL)", id, id.bytes * 2)
            await self.admin.execute("INSERT INTO member_key VALUES ($1, 1, '', $2, '', '')", id, id.bytes * 2)
        return id

    async def device_of(self, member: UUID) -> UUID:
        """That member's device."""
        device: UUID = await self.admin.fetchval("SELECT id FROM device WHERE member_id = $1", member)
        return device

    async def space(
        self, owner: UUID, *others: UUID, type: SpaceType = SpaceType.GROUP, history: int = 0, id: UUID | None = None
    ) -> UUID:
        """A space whose first event (kind roster, seq 1) let everybody in."""
        id = id or uuid4()
        async with self.admin.transaction():
            await self.admin.execute(
                "INSERT INTO space (id, type, created_at, head_seq, head_hash, last_xid, floor_seq, roster_n,"
                " roster_hash, lifetime, history, epoch, epoch_hash, epoch_envelopes)"
                " VALUES ($1, $2, $3, 0, $4, '0', 0, 0, $4, 0, $5, 0, $4, 0)",
                id,
                int(type),
                NOW,
                bytes(32),
                history,
            )
            await self.event(id, EventKind.ROSTER, actor=owner)
            for member in (owner, *others):
                role = SpaceRole.OWNER if member == owner else SpaceRole.WRITER
                await self.admin.execute("INSERT INTO membership VALUES ($1, $2, 1)", member, id)
                await self.admin.execute(
                    "INSERT INTO roster_member VALUES ($1, $2, $3, $4)", id, member, member.bytes * 2, int(role)
                )
            await self.admin.execute("INSERT INTO roster_link VALUES ($1, 0, $2, '', '')", id, id.bytes * 2)
        return id

    async def event(
        self,
        space: UUID,
        kind: EventKind = EventKind.ENVELOPE,
        *,
        actor: UUID | None = None,
        subject: UUID | None = None,
        id: UUID | None = None,
        body: bytes = b"body",
    ) -> int:
        """Append to a space's log; returns the seq."""
        id = id or uuid4()
        async with self.admin.transaction():
            head = await self.admin.fetchrow("SELECT head_seq, head_hash FROM space WHERE id = $1 FOR UPDATE", space)
            assert head is not None
            seq: int = head["head_seq"] + 1
            item = hashlib.sha256(id.bytes).digest()
            new = log_hash(head["head_hash"], seq, item)
            await self.admin.execute(
                "UPDATE space SET head_seq = $2, head_hash = $3, last_id = $4, last_xid = pg_current_xact_id()"
                " WHERE id = $1",
                space,
                seq,
                new,
                id,
            )
            await self.admin.execute(
                "INSERT INTO event (space_id, seq, id, kind, actor_id, subject_id, item, log_hash, body, accepted_at)"
                " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                space,
                seq,
                id,
                int(kind),
                actor,
                subject,
                item,
                new,
                body,
                NOW,
            )
        return seq

    async def marker(self, space: UUID, member: UUID, scope: int, *, envelope: bytes = b"sealed") -> int:
        """Set or replace a member's marker, as of the newest stay; returns the version."""
        version: int = await self.admin.fetchval(
            "INSERT INTO marker AS m (space_id, member_id, scope, joined_seq, version, envelope, accepted_at, epoch,"
            " lifetime) SELECT $1, $2, $3, max(joined_seq), 1, $4, $5, 1, 0 FROM membership"
            " WHERE space_id = $1 AND member_id = $2 ON CONFLICT (space_id, member_id, scope) DO UPDATE"
            " SET version = m.version + 1, xid = pg_current_xact_id(), envelope = excluded.envelope,"
            " joined_seq = excluded.joined_seq RETURNING version",
            space,
            member,
            scope,
            envelope,
            NOW,
        )
        return version

    async def join(self, space: UUID, member: UUID, role: SpaceRole = SpaceRole.WRITER) -> int:
        """Let a member in with an event of its own; returns its seq."""
        async with self.admin.transaction():
            seq = await self.event(space, EventKind.ROSTER, subject=member)
            await self.admin.execute("INSERT INTO membership VALUES ($1, $2, $3)", member, space, seq)
            await self.admin.execute(
                "INSERT INTO roster_member VALUES ($1, $2, $3, $4)", space, member, member.bytes * 2, int(role)
            )
        return seq

    async def leave(self, space: UUID, member: UUID) -> int:
        """End a member's stay with an event of its own; returns its seq."""
        async with self.admin.transaction():
            seq = await self.event(space, EventKind.ROSTER, subject=member)
            await self.admin.execute(
                "UPDATE membership SET left_seq = $3 WHERE space_id = $1 AND member_id = $2 AND left_seq IS NULL",
                space,
                member,
                seq,
            )
            await self.admin.execute("DELETE FROM roster_member WHERE space_id = $1 AND member_id = $2", space, member)
        return seq


def run(work: Coroutine[Any, Any, None]) -> None:
    """Drive a coroutine from a session fixture, which has no loop of its own."""
    asyncio.run(work)
