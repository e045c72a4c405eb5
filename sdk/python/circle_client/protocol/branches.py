"""The seven lifetime classes of an epoch: secret, branches and commits (e2ee.md sections 2 and 3)."""

from __future__ import annotations

from collections.abc import Sequence

from circle_client.protocol.errors import Code, Layer, Refuser
from circle_client.protocol.labels import Label, kdf
from circle_client.protocol.primitives import equal

CLASSES = 7
HOUR = 3_600_000
LIFETIMES: tuple[int | None, ...] = (None, HOUR, 8 * HOUR, 24 * HOUR, 7 * 24 * HOUR, 30 * 24 * HOUR, 90 * 24 * HOUR)
"""Milliseconds that an envelope of each class lives; None: for good."""

Branches = tuple[bytes, ...]
Commits = Sequence[bytes]

_refuse = Refuser(Layer.EPOCH)


def epoch_secret(random32: bytes, before: bytes, space: bytes, epoch: int) -> bytes:
    """S from 32 random bytes; used for one announcement and never again."""
    return kdf(random32, before, Label.EPOCH_SECRET, [space, epoch], 32)


def branch(secret: bytes, space: bytes, epoch: int, b: int) -> bytes:
    """B_b."""
    return kdf(secret, b"", Label.BRANCH, [space, epoch, b], 32)


def branches(secret: bytes, space: bytes, epoch: int) -> Branches:
    """B_0 to B_6."""
    return tuple(branch(secret, space, epoch, b) for b in range(CLASSES))


def commit(branch_key: bytes, space: bytes, epoch: int, b: int) -> bytes:
    """commit_b."""
    return kdf(branch_key, b"", Label.COMMIT, [space, epoch, b], 32)


def commits(branch_keys: Branches, space: bytes, epoch: int) -> tuple[bytes, ...]:
    """commit_0 to commit_6."""
    return tuple(commit(key, space, epoch, b) for b, key in enumerate(branch_keys))


def check_branch(space: bytes, epoch: int, b: int, branch_key: bytes, announced: Commits) -> None:
    """Whether B_b is the announced one. Raises BAD_COMMIT (`epoch`)."""
    if not 0 <= b < CLASSES or len(branch_key) != 32 or not equal(commit(branch_key, space, epoch, b), announced[b]):
        raise _refuse(Code.BAD_COMMIT, "The key is not the one that the epoch announced.")
