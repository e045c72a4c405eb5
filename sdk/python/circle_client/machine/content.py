"""From an opened envelope to an entry: what each kind holds (docs/decisions/0005)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from circle_client.machine.events import Entry, EntryKind
from circle_client.protocol import contents
from circle_client.protocol.account import read_account
from circle_client.protocol.envelope import Header, Kind
from circle_client.protocol.errors import ProtocolError
from circle_client.protocol.roster import SpaceType

_KINDS: dict[int, EntryKind] = {
    Kind.MESSAGE: EntryKind.MESSAGE,
    Kind.EDIT: EntryKind.EDIT,
    Kind.DELETE: EntryKind.DELETE,
    Kind.REACTION: EntryKind.REACTION,
    Kind.RECEIPT: EntryKind.RECEIPT,
    Kind.STATE: EntryKind.STATE,
}


def framed(seq: int, accepted_at: int, header: Header, kind: EntryKind = EntryKind.UNREADABLE) -> Entry:
    """What the header alone tells."""
    return Entry(
        seq=seq,
        kind=kind,
        accepted_at=accepted_at,
        sender=header.member,
        time=header.time,
        id=header.id,
        ref=header.ref,
        sealed=header.kind,
        b=header.b,
        epoch=header.epoch.n,
    )


def filled(frame: Entry, content: Mapping[int, Any], space: SpaceType) -> Entry:
    """The entry with its content; unreadable with a reason where the content is not of its kind's shape."""
    kind = _KINDS.get(frame.sealed)
    if kind is EntryKind.STATE and space is SpaceType.ACCOUNT:
        kind = EntryKind.ACCOUNT
    if kind is None:
        return frame.but(kind=EntryKind.OTHER, waiting=False, reason=None)
    found: dict[str, Any] = {}
    try:
        if kind in (EntryKind.MESSAGE, EntryKind.EDIT):
            found = {"text": contents.read_message(content)}
        elif kind is EntryKind.REACTION:
            found = {"text": contents.read_reaction(content)}
        elif kind is EntryKind.ACCOUNT:
            found = {"account": read_account(content)}
        elif kind is EntryKind.STATE:
            state = contents.read_state(content)
            found = {"text": state.title, "picture": state.picture, "media": state.media_type}
    except ProtocolError as error:
        return frame.but(kind=EntryKind.UNREADABLE, waiting=False, reason=error.message)
    return frame.but(kind=kind, waiting=False, reason=None, **found)
