"""From kept entries to messages: history, and live iteration that goes on where it stopped."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from uuid import UUID

from circle_client.engine.engine import Engine, millis
from circle_client.engine.kept import entry_of
from circle_client.engine.shelf import shelved
from circle_client.engine.sync import Sync
from circle_client.machine.events import Entry, EntryKind
from circle_client.protocol.envelope import Kind
from circle_client.store import ItemRow
from circle_client.types import Lifetime, Message

_READER = "reader"


def moment(millis: int) -> datetime:
    """A time of the protocol as an aware datetime."""
    try:
        return datetime.fromtimestamp(millis / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0, UTC)


def _is_message(entry: Entry) -> bool:
    unreadable = entry.kind is EntryKind.UNREADABLE and entry.sealed in (0, Kind.MESSAGE)
    return entry.kind is EntryKind.MESSAGE or unreadable


def message_of(engine: Engine, row: ItemRow, *, only_here: bool = False) -> Message | None:
    """The message that a row keeps; None for other entries and expired ones."""
    entry = entry_of(row)
    if entry is None or not _is_message(entry) or (row.expires is not None and row.expires <= millis()):
        return None  # what has expired is not shown, even if it was not erased yet
    sender = entry.sender
    return Message(
        conversation_id=engine.space(row.space).node,
        seq=row.seq,
        id=UUID(bytes=entry.id) if entry.id else UUID(int=0),
        sender=engine.machine.people.person(sender) if sender else None,
        mine=sender == engine.machine.me,
        text=entry.text if entry.kind is EntryKind.MESSAGE else "",
        time=moment(entry.time or entry.accepted_at),
        accepted_at=moment(entry.accepted_at),
        unreadable=entry.reason if entry.kind is EntryKind.UNREADABLE else None,
        edited=entry.edited,
        deleted=entry.deleted,
        lifetime=Lifetime(entry.b) if entry.b < len(Lifetime) else Lifetime.NONE,
        expires_at=None if row.expires is None else moment(row.expires),
        only_here=only_here,
    )


def history(engine: Engine, space: bytes, limit: int, before: int | None) -> list[Message]:
    """The newest `limit` messages with seq < `before`, ascending; those of one seq are not parted."""
    found: list[Message] = []
    for message in _backwards(engine, space, 2**53 if before is None else before):
        if len(found) >= limit and (not found or message.seq != found[-1].seq):
            break
        found.append(message)
    return found[::-1]


def _backwards(engine: Engine, space: bytes, before: int) -> Iterator[Message]:
    """The messages of the log, newest first, and those that only this device has where they stand."""
    beside = shelved(engine.store, space, before)[::-1]
    while rows := engine.store.latest_items(space, before, 200):
        for row in rows:
            while beside and beside[-1].seq >= row.seq:
                if (message := message_of(engine, beside.pop(), only_here=True)) is not None:
                    yield message
            if (message := message_of(engine, row)) is not None:
                yield message
        before = rows[-1].seq
    for row in reversed(beside):
        if (message := message_of(engine, row, only_here=True)) is not None:
            yield message


async def live(engine: Engine, sync: Sync, name: str, space: bytes | None) -> AsyncIterator[Message]:
    """Messages in the order of arrival, from where the iteration of this `name` stopped, for ever.

    A message counts as taken when the next one is asked for: after a crash in between it comes again. Raises what
    ended the synchronising for good.
    """
    key = (space or b"") + b"\x00" + name.encode()
    place = int(engine.store.get(_READER, key) or 0)
    while True:
        news = engine.news.waiter()
        rows = engine.store.live_items(place, space)
        for row in rows:
            message = message_of(engine, row) if row.space in engine.machine.spaces else None
            if message is not None:
                yield message
            place = row.place or place
            if message is not None:
                _remember(engine, key, place)
        if rows:
            _remember(engine, key, place)
            continue
        if sync.failed is not None:
            raise sync.failed
        await news.wait()


def _remember(engine: Engine, key: bytes, place: int) -> None:
    with engine.store.transaction():
        engine.store.put(_READER, key, place)
