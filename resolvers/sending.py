"""The batcher of sends: one flusher per process, which commits what came meanwhile in one go (docs/decisions/0100).

While a batch commits, the next one gathers: a lone sender waits for nobody, many share a commit. Order is that of
arrival within each space, ids are looked up before any check, and every sender is held to what that sender may see.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from db.batch import Batch, Batches
from db.ending import end
from db.errors import Busy, DatabaseUnavailable
from db.queries import batch as queries
from db.queries.batch import Arriving, Placed
from db.queries.conversations import SpaceState
from db.queries.messages import Arrival
from resolvers.arrivals import check_arrival, entry_of, first_result
from resolvers.errors import Refusal
from resolvers.events import LogEvent
from resolvers.kinds import EventKind
from resolvers.protocol import Asker, Envelope, EnvelopeKind, Verdict, next_hash

log = logging.getLogger("circle.sending")

MOST = 256
"""Envelopes in one transaction."""
MOST_BYTES = 4 * 1024 * 1024
QUEUE = 4_096
"""Envelopes that may wait; one more is told to come again."""
PATIENCE = 10.0
"""Seconds for which a space may be held by another transaction before its sends are told to come again."""
STOP_SECONDS = 2.0
"""For the batch that is under way at the end, when nobody waits for its answers any more."""


class Alone(Exception):
    """Not for the batch: the sender has no seat in the space (any more). The single send says what is true of it."""


@dataclass(slots=True)
class Job:
    """An envelope that waits, whose it is, and who waits for its result."""

    envelope: Envelope
    asker: Asker
    came: float
    done: asyncio.Future[LogEvent] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def space(self) -> UUID:
        """The space that it names."""
        return UUID(bytes=self.envelope.header.space)

    @property
    def id(self) -> UUID:
        """The id that it carries."""
        return UUID(bytes=self.envelope.header.id)

    @property
    def member(self) -> UUID:
        """The sender."""
        return UUID(bytes=self.envelope.header.member)

    def fail(self, error: Exception) -> None:
        """Tell whoever still waits."""
        if not self.done.done():
            self.done.set_exception(error)


class Sending:
    """Start it once per process; `send` any number of times at once."""

    def __init__(self, batches: Batches, clock: Callable[[], datetime], on_append: Callable[[], None]) -> None:
        """`on_append` is called after each commit that appended to a log."""
        self._batches, self._clock, self._on_append = batches, clock, on_append
        self._waiting: deque[Job] = deque()
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    async def start(self) -> None:
        """Begin to commit."""
        self._task = asyncio.create_task(self._run(), name="sending")

    async def stop(self) -> None:
        """Commit what waits, then end; what comes from now on is told to come again."""
        self._stopping = True
        self._news.set()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=STOP_SECONDS)
            await end(self._task)
        for job in self._waiting:
            job.fail(Busy())
        self._waiting.clear()
        await self._batches.close()

    async def send(self, asker: Asker, envelope: Envelope) -> LogEvent:
        """Append; returns once it is committed, or with the first result of the same bytes.

        Raises Refusal as `send_message`, Busy, DatabaseUnavailable, Alone.
        """
        if self._stopping or len(self._waiting) >= QUEUE:
            raise Busy
        job = Job(envelope, asker, asyncio.get_running_loop().time())
        self._waiting.append(job)
        self._news.set()
        return await job.done

    async def _run(self) -> None:
        while True:
            if not self._waiting:
                if self._stopping:
                    return
                self._news.clear()
                await self._news.wait()
                continue
            jobs = self._take()
            left = await self._flush(jobs)
            if left:
                self._waiting.extendleft(reversed(self._patient(left)))
                if len(left) == len(jobs):
                    await asyncio.sleep(random.uniform(0.001, 0.004))  # noqa: S311  (jitter, no secret)

    def _take(self) -> list[Job]:
        """The next batch: no id twice in a space, no reference to what is in the batch itself."""
        jobs: list[Job] = []
        ids: set[tuple[bytes, bytes]] = set()
        held: set[bytes] = set()
        later: list[Job] = []
        size = 0
        while self._waiting and len(jobs) < MOST and size < MOST_BYTES:
            job = self._waiting.popleft()
            header = job.envelope.header
            if job.done.done():
                continue  # nobody waits any more, and nothing was done
            names = [(header.space, header.id), *([] if header.ref is None else [(header.space, header.ref)])]
            if header.space in held or any(name in ids for name in names):
                held.add(header.space)  # what follows in this space keeps its order
                later.append(job)
                continue
            ids.add(names[0])
            jobs.append(job)
            size += len(job.envelope.data)
        self._waiting.extendleft(reversed(later))
        return jobs

    def _patient(self, jobs: list[Job]) -> list[Job]:
        """Those that may wait on; the others are told to come again."""
        now = asyncio.get_running_loop().time()
        for job in jobs:
            if now - job.came > PATIENCE:
                job.fail(Busy())
        return [job for job in jobs if not job.done.done()]

    async def _flush(self, jobs: list[Job]) -> list[Job]:
        """Commit a batch and tell everybody; the jobs whose space another transaction holds."""
        if not jobs:
            return []
        try:
            outcome = _Outcome(jobs, self._clock)
            async with self._batches.batch({job.member for job in jobs}) as batch:
                await outcome.work(batch)
        except (DatabaseUnavailable, Busy) as error:
            for job in jobs:
                job.fail(error)
            return []
        except Exception:
            # One that nobody has foreseen must not take the others along: each is sent by itself, and says it there.
            log.exception("A batch of %d sends failed; they go one by one.", len(jobs))
            for job in jobs:
                job.fail(Alone())
            return []
        except asyncio.CancelledError:
            for job in jobs:  # nobody knows whether the commit took effect; ids tell at the retry
                job.fail(Busy())
            raise
        outcome.tell()
        if outcome.placed:
            self._on_append()
        return outcome.busy


class _Outcome:
    """One batch on its way: what becomes of each of its jobs."""

    def __init__(self, jobs: list[Job], clock: Callable[[], datetime]) -> None:
        self._jobs, self._clock = jobs, clock
        self.busy: list[Job] = []
        self.placed: list[tuple[Job, SpaceState, Placed]] = []
        self._answers: list[tuple[Job, LogEvent | Exception]] = []
        self._hashes: dict[tuple[UUID, int], bytes] = {}

    async def work(self, batch: Batch) -> None:
        """Lock, look, check, append. Nothing is told before the commit."""
        found = await queries.arrive(batch, [_arriving(job) for job in self._jobs])
        grown: dict[UUID, SpaceState] = {}
        for job, one in zip(self._jobs, found, strict=True):
            if one is None:
                self._answers.append((job, Alone()))
            elif one[0] is None:
                self.busy.append(job)
            else:
                self._check(job, grown.get(job.space, one[0]), one[1], grown)
        if self.placed:
            times = await queries.append(batch, [placed for _, _, placed in self.placed])
            for job, space, placed in self.placed:
                accepted_at = times[space.id, placed.seq]
                done = LogEvent(
                    space.id, space.type, placed.seq, EventKind.ENVELOPE, job.envelope.item, placed.log_hash,
                    job.envelope.data, accepted_at,
                )  # fmt: skip
                self._answers.append((job, done))

    def tell(self) -> None:
        """After the commit."""
        for job, answer in self._answers:
            if isinstance(answer, Exception):
                job.fail(answer)
            elif not job.done.done():
                job.done.set_result(answer)

    def _check(self, job: Job, space: SpaceState, found: Arrival, grown: dict[UUID, SpaceState]) -> None:
        seen = (space.id, job.envelope.header.seen.n)
        if seen in self._hashes:
            found = replace(found, seen_hash=self._hashes[seen])
        now = self._clock()
        try:
            verdict = check_arrival(job.envelope, job.asker, space, found, now)
        except Refusal as refusal:
            self._answers.append((job, refusal))
            return
        if verdict is Verdict.KNOWN:
            self._answers.append((job, first_result(space, found)))
            return
        seq = space.head_seq + 1
        new = next_hash(space.head_hash, seq, job.envelope.item)
        self._hashes[space.id, seq] = new
        is_state = job.envelope.header.kind == EnvelopeKind.STATE
        self.placed.append((job, space, Placed(entry_of(space.id, job.envelope, now), seq, new, is_state)))
        grown[space.id] = replace(space, head_seq=seq, head_hash=new, epoch_envelopes=space.epoch_envelopes + 1)


def _arriving(job: Job) -> Arriving:
    header = job.envelope.header
    ref = None if header.ref is None else UUID(bytes=header.ref)
    return Arriving(job.space, job.member, UUID(bytes=header.device), job.id, header.seen.n, ref)
