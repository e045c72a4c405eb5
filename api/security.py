"""What every answer tells the browser: strict headers, so that nothing outside this server is ever loaded."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.logs import request_id, take_request_id

# - 'wasm-unsafe-eval': Argon2id is WebAssembly; it allows compiling that, and no eval of JavaScript.
# - style 'unsafe-inline': Mantine and GraphiQL's editor set style elements and attributes at run time.
# - data: and blob: for images and media: what was decrypted on this very page has no address.
# Workers are files of this server. 'self' in connect-src covers the WebSocket of the same origin.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

# GraphiQL's own style sheet carries its fonts within itself.
EXPLORER_POLICY = CONTENT_SECURITY_POLICY.replace("font-src 'self'", "font-src 'self' data:")

HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode("ascii")),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (
        b"permissions-policy",
        b"camera=(self), microphone=(self), display-capture=(self), geolocation=(), payment=(), usb=()",
    ),
)
HSTS = (b"strict-transport-security", b"max-age=31536000")


class SecureHeaders:
    """Adds the headers, where an answer has none of that name, and the request id, which the log has too."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self._app = app
        self._headers = [*HEADERS, HSTS] if secure else [*HEADERS]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        offered = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        current = take_request_id(offered.decode("latin-1"))
        token = request_id.set(current)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = list(message.get("headers", ()))
                names = {name for name, _ in given}
                own = [header for header in self._headers if header[0] not in names]
                message = {**message, "headers": [*given, *own, (b"x-request-id", current.encode("ascii"))]}
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)
        finally:
            request_id.reset(token)
