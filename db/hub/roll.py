"""The roll: who is subscribed, and which seqs of which spaces each of them may hear."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from uuid import UUID

from asyncpg import Record

from db.hub.subscription import Subscription

Stay = tuple[int, int | None]


class Roll:
    """Stays of subscribed members alone, by space. Changes come from the same snapshots as the rows they govern."""

    def __init__(self) -> None:
        self._subscriptions: dict[UUID, set[Subscription]] = defaultdict(set)
        self._stays: dict[UUID, dict[UUID, list[Stay]]] = defaultdict(dict)

    def members(self) -> list[UUID]:
        """Whose stays are kept."""
        return list(self._subscriptions)

    def knows(self, member: UUID) -> bool:
        """Whether this member's stays are kept."""
        return member in self._subscriptions

    def enter(self, subscription: Subscription) -> None:
        """From now on it hears what its member's stays allow."""
        self._subscriptions[subscription.member].add(subscription)

    def leave(self, subscription: Subscription) -> None:
        """Forget it, and with a member's last one the member's stays."""
        of_member = self._subscriptions.get(subscription.member)
        if of_member is None:
            return
        of_member.discard(subscription)
        if not of_member:
            del self._subscriptions[subscription.member]
            for space in [space for space, stays in self._stays.items() if subscription.member in stays]:
                self._forget(space, subscription.member)

    def set_stays(self, spaces: Iterable[UUID], records: Iterable[Record]) -> None:
        """Replace the stays in these spaces by the records' (of all members on the roll)."""
        for space in spaces:
            self._stays.pop(space, None)
        self.add_stays(records)

    def add_stays(self, records: Iterable[Record]) -> None:
        """Add the records' stays (of members new on the roll)."""
        for r in records:
            self._stays[r["space_id"]].setdefault(r["member_id"], []).append((r["joined_seq"], r["left_seq"]))

    def drop_ended(self, spaces: Iterable[UUID]) -> None:
        """Forget stays that have ended: every row within them has been handed out."""
        for space in list(spaces):
            for member, stays in list(self._stays.get(space, {}).items()):
                lasting = [stay for stay in stays if stay[1] is None]
                if lasting:
                    self._stays[space][member] = lasting
                else:
                    self._forget(space, member)

    def listeners(self, space: UUID, seq: int) -> Iterator[Subscription]:
        """Who may hear this row: a stay includes the event that began it and the one that ended it."""
        for member, stays in self._stays.get(space, {}).items():
            if any(joined <= seq and (left is None or seq <= left) for joined, left in stays):
                for subscription in self._subscriptions.get(member, ()):
                    if subscription.space is None or subscription.space == space:
                        yield subscription

    def end(self) -> None:
        """Tell every subscription that its reader is lost, and forget them."""
        for of_member in self._subscriptions.values():
            for subscription in of_member:
                subscription.end()
        self._subscriptions.clear()
        self._stays.clear()

    def _forget(self, space: UUID, member: UUID) -> None:
        self._stays[space].pop(member, None)
        if not self._stays[space]:
            del self._stays[space]
