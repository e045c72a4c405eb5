"""The built web client: hashed assets for a year, pages fresh each time, unknown paths to the client's own routing."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import anyio
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import NotModifiedResponse

from api.security import EXPLORER_POLICY

IMMUTABLE = "public, max-age=31536000, immutable"
FRESH = "no-cache"
PAGES = {"/": "index.html", "/graphiql": "graphiql.html", "/graphiql/": "graphiql.html"}

_NOT_BUILT = HTMLResponse(
    "<!doctype html><html lang=en><meta charset=utf-8><title>Circle</title>"
    "<h1>The web client is not built yet</h1>"
    "<p>Run <code>make setup</code> in Circle's folder and load this page again. "
    "The API at <code>/graphql</code> works already.</p></html>",
    status_code=503,
    headers={"Cache-Control": "no-store"},
)


class WebClient:
    """Serves the folder that `make setup` builds."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    @property
    def built(self) -> bool:
        """Whether there is something to serve."""
        return (self._folder / "index.html").is_file()

    async def __call__(self, request: Request) -> Response:
        """The file of a path, the client's page for a path that looks like none of a file."""
        path = request.url.path
        name = PAGES.get(path, path.lstrip("/"))
        found = await anyio.to_thread.run_sync(self._find, name)
        if found is None:
            if path.startswith("/assets/") or "." in path.rsplit("/", 1)[-1]:
                raise HTTPException(404)
            found = await anyio.to_thread.run_sync(self._find, "index.html")
            if found is None:
                return _NOT_BUILT
        file, status = found
        # Vite names every file below assets/ by the hash of its content.
        caching = IMMUTABLE if file.parent == self._folder / "assets" else FRESH
        headers = {"Cache-Control": caching}
        if name == "graphiql.html":
            headers["Content-Security-Policy"] = EXPLORER_POLICY
        response = FileResponse(file, stat_result=status, headers=headers)
        if request.headers.get("if-none-match") == response.headers["etag"]:
            return NotModifiedResponse(Headers(raw=response.raw_headers))
        return response

    def _find(self, name: str) -> tuple[Path, os.stat_result] | None:
        if "\0" in name:
            return None
        try:
            file = (self._folder / name).resolve()
            status = file.stat()
        except (OSError, ValueError):
            return None
        if not file.is_relative_to(self._folder) or not stat.S_ISREG(status.st_mode):
            return None
        return file, status
