"""Members and how they sign in."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from db.models.columns import big, moment, small
from db.models.kinds import ServerRole


class Member(SQLModel, table=True):
    """A person of this server, as its directory shows them."""

    __tablename__ = "member"

    id: UUID = Field(primary_key=True)
    handle: str = Field(unique=True)
    display_name: str
    role: int = small(default=ServerRole.MEMBER)
    created_at: datetime = moment()


class Credential(SQLModel, table=True):
    """What proves a password: an HMAC of the client's authKey under the server key, never the password."""

    __tablename__ = "credential"

    member_id: UUID = Field(primary_key=True, foreign_key="member.id")
    salt: bytes
    verifier: bytes
    updated_at: datetime = moment()


class Session(SQLModel, table=True):
    """A signed-in client; its token is kept as SHA-256. `kind` is a SessionKind.

    `ended_by_link`: the number of the link in the member's chain that ended the session's device.
    """

    __tablename__ = "session"
    __table_args__ = (Index("session_member", "member_id"),)

    id: UUID = Field(primary_key=True)
    member_id: UUID = Field(foreign_key="member.id")
    device_id: UUID | None = Field(default=None, foreign_key="device.id")
    token_hash: bytes = Field(unique=True)
    kind: int = small()
    label: str = ""
    created_at: datetime = moment()
    last_seen_at: datetime = moment()
    expires_at: datetime = moment()
    revoked_at: datetime | None = moment(default=None)
    ended_by_link: int | None = big(default=None)


class Invite(SQLModel, table=True):
    """A single-use way in. No inviter: made on the server's own command line."""

    __tablename__ = "invite"
    __table_args__ = (Index("invite_inviter", "inviter_id"),)

    id: UUID = Field(primary_key=True)
    token_hash: bytes = Field(unique=True)
    role: int = small(default=ServerRole.MEMBER)
    inviter_id: UUID | None = Field(default=None, foreign_key="member.id")
    created_at: datetime = moment()
    expires_at: datetime = moment()
    used_at: datetime | None = moment(default=None)
    used_by: UUID | None = Field(default=None, foreign_key="member.id")
    mac: bytes | None = None
    revoked_at: datetime | None = moment(default=None)


class Attempt(SQLModel, table=True):
    """A window of tries at something guarded; `key` is a hash of what is tried and from where."""

    __tablename__ = "attempt"

    key: bytes = Field(primary_key=True)
    started_at: datetime = moment()
    count: int
