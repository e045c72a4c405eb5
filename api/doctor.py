"""`circle doctor`: what Circle needs, checked one by one, said in plain words."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from urllib.parse import urlsplit

from api.database import open_database
from api.settings import Settings, SettingsError, load_secret_key
from api.start import PLAIN_FAILURES, StartError, listening
from api.web import WebClient
from db.bus import Bus

BUS_SECONDS = 3.0
PROBE_SECONDS = 3.0
LEAST_MEGABYTES = 200


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    good: bool
    text: str


async def examine(settings: Settings) -> list[Finding]:
    """Look at everything. Changes nothing but what a start would make (data folder, key, tables)."""
    findings = [_python(), _node(), _data_folder(settings), _secret(settings), _web(settings)]
    findings += [await _database(settings), await _bus(settings), await asyncio.to_thread(_port, settings)]
    return findings


def _python() -> Finding:
    # Older ones than 3.11 can't even read this file; what is worth a word is a slow one.
    now = ".".join(str(part) for part in sys.version_info[:3])
    if hasattr(sys, "gettotalrefcount"):
        return Finding(False, f"Python {now} is a debug build, several times slower: use another.")
    return Finding(True, f"Python {now}.")


def _node() -> Finding:
    node = shutil.which("node")
    if node is None:
        return Finding(False, "Node is missing: install version 20 or newer, it builds the web client.")
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    found = re.match(r"v(\d+)\.", said)
    if found is None or int(found[1]) < 20:
        return Finding(False, f"Node {said.strip()} is too old: install version 20 or newer.")
    return Finding(True, f"Node {said.strip().removeprefix('v')}.")


def _data_folder(settings: Settings) -> Finding:
    path = settings.data_dir.resolve()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        return Finding(False, f"The data folder {path} cannot be made: {error.strerror}.")
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        return Finding(False, f"The data folder {path} cannot be written by this user: change its owner.")
    free = shutil.disk_usage(path).free // 2**20
    if free < LEAST_MEGABYTES:
        return Finding(False, f"The disk of the data folder {path} is full but for {free} MiB: make room.")
    if path.stat().st_mode & 0o077:
        return Finding(False, f"The data folder {path} is open to other users: run `chmod 700 {path}`.")
    return Finding(True, f"The data folder {path} is ours alone.")


def _secret(settings: Settings) -> Finding:
    try:
        load_secret_key(settings)
    except SettingsError as error:
        return Finding(False, str(error))
    if settings.secret_key:
        return Finding(True, "The secret key comes from CIRCLE_SECRET_KEY.")
    file = settings.data_dir / "secret.key"
    if file.stat().st_mode & 0o077:
        return Finding(False, f"The secret key {file} can be read by other users: run `chmod 600 {file}`.")
    return Finding(True, f"The secret key {file} is ours alone. Back it up: without it no password works.")


def _web(settings: Settings) -> Finding:
    if WebClient(settings.web_dir).built:
        return Finding(True, "The web client is built.")
    return Finding(False, "The web client is not built: run `make setup`.")


async def _database(settings: Settings) -> Finding:
    try:
        async with open_database(settings, share=True):
            kind = "embedded PostgreSQL" if settings.embedded else "PostgreSQL of CIRCLE_DATABASE_URL"
            return Finding(True, f"The {kind} answers and has this version's tables.")
    except PLAIN_FAILURES as failure:
        return Finding(False, str(failure))


async def _bus(settings: Settings) -> Finding:
    if settings.embedded and not settings.redis_url:
        where = "this process's memory" if settings.workers == 1 else "the embedded database's NOTIFY"
        return Finding(True, f"The bus is {where}: right for this server alone.")
    heard = asyncio.Event()
    # Two, as two processes would be: what a bus says itself it hears even while nothing is carried.
    here, there = Bus(settings.bus_url), Bus(settings.bus_url)
    await here.start()
    await there.start()
    try:
        there.subscribe(lambda message: heard.set() if message.get("kind") == "doctor" else None)
        async with asyncio.timeout(BUS_SECONDS):
            while not heard.is_set():
                here.publish({"kind": "doctor"})
                await asyncio.sleep(0.2)
    except TimeoutError:
        return Finding(False, "The bus carries nothing: check CIRCLE_REDIS_URL (or the database's NOTIFY).")
    finally:
        await here.stop()
        await there.stop()
    return Finding(True, f"The bus ({urlsplit(settings.bus_url).scheme}) carries messages.")


def _port(settings: Settings) -> Finding:
    try:
        with listening(settings):
            return Finding(True, f"Port {settings.port} is free.")
    except StartError as failure:
        host = "127.0.0.1" if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104 - compared, not bound
        address = f"http://{host}:{settings.port}/livez"
        try:
            with urllib.request.urlopen(address, timeout=PROBE_SECONDS) as answer:
                if answer.read() == b"ok\n":
                    return Finding(True, f"Circle answers on port {settings.port}.")
        except (urllib.error.URLError, OSError):
            pass
        return Finding(False, str(failure))
