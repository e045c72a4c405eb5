"""The roll: who is subscribed, and which seqs of which spaces each of them may hear."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from uuid import UUID

from asyncpg import Record

from db.hub.subscription import Subscription
from db.models.kinds import MarkerScope
from db.queries.markers import MarkerRow

Stay = tuple[int, int | None]


class Roll:
    """Stays of subscribed members alone, by space. Changes come from the same snapshots as the rows they govern.

    Subscriptions may leave at any moment, also while the reader waits for the database: stays of members who are
    not on the roll are never taken in.
    """

    def __init__(self) -> None:
        self._subscriptions: dict[UUID, dict[Subscription, None]] = {}  # in the order in which they came
        self._stays: dict[UUID, dict[UUID, list[Stay]]] = defaultdict(dict)
        self._spaces_of: dict[UUID, set[UUID]] = defaultdict(set)
        self._watched: set[UUID] = set()
        self._changed: set[UUID] = set()

    def members(self) -> list[UUID]:
        """Whose stays are kept."""
        return list(self._subscriptions.keys() | self._watched)

    def knows(self, member: UUID) -> bool:
        """Whether the member's stays are kept."""
        return member in self._subscriptions or member in self._watched

    def is_member(self, space: UUID, member: UUID) -> bool:
        """Whether a member whose stays are kept is in the space now."""
        stays = self._stays.get(space, {}).get(member, ())
        return any(left is None for _, left in stays)

    def members_in(self, space: UUID) -> list[UUID]:
        """Those of the kept who are in the space now."""
        return [member for member in self._stays.get(space, ()) if self.is_member(space, member)]

    def shares(self, one: UUID, other: UUID) -> bool:
        """Whether two of the kept are in one space now."""
        both = self._spaces_of.get(one, set()) & self._spaces_of.get(other, set())
        return any(self.is_member(space, one) and self.is_member(space, other) for space in both)

    def take_changed(self) -> set[UUID]:
        """The kept whose stays have begun, ended or become known since this was last asked."""
        changed, self._changed = self._changed, set()
        return changed

    def admit(
        self, subscriptions: Iterable[Subscription], records: Iterable[Record], watched: Iterable[UUID] = ()
    ) -> None:
        """Let these in; `records` are their members' present stays in the snapshot from which on they hear."""
        for subscription in subscriptions:
            self._subscriptions.setdefault(subscription.member, {})[subscription] = None
            self._forget_member(subscription.member)
        for member in watched:
            self._watched.add(member)
            self._forget_member(member)
            self._changed.add(member)
        self._take(records)

    def unwatch(self, member: UUID) -> None:
        """Nobody asks for the member's stays but, maybe, subscriptions."""
        self._watched.discard(member)
        if member not in self._subscriptions:
            self._forget_member(member)

    def leave(self, subscription: Subscription) -> None:
        """Forget it, and with a member's last one the member's stays."""
        of_member = self._subscriptions.get(subscription.member)
        if of_member is None:
            return
        of_member.pop(subscription, None)
        if not of_member:
            del self._subscriptions[subscription.member]
            if subscription.member not in self._watched:
                self._forget_member(subscription.member)

    def refresh(self, spaces: Iterable[UUID], records: Iterable[Record]) -> None:
        """Replace all stays in these spaces."""
        spaces = list(spaces)
        before = {(space, member) for space in spaces for member in self.members_in(space)}
        for space in spaces:
            for member in list(self._stays.get(space, ())):
                self._forget(space, member)
        self._take(records)
        after = {(space, member) for space in spaces for member in self.members_in(space)}
        self._changed |= {member for _, member in before ^ after}

    def drop_ended(self, spaces: Iterable[UUID]) -> None:
        """Forget stays that have ended: every row within them has been handed out."""
        for space in spaces:
            for member, stays in list(self._stays.get(space, {}).items()):
                lasting = [stay for stay in stays if stay[1] is None]
                if lasting:
                    self._stays[space][member] = lasting
                else:
                    self._forget(space, member)

    def listeners(self, space: UUID, seq: int) -> Iterator[Subscription]:
        """Who may hear this row: a stay includes the event that began it and the one that ended it."""
        for member, stays in self._stays.get(space, {}).items():
            for joined, left in stays:  # a plain loop: `any` costs each of 1,000 members four times as much
                if joined <= seq and (left is None or seq <= left):
                    for subscription in self._subscriptions.get(member, ()):
                        if subscription.space is None or subscription.space == space:
                            yield subscription
                    break

    def marker_listeners(self, marker: MarkerRow) -> Iterator[Subscription]:
        """Who may hear of this marker: members present now; of an own one that member alone, in the stream of all."""
        receipt = marker.scope == MarkerScope.RECEIPT
        for member, stays in self._stays.get(marker.space, {}).items():
            if (receipt or member == marker.member) and any(left is None for _, left in stays):
                for subscription in self._subscriptions.get(member, ()):
                    if subscription.space is None or (receipt and subscription.space == marker.space):
                        yield subscription

    def end(self) -> None:
        """Tell every subscription that its reader is lost, and forget them."""
        for of_member in self._subscriptions.values():
            for subscription in of_member:
                subscription.end()
        self._subscriptions.clear()
        self._watched.clear()
        self._stays.clear()
        self._spaces_of.clear()

    def _take(self, records: Iterable[Record]) -> None:
        for space, member, joined, left in records:
            if self.knows(member):
                self._stays[space].setdefault(member, []).append((joined, left))
                self._spaces_of[member].add(space)

    def _forget_member(self, member: UUID) -> None:
        for space in list(self._spaces_of.get(member, ())):
            self._forget(space, member)

    def _forget(self, space: UUID, member: UUID) -> None:
        self._stays[space].pop(member, None)
        if not self._stays[space]:
            del self._stays[space]
        self._spaces_of[member].discard(space)
        if not self._spaces_of[member]:
            del self._spaces_of[member]
