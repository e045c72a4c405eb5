"""Everything the client raises: one base class, a plain sentence and a stable code in each."""

from __future__ import annotations


class CircleError(Exception):
    """Base of all. `str(error)` is a sentence fit for a person, `code` is stable."""

    code = "ERROR"

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


class Offline(CircleError):
    """The server could not be reached within the bounded tries; what was queued stays queued."""

    code = "OFFLINE"


class ServerFault(CircleError):
    """The server failed, or answered what it never should; `code` is its own where it named one."""

    code = "INTERNAL"


class SignedOut(CircleError):
    """The session is over and could not be renewed with the password at hand."""

    code = "UNAUTHENTICATED"


class DeviceRevoked(SignedOut):
    """Another device has ended this one; `link` is the signed device.revoke, as (body, signature).

    It was verified against the own chain; the store is wiped.
    """

    code = "DEVICE_REVOKED"

    def __init__(self, message: str, link: tuple[bytes, bytes]) -> None:
        super().__init__(message)
        self.link = link


class RevocationUnproven(SignedOut):
    """The server says that another device has ended this one, and has no signed link to show: nothing is deleted."""

    code = "REVOCATION_UNPROVEN"

    def __init__(self) -> None:
        super().__init__(
            "The server says that this device was removed from your account, but cannot prove it. Nothing was deleted."
        )


class Refused(CircleError):
    """The server refused; `code` is a member of the API's `ErrorCode`, `path` names the input field."""

    def __init__(self, message: str, code: str, path: tuple[str, ...] = ()) -> None:
        super().__init__(message, code)
        self.path = path


class TooManyTries(Refused):
    """Refused for a while; `retry_after` is in seconds."""

    def __init__(self, message: str, retry_after: int, path: tuple[str, ...] = ()) -> None:
        super().__init__(message, "RATE_LIMITED", path)
        self.retry_after = retry_after


class NotAllowed(CircleError):
    """What was asked is against the rules of roles and conversations; found before anything was sent."""

    code = "FORBIDDEN"


class InvalidInput(CircleError):
    """An argument cannot be: too long, empty, not a handle, not a join link."""

    code = "INVALID"


class Untrusted(CircleError):
    """Something the server showed does not verify, so it is not used. The sentence says what."""

    code = "UNTRUSTED"


class Forked(Untrusted):
    """The server shows another past than before: sending stops in this conversation, evidence is kept."""

    code = "FORK"


class KeysMissing(CircleError):
    """This client does not hold the keys that are needed (yet)."""

    code = "NO_KEYS"


class Closed(CircleError):
    """The client was closed; what was being sent stays in the outbox for the next time."""

    code = "CLOSED"

    def __init__(self) -> None:
        super().__init__("This client is closed.")


class StoreError(CircleError):
    """The local store cannot be used: missing, there already, damaged, or locked by another process."""

    code = "STORE"


class WrongPassword(CircleError):
    """The password opens neither the store nor a session."""

    code = "WRONG_PASSWORD"
