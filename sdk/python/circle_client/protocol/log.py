"""The hash chain over a space's log, and what clients hold it against (e2ee.md section 7)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from circle_client.protocol.branches import HOUR
from circle_client.protocol.envelope import Envelope
from circle_client.protocol.errors import Code, DueReason, Layer, Refuser
from circle_client.protocol.labels import Label, h
from circle_client.protocol.member_chain import MemberChain
from circle_client.protocol.primitives import Z32
from circle_client.protocol.structures import Head

EPOCH_AGE = 24 * HOUR
EPOCH_ENVELOPES = 5000

refuse = Refuser(Layer.LOG)


class Entry(IntEnum):
    """Kinds of log entries, as the server names them."""

    ENVELOPE = 1
    ROSTER = 2
    EPOCH = 3
    COMPLAINT = 4
    MEMBER_LINK = 5


def next_hash(before: bytes, seq: int, item: bytes) -> bytes:
    """l_seq from l_(seq - 1); l_0 is Z32. Items: the structure's hash, Z32 for the server's own entries."""
    return h(Label.LOG, [before, seq, item])


@dataclass(slots=True)
class LogView:
    """A client's view of one space's log; feed every entry in order of seq. Mutable; keep it with what was applied.

    A new device may begin at any [seq, l_seq] (`start`); what lies before is confirmed by the next `seen` across.
    `hashes`: l by seq, from the start on (old ones may be dropped with `trim`). `items`: every item seen, with its seq.
    `linked`: per member the number of the newest link of theirs that entered this log. `due`: why envelopes of the
    epoch [e, h_e] are no longer taken.
    """

    start: Head = field(default_factory=lambda: Head(0, Z32))
    hashes: dict[int, bytes] = field(default_factory=dict)
    items: dict[bytes, int] = field(default_factory=dict)
    linked: dict[bytes, int] = field(default_factory=dict)
    epoch: Head | None = None
    envelopes: int = 0
    due: DueReason | None = None
    head: Head = field(init=False)

    def __post_init__(self) -> None:
        self.hashes.setdefault(self.start.n, self.start.hash)
        newest = max(self.hashes)
        self.head = Head(newest, self.hashes[newest])

    def add(self, seq: int, item: bytes) -> bytes:
        """Takes the next entry's item; returns l_seq. Raises FORK for a gap, REPLAYED for an item that came before."""
        if seq != self.head.n + 1:
            raise refuse(Code.FORK, "The log has a gap or goes back.")
        if item != Z32 and item in self.items:
            raise refuse(Code.REPLAYED, "The log holds an entry twice.")
        digest = next_hash(self.head.hash, seq, item)
        self.hashes[seq] = digest
        self.head = Head(seq, digest)
        if item != Z32:
            self.items[item] = seq
        return digest

    def check_hash(self, at: Head) -> None:
        """Compares an l that somebody names (a `seen`, the server's `logHash`). Raises FORK.

        What lies before this view's start, or was trimmed, cannot be compared and passes.
        """
        if at.n > self.head.n:
            raise refuse(Code.FORK, "Somebody saw more of the log than the server gave to us.")
        known = self.hashes.get(at.n)
        if known is not None and known != at.hash:
            raise refuse(Code.FORK, "The log is not the one that others see.")

    def check_own(self, seq: int, item: bytes) -> None:
        """An own send lies at the seq that the server answered. Raises FORK."""
        if self.items.get(item) != seq:
            raise refuse(Code.FORK, "An own message is not where the server put it.")

    def check_envelope(self, envelope: Envelope, chain: MemberChain) -> bytes:
        """The rules between log and envelope; call it before `add`. Returns the DK to verify with.

        Raises FORK for a foreign `seen`, FORBIDDEN for a device or chain number that no longer is, STALE_EPOCH for an
        envelope under another epoch than the newest, or after what made that one due.
        """
        header = envelope.header
        self.check_hash(header.seen)
        if header.n < self.linked.get(header.member, 0):
            raise refuse(Code.FORBIDDEN, "The sender did not know of their own newest link.")
        if self.epoch is not None and (header.epoch != self.epoch or self.due is not None):
            raise refuse(Code.STALE_EPOCH, "The envelope came after its epoch had ended.")
        return chain.dk_at(header.device, header.n)

    def entered_envelope(self) -> None:
        """After a durable envelope was added: counts towards the 5,000 of its epoch."""
        self.envelopes += 1
        if self.envelopes >= EPOCH_ENVELOPES and self.due is None:
            self.due = DueReason.COUNT

    def entered_epoch(self, head: Head) -> None:
        """After an announcement was added."""
        self.epoch, self.envelopes, self.due = head, 0, None

    def entered_roster(self) -> None:
        """After a roster link was added."""
        self.due = DueReason.ROSTER

    def entered_complaint(self) -> None:
        """After a complaint was added."""
        self.due = DueReason.COMPLAINT

    def entered_member_link(self, member: bytes, n: int) -> None:
        """After a recipient's member link was added. Raises FORBIDDEN where it goes back."""
        if n <= self.linked.get(member, -1):
            raise refuse(Code.FORBIDDEN, "A member's links go back in the log.")
        self.linked[member] = n
        self.due = DueReason.MEMBER_CHAIN

    def trim(self, keep: int) -> None:
        """Forgets l of entries older than the newest `keep`; items stay."""
        for seq in [seq for seq in self.hashes if seq <= self.head.n - keep]:
            del self.hashes[seq]
