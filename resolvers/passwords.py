"""Passwords as the server knows them: a stable salt per handle and a keyed verifier (docs/decisions, e2ee.md 12)."""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from dataclasses import dataclass
from uuid import UUID

from resolvers.attempts import PARAMETERS_ADDRESS, source, take_try
from resolvers.context import Ctx
from resolvers.errors import Code, Refusal

SALT_BYTES, AUTH_KEY_BYTES = 16, 32
MEMORY_KIB, ITERATIONS, LANES = 64 * 1024, 3, 1

_HANDLE = re.compile(r"[a-z0-9][a-z0-9_.-]{1,31}")
MAX_HANDLE_INPUT = 200


@dataclass(frozen=True, slots=True)
class PasswordParameters:
    """What a client needs to derive its keys from a password (ARGON of e2ee.md section 1)."""

    salt: bytes
    memory_kib: int = MEMORY_KIB
    iterations: int = ITERATIONS
    lanes: int = LANES


def clean_handle(text: str) -> str:
    """The handle as it is stored: NFKC, lower case. Raises Refusal HANDLE_INVALID."""
    handle = unicodedata.normalize("NFKC", text).strip().lower() if len(text) <= MAX_HANDLE_INPUT else ""
    if not _HANDLE.fullmatch(handle):
        raise Refusal(
            Code.HANDLE_INVALID,
            "A handle has 2 to 32 of the letters a to z, digits, point, hyphen and underscore, "
            "and starts with a letter or digit.",
            ("input", "handle"),
        )
    return handle


def salt_of(server_key: bytes, handle: str) -> bytes:
    """The salt of a handle, the same whether it is taken or not, so that asking tells nothing."""
    return hmac.new(server_key, b"circle salt" + handle.encode(), hashlib.sha256).digest()[:SALT_BYTES]


def verifier_of(server_key: bytes, member: UUID, auth_key: bytes) -> bytes:
    """What is stored of a member's password-auth value: useless without the server's key."""
    return hmac.new(server_key, b"circle auth" + member.bytes + auth_key, hashlib.sha256).digest()


def check_auth_key(auth_key: bytes) -> None:
    """Raises Refusal INVALID unless this has the size of a password-auth value."""
    if len(auth_key) != AUTH_KEY_BYTES:
        raise Refusal(Code.INVALID, "authKey must be 32 bytes.", ("input", "authKey"))


async def get_password_parameters(ctx: Ctx, text: str) -> PasswordParameters:
    """The parameters for a handle, taken or not. Raises Refusal HANDLE_INVALID, RateLimited."""
    handle = clean_handle(text)
    await take_try(ctx, PARAMETERS_ADDRESS, source(ctx))
    return PasswordParameters(salt_of(ctx.server_key, handle))
