"""Grants (e2ee.md sections 2 and 6): branches handed to a newcomer or to a listed complainer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from circle_client.protocol.branches import CLASSES, check_branch
from circle_client.protocol.cbor import Value, array, decode, encode, raw, uint
from circle_client.protocol.epoch import Announcement
from circle_client.protocol.errors import Code, Layer, Refuser
from circle_client.protocol.labels import Label, open_seal, seal
from circle_client.protocol.primitives import SEAL_OVERHEAD, sha256
from circle_client.protocol.roster_state import Roster
from circle_client.protocol.structures import HASH

GRANT_CAP = 4 * 1024 * 1024
EMPTY = SEAL_OVERHEAD + 1

_refuse = Refuser(Layer.GRANT)


@dataclass(frozen=True, slots=True)
class GrantEntry:
    """[e, b, B_b]."""

    epoch: int
    b: int
    branch: bytes


def check_scope(
    entries: Iterable[GrantEntry], roster: Roster, member: bytes, identity: bytes, complained: frozenset[int]
) -> None:
    """What a giver may hand out, by the present roster: to a member with the roster's ID; epochs up to field 6 of the
    member's add only where history is shared, or where the member complained as a listed recipient (`complained`).
    Both giver and taker call it. Raises FORBIDDEN (`grant`).
    """
    seat = roster.seats.get(member)
    if seat is None or seat.identity != identity:
        raise _refuse(Code.FORBIDDEN, "Keys are given to members of the roster alone.")
    joined = roster.joined.get(member, 0)
    for entry in entries:
        if entry.epoch <= joined and not roster.policy.shared and entry.epoch not in complained:
            raise _refuse(Code.FORBIDDEN, "History before joining is not shared here.")


def _context(space: bytes, member: bytes, generation: int, key_hash: bytes) -> Value:
    return [space, member, generation, key_hash]


def seal_grant(space: bytes, member: bytes, generation: int, mk: bytes, entries: Sequence[GrantEntry]) -> bytes:
    """Seals the entries, ascending by (e, b), to MK of generation g. Call `check_scope` first."""
    rows: list[Value] = [
        [entry.epoch, entry.b, entry.branch] for entry in sorted(entries, key=lambda e: (e.epoch, e.b))
    ]
    return seal(mk, Label.GRANT, _context(space, member, generation, sha256(mk)), encode(rows))


def open_grant(
    sealed: bytes,
    space: bytes,
    member: bytes,
    generation: int,
    mk_seed: bytes,
    mk: bytes,
    announcements: Mapping[int, Announcement],
) -> tuple[GrantEntry, ...]:
    """Opens a grant and takes a branch only if its epoch's commit fits (`announcements`: verified ones, by e).

    Raises BAD_SEAL (`seal`), MALFORMED (`cbor`), FORBIDDEN (`grant`) for unknown epochs or order, BAD_COMMIT (`epoch`).
    """
    text = open_seal(mk_seed, Label.GRANT, _context(space, member, generation, sha256(mk)), sealed)
    entries: list[GrantEntry] = []
    for item in array(decode(text, GRANT_CAP)):
        epoch, b, branch = array(item, 3)
        entry = GrantEntry(uint(epoch), uint(b, CLASSES), raw(branch, HASH))
        if entries and (entry.epoch, entry.b) <= (entries[-1].epoch, entries[-1].b):
            raise _refuse(Code.FORBIDDEN, "The grant is not ascending.")
        announcement = announcements.get(entry.epoch)
        if announcement is None or announcement.space != space:
            raise _refuse(Code.FORBIDDEN, "The grant names an unknown epoch.")
        check_branch(space, entry.epoch, entry.b, entry.branch, announcement.commits)
        entries.append(entry)
    return tuple(entries)
