"""Spaces, their rosters and their epochs (e2ee.md sections 5 and 6)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, text
from sqlmodel import Field, SQLModel

from db.models.columns import Z32, Xid8, big, moment, small
from db.models.kinds import History


class Space(SQLModel, table=True):
    """A conversation, vault or account: the row whose lock orders everything in it. Only db.log moves the head."""

    __tablename__ = "space"
    # Room for HOT updates: no index holds a column that changes with a send.
    __table_args__ = {"postgresql_with": {"fillfactor": 50}}

    id: UUID = Field(primary_key=True)
    type: int = small()
    direct_key: bytes | None = Field(default=None, unique=True)
    created_at: datetime = moment()
    head_seq: int = big(default=0)
    head_hash: bytes = Z32
    last_xid: int = Field(default=0, sa_type=Xid8)
    last_id: UUID | None = None
    floor_seq: int = big(default=0)
    roster_n: int = big(default=0)
    roster_hash: bytes = Z32
    lifetime: int = small(default=0)
    history: int = small(default=History.JOINING)
    epoch: int = big(default=0)
    epoch_hash: bytes = Z32
    epoch_accepted_at: datetime | None = moment(default=None)
    epoch_envelopes: int = big(default=0)
    epoch_due: str | None = None
    state_seq: int | None = big(default=None)


class RosterLink(SQLModel, table=True):
    """One link of a space's roster chain, as the bytes received."""

    __tablename__ = "roster_link"

    space_id: UUID = Field(primary_key=True, foreign_key="space.id")
    n: int = big(primary_key=True)
    hash: bytes
    body: bytes
    signature: bytes


class RosterMember(SQLModel, table=True):
    """Who is on the roster now, under which ID and role. `role` is a SpaceRole."""

    __tablename__ = "roster_member"
    __table_args__ = (Index("roster_member_member", "member_id"),)

    space_id: UUID = Field(primary_key=True, foreign_key="space.id")
    member_id: UUID = Field(primary_key=True, foreign_key="member.id")
    identity: bytes
    role: int = small()


class Membership(SQLModel, table=True):
    """A stay: from the event that let the member in to the one that ended it, both included; never deleted."""

    __tablename__ = "membership"
    __table_args__ = (
        Index("membership_present", "space_id", "member_id", unique=True, postgresql_where=text("left_seq IS NULL")),
    )

    member_id: UUID = Field(primary_key=True, foreign_key="member.id")
    space_id: UUID = Field(primary_key=True, foreign_key="space.id")
    joined_seq: int = big(primary_key=True)
    left_seq: int | None = big(default=None)


class Epoch(SQLModel, table=True):
    """An accepted announcement; `recipients` is E(list), `hash` is h_e."""

    __tablename__ = "epoch"

    space_id: UUID = Field(primary_key=True, foreign_key="space.id")
    n: int = big(primary_key=True)
    hash: bytes
    announcement: bytes
    signature: bytes
    recipients: bytes
    creator_id: UUID = Field(foreign_key="member.id")
    accepted_at: datetime = moment()


class EpochSeal(SQLModel, table=True):
    """An epoch's secret sealed to one recipient."""

    __tablename__ = "epoch_seal"
    __table_args__ = (
        Index("epoch_seal_member", "member_id", "space_id"),
        # Holds announcements and rotations that run at once to each other: a seal is for the newest key, or refused.
        ForeignKeyConstraint(
            ["member_id", "generation"],
            ["member_chain.member_id", "member_chain.key_generation"],
            name="epoch_seal_current_key",
        ),
    )

    space_id: UUID = Field(primary_key=True, foreign_key="space.id")
    n: int = big(primary_key=True)
    member_id: UUID = Field(primary_key=True, foreign_key="member.id")
    generation: int = big()
    seal: bytes


class Complaint(SQLModel, table=True):
    """A recipient's signed word that its seal did not open: one per member, epoch and hour."""

    __tablename__ = "complaint"

    space_id: UUID = Field(primary_key=True, foreign_key="space.id")
    epoch: int = big(primary_key=True)
    member_id: UUID = Field(primary_key=True, foreign_key="member.id")
    hour: int = big(primary_key=True)
    seal_hash: bytes
    body: bytes
    signature: bytes


class EpochGrant(SQLModel, table=True):
    """Earlier epochs' keys, sealed by one holder to another member."""

    __tablename__ = "epoch_grant"
    __table_args__ = (
        Index("epoch_grant_member", "member_id", "space_id"),
        ForeignKeyConstraint(
            ["member_id", "generation"],
            ["member_chain.member_id", "member_chain.key_generation"],
            name="epoch_grant_current_key",
        ),
    )

    id: UUID = Field(primary_key=True)
    space_id: UUID = Field(foreign_key="space.id")
    member_id: UUID = Field(foreign_key="member.id")
    giver_id: UUID = Field(foreign_key="member.id")
    generation: int = big()
    box: bytes
    created_at: datetime = moment()
