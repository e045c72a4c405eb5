"""Sending: sealed once under a UUIDv7, kept, sent again until it is accepted, in order within a conversation.

The server looks an id up before anything else, so the same bytes may come any number of times. Only its answer that
the epoch has ended lets this client seal anew, under the same id (e2ee.md section 13).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from circle_client.engine.engine import Engine, millis
from circle_client.engine.epochs import Epochs
from circle_client.errors import (
    CircleError,
    Closed,
    Forked,
    KeysMissing,
    NotAllowed,
    Offline,
    Refused,
    ServerFault,
    SignedOut,
    StoreError,
    TooManyTries,
)
from circle_client.machine.alarms import Why
from circle_client.machine.make import Draft, EpochNeeded, MembersChanged
from circle_client.machine.space import Space
from circle_client.protocol.cbor import Value
from circle_client.protocol.envelope import Kind, decode_envelope, make_id
from circle_client.protocol.primitives import random_bytes
from circle_client.protocol.roster import SpaceType
from circle_client.protocol.rules import outlives
from circle_client.transport import Backoff

_LIST_TRIES = 3


@dataclass(frozen=True, slots=True)
class Sent:
    """Where a message went."""

    id: bytes
    seq: int
    accepted_at: int
    time: int
    b: int


@dataclass(slots=True)
class Pending:
    """An outbox entry: the draft, its sealed bytes once there are some, and why it failed for good."""

    space: bytes
    draft: Draft
    sealed: bytes | None = None
    failed: str | None = None
    done: asyncio.Future[Sent] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def dump(self) -> dict[str, Any]:
        """What the store keeps."""
        draft = self.draft
        return {
            "kind": int(draft.kind),
            "content": dict(draft.content),
            "time": draft.time,
            "ref": draft.ref,
            "b": draft.b,
            "sealed": self.sealed,
            "failed": self.failed,
        }

    @classmethod
    def load(cls, space: bytes, id: bytes, value: dict[str, Any]) -> Pending:
        """The entry of a `dump`."""
        draft = Draft(id, Kind(value["kind"]), value["content"], value["time"], value["ref"], value["b"])
        return cls(space, draft, value["sealed"], value["failed"])


class Sender:
    """The outbox and one worker per conversation that has something in it."""

    def __init__(self, engine: Engine, epochs: Epochs) -> None:
        self._engine, self._epochs = engine, epochs
        self._queues: dict[bytes, list[Pending]] = {}
        self._workers: dict[bytes, asyncio.Task[None]] = {}
        self.failed: dict[bytes, Pending] = {}
        self._is_closed = False
        self._start_task: Callable[[Any], asyncio.Task[None]] = asyncio.create_task

    def resume(self) -> None:
        """Go on with what the store's outbox holds."""
        for row in self._engine.store.outbox():
            pending = Pending.load(row.space, row.id, row.value)
            if pending.failed is None:
                self._enqueue(pending)
            else:
                self.failed[row.id] = pending

    async def close(self) -> None:
        """Stop sending; what waits stays in the outbox, and whoever waits for it hears Closed."""
        self._is_closed = True
        tasks = list(self._workers.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for queue in self._queues.values():
            for pending in queue:
                if not pending.done.done():
                    pending.done.set_exception(Closed())

    def queue(
        self, space: Space, kind: Kind, content: Mapping[int, Value], ref: bytes | None = None, b: int | None = None
    ) -> Pending:
        """Put something in the outbox; its `done` tells when it is accepted or refused for good, or Closed.

        Raises Closed, StoreError.
        """
        if self._is_closed:
            raise Closed()
        now = millis()
        pending = Pending(space.id, Draft(make_id(now, random_bytes(10)), kind, content, now, ref, b))
        with self._engine.store.transaction():
            self._engine.store.queue(space.id, pending.draft.id, pending.dump())
        self._enqueue(pending)
        return pending

    def has_title(self, space: bytes) -> bool:
        """Whether a title waits to be sent."""
        return any(pending.draft.kind is Kind.STATE for pending in self._queues.get(space, ()))

    def retry(self, id: bytes) -> Pending:
        """Send again what failed, as a new message. Raises KeyError."""
        old = self.failed.pop(id)
        pending = self.queue(
            self._engine.space(old.space), old.draft.kind, dict(old.draft.content), old.draft.ref, old.draft.b
        )
        self.discard(id)
        return pending

    def discard(self, id: bytes) -> None:
        """Forget what failed."""
        self.failed.pop(id, None)
        with self._engine.store.transaction():
            self._engine.store.unqueue(id)

    def _enqueue(self, pending: Pending) -> None:
        pending.done.add_done_callback(_seen)
        self._queues.setdefault(pending.space, []).append(pending)
        worker = self._workers.get(pending.space)
        if worker is None or worker.done():
            self._workers[pending.space] = self._start_task(self._work(pending.space))

    async def _work(self, id: bytes) -> None:
        queue = self._queues[id]
        while queue:
            pending = queue[0]
            try:
                sent = await self._deliver(pending)
            except CircleError as error:
                self._fail(pending, error)
            else:
                self._finish(pending, sent)
            queue.pop(0)

    def _fail(self, pending: Pending, error: CircleError) -> None:
        pending.failed = error.message
        space = self._engine.machine.spaces.get(pending.space)
        if space is not None and space.roster.type is SpaceType.ACCOUNT:
            self.discard(pending.draft.id)  # written again with the next pins; nobody is asked about it
        else:
            if not isinstance(error, StoreError):
                with self._engine.store.transaction():
                    self._engine.store.requeue(pending.space, pending.draft.id, pending.dump())
            self.failed[pending.draft.id] = pending
        if not pending.done.done():
            pending.done.set_exception(error)

    def _finish(self, pending: Pending, sent: Sent) -> None:
        engine = self._engine
        with engine.store.transaction():
            engine.store.unqueue(pending.draft.id)
            engine.machine.flush(engine.store.put)
        if not pending.done.done():
            pending.done.set_result(sent)

    # ---- one message

    async def _deliver(self, pending: Pending) -> Sent:
        """Raises a CircleError only where the message is refused for good."""
        backoff, lists = Backoff(), 0
        while True:
            try:
                return await self._attempt(pending)
            except MembersChanged:
                lists += 1
                if lists > _LIST_TRIES:
                    raise
                await self._quietly(self._engine.know_roster(self._engine.space(pending.space)), backoff)
            except EpochNeeded as needed:
                await self._quietly(self._epochs.renew(self._engine.space(pending.space), needed.reason), backoff)
            except KeysMissing:
                await backoff.pause()
                await self._quietly(self._engine.keys.look(self._engine.space(pending.space)), backoff)
            except TooManyTries as error:
                await backoff.pause(error.retry_after)
            except (Offline, ServerFault, SignedOut):
                await backoff.pause()
            except Refused as error:
                if (sent := await self._answer(pending, error, backoff)) is not None:
                    return sent

    async def _knew_too_little(self) -> bool:
        """Whether the own chain has grown: a device was added, which no log tells. Envelopes name its newest link."""
        machine = self._engine.machine
        before = machine.people.chain(machine.me).head
        try:
            await self._engine.know([machine.me])
        except (Offline, ServerFault, TooManyTries):
            return True  # asked again with the next try
        chain = machine.people.chain(machine.me)
        return chain.head != before and machine.keyring.device in chain.state.devices

    async def _was_shortened(self, pending: Pending, space: Space, backoff: Backoff) -> bool:
        """Whether to try again, because a shorter lifetime has come since this was sealed: the server looks at that
        before it says that the keys have moved on.
        """
        try:
            await self._engine.catch_up(space)
        except Refused:  # no longer open to this member
            return False
        except (Offline, ServerFault, SignedOut, TooManyTries):
            await backoff.pause()
            return True
        if pending.sealed is None:
            return True
        if not outlives(decode_envelope(pending.sealed).header.b, space.roster.policy.lifetime):
            return False
        pending.sealed = None
        return True

    async def _quietly(self, step: Any, backoff: Backoff) -> None:
        """A step on the way that may fail for now; the loop comes back to it."""
        try:
            await step
        except (Offline, ServerFault, SignedOut, TooManyTries):
            await backoff.pause()

    async def _attempt(self, pending: Pending) -> Sent:
        engine = self._engine
        space = engine.space(pending.space)
        if pending.sealed is None:
            pending.sealed = engine.machine.make.envelope(space, pending.draft).data
            engine.machine.touch(space)
            with engine.store.transaction():  # kept before it is sent: after a crash the very same bytes go out
                engine.store.requeue(pending.space, pending.draft.id, pending.dump())
                engine.machine.flush(engine.store.put)
        accepted, accepted_at = await engine.api.send(pending.sealed)
        envelope = decode_envelope(pending.sealed)
        if accepted.item != envelope.item:
            sentence = "The server put something else in the place of an own message."
            engine.machine.alarm(space, sentence, Why.FORKED)
            raise Forked("The server put something else in the place of your message.")
        engine.machine.promise(space, accepted.seq, accepted.item)
        return Sent(pending.draft.id, accepted.seq, accepted_at, pending.draft.time, envelope.header.b)

    async def _answer(self, pending: Pending, error: Refused, backoff: Backoff) -> Sent | None:
        """What to do about a refusal; the place of the message where it had been accepted before. Raises for good."""
        engine = self._engine
        space = engine.space(pending.space)
        if error.code in {"STALE_EPOCH", "EPOCH_DUE"}:
            pending.sealed = None
            await self._quietly(engine.catch_up(space), backoff)
            if error.code == "EPOCH_DUE":
                await self._quietly(self._epochs.renew(space, None), backoff)
            return None
        if error.code == "STALE_DEVICE" and await self._knew_too_little():
            pending.sealed = None
            return None
        if error.code == "ID_CONFLICT":
            await self._quietly(engine.catch_up(space), backoff)
            row = engine.store.item_by_id(pending.space, pending.draft.id)
            if row is not None and row.value is not None:
                entry = row.value["entry"]
                return Sent(pending.draft.id, row.seq, entry["accepted_at"], pending.draft.time, entry.get("b", 0))
        if error.code == "NOT_FOUND":  # the removal itself comes by the stream
            raise NotAllowed("This conversation is no longer open to you.") from error
        if error.code == "FORBIDDEN":  # removed, or given another role, while this was on its way
            if await self._was_shortened(pending, space, backoff):
                return None
            raise NotAllowed(error.message) from error
        if error.code == "FORKED_LOG":
            await self._quietly(engine.refresher.conversations(), backoff)  # a restored server: its log is shorter
            sentence = "The server says that it never showed the log this client has seen."
            engine.machine.alarm(space, sentence, Why.FORKED)
            raise Forked("The server does not know the log that it showed before.") from error
        raise error


def _seen(future: asyncio.Future[Sent]) -> None:
    """A failure that nobody waits for is listed in `Sender.failed`; asyncio need not warn of it."""
    if not future.cancelled():
        future.exception()
