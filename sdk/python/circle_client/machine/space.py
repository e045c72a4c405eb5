"""What this client holds of one space: roster, epochs with their keys, its view of the log."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from circle_client.machine.alarms import Why
from circle_client.machine.events import Entry, EntryKind
from circle_client.protocol.branches import LIFETIMES
from circle_client.protocol.epoch import Announcement, decode_announcement
from circle_client.protocol.errors import DueReason
from circle_client.protocol.log import EPOCH_AGE, LogView
from circle_client.protocol.primitives import Z32
from circle_client.protocol.roster import Policy, Role, Seat, SpaceType
from circle_client.protocol.roster_state import Roster
from circle_client.protocol.structures import Head

NOT_YET = 2**53
"""`joined` of a space whose log so far does not have this member in it: all of it is history."""
NO_EPOCH = Head(0, Z32)


@dataclass(slots=True)
class Epoch:
    """A verified announcement, and of its keys what is held: `branches` maps b to B_b.

    `recipients` is E(list) once it was handed over with the own seal; `checked` when the whole list was compared.
    `sealed_to`: the generation of M whose seal or grant gave the keys, 0 where a wrap did; `least_n`: the own link that
    the own row must not be older than; `foreign`: the roster did not have this member's present ID then, so none of its
    seals is for this device.
    """

    announcement: Announcement
    accepted_at: int
    branches: dict[int, bytes] = field(default_factory=dict)
    recipients: bytes | None = None
    checked: bool = False
    sealed_to: int = 0
    least_n: int = 0
    foreign: bool = False

    def closes(self, following: Epoch | None) -> int:
        """When it closes: with the next, or after 24 hours (e2ee.md section 9)."""
        alone = self.accepted_at + EPOCH_AGE
        return alone if following is None else min(following.accepted_at, alone)

    def dump(self) -> dict[str, Any]:
        """What the store keeps."""
        return {
            "body": self.announcement.body,
            "accepted": self.accepted_at,
            "branches": self.branches,
            "recipients": None if self.checked else self.recipients,
            "checked": self.checked,
            "to": self.sealed_to,
            "least": self.least_n,
            "foreign": self.foreign,
        }

    @classmethod
    def load(cls, value: dict[str, Any]) -> Epoch:
        """The epoch of a `dump`."""
        announcement = decode_announcement(value["body"])
        return cls(
            announcement,
            value["accepted"],
            dict(value["branches"]),
            value["recipients"],
            value["checked"],
            value["to"],
            value["least"],
            value["foreign"],
        )


@dataclass(slots=True)
class Space:
    """One space. `first` is the lowest seq held (1: the whole log), `joined` the seq from which on one is (again) a
    member, `left` the seq of one's own removal.

    `alarm` is a plain sentence when the server's log or lists do not verify, and `why` its sort: nothing is sent here
    any more.
    `waiting`: epochs for whose keys entries wait. `denied`: epochs whose own seal does not open, with its SHA-256,
    until somebody has given their keys. `told` maps a seq that the server promised for an own send to its item.
    `complaints`: who complained of which epochs; `complainers`: those of them for whom nobody has made a new epoch
    since. `owed`: newcomers whom this member has let in where history is shared, with the newest epoch of then and the
    time from which on this device gives them their keys.
    """

    id: bytes
    node: str
    roster: Roster
    log: LogView
    epochs: dict[int, Epoch] = field(default_factory=dict)
    first: int = 1
    joined: int = 1
    left: int | None = None
    alarm: str | None = None
    why: Why | None = None
    state: Entry | None = None
    waiting: set[int] = field(default_factory=set)
    denied: dict[int, bytes] = field(default_factory=dict)
    complaints: dict[bytes, set[int]] = field(default_factory=dict)
    complainers: set[bytes] = field(default_factory=set)
    told: dict[int, bytes] = field(default_factory=dict)
    owed: dict[bytes, tuple[int, int]] = field(default_factory=dict)

    @property
    def newest(self) -> Head:
        """[e, h_e] of the newest epoch in the log; [0, Z32] before the first."""
        return self.log.epoch or NO_EPOCH

    @property
    def epoch(self) -> Epoch | None:
        """The newest epoch, where its announcement is held."""
        return self.epochs.get(self.newest.n)

    def wait_for(self, entry: Entry) -> None:
        """Look for the keys that an entry waits for; those from before a reset come by themselves or never."""
        epoch = self.epochs.get(entry.epoch)
        if entry.waiting and not (epoch is not None and epoch.foreign):
            self.waiting.add(entry.epoch)

    def warn(self, sentence: str, why: Why) -> None:
        """Raise the alarm; the first one stays. But one about own keys gives way to what this device can give back."""
        if self.alarm is None or (self.why is Why.OWN and why is Why.LOST):
            self.alarm, self.why = sentence, why

    def role(self, member: bytes) -> Role | None:
        """The member's role at the head of the log."""
        return self.roster.role(member)

    def show(self, entry: Entry) -> None:
        """Take title and picture from the newest STATE entry; others change nothing."""
        if entry.kind is EntryKind.STATE and (self.state is None or entry.seq > self.state.seq):
            self.state = entry

    @property
    def title(self) -> str:
        """The newest title, empty where there is none (any more)."""
        return self.state.text if self.state else ""

    def state_ends(self) -> int | None:
        """When the newest title expires, in milliseconds; None: never, or there is none."""
        life = LIFETIMES[self.state.b] if self.state else None
        return None if life is None or self.state is None else self.state.accepted_at + life

    # ---- storage: the roster changes seldom, the log with every entry

    def dump(self) -> dict[str, Any]:
        """What changes seldom."""
        roster = self.roster
        return {
            "node": self.node,
            "type": int(roster.type),
            "roster": [roster.n, roster.hash, roster.epoch.n, roster.epoch.hash],
            "policy": [roster.policy.lifetime, roster.policy.shared],
            "seats": {member: [seat.identity, int(seat.role)] for member, seat in roster.seats.items()},
            "heads": {member: [head.n, head.hash] for member, head in roster.heads.items()},
            "since": dict(roster.joined),
            "first": self.first,
            "joined": self.joined,
            "left": self.left,
            "alarm": [self.alarm, self.why.value] if self.alarm and self.why else None,
            "state": self.state.dump() if self.state else None,
            "waiting": sorted(self.waiting),
            "denied": dict(self.denied),
            "complaints": {member: sorted(epochs) for member, epochs in self.complaints.items()},
            "complainers": sorted(self.complainers),
            "owed": {member: list(debt) for member, debt in self.owed.items()},
        }

    def dump_log(self) -> dict[str, Any]:
        """What changes with every entry."""
        log = self.log
        return {
            "head": [log.head.n, log.head.hash],
            "epoch": [log.epoch.n, log.epoch.hash] if log.epoch else None,
            "envelopes": log.envelopes,
            "due": log.due.value if log.due else None,
            "linked": dict(log.linked),
            "told": dict(self.told),
        }

    @classmethod
    def load(cls, id: bytes, value: dict[str, Any], log: dict[str, Any]) -> Space:
        """The space of a `dump` and a `dump_log`; its epochs come separately."""
        n, digest, epoch, epoch_hash = value["roster"]
        roster = Roster(
            space=id,
            type=SpaceType(value["type"]),
            n=n,
            hash=digest,
            policy=Policy(*value["policy"]),
            seats={member: Seat(identity, Role(role)) for member, (identity, role) in value["seats"].items()},
            epoch=Head(epoch, epoch_hash),
            heads={member: Head(*head) for member, head in value["heads"].items()},
            joined=dict(value["since"]),
        )
        view = LogView(
            start=Head(*log["head"]),
            linked=dict(log["linked"]),
            epoch=Head(*log["epoch"]) if log["epoch"] else None,
            envelopes=log["envelopes"],
            due=DueReason(log["due"]) if log["due"] else None,
        )
        space = cls(id, value["node"], roster, view, first=value["first"], joined=value["joined"], left=value["left"])
        if value["alarm"]:
            space.warn(value["alarm"][0], Why(value["alarm"][1]))
        space.state = Entry.load(value["state"]) if value["state"] else None
        space.denied = dict(value.get("denied", {}))
        space.complaints = {member: set(epochs) for member, epochs in value["complaints"].items()}
        space.complainers, space.waiting = set(value["complainers"]), set(value["waiting"])
        space.told = dict(log["told"])
        space.owed = {member: (epoch, at) for member, (epoch, at) in value.get("owed", {}).items()}
        return space
