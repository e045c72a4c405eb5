"""What a rotation reads and writes: wraps, archive, boxes, seals (e2ee.md section 8)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from asyncpg import ForeignKeyViolationError

from db.errors import KeysMoved
from db.queries.identity import MemberKeyRow
from db.transaction import Transaction

Branch = tuple[UUID, int, int]
"""(space, epoch, b)"""

OPEN = timedelta(hours=24)
"""An epoch closes with the next one, or after this long (e2ee.md section 9)."""


@dataclass(frozen=True, slots=True)
class WrapRow:
    """A branch wrapped under AK (b = 0) or M of `generation`."""

    space: UUID
    epoch: int
    branch: int
    generation: int
    wrap: bytes


@dataclass(frozen=True, slots=True)
class ArchiveRow:
    """AK of `generation` under AK of the next."""

    generation: int
    wrap: bytes


@dataclass(frozen=True, slots=True)
class SealedEpoch:
    """An epoch that the member's key opens: its announcement, and the member's seal unless it was wrapped."""

    space: UUID
    epoch: int
    announcement: bytes
    seal: bytes | None


@dataclass(frozen=True, slots=True)
class NewKey:
    """A generation to be stored."""

    member: UUID
    generation: int
    key: bytes
    key_hash: bytes
    body: bytes
    signature: bytes
    created_at: datetime


# ---- keys


_KEY = "member_id, generation, body, signature, created_at"
_KEYS = """
SELECT k.member_id, k.generation, k.body, k.signature, k.created_at FROM unnest($1::uuid[]) AS w(member_id)
CROSS JOIN LATERAL (
  SELECT * FROM member_key WHERE member_id = w.member_id AND generation > $2 AND generation < $3
  ORDER BY generation {order} LIMIT $4) k"""


async def key_pages(
    tx: Transaction, members: Iterable[UUID], above: int, below: int, limit: int, *, backward: bool
) -> dict[UUID, list[MemberKeyRow]]:
    """Keys of members with above < generation < below, in the order of reading."""
    found: dict[UUID, list[MemberKeyRow]] = {member: [] for member in members}
    query = _KEYS.format(order="DESC" if backward else "ASC")
    for record in await tx.raw.fetch(query, list(found), above, below, limit):
        found[record["member_id"]].append(MemberKeyRow(*record))
    return found


async def find_key(tx: Transaction, member: UUID, generation: int) -> MemberKeyRow | None:
    """A generation of a member's key."""
    query = f"SELECT {_KEY} FROM member_key WHERE member_id = $1 AND generation = $2"  # noqa: S608 - own constant
    record = await tx.raw.fetchrow(query, member, generation)
    return None if record is None else MemberKeyRow(*record)


async def rotations_since(tx: Transaction, member: UUID, since: datetime) -> int:
    """How many generations after the first were stored since then."""
    count: int = await tx.raw.fetchval(
        "SELECT count(*) FROM member_key WHERE member_id = $1 AND generation > 1 AND created_at > $2", member, since
    )
    return count


async def put_key(
    tx: Transaction, new: NewKey, boxes: Sequence[tuple[UUID, bytes]], opened: Opened
) -> MemberKeyRow:  # fmt: skip
    """Store a generation with its boxes, make it the chain's newest, and delete what was sealed to an older one: boxes,
    and the seals and grants of `opened`. Its wraps are stored before.

    Raises KeysMoved where a seal or grant for the old key came in meanwhile; the transaction can't go on then.
    """
    member = new.member
    record = await tx.raw.fetchrow(
        f"""
        INSERT INTO member_key (member_id, generation, key, key_hash, body, signature, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING {_KEY}
        """,  # noqa: S608 - own constant
        member, new.generation, new.key, new.key_hash, new.body, new.signature, new.created_at,
    )  # fmt: skip
    if record is None:
        raise LookupError("an INSERT that returns its row gave none")
    await tx.raw.execute(
        "INSERT INTO member_box (member_id, generation, device_id, box)"
        " SELECT $1, $2, i.d, i.box FROM unnest($3::uuid[], $4::bytea[]) AS i(d, box)",
        member, new.generation, [box[0] for box in boxes], [box[1] for box in boxes],
    )  # fmt: skip
    await tx.raw.execute("DELETE FROM member_box WHERE member_id = $1 AND generation < $2", member, new.generation)
    # By name: what no one has looked at must make the update below fail, not vanish.
    await tx.raw.execute(
        "DELETE FROM epoch_seal s USING unnest($2::uuid[], $3::bigint[]) AS i(space_id, n)"
        " WHERE s.member_id = $1 AND s.space_id = i.space_id AND s.n = i.n",
        member, [place[0] for place in opened.seals], [place[1] for place in opened.seals],
    )  # fmt: skip
    await tx.raw.execute("DELETE FROM epoch_grant WHERE member_id = $1 AND id = ANY($2::uuid[])", member, opened.grants)
    try:
        await tx.raw.execute(
            "UPDATE member_chain SET key_generation = $2, key_hash = $3, key_living = true WHERE member_id = $1",
            member, new.generation, new.key_hash,
        )  # fmt: skip
    except ForeignKeyViolationError as error:
        raise KeysMoved from error
    return MemberKeyRow(*record)


# ---- what the old key opens


@dataclass(frozen=True, slots=True)
class Opened:
    """What is sealed to a member's key at one moment: seals by (space, epoch), grants by id."""

    seals: Sequence[tuple[UUID, int]]
    grants: Sequence[UUID]


async def opened_by(tx: Transaction, member: UUID) -> Opened:
    """Everything sealed to the member's key now. Ask before `required`: what that names, is of these or later ones."""
    seals = await tx.raw.fetch("SELECT space_id, n FROM epoch_seal WHERE member_id = $1", member)
    grants = await tx.raw.fetch("SELECT id FROM epoch_grant WHERE member_id = $1", member)
    return Opened([(r["space_id"], r["n"]) for r in seals], [r["id"] for r in grants])


# Everything that M of the member opens, and only M: epochs by their seals, branches by their wraps under M. What is
# sealed in grants the server can't see. A complained-of seal never opened. Of closed epochs only living branches.
# 48 zeros stand for a branch that the rotating device could not open; another may hold it (docs/decisions/0092).
_REQUIRED = """
WITH held AS (
  SELECT s.space_id, s.n AS epoch, b::smallint AS branch, false AS wrapped
  FROM epoch_seal s CROSS JOIN generate_series(0, 6) b WHERE s.member_id = $1
  UNION ALL
  SELECT w.space_id, w.epoch, w.branch, true FROM member_wrap w
  WHERE w.member_id = $1 AND (w.branch > 0 OR w.wrap = decode(repeat('00', 48), 'hex')))
SELECT h.space_id, h.epoch, h.branch FROM held h
WHERE ($4::uuid IS NULL OR (h.space_id, h.epoch, h.branch) > ($4, $5::bigint, $6::smallint))
  AND ($7::uuid IS NULL OR (h.space_id, h.epoch, h.branch) < ($7, $8::bigint, $9::smallint))
  AND (h.wrapped OR NOT EXISTS (
    SELECT 1 FROM complaint c WHERE c.space_id = h.space_id AND c.epoch = h.epoch AND c.member_id = $1))
  AND CASE WHEN h.branch = 0 THEN NOT EXISTS (
      SELECT 1 FROM member_wrap w
      WHERE w.member_id = $1 AND w.space_id = h.space_id AND w.epoch = h.epoch AND w.branch = 0
        AND w.wrap <> decode(repeat('00', 48), 'hex'))
    ELSE EXISTS (
      SELECT 1 FROM space p
      WHERE p.id = h.space_id AND p.epoch = h.epoch AND p.epoch_accepted_at > $2::timestamptz - $3::interval)
    OR EXISTS (
      SELECT 1 FROM event e
      WHERE e.space_id = h.space_id AND e.epoch = h.epoch AND e.lifetime = h.branch AND e.lifetime > 0
        AND e.body IS NOT NULL AND e.expires_at > $2)
    OR EXISTS (
      SELECT 1 FROM marker k
      WHERE k.space_id = h.space_id AND k.epoch = h.epoch AND k.lifetime = h.branch AND k.lifetime > 0
        AND k.envelope IS NOT NULL AND k.expires_at > $2) END
ORDER BY h.space_id {order}, h.epoch {order}, h.branch {order} LIMIT $10"""


async def required(
    tx: Transaction,
    member: UUID,
    now: datetime,
    after: Branch | None = None,
    before: Branch | None = None,
    limit: int | None = None,
    *,
    backward: bool = False,
) -> list[Branch]:
    """The branches that a rotation made now must wrap, between two, in the order of reading."""
    nothing = (None, None, None)
    query = _REQUIRED.format(order="DESC" if backward else "ASC")
    records = await tx.raw.fetch(query, member, now, OPEN, *(after or nothing), *(before or nothing), limit)
    return [(r["space_id"], r["epoch"], r["branch"]) for r in records]


_SEALED = """
SELECT e.space_id, e.n, e.announcement, s.seal FROM epoch e
JOIN unnest($2::uuid[], $3::bigint[]) AS w(space_id, n) ON e.space_id = w.space_id AND e.n = w.n
LEFT JOIN epoch_seal s ON s.space_id = e.space_id AND s.n = e.n AND s.member_id = $1"""


async def sealed_epochs(tx: Transaction, member: UUID, places: Iterable[tuple[UUID, int]]) -> list[SealedEpoch]:
    """These epochs, as far as they are in the viewer's sight, with the member's own seals."""
    wanted = list(places)
    records = await tx.raw.fetch(_SEALED, member, [w[0] for w in wanted], [w[1] for w in wanted])
    return [SealedEpoch(*r) for r in records]


# ---- wraps


_STORE = """
INSERT INTO member_wrap (member_id, space_id, epoch, branch, generation, wrap, erase_at)
SELECT $1, w.space_id, w.epoch, w.branch, $2, w.wrap,
  CASE WHEN w.branch > 0 THEN (
    SELECT c.at + ($7::interval[])[w.branch] FROM (
      SELECT least(e.accepted_at + $8::interval, (
        SELECT x.accepted_at FROM epoch x WHERE x.space_id = e.space_id AND x.n = e.n + 1)) AS at
      FROM epoch e WHERE e.space_id = w.space_id AND e.n = w.epoch) c
    WHERE c.at <= $9::timestamptz) END
FROM unnest($3::uuid[], $4::bigint[], $5::smallint[], $6::bytea[]) AS w(space_id, epoch, branch, wrap)
ON CONFLICT DO NOTHING"""


async def replace_wraps(
    tx: Transaction,
    member: UUID,
    generation: int,
    wraps: Mapping[Branch, bytes],
    lifetimes: Sequence[timedelta],
    now: datetime,
) -> None:
    """Put these wraps in the place of all under M, and of zeros. A B_0 that is in the archive already stays as it is.

    `lifetimes`: those of the classes 1 to 6.
    """
    await tx.raw.execute(
        "DELETE FROM member_wrap WHERE member_id = $1 AND (branch > 0 OR wrap = decode(repeat('00', 48), 'hex'))",
        member,
    )
    places = list(wraps)
    await tx.raw.execute(
        _STORE, member, generation, [p[0] for p in places], [p[1] for p in places], [p[2] for p in places],
        list(wraps.values()), list(lifetimes), OPEN, now,
    )  # fmt: skip


async def drop_wraps(tx: Transaction, member: UUID) -> None:
    """Delete all of a member's wraps and archive: after a reset nothing opens them."""
    await tx.raw.execute("DELETE FROM member_wrap WHERE member_id = $1", member)
    await tx.raw.execute("DELETE FROM archive_wrap WHERE member_id = $1", member)


async def add_archive(tx: Transaction, member: UUID, generation: int, wrap: bytes) -> None:
    """Store AK of `generation` under AK of the next one."""
    await tx.raw.execute(
        "INSERT INTO archive_wrap (member_id, generation, wrap) VALUES ($1, $2, $3)", member, generation, wrap
    )


_WRAPS = """
SELECT space_id, epoch, branch, generation, wrap FROM member_wrap
WHERE member_id = $1
  AND ($2::uuid IS NULL OR (space_id, epoch, branch) > ($2, $3::bigint, $4::smallint))
  AND ($5::uuid IS NULL OR (space_id, epoch, branch) < ($5, $6::bigint, $7::smallint))
ORDER BY space_id {order}, epoch {order}, branch {order} LIMIT $8"""


async def wrap_page(
    tx: Transaction, member: UUID, after: Branch | None, before: Branch | None, limit: int, *, backward: bool
) -> list[WrapRow]:
    """A member's wraps between two branches, in the order of reading."""
    nothing = (None, None, None)
    query = _WRAPS.format(order="DESC" if backward else "ASC")
    return [WrapRow(*r) for r in await tx.raw.fetch(query, member, *(after or nothing), *(before or nothing), limit)]


_ARCHIVE = """
SELECT generation, wrap FROM archive_wrap
WHERE member_id = $1 AND generation > $2 AND generation < $3 ORDER BY generation {order} LIMIT $4"""


async def archive_page(
    tx: Transaction, member: UUID, above: int, below: int, limit: int, *, backward: bool
) -> list[ArchiveRow]:
    """A member's archive with above < generation < below, in the order of reading."""
    query = _ARCHIVE.format(order="DESC" if backward else "ASC")
    return [ArchiveRow(*r) for r in await tx.raw.fetch(query, member, above, below, limit)]


# ---- the member's spaces


async def own_spaces(tx: Transaction, member: UUID) -> dict[UUID, bytes]:
    """The spaces in whose rosters the member is, and the ID under which."""
    records = await tx.raw.fetch("SELECT space_id, identity FROM roster_member WHERE member_id = $1", member)
    return {r["space_id"]: r["identity"] for r in records}


async def mark_all_due(tx: Transaction, spaces: Iterable[UUID], reason: str) -> None:
    """The locked spaces need their next epochs; the first reason stays."""
    await tx.raw.execute(
        "UPDATE space SET epoch_due = coalesce(epoch_due, $2) WHERE id = ANY($1::uuid[])", list(spaces), reason
    )
