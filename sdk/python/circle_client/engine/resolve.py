"""What a person decides about an alarm: offer the server what it has lost, or go on with what it shows.

See docs/decisions/0082.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from circle_client.engine.kept import Kept, entry_of
from circle_client.engine.own_epochs import kept_epoch
from circle_client.engine.shelf import keep_lost
from circle_client.errors import CircleError, NotAllowed, Refused, Untrusted
from circle_client.machine.alarms import Why
from circle_client.machine.events import EntryKind
from circle_client.machine.people import Known
from circle_client.machine.space import Space
from circle_client.protocol.roster import SpaceType
from circle_client.protocol.structures import Signed
from circle_client.store import ItemRow

if TYPE_CHECKING:
    from circle_client.engine.convert import Accepted, ConversationFacts
    from circle_client.engine.engine import Engine
    from circle_client.engine.teller import Teller

_PAGE = 500
_EVIDENCE = 2000
"""So many of the newest entries are kept as evidence; of what expires the hashes alone."""


@dataclass(frozen=True, slots=True)
class _Lost:
    """A space as it was before it is loaded afresh."""

    space: Space
    rows: list[ItemRow]
    book: list[list[Any]]


@dataclass(frozen=True, slots=True)
class Given:
    """The seqs that the server took, those that it still lacks, and why it refused the one that came next."""

    taken: range
    lacking: range
    refused: str | None


class Resolver:
    """The two ways out of an alarm."""

    def __init__(self, engine: Engine, teller: Teller) -> None:
        self._engine, self._teller = engine, teller

    async def _shown(self, space: Space) -> ConversationFacts | None:
        if space.roster.type is SpaceType.ACCOUNT:
            return await self._engine.api.account_head(space.node)
        return next((facts for facts in await self._engine.api.conversations() if facts.space == space.id), None)

    # ---- offering

    async def offer_missing(self, space: Space) -> Given:
        """Give the server back what this member has signed and the log has held, entry by entry from its head on. The
        alarm of a shorter log ends once nothing is missing any more. What others have signed, they must offer. Raises
        NotAllowed where there is no such alarm, Offline.
        """
        engine = self._engine
        if space.why is None or not space.why.can_offer:
            raise NotAllowed("There is nothing to be offered to the server in this conversation.")
        shown = await self._shown(space)
        first = head = shown.head if shown is not None else space.log.head.n
        refused: str | None = None
        while head < space.log.head.n and refused is None:
            taken, refused = await self._offer(space, head + 1)
            if not taken:
                break
            head += 1
        shown = await self._shown(space)
        mine = engine.store.log_hash(space.id, shown.head) if shown is not None else None
        if shown is not None and shown.head >= space.log.head.n and mine in (None, shown.head_hash):
            space.alarm = space.why = None
            engine.machine.touch(space, seldom=True)
            engine.flush()
            await engine.catch_up(space)
        elif shown is not None and mine is not None and mine != shown.head_hash:
            space.alarm = space.why = None
            engine.alarm(space, "The server has gone on without a part of this conversation.", Why.FORKED)
        lacks = range(head + 1 if shown is None else shown.head + 1, space.log.head.n + 1)
        return Given(range(first + 1, head + 1), lacks, refused)

    async def _offer(self, space: Space, seq: int) -> tuple[bool, str | None]:
        """Whether the server took the entry, or why it would not have it."""
        row = self._engine.store.item(space.id, seq)
        sent = None if row is None else Kept.of(row).sent
        entry = None if row is None else entry_of(row)
        if row is None or sent is None or entry is None:
            return False, None
        try:
            accepted = await self._send(entry.kind, row.item, sent)
        except Refused as error:  # another's device, or too late: an epoch has ended, an id is too old
            return False, error.message
        return accepted is not None and accepted.seq == seq and accepted.item == row.item, None

    async def _send(self, kind: EntryKind, item: bytes, sent: list[Any]) -> Accepted | None:
        api = self._engine.api
        if kind is EntryKind.ROSTER:
            return await api.change_roster(Signed(*sent))
        if kind is EntryKind.COMPLAINT:
            return await api.complain(Signed(*sent))
        if kind is EntryKind.EPOCH:
            epoch = kept_epoch(self._engine.store, item, Signed(*sent))
            return None if epoch is None else await api.announce_epoch(epoch)
        return (await api.send(sent[0]))[0]

    # ---- accepting

    async def accept_state(self, space: Space) -> None:
        """Go on with what the server shows now: the conversation is loaded and verified afresh.

        Messages that the server no longer has are kept beside the log, the rest as evidence. Where it shows nothing,
        one has left.

        Raises NotAllowed where there is nothing to decide, Untrusted where what it shows does not verify, Offline; then
        all stays as it was.
        """
        engine, why = self._engine, space.why
        if why is None or not why.can_accept:
            raise NotAllowed("What the server shows of this conversation does not verify: there is nothing to accept.")
        shown = await self._shown(space)
        async with engine.lock:
            if shown is None:
                space.alarm, space.why, space.left = None, None, space.log.head.n
                engine.machine.touch(space, seldom=True)
                engine.flush()
                engine.news.set()
                return
            await engine.know_now(space.roster.seats)  # a restored server also shows what it has of their keys
            await self._load_afresh(space, shown.node)
        engine.news.set()
        try:
            await self._teller.pins_now()
        except CircleError:
            return  # written with the next pins

    def _trust_anew(self, space: Space) -> list[tuple[Known, Untrusted]]:
        """About the members whose keys are refused, but never about oneself."""
        machine, forgotten = self._engine.machine, []
        for member in space.roster.seats:
            refusal = machine.people.refused.get(member)
            if refusal is not None and member != machine.me:
                known = machine.people.forget(member)
                forgotten += [] if known is None else [(known, refusal)]
                machine.books.book.members.pop(member, None)
                machine.books.changed = True
        return forgotten

    async def _load_afresh(self, space: Space, node: str) -> None:
        engine = self._engine
        old = self._set_aside(space)
        forgotten = self._trust_anew(space)
        if space.roster.type is SpaceType.ACCOUNT:
            engine.machine.books.begin_again()
        try:
            await engine.loader.load(node, space.id)
            new = engine.machine.spaces.get(space.id)
            if new is None or new.alarm is not None:
                sentence = new.alarm if new is not None else engine.broken.get(space.id)
                raise Untrusted(sentence or "The server shows nothing of this conversation.")
            for number, epoch in new.epochs.items():
                before = old.space.epochs.get(number)
                if before is not None and before.announcement.hash == epoch.announcement.hash and not epoch.branches:
                    epoch.branches, epoch.sealed_to = before.branches, before.sealed_to
            engine.machine.touch(new)
            with engine.store.transaction():
                engine.keys.read_again(new)
                common = keep_lost(engine.store, new.id, old.rows)
                engine.machine.reading.go_back(new.id, common)
                engine.machine.flush(engine.store.put)
        except BaseException:
            for known, refusal in forgotten:
                engine.machine.people.put_back(known, refusal)
            engine.machine.books.load(old.book)
            self._put_back(old)
            raise
        finally:
            engine.past.before.clear()

    def _set_aside(self, space: Space) -> _Lost:
        """Take the space out of machine and store; what it held is kept as evidence."""
        engine, rows, below = self._engine, [], 2**53
        while found := engine.store.latest_items(space.id, below, _PAGE):
            rows += found
            below = found[-1].seq
        engine.broken.pop(space.id, None)
        engine.past.before = {row.item: row for row in rows}
        book = engine.machine.books.book.dump()
        with engine.store.transaction():
            kept = [[row.seq, row.item, row.log_hash, None if row.expires else row.value] for row in rows[:_EVIDENCE]]
            engine.store.put("evidence", space.id, [space.alarm, space.dump(), space.dump_log(), kept])
            engine.store.remove_items(space.id)
            engine.machine.books.book.spaces.pop(space.id, None)
            engine.machine.books.changed = True
        engine.machine.forget(space)
        return _Lost(space, rows, book)

    def _put_back(self, old: _Lost) -> None:
        engine = self._engine
        engine.broken.pop(old.space.id, None)
        if old.space.id in engine.machine.spaces:
            engine.machine.forget(engine.machine.spaces[old.space.id])
        engine.machine.adopt(old.space)
        with engine.store.transaction():
            engine.store.remove_items(old.space.id)
            for row in old.rows:
                engine.store.put_back(row)
            engine.machine.flush(engine.store.put)
