"""GraphQL over HTTP: https://graphql.github.io/graphql-over-http/draft/.

Answers `application/graphql-response+json` with the specification's status codes, and `application/json` (where a
well-formed request is always 200) to clients that ask for that alone.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Callable

import msgspec
from starlette.datastructures import Headers, QueryParams
from starlette.types import Receive, Scope, Send

from api.auth import Authenticator, Session, cookie_token, same_origin, set_cookie
from api.execution import Engine, Prepared, Request, Response, failed
from api.logs import log_request
from api.refusals import DEVICE_REVOKED, INTERNAL, UNAUTHENTICATED, UNAVAILABLE, RequestError, explain
from api.settings import Settings
from resolvers.context import Ctx

MODERN, LEGACY = "application/graphql-response+json", "application/json"
STATUSES = {
    "BAD_REQUEST": 400,
    UNAUTHENTICATED: 401,
    DEVICE_REVOKED: 401,
    "CROSS_SITE": 403,
    "METHOD_NOT_ALLOWED": 405,
    "NOT_ACCEPTABLE": 406,
    "REQUEST_TIMEOUT": 408,
    "BODY_TOO_LARGE": 413,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    INTERNAL: 500,
    UNAVAILABLE: 503,
}
# What fails before the request is a well-formed GraphQL request keeps its status in either media type.
HTTP_FAILURES = frozenset(STATUSES) - {INTERNAL, UNAVAILABLE}

_encode, _decode = msgspec.json.Encoder().encode, msgspec.json.Decoder().decode


class GraphQLOverHTTP:
    """The ASGI application behind `POST /graphql` and `GET /graphql?query=...`."""

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        authenticator: Authenticator,
        new_ctx: Callable[[Scope, Session | None], Ctx],
    ) -> None:
        self._engine, self._settings = engine, settings
        self._authenticator, self._new_ctx = authenticator, new_ctx

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = Headers(scope=scope)
        media, extra = MODERN, []
        try:
            media = _negotiate(headers.get("accept", "*/*"))
            ctx, response = await self._run(scope, headers, receive)
            extra = self._cookies(ctx)
            status = 200 if media == LEGACY else _status_of(response)
        except ClientGone:
            return
        except RequestError as refusal:
            code = refusal.errors[0]["extensions"]["code"]
            response = failed(refusal.errors)
            status = STATUSES.get(code, 400) if media == MODERN or code in HTTP_FAILURES else 200
            if code == UNAUTHENTICATED:
                extra = [(b"www-authenticate", b"Bearer")]
            elif code == DEVICE_REVOKED:
                extra = [(b"www-authenticate", b"Bearer"), *self._take_cookie(headers)]
            elif code == "METHOD_NOT_ALLOWED":
                extra = [(b"allow", b"POST" if scope["method"] == "GET" else b"GET, POST")]
            elif code == "REQUEST_TIMEOUT":
                extra = [(b"connection", b"close")]
        except Exception as failure:
            error = explain(failure, "request")
            response, status = failed([error]), 503 if "retryAfter" in error["extensions"] else 500
        extra += _retry_after(response, status)
        await _answer(send, status, media, response, extra)
        log_request(scope, status)

    async def _run(self, scope: Scope, headers: Headers, receive: Receive) -> tuple[Ctx, Response]:
        if same_origin(headers, self._settings.origin) is False:
            raise RequestError("CROSS_SITE", "Requests from pages of other sites are not taken.")
        prepared = await self._prepare(scope, headers, receive)
        ctx = self._new_ctx(scope, await self._session(headers))
        ctx.may_set_cookie = True
        return ctx, await self._engine.execute(prepared, ctx)

    async def _prepare(self, scope: Scope, headers: Headers, receive: Receive) -> Prepared:
        method = scope["method"]
        if method == "GET":
            request = _from_query(scope)
        elif method == "POST":
            _check_content_type(headers)
            body = await self._body(headers, receive)
            request = Request.read(_json(body))
        else:
            raise RequestError("METHOD_NOT_ALLOWED", "Use POST, or GET for queries.")
        prepared = self._engine.prepare(request)
        if prepared.is_subscription:
            raise RequestError("BAD_REQUEST", "Subscriptions run over a WebSocket (graphql-transport-ws).")
        if prepared.is_mutation and method == "GET":
            raise RequestError("METHOD_NOT_ALLOWED", "Mutations are sent with POST.")
        return prepared

    async def _body(self, headers: Headers, receive: Receive) -> bytes:
        seconds = self._settings.body_seconds
        try:
            async with asyncio.timeout(seconds):
                return await read_body(receive, headers, self._settings.max_body_bytes)
        except TimeoutError:
            message = f"The request did not arrive within {seconds:g} seconds."
            raise RequestError("REQUEST_TIMEOUT", message) from None

    async def _session(self, headers: Headers) -> Session | None:
        authorization = headers.get("authorization")
        if authorization is not None:
            session = await self._authenticator.bearer(authorization)
            if session is None:
                await self._tell_end(authorization.strip().partition(" ")[2].strip())
                raise RequestError(UNAUTHENTICATED, "The token is not valid (any more). Sign in again.")
            return session
        # A stale cookie is no failure: the browser can't drop it by itself, and must be able to sign in again.
        token = cookie_token(headers, secure=self._settings.secure)
        session = None if token is None else await self._authenticator.session(token)
        if token is not None and session is None:
            await self._tell_end(token)
        return session

    async def _tell_end(self, token: str) -> None:
        """Raise DEVICE_REVOKED with the signed link for a token whose device was revoked: a client wipes on proof."""
        end = await self._authenticator.ended_by(token)
        if end is None:
            return
        link = {"body": end.body, "signature": end.signature, "cosignature": end.cosignature}
        shown = {name: None if value is None else b64encode(value).decode("ascii") for name, value in link.items()}
        raise RequestError(DEVICE_REVOKED, "This device was revoked from the account.", link=shown)

    def _take_cookie(self, headers: Headers) -> list[tuple[bytes, bytes]]:
        # Said once to a browser: its next request signs in again.
        if "authorization" in headers or cookie_token(headers, secure=self._settings.secure) is None:
            return []
        return [(b"set-cookie", set_cookie("", 0, secure=self._settings.secure).encode("ascii"))]

    def _cookies(self, ctx: Ctx) -> list[tuple[bytes, bytes]]:
        if ctx.new_cookie is None:
            return []
        value = set_cookie(ctx.new_cookie.token, ctx.new_cookie.max_age, secure=self._settings.secure)
        return [(b"set-cookie", value.encode("ascii"))]


class ClientGone(Exception):
    """The client went away while sending its request."""


async def read_body(receive: Receive, headers: Headers, limit: int) -> bytes:
    """The request's body. Raises RequestError BODY_TOO_LARGE as soon as it is past the limit, ClientGone."""
    too_large = RequestError("BODY_TOO_LARGE", f"The request is larger than {limit} bytes.", limit=limit)
    declared = headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise too_large
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise too_large
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _check_content_type(headers: Headers) -> None:
    # JSON alone: a form of another site can send nothing of that type without asking first (CSRF).
    media, *parameters = (part.strip().lower() for part in headers.get("content-type", "").split(";"))
    charsets = [part.removeprefix("charset=").strip('"') for part in parameters if part.startswith("charset=")]
    if media != "application/json" or any(charset not in {"utf-8", "utf8"} for charset in charsets):
        raise RequestError("UNSUPPORTED_MEDIA_TYPE", "Send application/json in UTF-8.")
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        # What unpacks to a thousand times its size is no gain for ciphertext.
        raise RequestError("UNSUPPORTED_MEDIA_TYPE", "Send the request uncompressed.")


def _json(body: bytes | str) -> object:
    try:
        return _decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        raise RequestError("BAD_REQUEST", "The request is not valid JSON.") from None


def _from_query(scope: Scope) -> Request:
    try:
        parameters = QueryParams(scope["query_string"].decode("ascii"))
    except UnicodeError:
        raise RequestError("BAD_REQUEST", "The address is not valid.") from None
    payload: dict[str, object] = {"query": parameters.get("query"), "operationName": parameters.get("operationName")}
    for name in ("variables", "extensions"):
        text = parameters.get(name)
        payload[name] = _json(text) if text else None
    return Request.read(payload)


def _negotiate(accept: str) -> str:
    best, chosen = 0.0, ""
    for entry in accept.split(","):
        media, *parameters = (part.strip().lower() for part in entry.split(";"))
        quality = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    quality = float(parameter[2:])
                except ValueError:
                    quality = 0.0
        matched = LEGACY if media == LEGACY else MODERN if media in {MODERN, "application/*", "*/*"} else ""
        if matched and (quality > best or (quality == best and matched == MODERN)):
            best, chosen = quality, matched
    if not chosen:
        raise RequestError("NOT_ACCEPTABLE", f"This endpoint answers with {MODERN} or {LEGACY}.")
    return chosen


def _status_of(response: Response) -> int:
    if response.get("data") is not None or not response.get("errors"):
        return 200
    codes = {error["extensions"]["code"] for error in response["errors"]}
    if codes == {UNAUTHENTICATED}:
        return 401
    return 500 if INTERNAL in codes else 503 if UNAVAILABLE in codes else 200


def _retry_after(response: Response, status: int) -> list[tuple[bytes, bytes]]:
    if status != 503:
        return []
    seconds = max(error["extensions"].get("retryAfter", 1) for error in response["errors"])
    return [(b"retry-after", str(seconds).encode("ascii"))]


async def _answer(send: Send, status: int, media: str, response: Response, extra: list[tuple[bytes, bytes]]) -> None:
    body = _encode(response)
    headers = [
        (b"content-type", f"{media}; charset=utf-8".encode("ascii")),
        (b"content-length", str(len(body)).encode("ascii")),
        (b"cache-control", b"no-store"),
        (b"vary", b"Accept, Origin, Cookie, Authorization"),
        *extra,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
