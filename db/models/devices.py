"""Devices and member chains (e2ee.md sections 3 and 4)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from db.models.columns import big, moment


class Device(SQLModel, table=True):
    """A member's device: its signing key DK, its newest sealing key SK and the device seal that says so."""

    __tablename__ = "device"
    __table_args__ = (Index("device_member", "member_id"),)

    id: UUID = Field(primary_key=True)
    member_id: UUID = Field(foreign_key="member.id")
    dk: bytes = Field(unique=True)
    name: str
    active: bool = True
    created_at: datetime = moment()
    last_seen_at: datetime | None = moment(default=None)
    seal_generation: int = big()
    sk: bytes
    seal: bytes
    seal_signature: bytes


class MemberChain(SQLModel, table=True):
    """The head of a member's chain and what it says now."""

    __tablename__ = "member_chain"

    member_id: UUID = Field(primary_key=True, foreign_key="member.id")
    n: int = big()
    hash: bytes
    identity: bytes
    rs: bytes
    rx: bytes
    rx_n: int = big()
    key_generation: int = big()
    key_hash: bytes
    key_living: bool


class MemberLink(SQLModel, table=True):
    """One link of a member's chain, as the bytes received. `kind` is that of e2ee.md section 4."""

    __tablename__ = "member_link"

    member_id: UUID = Field(primary_key=True, foreign_key="member.id")
    n: int = big(primary_key=True)
    kind: int = big()
    hash: bytes
    body: bytes
    signature: bytes
    cosignature: bytes | None = None


class MemberKey(SQLModel, table=True):
    """One generation of a member's public key MK. `key` is MK, `key_hash` is #MK."""

    __tablename__ = "member_key"

    member_id: UUID = Field(primary_key=True, foreign_key="member.id")
    generation: int = big(primary_key=True)
    key: bytes
    key_hash: bytes
    body: bytes
    signature: bytes


class MemberBox(SQLModel, table=True):
    """M sealed to one device, or to the recovery key (device 0); hence no foreign key on the device."""

    __tablename__ = "member_box"

    member_id: UUID = Field(primary_key=True, foreign_key="member.id")
    generation: int = big(primary_key=True)
    device_id: UUID = Field(primary_key=True)
    box: bytes
