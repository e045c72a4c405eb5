"""The reader: one connection's time as the hub's eyes. It looks, checks that nothing is missing, and hands out."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from asyncpg import Record

from db.cursor import Cursor, Snapshot
from db.engine import Connection
from db.hub import sql
from db.hub.items import HubFault
from db.hub.roll import Roll
from db.hub.subscription import Live, Subscription
from db.log import LogRow
from db.models.kinds import EventKind

CHUNK = 200

# HERE and LOOK at one moment, $2 rows at most; one row without a rank where there is nothing new.
GLANCE = f"""
SELECT l.*, h.now, h.life FROM ({sql.HERE}) h LEFT JOIN (SELECT * FROM ({sql.LOOK}) f LIMIT $2) l ON true
ORDER BY l.rank, l.space_id, l.seq, l.actor_id, l.kind"""  # noqa: S608  (constants)


class Reader:
    """From its first snapshot on, every row of the log passes here once, in order, and each marker's newest state."""

    def __init__(self, connection: Connection, roll: Roll) -> None:
        """`connection` is in the role circle_hub and used for nothing else."""
        self._connection, self._roll = connection, roll
        self.heads: dict[UUID, int] = {}
        self.life = UUID(int=0)
        self.at = Snapshot(0, 0)

    async def open(self) -> None:
        """Take the first snapshot, the life and every space's head from one transaction."""
        await self._connection.execute(sql.ENSURE_LIFE)
        async with self._connection.transaction(isolation="repeatable_read", readonly=True):
            self.at, self.life = await self._here()
            self.heads = {r["id"]: r["head_seq"] for r in await self._connection.fetch(sql.HEADS)}

    async def look(self, newcomers: list[Subscription], watched: Sequence[UUID] = ()) -> None:
        """Read and hand out what was committed since the last look; then let the newcomers in, from this moment on.

        The stays of `watched` are kept on the roll from here on, too.

        Raises HubFault if the log contradicts itself, and whatever the connection raises.
        """
        if not newcomers and not watched and await self._glance():
            return
        async with self._connection.transaction(isolation="repeatable_read", readonly=True):
            now = self._same_life(await self._connection.fetchrow(sql.HERE))
            fresh: set[UUID] = set()
            rows = await self._connection.cursor(sql.LOOK, self.at.raw())
            while chunk := await rows.fetch(CHUNK):
                changed = {r["space_id"] for r in chunk if r["kind"] == EventKind.ROSTER and r["rank"] != sql.MARKERS}
                await self._refresh(changed - fresh, fresh)
                last = chunk[-1] if len(chunk) < CHUNK else None
                for record in chunk:
                    self._hand_out(record, now, record is last)
            self._roll.drop_ended(fresh)
            await self._admit(newcomers, watched, now)
        self.at = now

    async def _here(self) -> tuple[Snapshot, UUID]:
        here = await self._connection.fetchrow(sql.HERE)
        if here is None or here["life"] is None:
            raise HubFault("the log has no life")
        return Snapshot.of(here["now"]), here["life"]

    async def _glance(self) -> bool:
        """Look by one statement, which has a snapshot of its own; False where that is not enough, and nothing is done.

        It is enough for few rows, of which none changes who may hear what: nearly always.
        """
        records = await self._connection.fetch(GLANCE, self.at.raw(), CHUNK + 1)
        now = self._same_life(records[0])
        if records[0]["rank"] is None:
            records.clear()
        if len(records) > CHUNK or any(r["kind"] == EventKind.ROSTER and r["rank"] != sql.MARKERS for r in records):
            return False
        for record in records:
            self._hand_out(record, now, record is records[-1])
        self.at = now
        return True

    def _same_life(self, here: Record | None) -> Snapshot:
        if here is None or here["life"] != self.life:
            raise HubFault("the log has another life")
        return Snapshot.of(here["now"])

    async def _refresh(self, spaces: set[UUID], fresh: set[UUID]) -> None:
        """Stays of spaces whose roster changed, as this look's snapshot has them: they hold for all its rows."""
        if spaces:
            records = await self._connection.fetch(sql.STAYS_IN, list(spaces), self._roll.members())
            self._roll.refresh(spaces, records)
            fresh |= spaces

    def _hand_out(self, record: Record, now: Snapshot, last: bool) -> None:
        entry, rank = sql.looked(record), record["rank"]
        if isinstance(entry, LogRow):
            self._follow(entry)
            listeners = self._roll.listeners(entry.space, entry.seq)
        else:
            listeners = self._roll.marker_listeners(entry)
        # One cursor for all subscribers: behind the look's last row it is the snapshot alone.
        at = (rank, entry.space, entry.seq)
        cursor = Cursor(self.life, now) if last else Cursor(self.life, self.at, now, at)
        live = Live(entry, record["type"], rank, self.at, now, cursor)
        for subscription in listeners:
            subscription.offer(live)

    def _follow(self, entry: LogRow) -> None:
        """Nothing is missing before it. Raises HubFault."""
        if entry.seq != self.heads.get(entry.space, 0) + 1:
            raise HubFault(f"seq {entry.seq} follows {self.heads.get(entry.space, 0)}")
        self.heads[entry.space] = entry.seq

    async def _admit(self, newcomers: list[Subscription], watched: Sequence[UUID], now: Snapshot) -> None:
        """The newcomers' stays come from this look's snapshot; the rows of the next look are theirs."""
        if not newcomers and not watched:
            return
        records = await self._connection.fetch(sql.PRESENT_STAYS, list({*watched, *(s.member for s in newcomers)}))
        # Asked after the wait, so that nothing can intervene. Done: whoever waited has been cancelled meanwhile.
        waiting = [s for s in newcomers if not s.ended and not s.begun.done()]
        self._roll.admit(waiting, records, watched)
        for subscription in waiting:
            subscription.begun.set_result(Cursor(self.life, now, space=subscription.space))
