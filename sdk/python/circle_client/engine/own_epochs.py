"""The seals of epochs that this device has made: known here alone, and offered again to a server that lost them.

Kept beside the log, for they are large: 1.2 MB for 1,000 members (docs/decisions/0094).
"""

from __future__ import annotations

from circle_client.protocol.epoch_keys import NewEpoch
from circle_client.protocol.structures import Head, Signed
from circle_client.store import Store

_SEALS = "own-epoch"
_INDEX = "own-epochs"
LONGEST = 30 * 86_400_000
"""Backups are kept for 30 days by default: nothing older comes back from one."""
MOST = 4 * 1024 * 1024
"""Bytes of seals that are kept of one space; the newest epoch is kept in any case."""


def keep_epoch(store: Store, space: bytes, made: NewEpoch, now: int) -> None:
    """Keep an epoch that has entered the log, inside a transaction; those too old to be missed, or too many, go."""
    size = len(made.recipients) + sum(len(seal) for seal in made.seals)
    newest = [made.head.hash, now, size]
    store.put(_SEALS, made.head.hash, [made.recipients, list(made.seals)])
    known = [row for row in store.get(_INDEX, space) or [] if row[0] != made.head.hash]
    left, kept = MOST - size, [newest]
    for row in reversed(known):
        left -= row[2]
        if left < 0 or row[1] < now - LONGEST:
            store.remove(_SEALS, row[0])
        else:
            kept.insert(0, row)
    store.put(_INDEX, space, kept)


def kept_epoch(store: Store, item: bytes, announcement: Signed) -> NewEpoch | None:
    """The epoch of this hash as `keep_epoch` was given it, but for its keys."""
    found = store.get(_SEALS, item)
    return None if found is None else NewEpoch(announcement, found[0], tuple(found[1]), Head(0, item), ())
