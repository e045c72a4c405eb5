"""What the browser is served, and what every answer tells it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.server import RunningServer, running

HTML = {"/", "/graphiql", "/join", "/conversations/abc", "/deep/er"}


@pytest.fixture
def web(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<title>Circle</title>")
    (folder / "graphiql.html").write_text("<title>GraphiQL</title>")
    (folder / "icon.svg").write_text("<svg/>")
    (folder / "assets" / "app-a1b2c3.js").write_text("export {}")
    (tmp_path / "outside.txt").write_text("not yours")
    return folder


async def test_pages_are_fresh_and_assets_immutable(tmp_path: Path, dsn: str, web: Path) -> None:
    async with running(tmp_path / "data", dsn, web_dir=web) as server:
        http = server.http().raw
        for path in HTML:
            page = await http.get(path)
            expected = "GraphiQL" if path == "/graphiql" else "Circle"
            assert (page.status_code, page.text) == (200, f"<title>{expected}</title>")
            assert page.headers["content-type"].startswith("text/html")
            assert page.headers["cache-control"] == "no-cache"
            (policy,) = page.headers.get_list("content-security-policy")
            assert ("font-src 'self' data:" in policy) == (path == "/graphiql")
        asset = await http.get("/assets/app-a1b2c3.js")
        assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert asset.headers["content-type"].startswith("text/javascript")
        again = await http.get("/assets/app-a1b2c3.js", headers={"If-None-Match": asset.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        for path in ("/assets/gone.js", "/gone.png", "/%2e%2e/outside.txt", "/..%2foutside.txt", "/%00.js"):
            assert (await http.get(path)).status_code == 404
        assert (await http.post("/")).status_code == 405


async def test_without_a_build_the_page_says_what_to_do(server: RunningServer) -> None:
    page = await server.http().raw.get("/")
    assert page.status_code == 503
    assert "make setup" in page.text
    assert (await server.http().raw.get("/assets/x.js")).status_code == 404


async def test_health(server: RunningServer) -> None:
    http = server.http().raw
    assert (await http.get("/livez")).text == "ok\n"
    assert (await http.get("/readyz")).text == "ok\n"


async def test_every_answer_carries_the_strict_headers(server: RunningServer) -> None:
    for path in ("/", "/graphql", "/livez", "/gone.png"):
        headers = (await server.http().raw.get(path)).headers
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert policy["frame-ancestors"] == "'none'"
        assert policy["script-src"] == "'self' 'wasm-unsafe-eval'"
        assert "http" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "server" not in headers
        assert "strict-transport-security" not in headers


async def test_behind_https_cookies_are_secure_and_browsers_stay(tmp_path: Path, dsn: str) -> None:
    async with running(tmp_path, dsn, public_url="https://circle.example.org") as server:
        headers = (await server.http().raw.get("/livez")).headers
        assert headers["strict-transport-security"] == "max-age=31536000"
        payload = await server.http().send("{ server { name } }", headers={"Origin": "https://circle.example.org"})
        assert payload.status_code == 200
