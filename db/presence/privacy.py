"""Who hides, as far as this process must know: whoever is watched or watches. Not known is hidden."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from uuid import UUID


class Hiding:
    """Settings are read when somebody is first wanted, when told that they changed, and in shards again and again."""

    def __init__(self, ask: Callable[[Sequence[UUID]], Awaitable[set[UUID]]]) -> None:
        """`ask` answers which of these members hide."""
        self._ask = ask
        self._wanted: Counter[UUID] = Counter()
        self._known: dict[UUID, bool] = {}
        self._doubted: set[UUID] = set()

    def want(self, members: Iterable[UUID]) -> None:
        """Know these from the next refresh on."""
        self._wanted.update(members)

    def unwant(self, members: Iterable[UUID]) -> None:
        """They are not needed any more."""
        for member in members:
            self._wanted[member] -= 1
            if self._wanted[member] <= 0:
                del self._wanted[member]
                self._known.pop(member, None)

    def learn(self, member: UUID, *, hides: bool) -> None:
        """What a query has just said of a member whose setting is wanted and not known."""
        if member in self._wanted and member not in self._doubted:
            self._known.setdefault(member, hides)

    def is_known(self, member: UUID) -> bool:
        """Whether the member's setting is known."""
        return member in self._known

    def is_hidden(self, member: UUID) -> bool:
        """Whether the member hides, or may do so."""
        return self._known.get(member, True)

    def forget(self, member: UUID) -> None:
        """The setting may be another now; what is being asked at this moment does not count."""
        self._known.pop(member, None)
        if member in self._wanted:
            self._doubted.add(member)

    def forget_all(self) -> None:
        """Something may have been missed."""
        self._doubted |= self._wanted.keys()
        self._known.clear()

    async def refresh(self, shard: int, shards: int) -> set[UUID]:
        """Read what is not known, and a shard of what is; those whose setting is another than it was held for."""
        asked = [m for m in self._wanted if m not in self._known or m.int % shards == shard]
        if not asked:
            return set()
        self._doubted.clear()
        hidden = await self._ask(asked)
        changed = set()
        for member in asked:
            if member in self._wanted and member not in self._doubted:
                if self._known.get(member) is not (member in hidden):
                    changed.add(member)
                self._known[member] = member in hidden
        return changed
