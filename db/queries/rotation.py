"""What a rotation reads and writes: wraps, archive, boxes, seals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from db.queries.identity import MemberKeyRow
from db.transaction import Transaction

Branch = tuple[UUID, int, int]
"""(space, epoch, b)"""


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
