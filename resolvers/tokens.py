"""Tokens of sessions and invites: the server stores what tells one again, never the token."""

from __future__ import annotations

import hashlib


def hash_token(token: bytes) -> bytes:
    """SHA-256 of a token's random bytes: what is stored of it."""
    return hashlib.sha256(token).digest()
