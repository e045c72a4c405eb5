"""Making a rotation of M, and taking one that another device made (e2ee.md section 8)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from circle_client.errors import CircleError, InvalidInput, KeysMissing, NotAllowed, Untrusted
from circle_client.machine.keyring import Keyring
from circle_client.machine.people import People
from circle_client.machine.space import Space
from circle_client.machine.wraps import Wrap, Wraps
from circle_client.protocol.branches import CLASSES
from circle_client.protocol.epoch import Recipient, decode_announcement
from circle_client.protocol.epoch_keys import open_epoch
from circle_client.protocol.errors import Code, ProtocolError
from circle_client.protocol.member import (
    MemberState,
    SignedMemberLink,
    apply_member_link,
    make_device_revoke,
    make_recovery,
)
from circle_client.protocol.member_key import (
    RECOVERY_DEVICE,
    DeviceSeal,
    MemberKey,
    make_member_key,
    member_secrets,
    open_member_box,
    seal_member_box,
    verify_device_seal,
)
from circle_client.protocol.primitives import Z32, random_bytes, sha256
from circle_client.protocol.rewrap import wrap_archive, wrap_branch
from circle_client.protocol.structures import Head, Signed
from circle_client.protocol.words import RecoveryKeys

DAY = 86_400_000
MOST_WRAPS = 20_000
"""The server takes no more in one rotation (docs/decisions/0071)."""
EARLY = 10_000
"""With so many epochs under one M it is rotated before its time, so that what must be carried over stays bounded."""
TOO_MANY = (
    "This account's keys are too many to be changed in one step, because no device of it was online for very long. "
    "What is here stays readable; only a reset of the identity makes new keys."
)
SILENT = 45 * DAY
"""A device whose seal is older gets no box; it is linked again."""

OUTDATED = (
    "This device was away for more than 45 days and was left out when the account's key was renewed. "
    "Link it again, or use the recovery key, with a new store."
)
WITHHELD = (
    "This device was not given the account's new key, although it was not away for long: the server withholds it, or "
    "the device that renewed the key left this one out. Link it again, or use the recovery key, with a new store."
)

NOTHING = bytes(48)
"""In the place of a wrap: nothing opened this. The server goes on asking for it (docs/decisions/0092)."""

Branch = tuple[bytes, int, int]
"""(space, epoch, b)."""


class GrantsNeeded(CircleError):
    """Something that must be carried over does not open; what members have granted may, and is asked for first."""

    code = "GRANTS_NEEDED"


@dataclass(frozen=True, slots=True)
class Required:
    """A branch that the server says a rotation must wrap, with what opens it where this device does not hold it."""

    space: bytes
    epoch: int
    branch: int
    announcement: bytes | None
    seal: bytes | None


@dataclass(frozen=True, slots=True)
class Box:
    """M for a device, with the k of the seal it is boxed to; for the recovery key Z16 and None."""

    device: bytes
    box: bytes = field(repr=False)
    seal: int | None


@dataclass(frozen=True, slots=True)
class Rotation:
    """What `rotateMemberKey` takes; `seal` and `name` of the new device with a reset alone.

    `grants`: the server's ids of those that were looked at, None where it names more than it shows.
    """

    link: SignedMemberLink | None
    member_key: Signed
    boxes: tuple[Box, ...] = field(repr=False)
    archive: bytes | None
    wraps: tuple[Wrap, ...] = field(repr=False)
    grants: frozenset[str] | None = None
    seal: Signed | None = None
    name: str | None = None


class Rotator:
    """Rotates M of this device's member. `seals` remembers the newest k seen of each sibling."""

    def __init__(self, keyring: Keyring, people: People, spaces: Mapping[bytes, Space], wraps: Wraps) -> None:
        self._keys, self._people, self._spaces, self._wraps = keyring, people, spaces, wraps
        self.seals: dict[bytes, int] = {}

    # ---- making

    def make(
        self,
        shown: Mapping[bytes, Signed],
        required: Sequence[Required],
        living: Iterable[Branch],
        time: int,
        *,
        revoke: bytes | None = None,
        recovery: RecoveryKeys | None = None,
        wanted: frozenset[bytes] = frozenset(),
        grants: frozenset[str] | None = None,
        thorough: bool = False,
    ) -> Rotation:
        """M of the next generation for every device, with all that the old M opened.

        `shown`: the devices' seals as the server shows them; `required`: what it says must be wrapped; `living`: what
        this client itself knows to live; `revoke`: a device to end, `recovery`: the new recovery key to take effect by
        the same request; `wanted`: devices that get a box however old their seal is; `grants`: the ids of those
        that were looked at; `thorough`: in every conversation, so that what nothing opens is left behind, for one bad
        seal must not keep the key from being renewed. Raises GrantsNeeded, KeysMissing without the
        newest M, InvalidInput where there is no such device, Untrusted where a device's seal does not verify,
        NotAllowed where the account has more keys than one rotation carries.
        """
        keys, known = self._keys, self._people.get(self._keys.member)
        old = keys.member_secrets(keys.generation)
        if known is None or old is None or known.key.generation != keys.generation:
            raise KeysMissing("Another device has changed this account's key; it is taken first.")
        state, link = known.chain.state, None
        try:
            if revoke is not None:
                link = make_device_revoke(state, revoke, keys.device, keys.dk_seed, time)
            elif recovery is not None:
                link = make_recovery(state, recovery, keys.device, keys.dk_seed, time)
            state = apply_member_link(state, link) if link is not None else state
        except ProtocolError as error:
            raise InvalidInput(error.message) from error
        generation, secret = keys.generation + 1, random_bytes(32)
        new = member_secrets(secret, keys.member, generation)
        wraps = tuple(self._carry_over(required, living, generation, secret, thorough=thorough))
        if len(wraps) > MOST_WRAPS:
            raise NotAllowed(TOO_MANY)
        return Rotation(
            link=link,
            member_key=make_member_key(
                keys.member, generation, new.mk, Head(state.n, state.hash), keys.device, keys.dk_seed, time
            ),
            boxes=self._boxes(state, shown, generation, secret, time, wanted),
            archive=wrap_archive(new.archive, keys.member, keys.generation, old.archive),
            wraps=wraps,
            grants=grants,
        )

    def _boxes(
        self,
        state: MemberState,
        shown: Mapping[bytes, Signed],
        generation: int,
        secret: bytes,
        time: int,
        wanted: frozenset[bytes],
    ) -> tuple[Box, ...]:
        member = self._keys.member
        key_hash = sha256(member_secrets(secret, member, generation).mk)
        boxes = []
        for device in sorted(state.devices):
            seal = self.check_seal(state, device, shown.get(device))
            if seal is not None and (not is_silent(seal, time) or device in wanted):
                box = seal_member_box(seal.key, member, generation, device, seal.generation, key_hash, secret)
                boxes.append(Box(device, box, seal.generation))
        return (*boxes, recovery_box(state, generation, key_hash, secret))

    def check_seal(self, state: MemberState, device: bytes, signed: Signed | None) -> DeviceSeal | None:
        """A device's newest seal, verified, its k remembered. None where the server shows none. Raises Untrusted."""
        if signed is None:
            return None
        least = self._keys.seal_generation if device == self._keys.device else self.seals.get(device, 1)
        try:
            seal = verify_device_seal(signed, self._keys.member, device, state.devices[device], least)
        except ProtocolError as error:
            raise Untrusted(f"The keys that the server shows for a device do not verify. {error.message}") from error
        self.seals[device] = seal.generation
        return seal

    def _carry_over(
        self, required: Sequence[Required], living: Iterable[Branch], generation: int, secret: bytes, *, thorough: bool
    ) -> Iterable[Wrap]:
        keys = self._keys
        new = member_secrets(secret, keys.member, generation)
        named = {(one.space, one.epoch, one.branch): one for one in required}
        opened: dict[tuple[bytes, int], tuple[bytes, dict[int, bytes]]] = {}
        tried: set[tuple[bytes, int]] = set()
        for place in sorted({*named, *living, *self._sealed_to_old()}):
            space, number, b = place
            epoch, one = (space, number), named.get(place)
            lacks = one is not None and epoch not in tried and b not in opened.get(epoch, (b"", {}))[1]
            if epoch not in opened or lacks:
                opened[epoch] = self._open(space, number, one)
                tried |= {epoch} if one is not None else set()
            epoch_hash, branches = opened[epoch]
            if b in branches:
                key = new.archive if b == 0 else secret
                wrap = wrap_branch(key, keys.member, space, number, epoch_hash, b, branches[b])
                yield Wrap(space, number, b, generation, wrap)
            elif one is not None and not thorough:
                raise GrantsNeeded("What members have given must be loaded first.")
            elif one is not None:
                yield Wrap(space, number, b, generation, NOTHING)

    @property
    def load(self) -> int:
        """How many epochs' keys lie under the present M alone, so that the next rotation must carry them over."""
        return sum(1 for _ in self._unarchived())

    def _unarchived(self) -> Iterable[Branch]:
        """B_0 of every epoch that no rotation has put into the archive yet."""
        for space in self._spaces.values():
            for number, epoch in space.epochs.items():
                if 0 in epoch.branches and epoch.sealed_to >= self._keys.generation:
                    yield space.id, number, 0

    def _sealed_to_old(self) -> Iterable[Branch]:
        """What no rotation has put into the archive yet, and all of the newest epochs."""
        yield from self._unarchived()
        for space in self._spaces.values():
            if space.epoch is not None and space.left is None:
                yield from ((space.id, space.newest.n, b) for b in space.epoch.branches)

    def opened(self, space: bytes, number: int, named: Required | None) -> dict[int, bytes]:
        """The branches of an epoch as a rotation finds them, their commits checked; for reading alone."""
        return self._open(space, number, named)[1]

    def _open(self, space: bytes, number: int, named: Required | None) -> tuple[bytes, dict[int, bytes]]:
        """(h_e, branches) from what is held, from wraps, and from the own seal where that is not enough."""
        held = self._spaces.get(space)
        epoch = held.epochs.get(number) if held is not None else None
        body = epoch.announcement.body if epoch is not None else named.announcement if named is not None else None
        if body is None:
            return b"", {}
        try:
            announcement = decode_announcement(body)
        except ProtocolError:
            return b"", {}
        if (announcement.space, announcement.epoch) != (space, number):
            return b"", {}
        branches = dict(epoch.branches) if epoch is not None else {}
        if len(branches) < CLASSES:
            branches = {**self._wraps.branches(announcement), **branches}
        own = self._keys.member_secrets(self._keys.generation)
        if own is not None and named is not None and named.seal is not None and named.branch not in branches:
            row = Recipient(self._keys.member, 0, Z32, self._keys.generation, sha256(own.mk), sha256(named.seal))
            with suppress(ProtocolError):  # a bad seal
                branches = {**dict(enumerate(open_epoch(announcement, row, named.seal, own.mk_seed))), **branches}
        return announcement.hash, branches

    # ---- taking

    def left_out(self, key: MemberKey) -> KeysMissing:
        """Why this device has no box with M of a verified member key: KEYS_OUTDATED where its seal was too old for one
        when that key was made, by the times that were signed; else KEYS_WITHHELD.
        """
        if key.time - self._keys.sealed_at > SILENT:
            return KeysMissing(OUTDATED, "KEYS_OUTDATED")
        return KeysMissing(WITHHELD, "KEYS_WITHHELD")

    def take_box(self, key: MemberKey, box: bytes) -> None:
        """Take M of a verified, living member key from this device's box. Raises Untrusted."""
        keys = self._keys
        seeds = [(keys.seal_generation, keys.sk_seed)]
        if keys.next_seal is not None:
            seeds.append((keys.seal_generation + 1, keys.next_seal.seed))
        for k, seed in seeds:
            try:
                opened = open_member_box(box, seed, key, keys.device, k)
            except ProtocolError as error:
                if error.code is not Code.BAD_SEAL:
                    raise Untrusted(error.message) from error
                continue
            keys.take(key.generation, opened.secret)
            return
        raise Untrusted("The box that the server hands out for this device does not open.")


def recovery_box(state: MemberState, generation: int, key_hash: bytes, secret: bytes) -> Box:
    """M for the recovery key in force."""
    box = seal_member_box(state.rx, state.member, generation, RECOVERY_DEVICE, state.rx_n, key_hash, secret)
    return Box(RECOVERY_DEVICE, box, None)


def is_silent(seal: DeviceSeal, now: int) -> bool:
    """Whether a device's seal is too old for a box."""
    return now - seal.time > SILENT


def is_old(key: MemberKey, now: int, short_lived: bool) -> bool:
    """Whether M is due for its scheduled rotation: 7 days old, 1 day while an envelope of b = 1 to 4 lives."""
    return now - key.time >= (DAY if short_lived else 7 * DAY)


__all__ = [
    "DAY",
    "EARLY",
    "NOTHING",
    "Box",
    "Branch",
    "GrantsNeeded",
    "Required",
    "Rotation",
    "Rotator",
    "is_old",
    "is_silent",
]
