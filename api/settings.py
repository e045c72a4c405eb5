"""Settings: `CIRCLE_*` environment variables, read once at start and refused in plain words when wrong."""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

SECRET_KEY_BYTES = 32


class SettingsError(Exception):
    """The environment asks for something that cannot be; the message is fit for the person who set it."""


class Settings(BaseSettings):
    """Everything that the process is told from outside. `load_settings()` makes it."""

    model_config = SettingsConfigDict(env_prefix="CIRCLE_", frozen=True, extra="ignore", env_ignore_empty=True)

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    data_dir: Path = Path("data")
    database_url: str = ""
    database_direct_url: str = ""
    redis_url: str = ""
    public_url: str = ""
    secret_key: str = Field(default="", repr=False)
    server_name: Annotated[str, Field(min_length=1, max_length=80)] = "Circle"
    log_format: Literal["auto", "json", "plain"] = "auto"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    web_dir: Path = Path(__file__).resolve().parent.parent / "web" / "dist"
    forwarded_allow_ips: str = "127.0.0.1"
    drain_seconds: Annotated[float, Field(ge=0, le=300)] = 5.0
    expiry_seconds: Annotated[float, Field(ge=0.1, le=3600)] = 30.0

    # Limits before and around execution; see docs/decisions/0041.
    max_body_bytes: Annotated[int, Field(ge=1024)] = 4 * 1024 * 1024
    body_seconds: Annotated[float, Field(gt=0)] = 60.0
    max_tokens: Annotated[int, Field(ge=1)] = 2_000
    max_selections: Annotated[int, Field(ge=1)] = 600
    max_depth: Annotated[int, Field(ge=1)] = 12
    max_aliases: Annotated[int, Field(ge=0)] = 30
    max_root_fields: Annotated[int, Field(ge=1)] = 10
    max_cost: Annotated[int, Field(ge=1)] = 5_000
    document_cache_size: Annotated[int, Field(ge=1)] = 512
    max_operations_per_socket: Annotated[int, Field(ge=1)] = 100
    max_queued_messages_per_socket: Annotated[int, Field(ge=1)] = 256
    max_sockets_per_client: Annotated[int, Field(ge=1)] = 200
    sends_per_second: Annotated[float, Field(gt=0)] = 50.0
    sends_burst: Annotated[int, Field(ge=1)] = 500
    socket_init_seconds: Annotated[float, Field(gt=0)] = 10.0
    socket_ping_seconds: Annotated[float, Field(gt=0)] = 25.0
    socket_recheck_seconds: Annotated[float, Field(gt=0, le=1)] = 0.75

    @field_validator("public_url")
    @classmethod
    def _check_public_url(cls, value: str) -> str:
        if not value:
            return value
        shape = "must look like https://circle.example.org, without a path"
        try:
            parts = urlsplit(value)
            parts.port  # noqa: B018 - raises where it is no number
        except ValueError:
            raise ValueError(shape) from None
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.rstrip("/") or parts.query:
            raise ValueError(shape)
        return f"{parts.scheme}://{parts.netloc}"

    @field_validator("database_url", "database_direct_url", "redis_url")
    @classmethod
    def _check_url(cls, value: str, info: ValidationInfo) -> str:
        schemes = {"redis", "rediss"} if info.field_name == "redis_url" else {"postgresql", "postgres"}
        if not value:
            return value
        try:
            parts = urlsplit(value)
            port = None if "," in parts.netloc else parts.port  # PostgreSQL takes several hosts
        except ValueError:
            # Python's own words would quote a part of the value, and that may be a password.
            raise ValueError("must be an address whose port is a number; escape / ? # @ in a password") from None
        if parts.scheme not in schemes:
            raise ValueError(f"must begin with {' or '.join(f'{name}://' for name in sorted(schemes))}")
        if port == 0 or (info.field_name == "redis_url" and not parts.hostname):
            raise ValueError("must name a host and a port that can be")
        return value

    @field_validator("secret_key")
    @classmethod
    def _check_secret_key(cls, value: str) -> str:
        if value and decode_secret_key(value) is None:
            raise ValueError("must be 32 bytes in base64 or hex, for example from `openssl rand -hex 32`")
        return value

    @property
    def origin(self) -> str:
        """The public address, without a closing slash."""
        return self.public_url or f"http://localhost:{self.port}"

    @property
    def secure(self) -> bool:
        """True when browsers reach us over https."""
        return self.origin.startswith("https://")

    @property
    def bus_url(self) -> str:
        """Where pokes travel: Redis, else the database's NOTIFY; within one process with its own database, memory."""
        if self.redis_url or not self.embedded:
            return self.redis_url or self.database_direct_url or self.database_url
        if self.workers == 1:
            return "memory://"
        from db.embedded.server import dsn_of  # here alone: settings are read before anything is loaded

        return dsn_of(self.data_dir, user="circle_hub")

    @property
    def embedded(self) -> bool:
        """True when the server brings its own PostgreSQL."""
        return not self.database_url


def decode_secret_key(text: str) -> bytes | None:
    """The 32 bytes that `text` writes in hex, base64 or base64url; None when it is none of them."""
    text = text.strip()
    if len(text) == 2 * SECRET_KEY_BYTES:
        try:
            return bytes.fromhex(text)
        except ValueError:
            return None
    try:
        raw = base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if len(raw) == SECRET_KEY_BYTES else None


def load_settings(**overrides: object) -> Settings:
    """Read the environment; `overrides` win. Raises SettingsError with one plain sentence for each wrong setting."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]  # pydantic checks them, that is the point
    except ValidationError as error:
        lines = []
        for problem in error.errors():
            name = "CIRCLE_" + "_".join(str(part) for part in problem["loc"]).upper()
            lines.append(f"{name} is wrong: {problem['msg'].removeprefix('Value error, ')}.")
        raise SettingsError(" ".join(lines)) from None


def load_secret_key(settings: Settings) -> bytes:
    """The server's 32-byte key: from CIRCLE_SECRET_KEY, else from `secret.key` in the data folder, made at first start.

    Raises SettingsError when the file is there and is not a key, or can't be read or written.
    """
    if settings.secret_key:
        key = decode_secret_key(settings.secret_key)
        assert key is not None, "checked when the settings were read"  # noqa: S101 - narrows for the type checker
        return key
    path = settings.data_dir / "secret.key"
    try:
        if not path.exists():
            _write_new_key(path)
        key = decode_secret_key(path.read_text("ascii", errors="replace"))
    except OSError as error:
        raise SettingsError(f"The secret key {path} cannot be used: {error.strerror or error}.") from None
    if key is None:
        raise SettingsError(f"{path} does not hold a secret key of 32 bytes; restore it from a backup.")
    return key


def _write_new_key(path: Path) -> None:
    # Written aside and linked into place: a crash leaves no half key, and of two first starts one wins.
    draft = path.with_name(f".secret.key.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_bytes(SECRET_KEY_BYTES).hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink(missing_ok=True)
