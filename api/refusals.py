"""What a caller is told when an operation fails, and what only the log is told."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from typing import Any

from graphql import GraphQLError, GraphQLFormattedError

from db.errors import Busy, DatabaseUnavailable
from resolvers.errors import Code, RateLimited, Refusal, Unauthenticated

log = logging.getLogger("circle.api")

UNAUTHENTICATED = "UNAUTHENTICATED"
DEVICE_REVOKED = "DEVICE_REVOKED"
INTERNAL = "INTERNAL"
UNAVAILABLE = "UNAVAILABLE"
SIGN_IN_FIRST = "Sign in first."
AWAY = "The server cannot reach its database just now. Please try again in a moment."
AWAY_SECONDS = 1

FormattedError = dict[str, Any]


class RequestError(Exception):
    """The request is refused before anything ran. `errors` are ready for the response, each with its code."""

    def __init__(self, code: str, message: str, **extensions: object) -> None:
        super().__init__(message)
        self.errors: list[FormattedError] = [{"message": message, "extensions": {"code": code, **extensions}}]

    @classmethod
    def of(cls, code: str, errors: Sequence[GraphQLError]) -> RequestError:
        """A refusal that passes on what parsing, validation or coercion found."""
        refusal = cls(code, errors[0].message)
        refusal.errors = [_with_code(error.formatted, code) for error in errors]
        return refusal


def _with_code(formatted: GraphQLFormattedError, code: str) -> FormattedError:
    return {**formatted, "extensions": {"code": code}}


def present(error: GraphQLError) -> FormattedError:
    """The response's form of an error raised while running an operation.

    Refusals keep their sentence and code; whatever nobody expected is logged under a reference and masked.
    """
    cause = error.original_error
    shown: FormattedError = {"message": error.message}
    if error.path:
        shown["path"] = error.path
    if error.locations:
        shown["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    place = ".".join(str(part) for part in error.path or [])
    return {**shown, **explain(cause or error, f"field {place}")}


def explain(cause: BaseException, place: str) -> FormattedError:
    """Message and extensions for a failure: refusals and overload in their own words, everything else masked."""
    if isinstance(cause, Refusal):
        extensions: dict[str, object] = {"code": cause.code.value}
        if isinstance(cause, RateLimited):
            extensions["retryAfter"] = cause.retry_after
        return {"message": cause.message, "extensions": extensions}
    if isinstance(cause, Unauthenticated):
        return {"message": SIGN_IN_FIRST, "extensions": {"code": UNAUTHENTICATED}}
    if isinstance(cause, Busy):
        extensions = {"code": Code.RATE_LIMITED.value, "retryAfter": cause.retry_after}
        return {"message": str(cause), "extensions": extensions}
    if isinstance(cause, DatabaseUnavailable):
        # Its own sentence is for the operator: it speaks of settings.
        log.error("%s", cause, extra={"failure": cause})
        return {"message": AWAY, "extensions": {"code": UNAVAILABLE, "retryAfter": AWAY_SECONDS}}
    return mask(cause, place)


def mask(cause: BaseException, place: str) -> FormattedError:
    """Log an unexpected failure and return what the caller may see of it: a reference to that log entry."""
    reference = secrets.token_hex(6)
    # The traceback names code, not content: exception texts of drivers may quote values, so only types are logged.
    log.error("unexpected failure in %s", place, extra={"reference": reference, "failure": cause})
    message = f"Something went wrong on the server. Tell its operator this reference: {reference}."
    return {"message": message, "extensions": {"code": INTERNAL, "reference": reference}}
