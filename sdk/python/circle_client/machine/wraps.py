"""What earlier member keys opened, as rotations carried it over: archive keys and wraps (e2ee.md sections 2 and 8)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from circle_client.protocol.epoch import Announcement
from circle_client.protocol.errors import ProtocolError
from circle_client.protocol.member_key import MemberSecrets
from circle_client.protocol.rewrap import unwrap_archive, unwrap_branch


@dataclass(frozen=True, slots=True)
class Wrap:
    """B_b of an epoch under AK (b = 0) or M of `generation`."""

    space: bytes
    epoch: int
    branch: int
    generation: int
    wrap: bytes


class Wraps:
    """The wraps as the server showed them at one generation of M; empty before the first `show`.

    Nothing is believed: an archive key opens only what was wrapped under it, a branch is taken if its commit fits.
    """

    def __init__(self, member: bytes) -> None:
        self._member = member
        self.generation = 0
        self._secret = b""
        self._archives: dict[int, bytes] = {}
        self._wraps: dict[tuple[bytes, int], dict[int, Wrap]] = {}

    def show(
        self, generation: int, own: MemberSecrets, archive: Iterable[tuple[int, bytes]], wraps: Iterable[Wrap]
    ) -> None:
        """Take what the server shows to the holder of M of this generation."""
        self.generation, self._secret = generation, own.secret
        self._archives, shown = {generation: own.archive}, dict(archive)
        older = generation - 1
        while older in shown:
            try:
                self._archives[older] = unwrap_archive(self._archives[older + 1], self._member, older, shown[older])
            except ProtocolError:
                break
            older -= 1
        by_epoch: defaultdict[tuple[bytes, int], dict[int, Wrap]] = defaultdict(dict)
        for wrap in wraps:
            by_epoch[wrap.space, wrap.epoch][wrap.branch] = wrap
        self._wraps = dict(by_epoch)

    def branches(self, announcement: Announcement) -> dict[int, bytes]:
        """The branches of a verified epoch that were carried over."""
        found: dict[int, bytes] = {}
        for b, wrap in self._wraps.get((announcement.space, announcement.epoch), {}).items():
            key = self._archives.get(wrap.generation) if b == 0 else self._secret
            if key is None or (b > 0 and wrap.generation != self.generation):
                continue
            place = (self._member, announcement.space, announcement.epoch, announcement.hash, b)
            try:
                found[b] = unwrap_branch(key, *place, wrap.wrap, announcement.commits)
            except ProtocolError:
                continue
        return found
