"""What changed in a conversation, in plain sentences."""

from __future__ import annotations

from circle_client.engine.engine import Engine
from circle_client.engine.kept import entry_of
from circle_client.listen import moment
from circle_client.machine.events import Entry, EntryKind
from circle_client.machine.space import Space
from circle_client.store import ItemRow
from circle_client.types import Change, ChangeKind, Person, Role

_ROLES = {Role.READER: "a reader", Role.WRITER: "a writer", Role.ADMIN: "an admin", Role.OWNER: "an owner"}
_ACTIONS = {
    "create": ChangeKind.CREATED,
    "add": ChangeKind.ADDED,
    "remove": ChangeKind.REMOVED,
    "role": ChangeKind.ROLE,
    "policy": ChangeKind.POLICY,
    "device_revoke": ChangeKind.DEVICE_REMOVED,
    "recovery": ChangeKind.RECOVERY_KEY,
    "reset": ChangeKind.IDENTITY,
}
_KINDS = (EntryKind.ROSTER, EntryKind.MEMBER, EntryKind.COMPLAINT, EntryKind.STATE)


def changes(engine: Engine, space: Space, limit: int, before: int | None) -> list[Change]:
    """The newest `limit` changes with seq < `before`, ascending."""
    found: list[Change] = []
    below = 2**53 if before is None else before
    while len(found) < limit and (rows := engine.store.latest_items(space.id, below, 200)):
        for row in rows:
            change = change_of(engine, space, row)
            if change is not None and len(found) < limit:
                found.append(change)
        below = rows[-1].seq
    return found[::-1]


def change_of(engine: Engine, space: Space, row: ItemRow) -> Change | None:
    """The change that a row keeps; None for messages and all else."""
    entry = entry_of(row)
    if entry is None or entry.kind not in _KINDS or entry.reason is not None:
        return None
    kind = _kind(entry)
    if kind is None:
        return None
    people = engine.machine.people
    by = people.person(entry.sender) if entry.sender else None
    about = people.person(entry.member) if entry.member else None
    return Change(
        space.node, row.seq, kind, _text(engine, space, kind, entry, by, about), by, about, moment(entry.accepted_at)
    )


def _kind(entry: Entry) -> ChangeKind | None:
    if entry.kind is EntryKind.COMPLAINT:
        return ChangeKind.KEYS_UNREADABLE
    if entry.kind is EntryKind.STATE:
        return ChangeKind.TITLE
    kind = _ACTIONS.get(entry.action)
    if kind is ChangeKind.REMOVED and entry.sender == entry.member:
        return ChangeKind.LEFT
    if kind is ChangeKind.ADDED and entry.again:
        return ChangeKind.READMITTED
    return kind


def _name(person: Person | None) -> str:
    return person.display_name if person is not None else "Somebody"


def _text(engine: Engine, space: Space, kind: ChangeKind, entry: Entry, by: Person | None, about: Person | None) -> str:
    who, whom = _name(by), _name(about)
    if kind is ChangeKind.KEYS_UNREADABLE:
        return _complaint(engine, space, entry, who)
    role = _ROLES[Role(entry.number)] if kind is ChangeKind.ROLE else ""
    return {
        ChangeKind.CREATED: f"{who} made this conversation.",
        ChangeKind.ADDED: f"{who} added {whom}.",
        ChangeKind.READMITTED: f"{who} let {whom} in again.",
        ChangeKind.REMOVED: f"{who} removed {whom}.",
        ChangeKind.LEFT: f"{whom} left.",
        ChangeKind.ROLE: f"{who} made {whom} {role}.",
        ChangeKind.POLICY: f"{who} changed how long messages stay or what newcomers may read.",
        ChangeKind.TITLE: f"{who} changed the title.",
        ChangeKind.DEVICE_REMOVED: f"{whom} removed one of their devices.",
        ChangeKind.RECOVERY_KEY: f"{whom} has a new recovery key.",
        ChangeKind.IDENTITY: (
            f"{whom} lost all devices and the recovery key and began anew. "
            f"Make sure that it is {whom}, then let them in again."
        ),
    }[kind]


def _complaint(engine: Engine, space: Space, entry: Entry, who: str) -> str:
    sentence = f"A device of {who} was given keys that it could not open. It is given them again."
    mine, epoch = space.role(engine.machine.me), space.epochs.get(entry.number)
    if mine is None or mine < Role.ADMIN or epoch is None:  # admins alone see whose keys they were (e2ee.md section 6)
        return sentence
    maker = engine.machine.people.person(epoch.announcement.creator.member)
    return f"{sentence} They came from a device of {_name(maker)}."
