"""Who is a member now: the roll, kept also for members who follow no log, so that what is told once can be checked.

Ephemeral messages carry the log's head at which their sender was checked. Once the hub has read that far, its roll is
at least as new as that check: whoever was removed before hears nothing (docs/decisions/0103).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from uuid import UUID

from db.hub.roll import Roll

Looked = Callable[[set[UUID] | None], None]
"""Called after each look with the members whose stays have changed; None: nothing is known any more, or anew."""


class Watching:
    """The hub's side of it; the ports of typing, signals and presence ask here."""

    def __init__(self, roll: Roll, poke: Callable[[], None]) -> None:
        self._roll, self._poke = roll, poke
        self._wanted: Counter[UUID] = Counter()
        self._new: set[UUID] = set()
        self._callbacks: list[Looked] = []
        self._heads: dict[UUID, int] | None = None
        self._asked: Sequence[UUID] = ()

    def watch(self, members: Iterable[UUID]) -> Callable[[], None]:
        """Keep the stays of these members from the next look on; returns what ends that."""
        watched = list(members)
        self._new |= {member for member in watched if member not in self._wanted}
        self._wanted.update(watched)
        if self._new:
            self._poke()

        def end() -> None:
            nonlocal watched
            for member in watched:
                self._wanted[member] -= 1
                if self._wanted[member] <= 0:
                    del self._wanted[member]
                    self._new.discard(member)
                    self._roll.unwatch(member)
            watched = []

        return end

    def on_look(self, callback: Looked) -> Callable[[], None]:
        """Call `callback` (plain, quick) after each look; returns what ends that."""
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback) if callback in self._callbacks else None

    def knows(self, member: UUID) -> bool:
        """Whether the member's stays are known."""
        return self._roll.knows(member)

    def is_member(self, space: UUID, member: UUID) -> bool:
        """Whether a member who is known is in the space now."""
        return self._roll.is_member(space, member)

    def members_in(self, space: UUID) -> list[UUID]:
        """Those of the known members who are in the space now."""
        return self._roll.members_in(space)

    def shares(self, one: UUID, other: UUID) -> bool:
        """Whether two known members are together in some space now."""
        return self._roll.shares(one, other)

    def has_read(self, space: UUID, seq: int) -> bool:
        """Whether the roll is as new as this entry of the space's log."""
        return self._heads is not None and self._heads.get(space, 0) >= seq

    def hurry(self) -> None:
        """Let the hub look now."""
        self._poke()

    def missing(self) -> Sequence[UUID]:
        """For the reader: watched members who are not on the roll yet."""
        self._asked = list(self._new)
        return self._asked

    def looked(self, heads: dict[UUID, int] | None) -> None:
        """For the hub: a look is done, up to these heads; None: the reader is lost, and the roll with it."""
        is_anew = heads is None or self._heads is None
        if heads is None:
            self._new = set(self._wanted)
        else:
            self._new.difference_update(self._asked)
            for member in self._asked:
                if member not in self._wanted:  # went away while the reader waited for the database
                    self._roll.unwatch(member)
        self._asked = ()
        self._heads, changed = heads, self._roll.take_changed()
        for callback in list(self._callbacks):
            callback(None if is_anew else changed)
