"""From a credential to a viewer: bearer tokens, the browser's cookie, and what a session's end means for both."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

from starlette.datastructures import Headers

from db.uow import UnitOfWork
from resolvers.context import Viewer
from resolvers.sessions import SessionEnd, find_end, find_session, renew_session
from resolvers.tokens import hash_token

COOKIE = "circle_session"
TOKEN_BYTES = 32
CACHE_SECONDS = 0.5
CACHE_ENTRIES = 10_000
# The session's end moves only when a good part of it is used: one write in a while, not one per request.
RENEW_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Session:
    """A living session: who asks, and until when."""

    viewer: Viewer
    expires_at: datetime
    last_seen_at: datetime

    @property
    def id(self) -> UUID:
        """The session's id."""
        return self.viewer.session


class Authenticator:
    """Looks sessions up by token, remembering each answer for half a second."""

    def __init__(self, uow: UnitOfWork, clock: Callable[[], datetime]) -> None:
        self._uow, self._clock = uow, clock
        self._known: dict[bytes, tuple[float, Session]] = {}

    async def session(self, token: str) -> Session | None:
        """The living session of a token, None when there is none (any more)."""
        digest = token_hash(token)
        if digest is None:
            return None
        known = self._known.get(digest)
        if known is not None and time.monotonic() - known[0] < CACHE_SECONDS:
            return known[1] if known[1].expires_at > self._clock() else None
        return await self._look_up(digest)

    async def bearer(self, authorization: str) -> Session | None:
        """The session of an `Authorization` value, None when it is not `Bearer <living token>`."""
        scheme, _, token = authorization.strip().partition(" ")
        return await self.session(token.strip()) if scheme.lower() == "bearer" else None

    async def ended_by(self, token: str) -> SessionEnd | None:
        """The signed link that ended the device of a token's session; None for every other token."""
        digest = token_hash(token)
        if digest is None:
            return None
        async with self._uow.auth() as tx:
            return await find_end(tx, digest)

    def forget(self, session: UUID | None = None) -> None:
        """Drop what is remembered of a session (or of all): the next request looks again."""
        if session is None:
            self._known.clear()
        else:
            self._known = {key: value for key, value in self._known.items() if value[1].id != session}

    async def _look_up(self, digest: bytes) -> Session | None:
        self._known.pop(digest, None)
        now = self._clock()
        async with self._uow.auth() as tx:
            found = await find_session(tx, digest, now)
            if found is not None and now - found.last_seen_at > RENEW_AFTER:
                found = await renew_session(tx, found, now)
        if found is None:
            return None
        viewer = Viewer(member=found.member, device=found.device, session=found.id)
        session = Session(viewer, found.expires_at, found.last_seen_at)
        if len(self._known) >= CACHE_ENTRIES:
            self._known.clear()
        self._known[digest] = (time.monotonic(), session)
        return session


def token_hash(token: str) -> bytes | None:
    """SHA-256 of a session token's bytes; None for what cannot be a token."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return hash_token(raw) if len(raw) == TOKEN_BYTES else None


def cookie_token(headers: Headers, *, secure: bool) -> str | None:
    """The session cookie's value, None when there is none.

    Read by hand: one odd cookie of another program on the same host makes http.cookies drop all of them.
    """
    wanted = cookie_name(secure=secure)
    for line in headers.getlist("cookie"):
        for part in line.split(";"):
            name, _, value = part.strip().partition("=")
            if name == wanted:
                return value
    return None


def cookie_name(*, secure: bool) -> str:
    """With https a browser takes a cookie of this name from this very host alone: no subdomain can plant a session."""
    return f"__Host-{COOKIE}" if secure else COOKIE


def set_cookie(token: str, max_age: int, *, secure: bool) -> str:
    """The `Set-Cookie` value for a session; an empty token takes the cookie away."""
    pair, age = f"{cookie_name(secure=secure)}={token}", f"Max-Age={max_age if token else 0}"
    parts = [pair, "Path=/", "HttpOnly", "SameSite=Strict", age]
    return "; ".join([*parts, "Secure"] if secure else parts)


def same_origin(headers: Headers, public_origin: str) -> bool | None:
    """Whether a browser says that the request comes from our own pages; None when no browser says anything."""
    origin = headers.get("origin")
    if origin is None:
        site = headers.get("sec-fetch-site")
        return None if site is None else site in {"same-origin", "none"}
    if origin == public_origin:
        return True
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    # A page that came over http may be anybody's who stands between: it is none of ours where we serve https.
    schemes = {"https"} if public_origin.startswith("https://") else {"http", "https"}
    return parts.scheme in schemes and parts.netloc.lower() == headers.get("host", "").lower()
