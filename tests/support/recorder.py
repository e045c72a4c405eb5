"""What somebody gathers who copies the server's disk again and again: nothing that was ever there is lost to them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import asyncpg
from circle_client.protocol.envelope import Envelope, decode_envelope
from circle_client.protocol.epoch import Announcement, decode_announcement
from circle_client.protocol.member_key import MemberKey, decode_device_seal, decode_member_key

# Everything that is sealed, and what says to whom and for what.
_TABLES = {
    "envelopes": "SELECT body FROM event WHERE kind = 1 AND body IS NOT NULL",
    "announcements": "SELECT announcement FROM epoch",
    "seals": "SELECT space_id, n, member_id, generation, seal FROM epoch_seal",
    "grants": "SELECT space_id, member_id, generation, box FROM epoch_grant",
    "boxes": "SELECT member_id, generation, device_id, box FROM member_box",
    "wraps": "SELECT member_id, space_id, epoch, branch, generation, wrap FROM member_wrap",
    "archives": "SELECT member_id, generation, wrap FROM archive_wrap",
    "keys": "SELECT body FROM member_key",
    "device_seals": "SELECT seal FROM device",
    "answers": "SELECT link_id, answer FROM device_offer WHERE answer IS NOT NULL",
}


@dataclass
class Record:
    """All rows that were seen, by table; ids are their 16 bytes."""

    rows: defaultdict[str, set[tuple[object, ...]]] = field(default_factory=lambda: defaultdict(set))

    async def copy(self, dsn: str) -> None:
        """Copy the disk once more."""
        connection = await asyncpg.connect(dsn)
        try:
            for name, query in _TABLES.items():
                for row in await connection.fetch(query):
                    self.rows[name].add(tuple(value.bytes if hasattr(value, "bytes") else value for value in row))
        finally:
            await connection.close()

    def _bodies(self, name: str) -> list[bytes]:
        return [body for (body,) in self.rows[name] if isinstance(body, bytes)]

    def envelopes(self) -> list[Envelope]:
        """Every ciphertext."""
        return [decode_envelope(body) for body in self._bodies("envelopes")]

    def announcements(self) -> dict[tuple[bytes, int], Announcement]:
        """Every epoch, by space and number."""
        found = [decode_announcement(body) for body in self._bodies("announcements")]
        return {(one.space, one.epoch): one for one in found}

    def member_keys(self) -> dict[tuple[bytes, int], MemberKey]:
        """Every MK, by member and generation."""
        found = [decode_member_key(body) for body in self._bodies("keys")]
        return {(one.member, one.generation): one for one in found}

    def device_keys(self) -> dict[bytes, tuple[bytes, int]]:
        """Every SK's device and generation, by public key."""
        found = [decode_device_seal(body) for body in self._bodies("device_seals")]
        return {one.key: (one.device, one.generation) for one in found}
