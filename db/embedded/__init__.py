"""The embedded database: PostgreSQL's binaries from a wheel, run by a small supervisor of our own."""

from db.embedded.errors import EmbeddedError
from db.embedded.server import EmbeddedPostgres

__all__ = ["EmbeddedError", "EmbeddedPostgres"]
