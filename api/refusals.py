"""What a caller is told when an operation fails, and what only the log is told."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from typing import Any

from graphql import GraphQLError, GraphQLFormattedError

from db.errors import Busy
from resolvers.errors import Code, RateLimited, Refusal, Unauthenticated

log = logging.getLogger("circle.api")

UNAUTHENTICATED = "UNAUTHENTICATED"
INTERNAL = "INTERNAL"
SIGN_IN_FIRST = "Sign in first."

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
    if isinstance(cause, Refusal):
        shown["message"] = cause.message
        shown["extensions"] = {"code": cause.code.value}
        if isinstance(cause, RateLimited):
            shown["extensions"]["retryAfter"] = cause.retry_after
    elif isinstance(cause, Unauthenticated):
        shown["message"] = SIGN_IN_FIRST
        shown["extensions"] = {"code": UNAUTHENTICATED}
    elif isinstance(cause, Busy):
        shown["message"] = str(cause)
        shown["extensions"] = {"code": Code.RATE_LIMITED.value, "retryAfter": cause.retry_after}
    else:
        place = ".".join(str(part) for part in error.path or [])
        masked = mask(cause or error, f"field {place}")
        shown["message"], shown["extensions"] = masked["message"], masked["extensions"]
    return shown


def mask(cause: BaseException, place: str) -> FormattedError:
    """Log an unexpected failure and return what the caller may see of it: a reference to that log entry."""
    reference = secrets.token_hex(6)
    # The traceback names code, not content: exception texts of drivers may quote values, so only types are logged.
    log.error("unexpected failure in %s", place, extra={"reference": reference, "failure": cause})
    message = f"Something went wrong on the server. Tell its operator this reference: {reference}."
    return {"message": message, "extensions": {"code": INTERNAL, "reference": reference}}
