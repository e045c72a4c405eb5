"""Devices and member chains (e2ee.md sections 3 and 4)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from db.models.columns import big, moment, small


class Device(SQLModel, table=True):
    """A member's device: its signing key DK, its newest sealing key SK and the device seal that says so."""

    __tablename__ = "device"
    __table_args__ = (Index("device_member", "member_id"),)

    id: UUID = Field(primary_key=True)
    member_id: UUID = Field(foreign_key="member.id")
    dk: bytes = Field(unique=True)
    name: str
    platform: str | None = None
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
    # Seals and grants refer to it: none is ever stored for a generation that is not the newest.
    __table_args__ = (UniqueConstraint("member_id", "key_generation"),)

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
    created_at: datetime = moment(sa_column_kwargs={"server_default": text("now()")})


class MemberBox(SQLModel, table=True):
    """M sealed to one device, or to the recovery key (device 0); hence no foreign key on the device."""

    __tablename__ = "member_box"

    member_id: UUID = Field(primary_key=True, foreign_key="member.id")
    generation: int = big(primary_key=True)
    device_id: UUID = Field(primary_key=True)
    box: bytes


class DeviceOffer(SQLModel, table=True):
    """A new device's request to be linked, for five minutes, and its one answer (e2ee.md section 8)."""

    __tablename__ = "device_offer"
    __table_args__ = (Index("device_offer_expires", "expires_at"),)

    member_id: UUID = Field(primary_key=True, foreign_key="member.id")
    link_id: bytes = Field(primary_key=True)
    session_id: UUID = Field(foreign_key="session.id")
    request: bytes
    mac: bytes
    device_name: str
    platform: str | None = None
    created_at: datetime = moment()
    expires_at: datetime = moment()
    answer: bytes | None = None
    answer_mac: bytes | None = None


class MemberWrap(SQLModel, table=True):
    """A branch of an epoch that an older member key opened: b = 0 under AK, b > 0 under M of `generation`.

    `erase_at`: when the branch goes; null while the epoch was still open at the last look, and for b = 0.
    """

    __tablename__ = "member_wrap"
    __table_args__ = (
        ForeignKeyConstraint(["space_id", "epoch"], ["epoch.space_id", "epoch.n"], name="member_wrap_epoch"),
        Index("member_wrap_open", "space_id", "epoch", postgresql_where=text("branch > 0 AND erase_at IS NULL")),
        Index("member_wrap_erase", "erase_at", postgresql_where=text("erase_at IS NOT NULL")),
    )

    member_id: UUID = Field(primary_key=True, foreign_key="member.id")
    space_id: UUID = Field(primary_key=True)
    epoch: int = big(primary_key=True)
    branch: int = small(primary_key=True)
    generation: int = big()
    wrap: bytes
    erase_at: datetime | None = moment(default=None)


class ArchiveWrap(SQLModel, table=True):
    """AK of `generation` under AK of the next one."""

    __tablename__ = "archive_wrap"

    member_id: UUID = Field(primary_key=True, foreign_key="member.id")
    generation: int = big(primary_key=True)
    wrap: bytes
