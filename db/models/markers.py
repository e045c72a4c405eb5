"""Markers: how far members have read and received, sealed (docs/decisions/0104)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from db.models.columns import Xid8, big, moment, small


class Marker(SQLModel, table=True):
    """A member's newest position in a conversation, for the own devices or for all. `scope` is a MarkerScope.

    Replaced in place, and `xid` with it; never deleted, so that versions never go back: expiry takes the envelope, and
    what is of another stay than the present one (`joined_seq`) is shown to nobody. `epoch`, `lifetime`: the envelope's.
    """

    __tablename__ = "marker"
    __table_args__ = (
        Index("marker_xid", "xid", postgresql_where=text("envelope IS NOT NULL")),
        Index("marker_receipt", "space_id", "xid", postgresql_where=text("scope = 1")),
        Index("marker_own", "member_id", "xid", postgresql_where=text("scope = 0")),
        Index("marker_expires", "expires_at", postgresql_where=text("expires_at IS NOT NULL")),
        Index(
            "marker_living",
            "space_id",
            "epoch",
            "lifetime",
            postgresql_where=text("lifetime > 0 AND envelope IS NOT NULL"),
        ),
    )

    space_id: UUID = Field(primary_key=True, foreign_key="space.id")
    member_id: UUID = Field(primary_key=True, foreign_key="member.id")
    scope: int = small(primary_key=True)
    joined_seq: int = big()
    version: int
    xid: int = Field(sa_type=Xid8, sa_column_kwargs={"server_default": text("pg_current_xact_id()")})
    envelope: bytes | None = None
    accepted_at: datetime = moment()
    expires_at: datetime | None = moment(default=None)
    epoch: int = big()
    lifetime: int = small()
