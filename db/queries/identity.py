"""Queries on members: profiles, chains, keys, devices, credentials."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db.uow import Transaction


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A member's profile."""

    id: UUID
    handle: str
    display_name: str
    role: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A link of a member chain."""

    number: int
    body: bytes
    signature: bytes
    cosignature: bytes | None


@dataclass(frozen=True, slots=True)
class MemberKeyRow:
    """A generation of a member's key."""

    member: UUID
    generation: int
    body: bytes
    signature: bytes
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A device."""

    id: UUID
    member: UUID
    name: str
    platform: str | None
    created_at: datetime
    last_seen_at: datetime | None
    seal: bytes
    seal_signature: bytes
    active: bool


@dataclass(frozen=True, slots=True)
class BoxRow:
    """A member key's box for one device."""

    generation: int
    box: bytes


@dataclass(frozen=True, slots=True)
class CredentialRow:
    """What the server holds to check a password."""

    member: UUID
    salt: bytes
    verifier: bytes


_MEMBER = "id, handle, display_name, role, created_at"
DEVICE = "id, member_id, name, platform, created_at, last_seen_at, seal, seal_signature, active"


async def members_by_id(tx: Transaction, ids: Sequence[UUID]) -> list[MemberRow]:
    """Members by id, in no order."""
    rows = await tx.raw.fetch(f"SELECT {_MEMBER} FROM member WHERE id = ANY($1)", ids)  # noqa: S608 - own constant
    return [MemberRow(*row) for row in rows]


async def find_members(
    tx: Transaction, search: str, after: UUID | None, before: UUID | None, limit: int, *, backward: bool
) -> list[MemberRow]:
    """Members by handle, whose handle or name holds `search`; beyond the members that the cursors name."""
    order = "DESC" if backward else "ASC"
    rows = await tx.raw.fetch(
        f"""
        SELECT {_MEMBER} FROM member
        WHERE ($1 = '' OR strpos(handle, $1) > 0 OR strpos(lower(display_name), $1) > 0)
          AND ($2::uuid IS NULL OR handle > (SELECT handle FROM member WHERE id = $2))
          AND ($3::uuid IS NULL OR handle < (SELECT handle FROM member WHERE id = $3))
        ORDER BY handle {order} LIMIT $4
        """,  # noqa: S608 - own constants
        search,
        after,
        before,
        limit,
    )
    return [MemberRow(*row) for row in rows]


_CHAIN_LINKS = """
SELECT w.member_id, l.n, l.body, l.signature, l.cosignature FROM unnest($1::uuid[]) AS w(member_id)
CROSS JOIN LATERAL (
  SELECT * FROM member_link WHERE member_id = w.member_id AND n > $2 AND n < $3 ORDER BY n {order} LIMIT $4) l"""


async def chain_links(
    tx: Transaction, members: Iterable[UUID], above: int, below: int, limit: int, *, backward: bool
) -> dict[UUID, list[LinkRow]]:
    """Links of members' chains with numbers between `above` and `below`, both left out, in the order of reading."""
    query = _CHAIN_LINKS.format(order="DESC" if backward else "ASC")
    found: dict[UUID, list[LinkRow]] = {member: [] for member in members}
    for member, *link in await tx.raw.fetch(query, list(found), above, min(below, 2**31 - 1), limit):
        found[member].append(LinkRow(*link))
    return found


async def newest_keys(tx: Transaction, members: Sequence[UUID]) -> list[MemberKeyRow]:
    """The newest key of each member, in no order."""
    rows = await tx.raw.fetch(
        """
        SELECT k.member_id, k.generation, k.body, k.signature, k.created_at FROM member_chain c
        JOIN member_key k ON k.member_id = c.member_id AND k.generation = c.key_generation
        WHERE c.member_id = ANY($1)
        """,
        members,
    )
    return [MemberKeyRow(*row) for row in rows]


async def devices_of(tx: Transaction, members: Sequence[UUID]) -> list[DeviceRow]:
    """The active devices of members, oldest first."""
    rows = await tx.raw.fetch(
        f"SELECT {DEVICE} FROM device WHERE active AND member_id = ANY($1) ORDER BY created_at, id",  # noqa: S608
        members,
    )
    return [DeviceRow(*row) for row in rows]


async def devices_by_id(tx: Transaction, ids: Sequence[UUID]) -> list[DeviceRow]:
    """Devices by id, active or not, in no order."""
    rows = await tx.raw.fetch(
        f"SELECT {DEVICE} FROM device WHERE id = ANY($1)",  # noqa: S608 - own constant
        ids,
    )
    return [DeviceRow(*row) for row in rows]


async def newest_box(tx: Transaction, member: UUID, device: UUID) -> BoxRow | None:
    """The newest box of a member's key for a device."""
    row = await tx.raw.fetchrow(
        """
        SELECT generation, box FROM member_box WHERE member_id = $1 AND device_id = $2
        ORDER BY generation DESC LIMIT 1
        """,
        member,
        device,
    )
    return None if row is None else BoxRow(*row)


async def account_space(tx: Transaction, member: UUID) -> UUID | None:
    """The member's account space."""
    space: UUID | None = await tx.raw.fetchval(
        """
        SELECT s.id FROM membership m JOIN space s ON s.id = m.space_id
        WHERE m.member_id = $1 AND m.left_seq IS NULL AND s.type = 4
        """,
        member,
    )
    return space


async def credential_of(tx: Transaction, handle: str) -> CredentialRow | None:
    """The credential behind a handle."""
    row = await tx.raw.fetchrow(
        """
        SELECT c.member_id, c.salt, c.verifier FROM member m JOIN credential c ON c.member_id = m.id
        WHERE m.handle = $1
        """,
        handle,
    )
    return None if row is None else CredentialRow(*row)


async def device_is_active(tx: Transaction, member: UUID, device: UUID) -> bool:
    """Whether this is an active device of that member."""
    found: bool = await tx.raw.fetchval(
        "SELECT EXISTS (SELECT FROM device WHERE id = $1 AND member_id = $2 AND active)", device, member
    )
    return found


async def touch_device(tx: Transaction, device: UUID, now: datetime) -> None:
    """Note that a device was seen."""
    await tx.raw.execute("UPDATE device SET last_seen_at = $2 WHERE id = $1", device, now)


async def has_owner(tx: Transaction) -> bool:
    """Whether someone owns this server."""
    found: bool = await tx.raw.fetchval("SELECT EXISTS (SELECT FROM member WHERE role = 2)")
    return found
