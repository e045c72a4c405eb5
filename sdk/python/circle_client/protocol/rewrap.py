"""Wraps of a rotation (e2ee.md section 2, label rewrap): what an old M opened, under the new one.

Each key seals one plaintext ever, so the nonce is zero; `v` binds each wrap to what it holds.
"""

from __future__ import annotations

from circle_client.protocol.branches import Commits, check_branch
from circle_client.protocol.cbor import Value
from circle_client.protocol.errors import Code, Layer, Refuser
from circle_client.protocol.labels import Label, kdf
from circle_client.protocol.primitives import GCM_TAG, NONCE_0, gcm_open, gcm_seal

WRAP = 32 + GCM_TAG

_refuse = Refuser(Layer.WRAP)


def _wrap(key: bytes, value: Value, text: bytes) -> bytes:
    return gcm_seal(kdf(key, b"", Label.REWRAP, value, 32), NONCE_0, text)


def _unwrap(key: bytes, value: Value, wrap: bytes) -> bytes:
    text = gcm_open(kdf(key, b"", Label.REWRAP, value, 32), NONCE_0, wrap) if len(wrap) == WRAP else None
    if text is None:
        raise _refuse(Code.UNREADABLE, "The wrap does not open.")
    return text


def wrap_archive(newer: bytes, member: bytes, generation: int, archive: bytes) -> bytes:
    """AK_g under AK_(g+1) (`newer`); `generation` is g."""
    return _wrap(newer, [member, generation], archive)


def unwrap_archive(newer: bytes, member: bytes, generation: int, wrap: bytes) -> bytes:
    """AK_g from its wrap under AK_(g+1). Raises UNREADABLE (`wrap`)."""
    return _unwrap(newer, [member, generation], wrap)


def wrap_branch(key: bytes, member: bytes, space: bytes, epoch: int, epoch_hash: bytes, b: int, branch: bytes) -> bytes:
    """B_b of an epoch: under AK for b = 0, under M for every other class."""
    return _wrap(key, [member, space, epoch, epoch_hash, b], branch)


def unwrap_branch(
    key: bytes, member: bytes, space: bytes, epoch: int, epoch_hash: bytes, b: int, wrap: bytes, commits: Commits
) -> bytes:
    """B_b from its wrap, taken only if its commit fits. Raises UNREADABLE (`wrap`) or BAD_COMMIT (`epoch`)."""
    branch = _unwrap(key, [member, space, epoch, epoch_hash, b], wrap)
    check_branch(space, epoch, b, branch, commits)
    return branch
