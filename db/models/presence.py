"""What a member lets others see, and when each was last seen."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from db.models.columns import moment


class Privacy(SQLModel, table=True):
    """True: shown, sent. Without a row, everything is."""

    __tablename__ = "privacy"

    member_id: UUID = Field(primary_key=True, foreign_key="member.id")
    presence: bool
    read_receipts: bool
    delivery_receipts: bool


class LastSeen(SQLModel, table=True):
    """When a member was last online, cut to the minute."""

    __tablename__ = "last_seen"

    member_id: UUID = Field(primary_key=True, foreign_key="member.id")
    seen_at: datetime = moment()
