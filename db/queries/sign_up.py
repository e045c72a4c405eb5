"""The rows that an account begins with. Every insert says by its result whether an id was free."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db.models.kinds import SpaceRole, SpaceType
from db.queries.identity import CredentialRow, MemberRow
from db.transaction import Transaction

_ADDED = "INSERT 0 1"


@dataclass(frozen=True, slots=True)
class NewDevice:
    """A device with its first seal."""

    id: UUID
    member: UUID
    dk: bytes
    name: str
    platform: str | None
    sk: bytes
    seal: bytes
    seal_signature: bytes


@dataclass(frozen=True, slots=True)
class NewChain:
    """A member chain of one link, with the member key of generation 1."""

    member: UUID
    hash: bytes
    body: bytes
    signature: bytes
    cosignature: bytes | None
    identity: bytes
    rs: bytes
    rx: bytes
    key: bytes
    key_hash: bytes
    key_body: bytes
    key_signature: bytes
    boxes: Sequence[tuple[UUID, bytes]]


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account space with roster link 0."""

    id: UUID
    member: UUID
    identity: bytes
    lifetime: int
    history: int
    hash: bytes
    body: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Made:
    """What an account was made of: invite, handle, link 0, device seal and member key, as bodies with signatures."""

    token_hash: bytes
    mac: bytes | None
    handle: str
    link: tuple[bytes, bytes, bytes | None]
    seal: tuple[bytes, bytes]
    key: tuple[bytes, bytes]


async def device_of_made(tx: Transaction, made: Made) -> UUID | None:
    """The device of the account that was made with exactly these; None when there is none such."""
    device: UUID | None = await tx.raw.fetchval(
        """
        SELECT d.id FROM invite i
        JOIN member m ON m.id = i.used_by AND m.handle = $3
        JOIN member_link l ON l.member_id = m.id AND l.n = 0
        JOIN member_key k ON k.member_id = m.id AND k.generation = 1
        JOIN device d ON d.member_id = m.id AND d.active
        WHERE i.token_hash = $1 AND i.mac IS NOT DISTINCT FROM $2
          AND l.body = $4 AND l.signature = $5 AND l.cosignature IS NOT DISTINCT FROM $6
          AND d.seal = $7 AND d.seal_signature = $8 AND k.body = $9 AND k.signature = $10
        """,
        made.token_hash,
        made.mac,
        made.handle,
        *made.link,
        *made.seal,
        *made.key,
    )
    return device


async def add_member(tx: Transaction, member: MemberRow) -> bool:
    """Store a member; False when id or handle are taken."""
    done = await tx.raw.execute(
        "INSERT INTO member (id, handle, display_name, role, created_at) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT DO NOTHING",
        member.id,
        member.handle,
        member.display_name,
        member.role,
        member.created_at,
    )
    return done == _ADDED


async def handle_is_taken(tx: Transaction, handle: str) -> bool:
    """Whether a member has this handle."""
    found: bool = await tx.raw.fetchval("SELECT EXISTS (SELECT FROM member WHERE handle = $1)", handle)
    return found


async def add_credential(tx: Transaction, credential: CredentialRow, now: datetime) -> None:
    """Store what proves a password."""
    await tx.raw.execute(
        "INSERT INTO credential (member_id, salt, verifier, updated_at) VALUES ($1, $2, $3, $4)",
        credential.member,
        credential.salt,
        credential.verifier,
        now,
    )


async def add_device(tx: Transaction, device: NewDevice, now: datetime) -> bool:
    """Store a device; False when its id or key are taken."""
    done = await tx.raw.execute(
        """
        INSERT INTO device (id, member_id, dk, name, platform, active, created_at, last_seen_at, seal_generation, sk,
                            seal, seal_signature)
        VALUES ($1, $2, $3, $4, $9, true, $5, $5, 1, $6, $7, $8) ON CONFLICT DO NOTHING
        """,
        device.id,
        device.member,
        device.dk,
        device.name,
        now,
        device.sk,
        device.seal,
        device.seal_signature,
        device.platform,
    )
    return done == _ADDED


async def device_key_is_taken(tx: Transaction, dk: bytes) -> bool:
    """Whether this DK is in a chain."""
    found: bool = await tx.raw.fetchval("SELECT EXISTS (SELECT FROM device WHERE dk = $1)", dk)
    return found


async def add_chain(tx: Transaction, chain: NewChain) -> None:
    """Store link 0, the state it leads to, the first member key and its boxes."""
    await tx.raw.execute(
        """
        INSERT INTO member_chain (member_id, n, hash, identity, rs, rx, rx_n, key_generation, key_hash, key_living)
        VALUES ($1, 0, $2, $3, $4, $5, 0, 1, $6, true)
        """,
        chain.member,
        chain.hash,
        chain.identity,
        chain.rs,
        chain.rx,
        chain.key_hash,
    )
    await tx.raw.execute(
        "INSERT INTO member_link (member_id, n, kind, hash, body, signature, cosignature)"
        " VALUES ($1, 0, 0, $2, $3, $4, $5)",
        chain.member,
        chain.hash,
        chain.body,
        chain.signature,
        chain.cosignature,
    )
    await tx.raw.execute(
        "INSERT INTO member_key (member_id, generation, key, key_hash, body, signature) VALUES ($1, 1, $2, $3, $4, $5)",
        chain.member,
        chain.key,
        chain.key_hash,
        chain.key_body,
        chain.key_signature,
    )
    await tx.raw.executemany(
        "INSERT INTO member_box (member_id, generation, device_id, box) VALUES ($1, 1, $2, $3)",
        [(chain.member, device, box) for device, box in chain.boxes],
    )


async def add_account(tx: Transaction, account: NewAccount, now: datetime) -> bool:
    """Store an account space, empty of events; False when its id is taken."""
    done = await tx.raw.execute(
        """
        INSERT INTO space (id, type, created_at, head_seq, head_hash, last_xid, floor_seq, roster_n, roster_hash,
                           lifetime, history, epoch, epoch_hash, epoch_envelopes)
        VALUES ($1, $2, $3, 0, $4, '0', 0, 0, $5, $6, $7, 0, $4, 0) ON CONFLICT DO NOTHING
        """,
        account.id,
        int(SpaceType.ACCOUNT),
        now,
        bytes(32),
        account.hash,
        account.lifetime,
        account.history,
    )
    if done != _ADDED:
        return False
    await tx.raw.execute(
        "INSERT INTO roster_link (space_id, n, hash, body, signature) VALUES ($1, 0, $2, $3, $4)",
        account.id,
        account.hash,
        account.body,
        account.signature,
    )
    await tx.raw.execute(
        "INSERT INTO roster_member (space_id, member_id, identity, role) VALUES ($1, $2, $3, $4)",
        account.id,
        account.member,
        account.identity,
        int(SpaceRole.OWNER),
    )
    await tx.raw.execute(
        "INSERT INTO membership (member_id, space_id, joined_seq) VALUES ($1, $2, 1)", account.member, account.id
    )
    return True
