"""Somebody with a record of the server's disk and some secrets, who tries every secret in every place.

Nobody tells them what a secret is: each string of 32 bytes that was found is tried as M, SK, RX, AK, S and B, and
whatever opens gives more of them, until nothing opens any more.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

from circle_client.protocol.branches import branches, commit
from circle_client.protocol.cbor import decode
from circle_client.protocol.envelope import open_envelope
from circle_client.protocol.errors import ProtocolError
from circle_client.protocol.labels import Label, open_seal
from circle_client.protocol.member_key import MemberSecrets, member_secrets, open_member_box
from circle_client.protocol.primitives import Z16, sha256, xwing_public
from circle_client.protocol.rewrap import unwrap_archive, unwrap_branch

from tests.support.recorder import Record

Place = tuple[bytes, int, int]
"""Space, epoch, class."""


def secrets_in(thing: Any, seen: dict[int, Any] | None = None) -> Iterator[bytes]:
    """Every string of 32 bytes inside of anything: maps, lists, objects, as bytes or in hexadecimal."""
    seen = {} if seen is None else seen
    if id(thing) in seen:
        return
    seen[id(thing)] = thing  # held, so that no other thing gets its id
    if isinstance(thing, bytes | bytearray):
        if len(thing) == 32:
            yield bytes(thing)
    elif isinstance(thing, str):
        if len(thing) == 64:
            try:
                yield bytes.fromhex(thing)
            except ValueError:
                return
    elif isinstance(thing, dict):
        for pair in thing.items():
            yield from secrets_in(list(pair), seen)
    elif isinstance(thing, list | tuple | set | frozenset):
        for one in thing:
            yield from secrets_in(one, seen)
    elif not isinstance(thing, int | float | type(None)):
        names = [field.name for field in dataclasses.fields(thing)] if dataclasses.is_dataclass(thing) else []
        values = [getattr(thing, name) for name in names if hasattr(thing, name)]
        yield from secrets_in([*values, *getattr(thing, "__dict__", {}).values()], seen)


class Attacker:
    """`branches`: every B that was found, by place. `opened`: what could be read, by the envelope's id."""

    def __init__(self, record: Record, secrets: Iterable[bytes]) -> None:
        self._record = record
        self._announced, self._keys = record.announcements(), record.member_keys()
        self._by_mk = {key.key: place for place, key in self._keys.items()}
        self._device_keys = record.device_keys()
        self._commits = {
            one: (space, epoch, b)
            for (space, epoch), announcement in self._announced.items()
            for b, one in enumerate(announcement.commits)
        }
        self.branches: dict[Place, bytes] = {}
        self._tried: set[bytes] = set()
        self._left = list(secrets)
        while self._left:
            self._try(self._left.pop())
        self.opened = dict(self._read())

    def _found(self, *secrets: bytes) -> None:
        self._left += [secret for secret in secrets if secret not in self._tried]

    def _try(self, secret: bytes) -> None:
        if secret in self._tried:
            return
        self._tried.add(secret)
        self._as_branch(secret)
        self._as_archive(secret)
        self._as_seal_key(secret)
        for member, generation in self._keys:
            secrets = member_secrets(secret, member, generation)
            if self._by_mk.get(secrets.mk) == (member, generation):
                self._as_member_secret(secrets, member, generation)

    def _as_branch(self, secret: bytes) -> None:
        for space, epoch in self._announced:
            for b, branch in enumerate(branches(secret, space, epoch)):  # as S
                if self._commits.get(commit(branch, space, epoch, b)) == (space, epoch, b):
                    self.branches[space, epoch, b] = branch
            for b in range(7):  # as B itself
                if self._commits.get(commit(secret, space, epoch, b)) == (space, epoch, b):
                    self.branches[space, epoch, b] = secret

    def _as_archive(self, secret: bytes) -> None:
        for member, generation, wrap in self._rows("archives"):
            self._quietly(unwrap_archive, secret, member, generation, wrap)
        for member, space, epoch, b, _, wrap in self._rows("wraps"):
            announcement = self._announced[space, epoch]
            place = (member, space, epoch, announcement.hash, b)
            self._quietly(unwrap_branch, secret, *place, wrap, announcement.commits)

    def _as_seal_key(self, seed: bytes) -> None:
        """As SK of any device, or RX: opens boxes of M."""
        public = xwing_public(seed)
        device, k = self._device_keys.get(public, (Z16, 0))
        for member, generation, whose, box in self._rows("boxes"):
            key = self._keys[member, generation]
            for n in [k] if whose == device and k else range(8) if whose == Z16 else []:
                secrets = self._quietly(open_member_box, box, seed, key, whose, n)
                if isinstance(secrets, MemberSecrets):
                    self._found(secrets.secret)

    def _as_member_secret(self, secrets: MemberSecrets, member: bytes, generation: int) -> None:
        self._found(secrets.archive)
        for space, n, whose, g, sealed in self._rows("seals"):
            if (whose, g) == (member, generation):
                announcement = self._announced[space, n]
                place = [space, n, announcement.before, announcement.roster.hash, member, g, sha256(secrets.mk)]
                self._quietly(open_seal, secrets.mk_seed, Label.EPOCH_SEAL, place, sealed)
        for space, whose, g, box in self._rows("grants"):
            if (whose, g) == (member, generation):
                given = self._quietly(
                    open_seal, secrets.mk_seed, Label.GRANT, [space, whose, g, sha256(secrets.mk)], box
                )
                self._found(*(branch for _, _, branch in decode(given, len(given)) if given))

    def _rows(self, name: str) -> list[tuple[Any, ...]]:
        return list(self._record.rows[name])

    def _quietly(self, open_: Any, *arguments: Any) -> Any:
        """What opens, if anything; a secret that comes out is tried in its turn."""
        try:
            found = open_(*arguments)
        except ProtocolError:
            return None
        if isinstance(found, bytes) and len(found) == 32:
            self._found(found)
        return found

    def _read(self) -> Iterator[tuple[bytes, dict[int, Any]]]:
        for envelope in self._record.envelopes():
            header = envelope.header
            branch = self.branches.get((header.space, header.epoch.n, header.b))
            if branch is not None:
                yield header.id, open_envelope(envelope, branch)


__all__ = ["Attacker", "secrets_in"]
