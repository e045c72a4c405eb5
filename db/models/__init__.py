"""The tables, as SQLModel classes. Names and columns are those of the design; rules live in resolvers."""

from db.models.conversations import (
    Complaint,
    Epoch,
    EpochGrant,
    EpochSeal,
    Membership,
    RosterLink,
    RosterMember,
    Space,
)
from db.models.devices import (
    ArchiveWrap,
    Device,
    DeviceOffer,
    MemberBox,
    MemberChain,
    MemberKey,
    MemberLink,
    MemberWrap,
)
from db.models.identity import Attempt, Credential, Invite, Member, Session
from db.models.kinds import EventKind, History, MarkerScope, ServerRole, SessionKind, SpaceRole, SpaceType
from db.models.log import Event, LogLife
from db.models.markers import Marker
from db.models.presence import LastSeen, Privacy

__all__ = [
    "ArchiveWrap",
    "Attempt",
    "Complaint",
    "Credential",
    "Device",
    "DeviceOffer",
    "Epoch",
    "EpochGrant",
    "EpochSeal",
    "Event",
    "EventKind",
    "History",
    "Invite",
    "LastSeen",
    "LogLife",
    "Marker",
    "MarkerScope",
    "Member",
    "MemberBox",
    "MemberChain",
    "MemberKey",
    "MemberLink",
    "MemberWrap",
    "Membership",
    "Privacy",
    "RosterLink",
    "RosterMember",
    "ServerRole",
    "Session",
    "SessionKind",
    "Space",
    "SpaceRole",
    "SpaceType",
]
