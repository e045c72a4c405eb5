"""Epochs, seals, complaints and grants."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import ForeignKeyViolationError

from db.errors import KeysMoved
from db.queries.windows import Window, columns, fetch_windows
from db.transaction import Transaction


@dataclass(frozen=True, slots=True)
class EpochRow:
    """An accepted epoch; `seal` is the viewer's own, None without one."""

    space: UUID
    number: int
    hash: bytes
    announcement: bytes
    signature: bytes
    recipients: bytes
    accepted_at: datetime
    seal: bytes | None


@dataclass(frozen=True, slots=True)
class NewEpoch:
    """An epoch to be stored; `sealed`: (member, generation, seal) in the list's order."""

    number: int
    hash: bytes
    announcement: bytes
    signature: bytes
    recipients: bytes
    creator: UUID
    accepted_at: datetime
    sealed: Sequence[tuple[UUID, int, bytes]]


@dataclass(frozen=True, slots=True)
class NewComplaint:
    """A complaint to be stored; `hour` counts from 1970."""

    epoch: int
    member: UUID
    hour: int
    seal_hash: bytes
    body: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class GrantRow:
    """Keys of earlier epochs, sealed by `giver` to `member`."""

    id: UUID
    space: UUID
    member: UUID
    giver: UUID
    generation: int
    box: bytes
    created_at: datetime


_EPOCHS = """
SELECT e.space_id, e.n, e.hash, e.announcement, e.signature, e.recipients, e.accepted_at, s.seal
FROM epoch e
JOIN roster_member r ON r.space_id = e.space_id AND r.member_id = {viewer}
LEFT JOIN epoch_seal s ON s.space_id = e.space_id AND s.n = e.n AND s.member_id = {viewer} """
_AT = (
    _EPOCHS.format(viewer="$3")
    + "JOIN unnest($1::uuid[], $2::bigint[]) AS w(space_id, n) ON e.space_id = w.space_id AND e.n = w.n"
)
_PAGE = f"""
SELECT w.place, e.*
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) WITH ORDINALITY AS w (space, above, below, place)
CROSS JOIN LATERAL (
  {_EPOCHS.format(viewer="$4")}
  WHERE e.space_id = w.space AND e.n > w.above AND e.n < w.below ORDER BY e.n {{order}} LIMIT $5) e
ORDER BY w.place, e.n {{order}}"""  # noqa: S608  (constants)


async def epochs_at(tx: Transaction, viewer: UUID, places: Iterable[tuple[UUID, int]]) -> list[EpochRow]:
    """These epochs (space, number), as far as they exist and the viewer is in the space's roster."""
    wanted = list(places)
    records = await tx.raw.fetch(_AT, [w[0] for w in wanted], [w[1] for w in wanted], viewer)
    return [EpochRow(*r) for r in records]


async def epoch_pages(
    tx: Transaction, viewer: UUID, windows: Sequence[Window[int]], limit: int, *, backward: bool
) -> list[list[EpochRow]]:
    """Epochs with above < number < below of each window, in the order of reading."""
    query = _PAGE.format(order="DESC" if backward else "ASC")
    found = await fetch_windows(tx, query, columns(windows), viewer, limit)
    return [[EpochRow(*r) for r in rows] for rows in found]


async def insert_epoch(tx: Transaction, space: UUID, new: NewEpoch) -> None:
    """Store an epoch with its seals and make it the locked space's current one: nothing is due any more.

    Raises KeysMoved where a recipient's key was rotated meanwhile; the transaction can't go on then.
    """
    await tx.raw.execute(
        "INSERT INTO epoch (space_id, n, hash, announcement, signature, recipients, creator_id, accepted_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        space, new.number, new.hash, new.announcement, new.signature, new.recipients, new.creator, new.accepted_at,
    )  # fmt: skip
    try:
        await tx.raw.execute(
            "INSERT INTO epoch_seal (space_id, n, member_id, generation, seal) "
            "SELECT $1, $2, i.m, i.g, i.seal FROM unnest($3::uuid[], $4::bigint[], $5::bytea[]) AS i(m, g, seal)",
            space, new.number, [s[0] for s in new.sealed], [s[1] for s in new.sealed], [s[2] for s in new.sealed],
        )  # fmt: skip
    except ForeignKeyViolationError as error:
        raise KeysMoved from error
    await tx.raw.execute(
        "UPDATE space SET epoch = $2, epoch_hash = $3, epoch_accepted_at = $4, epoch_envelopes = 0, epoch_due = NULL "
        "WHERE id = $1",
        space, new.number, new.hash, new.accepted_at,
    )  # fmt: skip


async def mark_due(tx: Transaction, space: UUID, reason: str) -> None:
    """The locked space needs its next epoch; the first reason stays."""
    await tx.raw.execute("UPDATE space SET epoch_due = coalesce(epoch_due, $2) WHERE id = $1", space, reason)


async def complained_of(tx: Transaction, space: UUID, member: UUID, hour: int) -> set[int]:
    """The epochs of which the member has complained in this hour."""
    found = await tx.raw.fetch(
        "SELECT epoch FROM complaint WHERE space_id = $1 AND member_id = $2 AND hour = $3",
        space, member, hour,
    )  # fmt: skip
    return {row["epoch"] for row in found}


async def insert_complaint(tx: Transaction, space: UUID, new: NewComplaint) -> None:
    """Store a complaint."""
    await tx.raw.execute(
        "INSERT INTO complaint (space_id, epoch, member_id, hour, seal_hash, body, signature) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7)",
        space, new.epoch, new.member, new.hour, new.seal_hash, new.body, new.signature,
    )  # fmt: skip


# The log has no index on subjects; the roster chain is short, and leads to its entries by their ids.
_ENTITLED = """
SELECT EXISTS (SELECT 1 FROM complaint WHERE space_id = $1 AND member_id = $2) AS complained,
  (SELECT e.actor_id FROM roster_link l
   JOIN event e ON e.space_id = l.space_id AND e.id = encode(substring(l.hash FOR 16), 'hex')::uuid
   WHERE l.space_id = $1 AND e.subject_id = $2 ORDER BY l.n DESC LIMIT 1) AS adder"""


async def grant_reasons(tx: Transaction, space: UUID, member: UUID) -> tuple[bool, UUID | None]:
    """Whether the member has complained in this space, and who added the member last (None: nobody)."""
    record = await tx.raw.fetchrow(_ENTITLED, space, member)
    return (False, None) if record is None else (record["complained"], record["adder"])


async def find_grant(tx: Transaction, id: UUID) -> GrantRow | None:
    """A grant by its id, if the viewer gave it or got it."""
    record = await tx.raw.fetchrow(
        "SELECT id, space_id, member_id, giver_id, generation, box, created_at FROM epoch_grant WHERE id = $1", id
    )
    return None if record is None else GrantRow(*record)


async def recent_grants(tx: Transaction, space: UUID, member: UUID, giver: UUID, since: datetime) -> int:
    """How many grants one member gave another in a space since then."""
    count: int = await tx.raw.fetchval(
        "SELECT count(*) FROM epoch_grant WHERE space_id = $1 AND member_id = $2 AND giver_id = $3 AND created_at > $4",
        space, member, giver, since,
    )  # fmt: skip
    return count


async def insert_grant(tx: Transaction, grant: GrantRow) -> None:
    """Store a grant. Raises KeysMoved as `insert_epoch` does."""
    try:
        await tx.raw.execute(
            "INSERT INTO epoch_grant (id, space_id, member_id, giver_id, generation, box, created_at) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7)",
            grant.id, grant.space, grant.member, grant.giver, grant.generation, grant.box, grant.created_at,
        )  # fmt: skip
    except ForeignKeyViolationError as error:
        raise KeysMoved from error


_GRANTS = """
SELECT g.id, g.space_id, g.member_id, g.giver_id, g.generation, g.box, g.created_at
FROM unnest($2::uuid[]) AS w(space_id)
CROSS JOIN LATERAL (
  SELECT * FROM epoch_grant WHERE space_id = w.space_id AND member_id = $1 ORDER BY created_at DESC, id LIMIT $3) g"""


async def grants_to(tx: Transaction, member: UUID, spaces: Iterable[UUID], limit: int) -> list[GrantRow]:
    """The newest grants to the member in each of these spaces, newest first."""
    return [GrantRow(*r) for r in await tx.raw.fetch(_GRANTS, member, list(spaces), limit)]
