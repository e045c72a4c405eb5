"""Logs: JSON for machines, one line for people; never content, tokens or keys."""

from __future__ import annotations

import json
import logging
import re
import secrets
import sys
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TextIO

from starlette.types import Scope

request_id: ContextVar[str] = ContextVar("request_id", default="")

_ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
# Fields a log call may add with `extra=`. What is not listed is not written, so nothing slips in by accident.
FIELDS = ("reference", "status", "method", "path", "milliseconds", "code", "address", "count", "schema_version")


def take_request_id(offered: str) -> str:
    """The id under which a request is logged: the caller's own when it is harmless, else a new one."""
    return offered if _ACCEPTABLE_ID.fullmatch(offered) else secrets.token_hex(8)


def describe(failure: BaseException) -> list[str]:
    """Where a failure happened, as code lines: exception texts may quote values, so only their types are kept."""
    lines: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = failure
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        lines.append(f"{type(current).__module__}.{type(current).__qualname__}")
        lines.extend(
            f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(current.__traceback__)
        )
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return lines


def _facts(record: logging.LogRecord) -> dict[str, object]:
    facts: dict[str, object] = {}
    if current := request_id.get():
        facts["request"] = current
    facts.update((name, getattr(record, name)) for name in FIELDS if hasattr(record, name))
    return facts


def _failure(record: logging.LogRecord) -> list[str]:
    failure = getattr(record, "failure", None) or (record.exc_info[1] if record.exc_info else None)
    return describe(failure) if isinstance(failure, BaseException) else []


class JsonFormatter(logging.Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON."""
        head = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        failure = _failure(record)
        tail = {"failure": failure} if failure else {}
        return json.dumps({**head, **_facts(record), **tail}, default=str, ensure_ascii=False)


class PlainFormatter(logging.Formatter):
    """One readable line, with the places of a failure below it."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as text."""
        facts = _facts(record)
        time = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        line = f"{time} {record.levelname.lower():<7} {record.name}: {record.getMessage()}"
        if facts:
            line += " (" + ", ".join(f"{key} {value}" for key, value in facts.items()) + ")"
        return "\n".join([line, *(f"    {place}" for place in _failure(record))])


def set_up_logs(style: str, level: str, stream: TextIO | None = None) -> None:
    """Send all logs to `stream` (stderr); `style` is json, plain, or auto: plain on a terminal."""
    stream = stream or sys.stderr
    plain = style == "plain" or (style == "auto" and stream.isatty())
    handler = logging.StreamHandler(stream)
    handler.setFormatter(PlainFormatter() if plain else JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # Their info lines would say nothing that ours do not; SQLAlchemy's would quote parameters.
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "sqlalchemy", "alembic", "asyncio", "websockets"):
        logger = logging.getLogger(name)
        logger.handlers[:] = []
        logger.propagate = True
        logger.setLevel("WARNING")


_requests = logging.getLogger("circle.http")


def log_request(scope: Scope, status: int) -> None:
    """One line per request that failed at the edge, or for each one at level debug; without query and address."""
    level = logging.WARNING if status >= 500 else logging.DEBUG
    if _requests.isEnabledFor(level):
        facts = {"method": scope["method"], "path": scope["path"], "status": status}
        _requests.log(level, "request", extra=facts)
