"""A small world with rows in every table: for tests of who sees what."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid4

from db.engine import Connection
from db.models import EventKind, SpaceType
from tests.support.database import NOW, Maker


@dataclass
class World:
    """anna and ben share `ours`; cleo is alone in `theirs`; dora was in `ours` and was removed before its last rows."""

    anna: UUID
    ben: UUID
    cleo: UUID
    dora: UUID
    ours: UUID
    theirs: UUID
    dora_left: int


async def make_world(admin: Connection) -> World:
    """Fill every table, for everybody."""
    make = Maker(admin)
    anna, ben, cleo, dora = [await make.member(name) for name in ("anna", "ben", "cleo", "dora")]
    for member in (anna, ben, cleo, dora):
        await _own_rows(admin, make, member)
    ours, theirs = await make.space(anna, ben, dora), await make.space(cleo)
    await _epoch(admin, make, ours, 1, anna, [anna, ben, dora])
    await make.event(ours, actor=anna)
    left = await make.leave(ours, dora)
    await _link(admin, ours, 1)
    await _epoch(admin, make, ours, 2, anna, [anna, ben])
    await _epoch(admin, make, theirs, 1, cleo, [cleo])
    for space, member in ((ours, anna), (ours, ben), (ours, dora), (theirs, cleo)):
        for scope in (0, 1):
            await make.marker(space, member, scope)
    for space, member in ((ours, ben), (theirs, cleo)):
        await make.event(space, actor=member)
        await admin.execute("INSERT INTO complaint VALUES ($1, 1, $2, 1, '', '', '')", space, member)
        await admin.execute("INSERT INTO member_wrap VALUES ($1, $2, 1, 0, 1, '')", member, space)
        await admin.execute("INSERT INTO epoch_grant VALUES ($1, $2, $3, $3, 1, '', $4)", uuid4(), space, member, NOW)
    await admin.execute("INSERT INTO attempt VALUES ('key', $1, 1)", NOW)
    await admin.execute("INSERT INTO log_life (only_one) VALUES (true) ON CONFLICT DO NOTHING")
    return World(anna, ben, cleo, dora, ours, theirs, left)


async def _own_rows(admin: Connection, make: Maker, member: UUID) -> None:
    session = uuid4()
    await admin.execute("INSERT INTO credential VALUES ($1, '', '', $2)", member, NOW)
    await admin.execute("INSERT INTO member_box VALUES ($1, 1, $2, '')", member, await make.device_of(member))
    await admin.execute(
        "INSERT INTO session VALUES ($1, $2, NULL, $3, 0, '', $4, $4, $4, NULL)", session, member, member.bytes, NOW
    )
    await admin.execute("INSERT INTO device_offer VALUES ($1, 'link', $2, '', '', '', $3, $3)", member, session, NOW)
    await admin.execute("INSERT INTO archive_wrap VALUES ($1, 1, '')", member)
    await admin.execute("INSERT INTO privacy VALUES ($1, true, true, true)", member)
    await admin.execute("INSERT INTO last_seen VALUES ($1, $2)", member, NOW)
    await admin.execute(
        "INSERT INTO invite VALUES ($1, $2, 0, $3, $4, $4, NULL, NULL, NULL, NULL)", uuid4(), member.bytes, member, NOW
    )
    await make.space(member, type=SpaceType.ACCOUNT)


async def _link(admin: Connection, space: UUID, n: int) -> None:
    await admin.execute("INSERT INTO roster_link VALUES ($1, $2, '', '', '')", space, n)


async def _epoch(admin: Connection, make: Maker, space: UUID, n: int, creator: UUID, members: list[UUID]) -> None:
    await make.event(space, EventKind.EPOCH, actor=creator)
    await admin.execute("INSERT INTO epoch VALUES ($1, $2, '', '', '', '', $3, $4)", space, n, creator, NOW)
    for member in members:
        await admin.execute("INSERT INTO epoch_seal VALUES ($1, $2, $3, 1, '')", space, n, member)
