"""The durable log and the id of its life (docs/decisions/0030)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from db.models.columns import Xid8, big, moment, small


class Event(SQLModel, table=True):
    """One row of a space's log. Only `db.log.append` writes it, only expiry empties it. `kind` is an EventKind.

    Of an envelope also the epoch it is sealed under and its lifetime class b.
    """

    __tablename__ = "event"
    __table_args__ = (
        UniqueConstraint("space_id", "id", name="event_space_id_id_key"),
        Index("event_xid", "xid"),  # the hub's one index
        Index("event_expires", "expires_at", postgresql_where=text("expires_at IS NOT NULL AND body IS NOT NULL")),
        # What a rotation must wrap, and what expiry has emptied and will forget more of.
        Index(
            "event_living",
            "space_id",
            "epoch",
            "lifetime",
            postgresql_where=text("lifetime > 0 AND body IS NOT NULL"),
        ),
        Index("event_stub", "accepted_at", postgresql_where=text("expires_at IS NOT NULL AND body IS NULL")),
    )

    space_id: UUID = Field(primary_key=True, foreign_key="space.id")
    seq: int = big(primary_key=True)
    xid: int = Field(sa_type=Xid8, sa_column_kwargs={"server_default": text("pg_current_xact_id()")})
    id: UUID
    kind: int = small()
    actor_id: UUID | None = Field(default=None, foreign_key="member.id")
    subject_id: UUID | None = Field(default=None, foreign_key="member.id")
    item: bytes
    log_hash: bytes
    body: bytes | None = None
    accepted_at: datetime = moment()
    expires_at: datetime | None = moment(default=None)
    epoch: int | None = big(default=None)
    lifetime: int | None = small(default=None)


class LogLife(SQLModel, table=True):
    """The log's life: PostgreSQL empties an UNLOGGED table exactly when transaction ids may be handed out again."""

    __tablename__ = "log_life"
    __table_args__ = {"prefixes": ["UNLOGGED"]}

    only_one: bool = Field(default=True, primary_key=True)
    id: UUID = Field(sa_column_kwargs={"server_default": text("gen_random_uuid()")})
