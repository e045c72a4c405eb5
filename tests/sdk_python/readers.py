"""Two devices of one member with stores of their own, on a server that keeps markers as rows with a version."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from circle_client.clock import millis
from circle_client.engine.kept import StoredPast, keep
from circle_client.machine.events import EventKind, LogEvent
from circle_client.machine.machine import Machine
from circle_client.machine.make import Draft
from circle_client.machine.reading import MarkerFacts, Scope
from circle_client.machine.space import Space
from circle_client.protocol.cbor import Value
from circle_client.protocol.contents import message
from circle_client.protocol.envelope import Kind, decode_envelope, make_id
from circle_client.protocol.epoch import decode_announcement
from circle_client.protocol.markers import OwnMarker, ReceiptMarker
from circle_client.protocol.primitives import random_bytes
from circle_client.protocol.roster import Role, SpaceType
from circle_client.reading import unread
from circle_client.store import Lock, Store
from circle_client.types import Privacy

from tests.sdk_python.relay import Player, Relay

LOCK = Lock("bob", b"m" * 16, b"d" * 16, b"salt" * 4, 64, 1, 1)
CURSOR = "cursor"
Rows = list[tuple[str, bytes, object]]


class CrashError(Exception):
    """The process ends in the middle of a transaction."""


@dataclass
class Server:
    """A relay with markers: one stream of log entries and markers, of which a reader gets the newest state."""

    relay: Relay
    space: bytes
    account: bytes
    owner: bytes
    stream: list[LogEvent | tuple[Scope, int]] = field(default_factory=list)
    rows: dict[Scope, MarkerFacts] = field(default_factory=dict)
    writes: int = 0

    def append(self, event: LogEvent) -> None:
        self.stream.append(event)

    def set_marker(self, scope: Scope, version: int, envelope: bytes) -> MarkerFacts | None:
        """None: stored. Otherwise what is stored instead of `version`."""
        current = self.rows.get(scope)
        if (current.version if current else 0) != version:
            return current
        self.rows[scope] = MarkerFacts(self.space, scope, version + 1, self.relay.clock, envelope)
        self.stream.append((scope, version + 1))
        self.writes += 1
        return None


class Device:
    """A machine whose state lies in a store, together with its cursor."""

    def __init__(self, server: Server, player: Player, rows: Rows, path: Path) -> None:
        self.server, self.path = server, path
        self.store = Store.create(path, LOCK, b"k" * 32)
        with self.store.transaction():
            for area, key, value in rows:
                self.store.put(area, key, value)
            for (space, seq), (entry, event, digest) in player.past.entries.items():
                value = {"entry": entry.dump()}
                self.store.put_item(space, seq, event.item, digest, value, id=entry.id)
            self.store.put(CURSOR, b"", 0)
        self.restart()

    def restart(self) -> None:
        """Whatever was only in memory is gone."""
        store = self.store
        people, spaces, logs, epochs = (store.all(area) for area in ("person", "space", "log", "epoch"))
        book, past = store.get("book", b""), StoredPast(store)
        keyring = store.get("keyring", b"")
        self.machine = Machine.load(keyring, people, spaces, logs, epochs, book, past, store.all("reading"))

    @property
    def space(self) -> Space:
        return self.machine.spaces[self.server.space]

    @property
    def read_seq(self) -> int:
        return self.machine.reading.read_seq(self.space)

    @property
    def unread(self) -> int:
        return unread(self.machine, self.store, self.space)

    @property
    def cursor(self) -> int:
        return int(self.store.get(CURSOR, b""))

    # ---- hearing

    def deliver(self, *, crash: bool = False) -> bool:
        """Take the next item of the stream with its cursor; whether there was one."""
        at = self.cursor
        if at >= len(self.server.stream):
            return False
        item = self.server.stream[at]
        try:
            with self.store.transaction():
                if isinstance(item, LogEvent):
                    self._apply(item)
                elif self.server.rows[item[0]].version == item[1]:  # an older state is not shown any more
                    self.machine.take_marker(self.server.rows[item[0]])
                self.machine.flush(self.store.put)
                self.store.put(CURSOR, b"", at + 1)
                if crash:
                    raise CrashError
        except CrashError:
            self.restart()
        return True

    def _apply(self, event: LogEvent) -> None:
        seal = None
        if event.kind is EventKind.EPOCH:
            number = decode_announcement(event.body or b"").epoch
            seal = self.server.relay.seal_for(event.space, number, self.machine.me)
        applied = self.machine.apply(event, seal)
        keep(self.store, self.machine.spaces[event.space], event, applied, millis(), None, None)

    def resync(self) -> None:
        """The cursor is worth nothing: the log goes on from the head, markers come as they are stored now."""
        while self.cursor < len(self.server.stream):
            item = self.server.stream[self.cursor]
            with self.store.transaction():
                if isinstance(item, LogEvent):
                    self._apply(item)
                self.machine.flush(self.store.put)
                self.store.put(CURSOR, b"", self.cursor + 1)
        with self.store.transaction():
            self.machine.reading.refetch([self.space.id])
            self.machine.take_fetched(self.space, list(self.server.rows.values()))
            self.machine.flush(self.store.put)

    # ---- doing

    def read(self, seq: int) -> None:
        self.machine.reading.mark(self.space, seq)
        self._flush()

    def say(self, text: str) -> None:
        self.server.append(self.server.relay.envelope(self.seal(self.space, Kind.MESSAGE, message(text))))

    def send(self, scope: Scope, *, answered: bool = True, tries: int = 4) -> bool:
        """Store what is due, as often as another device is faster; whether nothing is due any more."""
        reading = self.machine.reading
        for _ in range(tries):
            said = self._due(scope)
            if said is None:
                return True
            version = reading.of(self.space.id).versions.get(scope, 0)
            place = self.space if scope is Scope.RECEIPT else self.machine.spaces[self.server.account]
            current = self.server.set_marker(scope, version, self.seal(place, Kind.RECEIPT, said.content()))
            if current is not None:
                reading.replaced(current)
            elif answered:
                reading.stored(self.space.id, scope, version + 1, said)
            else:
                return False
            self._flush()
        return self._due(scope) is None

    def _due(self, scope: Scope) -> OwnMarker | ReceiptMarker | None:
        reading = self.machine.reading
        return reading.own_due(self.space) if scope is Scope.OWN else reading.receipt_due(self.space, Privacy())

    def seal(self, place: Space, kind: Kind, content: dict[int, Value]) -> bytes:
        clock = self.server.relay.clock
        draft = Draft(make_id(clock, random_bytes(10)), kind, content, clock)
        return self.machine.make.envelope(place, draft).data

    def _flush(self) -> None:
        with self.store.transaction():
            self.machine.flush(self.store.put)


def _dumped(machine: Machine) -> Rows:
    rows: Rows = []
    machine.keyring.changed = True
    machine.flush(lambda area, key, value: rows.append((area, key, value)))
    return rows


def scene(folder: Path) -> tuple[Server, Player, list[Device]]:
    """Ada and Bob in a group; Bob has two devices."""
    relay = Relay()
    ada, bob = Player(relay, "ada"), Player(relay, "bob")
    account = bob.bundle.account_space
    relay.roster(bob.bundle.account)
    bob.pull(account)
    bob.renew(account)
    bob.pull(account)
    space = ada.create(SpaceType.GROUP, {bob.id: Role.WRITER})
    bob.pull(space)
    ada.pull(space)
    server = Server(relay, space, account, bob.id)
    rows = _dumped(bob.machine)
    found = [Device(server, bob, rows, folder / "one"), Device(server, bob, rows, folder / "two")]
    for device in found:
        device.resync()
    return server, ada, found


def ada_says(server: Server, ada: Player, text: str) -> int:
    """A message of Ada's; its seq."""
    event = ada.say(server.space, text)
    server.append(event)
    return event.seq


def ada_deletes(server: Server, ada: Player, seq: int) -> None:
    """Ada takes one of her messages back."""
    ada.pull(server.space)
    body = server.relay.logs[server.space][seq - 1].body
    clock = server.relay.clock
    about = decode_envelope(body or b"").header.id
    draft = Draft(make_id(clock, random_bytes(10)), Kind.DELETE, {}, clock, about)
    server.append(server.relay.envelope(ada.machine.make.envelope(ada.space(server.space), draft).data))
