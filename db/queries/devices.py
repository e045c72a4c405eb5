"""Devices: their offers, their place in the member's chain, their seals and sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db.queries.identity import DEVICE, BoxRow, DeviceRow
from db.transaction import Transaction


@dataclass(frozen=True, slots=True)
class OfferRow:
    """A new device's request, and its answer once there is one."""

    member: UUID
    link_id: bytes
    session: UUID
    request: bytes
    mac: bytes
    device_name: str
    platform: str | None
    created_at: datetime
    expires_at: datetime
    answer: bytes | None
    answer_mac: bytes | None


@dataclass(frozen=True, slots=True)
class ChainState:
    """A locked chain's head, what it says now, and every device that it ever named: (id, DK, active, seal body)."""

    member: UUID
    n: int
    hash: bytes
    identity: bytes
    rs: bytes
    rx: bytes
    rx_n: int
    key_generation: int
    devices: Sequence[tuple[UUID, bytes, bool, bytes]]


@dataclass(frozen=True, slots=True)
class NewLink:
    """A link to be stored, and the chain's state after it."""

    n: int
    kind: int
    hash: bytes
    body: bytes
    signature: bytes
    cosignature: bytes | None
    identity: bytes
    rs: bytes
    rx: bytes
    rx_n: int


_OFFER = (
    "member_id, link_id, session_id, request, mac, device_name, platform, created_at, expires_at, answer, answer_mac"
)


async def find_offer(tx: Transaction, member: UUID, link_id: bytes) -> OfferRow | None:
    """A member's offer, past its time or not."""
    query = f"SELECT {_OFFER} FROM device_offer WHERE member_id = $1 AND link_id = $2"  # noqa: S608 - own constant
    record = await tx.raw.fetchrow(query, member, link_id)
    return None if record is None else OfferRow(*record)


async def open_offers(tx: Transaction, member: UUID, now: datetime) -> int:
    """Drop a member's offers that are past their time; how many are left."""
    await tx.raw.execute("DELETE FROM device_offer WHERE member_id = $1 AND expires_at <= $2", member, now)
    count: int = await tx.raw.fetchval("SELECT count(*) FROM device_offer WHERE member_id = $1", member)
    return count


async def add_offer(tx: Transaction, offer: OfferRow) -> None:
    """Store an offer."""
    await tx.raw.execute(
        f"INSERT INTO device_offer ({_OFFER}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",  # noqa: S608
        offer.member, offer.link_id, offer.session, offer.request, offer.mac, offer.device_name, offer.platform,
        offer.created_at, offer.expires_at, offer.answer, offer.answer_mac,
    )  # fmt: skip


async def answer_offer(tx: Transaction, member: UUID, link_id: bytes, answer: bytes, mac: bytes) -> None:
    """Store an offer's one answer."""
    await tx.raw.execute(
        "UPDATE device_offer SET answer = $3, answer_mac = $4 WHERE member_id = $1 AND link_id = $2",
        member, link_id, answer, mac,
    )  # fmt: skip


async def lock_chain(tx: Transaction, member: UUID) -> ChainState:
    """Lock the viewer's own chain until commit and read it; spaces, if any, are locked before."""
    record = await tx.raw.fetchrow(
        "SELECT member_id AS member, n, hash, identity, rs, rx, rx_n, key_generation FROM member_chain"
        " WHERE member_id = $1 FOR NO KEY UPDATE",
        member,
    )
    if record is None:
        raise LookupError("a member without a chain")
    devices = await tx.raw.fetch("SELECT id, dk, active, seal FROM device WHERE member_id = $1", member)
    return ChainState(**dict(record), devices=[(d["id"], d["dk"], d["active"], d["seal"]) for d in devices])


async def is_known(tx: Transaction, device: UUID, dk: bytes) -> bool:
    """Whether any chain has named this device or its key."""
    found: bool = await tx.raw.fetchval("SELECT EXISTS (SELECT FROM device WHERE id = $1 OR dk = $2)", device, dk)
    return found


async def find_link(tx: Transaction, member: UUID, n: int) -> bytes | None:
    """The hash of a link of a chain; None beyond its head."""
    found: bytes | None = await tx.raw.fetchval(
        "SELECT hash FROM member_link WHERE member_id = $1 AND n = $2", member, n
    )
    return found


async def add_link(tx: Transaction, member: UUID, link: NewLink) -> None:
    """Append a link to a locked chain."""
    await tx.raw.execute(
        "INSERT INTO member_link (member_id, n, kind, hash, body, signature, cosignature)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        member, link.n, link.kind, link.hash, link.body, link.signature, link.cosignature,
    )  # fmt: skip
    await tx.raw.execute(
        "UPDATE member_chain SET n = $2, hash = $3, identity = $4, rs = $5, rx = $6, rx_n = $7 WHERE member_id = $1",
        member, link.n, link.hash, link.identity, link.rs, link.rx, link.rx_n,
    )  # fmt: skip


async def add_box(tx: Transaction, member: UUID, generation: int, device: UUID, box: bytes) -> None:
    """Store the box of a device that came in."""
    await tx.raw.execute(
        "INSERT INTO member_box (member_id, generation, device_id, box) VALUES ($1, $2, $3, $4)",
        member, generation, device, box,
    )  # fmt: skip


async def find_device(tx: Transaction, member: UUID, device: UUID) -> DeviceRow | None:
    """A member's device, active or not."""
    query = f"SELECT {DEVICE} FROM device WHERE id = $1 AND member_id = $2"  # noqa: S608 - own constant
    record = await tx.raw.fetchrow(query, device, member)
    return None if record is None else DeviceRow(*record)


async def rename(tx: Transaction, member: UUID, device: UUID, name: str) -> DeviceRow | None:
    """Rename a member's active device; None where there is none."""
    record = await tx.raw.fetchrow(
        f"UPDATE device SET name = $3 WHERE id = $1 AND member_id = $2 AND active RETURNING {DEVICE}",  # noqa: S608
        device, member, name,
    )  # fmt: skip
    return None if record is None else DeviceRow(*record)


async def put_seal(
    tx: Transaction, device: UUID, generation: int, sk: bytes, seal: bytes, signature: bytes
) -> DeviceRow | None:
    """Replace a device's seal by the one that follows it; None where another has come before."""
    record = await tx.raw.fetchrow(
        f"""
        UPDATE device SET seal_generation = $2, sk = $3, seal = $4, seal_signature = $5
        WHERE id = $1 AND active AND seal_generation = $2::bigint - 1 RETURNING {DEVICE}
        """,  # noqa: S608 - own constant
        device, generation, sk, seal, signature,
    )  # fmt: skip
    return None if record is None else DeviceRow(*record)


async def end_devices(
    tx: Transaction, member: UUID, devices: Sequence[UUID], n: int, now: datetime, but: UUID
) -> list[UUID]:
    """End these devices and their sessions but one, by link n of the chain; the sessions that ended by it."""
    await tx.raw.execute(
        "UPDATE device SET active = false WHERE member_id = $1 AND id = ANY($2::uuid[])", member, devices
    )
    ended = await tx.raw.fetch(
        "UPDATE session SET revoked_at = $3, ended_by_link = $4"
        " WHERE member_id = $1 AND device_id = ANY($2::uuid[]) AND revoked_at IS NULL AND id <> $5 RETURNING id",
        member, devices, now, n, but,
    )  # fmt: skip
    return [record["id"] for record in ended]


async def give_device(tx: Transaction, member: UUID, session: UUID, device: UUID) -> bool:
    """From now on a living session signs as that device; False where the session has ended."""
    status = await tx.raw.execute(
        "UPDATE session SET device_id = $3 WHERE id = $2 AND member_id = $1 AND revoked_at IS NULL",
        member, session, device,
    )  # fmt: skip
    return status == "UPDATE 1"


async def recovery_box(tx: Transaction, member: UUID) -> BoxRow | None:
    """The newest box of the member's key for the recovery key."""
    record = await tx.raw.fetchrow(
        "SELECT generation, box FROM member_box WHERE member_id = $1 AND device_id = $2"
        " ORDER BY generation DESC LIMIT 1",
        member, UUID(int=0),
    )  # fmt: skip
    return None if record is None else BoxRow(*record)
