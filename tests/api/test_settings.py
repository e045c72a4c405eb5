"""Settings, the secret key, logs: what is read, refused and never written."""

from __future__ import annotations

import base64
import io
import json
import logging
import os
from pathlib import Path

import pytest

from api.logs import JsonFormatter, PlainFormatter, request_id, set_up_logs, take_request_id
from api.settings import SettingsError, load_secret_key, load_settings


def test_defaults_are_those_of_make_run(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("CIRCLE_"):
            monkeypatch.delenv(name)
    settings = load_settings()
    assert (settings.host, settings.port, settings.data_dir) == ("127.0.0.1", 8000, Path("data"))
    assert (settings.origin, settings.embedded, settings.bus_url) == ("http://localhost:8000", True, "memory://")


def test_the_environment_is_read_and_empty_means_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CIRCLE_PORT", "9000")
    monkeypatch.setenv("CIRCLE_DATABASE_URL", "")
    monkeypatch.setenv("CIRCLE_PUBLIC_URL", "https://circle.example.org/")
    monkeypatch.setenv("CIRCLE_REDIS_URL", "redis://localhost")
    settings = load_settings()
    assert (settings.port, settings.origin) == (9000, "https://circle.example.org")
    assert (settings.embedded, settings.bus_url) == (True, "redis://localhost")


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("CIRCLE_PORT", "70000", "CIRCLE_PORT is wrong: Input should be less than or equal to 65535."),
        ("CIRCLE_SECRET_KEY", "short", "CIRCLE_SECRET_KEY is wrong: must be 32 bytes"),
        ("CIRCLE_DATABASE_URL", "mysql://x", "CIRCLE_DATABASE_URL is wrong: must begin with postgres"),
        ("CIRCLE_REDIS_URL", "http://x", "CIRCLE_REDIS_URL is wrong: must begin with redis"),
        ("CIRCLE_PUBLIC_URL", "circle.example", "CIRCLE_PUBLIC_URL is wrong: must look like"),
        ("CIRCLE_PUBLIC_URL", "https://x/path", "CIRCLE_PUBLIC_URL is wrong: must look like"),
        ("CIRCLE_LOG_FORMAT", "xml", "CIRCLE_LOG_FORMAT is wrong"),
    ],
)
def test_a_wrong_setting_is_named_in_a_plain_sentence(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert str(refused.value).startswith(sentence)


def test_with_a_database_of_ones_own_the_bus_is_its_notify() -> None:
    assert load_settings(database_url="postgresql://h/x").bus_url == "postgresql://h/x"
    assert load_settings(database_url="postgresql://h/x", database_direct_url="postgresql://d/x").bus_url.endswith(
        "d/x"
    )


@pytest.mark.parametrize("write", [bytes.hex, lambda raw: base64.b64encode(raw).decode(), lambda raw: raw.hex() + "\n"])
def test_a_secret_key_is_read_in_hex_and_base64(write: object) -> None:
    raw = os.urandom(32)
    assert callable(write)
    assert load_secret_key(load_settings(secret_key=write(raw))) == raw


def test_the_secret_key_is_made_once_and_ours_alone(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path)
    key = load_secret_key(settings)
    assert (len(key), load_secret_key(settings)) == (32, key)
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["secret.key"]
    (tmp_path / "secret.key").write_text("not a key")
    with pytest.raises(SettingsError, match="does not hold a secret key"):
        load_secret_key(settings)


def test_a_secret_is_in_no_picture_of_the_settings() -> None:
    key = os.urandom(32).hex()
    assert key not in repr(load_settings(secret_key=key))


def _record(**extra: object) -> logging.LogRecord:
    record = logging.LogRecord("circle.x", logging.ERROR, __file__, 1, "it %s", ("failed",), None)
    record.__dict__.update(extra)
    return record


def test_logs_say_where_a_failure_was_and_quote_nothing() -> None:
    try:
        try:
            raise ValueError("token=abc")
        except ValueError as inner:
            raise RuntimeError("plain text of a message") from inner
    except RuntimeError as failure:
        record = _record(failure=failure, reference="r1", password="never")
    token = request_id.set("req-1")
    line = json.loads(JsonFormatter().format(record))
    plain = PlainFormatter().format(record)
    request_id.reset(token)
    assert (line["message"], line["level"], line["reference"], line["request"]) == ("it failed", "error", "r1", "req-1")
    assert line["failure"][0] == "builtins.RuntimeError"
    assert "builtins.ValueError" in line["failure"]
    for text in (json.dumps(line), plain):
        assert "abc" not in text
        assert "plain text" not in text
        assert "never" not in text
    assert "reference r1" in plain


def test_foreign_loggers_come_through_ours() -> None:
    stream = io.StringIO()
    before = logging.getLogger().handlers[:]
    try:
        set_up_logs("json", "info", stream)
        logging.getLogger("uvicorn.error").warning("hm")
        logging.getLogger("uvicorn.error").info("chatter")
    finally:
        logging.getLogger().handlers[:] = before
    assert json.loads(stream.getvalue())["message"] == "hm"


@pytest.mark.parametrize("offered", ["", "a b", "x" * 65, "ü", "a\nb"])
def test_an_odd_request_id_is_replaced(offered: str) -> None:
    assert take_request_id(offered) != offered
    assert take_request_id("ok-1_A") == "ok-1_A"
