"""Machines talking without a server: a relay that keeps logs in memory and believes everything."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from uuid import UUID

from circle_client.machine.events import Entry, EntryKind, EventKind, LogEvent
from circle_client.machine.machine import Machine
from circle_client.machine.make import Draft
from circle_client.machine.people import MemberFacts
from circle_client.machine.seals import SealFacts
from circle_client.machine.signup import make_sign_up
from circle_client.machine.space import Space
from circle_client.protocol.contents import State, message
from circle_client.protocol.envelope import Kind, decode_envelope, make_id
from circle_client.protocol.epoch import decode_announcement, decode_recipients
from circle_client.protocol.epoch_keys import NewEpoch
from circle_client.protocol.invite import InviteLink
from circle_client.protocol.log import next_hash
from circle_client.protocol.primitives import Z32, random_bytes, sha256
from circle_client.protocol.roster import Policy, Role, SpaceType, decode_roster_link
from circle_client.protocol.structures import Signed
from circle_client.types import Person

NOW = 1_790_000_000_000


@dataclass
class Kept:
    """Entries of one player's spaces, as a `Past`."""

    entries: dict[tuple[bytes, int], tuple[Entry, LogEvent, bytes]] = field(default_factory=dict)

    def log_hash(self, space: bytes, seq: int) -> bytes | None:
        found = self.entries.get((space, seq))
        return found[2] if found else None

    def item_at(self, space: bytes, seq: int) -> bytes | None:
        found = self.entries.get((space, seq))
        return found[1].item if found else None

    def has_item(self, space: bytes, item: bytes) -> bool:
        return any(key[0] == space and kept[1].item == item for key, kept in self.entries.items())

    def entry_by_id(self, space: bytes, id: bytes) -> Entry | None:
        return next((kept[0] for key, kept in self.entries.items() if key[0] == space and kept[0].id == id), None)

    def seen_before(self, item: bytes) -> Entry | None:
        return None


class Relay:
    """The logs, epochs and members that every player sees."""

    def __init__(self) -> None:
        self.logs: dict[bytes, list[LogEvent]] = {}
        self.rosters: dict[bytes, list[Signed]] = {}
        self.epochs: dict[tuple[bytes, int], NewEpoch] = {}
        self.members: dict[bytes, MemberFacts] = {}
        self.grants: dict[tuple[bytes, bytes], list[tuple[int, bytes]]] = {}
        self.unsealed: set[tuple[bytes, int, bytes]] = set()
        """Seals that a rotation has removed: (space, epoch, member)."""
        self.keys: dict[bytes, list[Signed]] = {}
        self.clock = NOW

    def append(self, space: bytes, kind: EventKind, item: bytes, body: bytes, signature: bytes = b"") -> LogEvent:
        log = self.logs.setdefault(space, [])
        self.clock += 10
        before = log[-1].log_hash if log else Z32
        seq = len(log) + 1
        event = LogEvent(space, seq, kind, item, next_hash(before, seq, item), self.clock, body, signature)
        log.append(event)
        return event

    def roster(self, link: Signed) -> LogEvent:
        decoded = decode_roster_link(link.body)
        self.rosters.setdefault(decoded.space, []).append(link)
        return self.append(decoded.space, EventKind.ROSTER, decoded.hash, link.body, link.signature)

    def epoch(self, epoch: NewEpoch) -> LogEvent:
        announcement = decode_announcement(epoch.announcement.body)
        self.epochs[announcement.space, announcement.epoch] = epoch
        signed = epoch.announcement
        return self.append(announcement.space, EventKind.EPOCH, announcement.hash, signed.body, signed.signature)

    def envelope(self, data: bytes) -> LogEvent:
        envelope = decode_envelope(data)
        return self.append(envelope.header.space, EventKind.ENVELOPE, envelope.item, data)

    def seal_for(self, space: bytes, number: int, member: bytes) -> SealFacts:
        epoch = self.epochs[space, number]
        rows = decode_recipients(epoch.recipients)
        seal = next((epoch.seals[i] for i, row in enumerate(rows) if row.member == member), None)
        return SealFacts(epoch.recipients, None if (space, number, member) in self.unsealed else seal)


class Player:
    """A machine with its kept entries, on a relay."""

    def __init__(self, relay: Relay, handle: str) -> None:
        self.relay, self.past = relay, Kept()
        bundle = make_sign_up(InviteLink(random_bytes(16)), NOW)
        self.bundle = bundle
        person = Person(f"node-{handle}", bundle.keyring.member, handle, handle.title())
        self.machine = Machine.signed_up(bundle, person, self.past)
        relay.members[person.protocol_id] = MemberFacts(person, [bundle.identity], bundle.member_key)

    @property
    def id(self) -> bytes:
        return self.machine.me

    def space(self, id: bytes) -> Space:
        return self.machine.spaces[id]

    def meet_all(self) -> None:
        for facts in self.relay.members.values():
            self.machine.learn(facts)

    def create(
        self, type_: SpaceType, roles: dict[bytes, Role], title: str = "A title", policy: Policy | None = None
    ) -> bytes:
        self.meet_all()
        made = self.machine.make.conversation(
            type_, roles, policy or Policy(), State(title).content(), self.relay.clock
        )
        self.relay.roster(made.link)
        self.relay.epoch(made.epoch)
        if made.state is not None:
            self.relay.envelope(made.state)
        return made.space

    def pull(self, id: bytes, upto: int | None = None) -> list[Entry]:
        """Apply what is new, as the engine does; returns the new entries."""
        self.meet_all()
        entries: list[Entry] = []
        for event in self.relay.logs[id][:upto]:
            entries += self.take(event)
        return entries

    def take(self, event: LogEvent) -> list[Entry]:
        id = event.space
        if id not in self.machine.spaces:
            if event.seq != 1:
                applied = self.machine.join("node", self.relay.rosters[id], event)
                self.past.entries[id, event.seq] = (applied.entry, event, applied.log_hash)
                return [applied.entry]
            self.machine.adopt(self.machine.prepare("node", event))
        if event.seq <= self.space(id).log.head.n:
            return []
        seal = None
        if event.kind is EventKind.EPOCH:
            seal = self.relay.seal_for(id, decode_announcement(event.body or b"").epoch, self.id)
        applied = self.machine.apply(event, seal)
        self.past.entries[id, event.seq] = (applied.entry, event, applied.log_hash)
        return [applied.entry]

    def draft(self, text: str) -> Draft:
        return Draft(make_id(self.relay.clock, random_bytes(10)), Kind.MESSAGE, message(text), self.relay.clock)

    def say(self, id: bytes, text: str) -> LogEvent:
        self.pull(id)
        return self.relay.envelope(self.machine.make.envelope(self.space(id), self.draft(text)).data)

    def renew(self, id: bytes) -> LogEvent:
        self.pull(id)
        return self.relay.epoch(self.machine.make.epoch(self.space(id), self.relay.clock))

    def texts(self, id: bytes) -> list[str]:
        self.pull(id)
        found = sorted((key[1], kept[0]) for key, kept in self.past.entries.items() if key[0] == id)
        return [entry.text or f"[{entry.reason}]" for _, entry in found if entry.kind in _SHOWN]


_SHOWN = (EntryKind.MESSAGE, EntryKind.UNREADABLE)


def changed(event: LogEvent, **values: object) -> LogEvent:
    """A copy of an event as a lying server would hand it out."""
    return replace(event, **values)  # type: ignore[arg-type]


def members(*players: Player, role: Role = Role.WRITER) -> dict[bytes, Role]:
    return {player.id: role for player in players}


__all__ = ["NOW", "UUID", "Kept", "Player", "Relay", "changed", "members", "sha256"]
