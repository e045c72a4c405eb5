"""What can go wrong with the storage as a whole, in sentences fit for a person."""


class DatabaseUnavailable(Exception):
    """The database can't be reached or refuses us; the message says why, without credentials."""


class Busy(Exception):
    """All connections are in use; `retry_after` is in seconds. The edge answers RATE_LIMITED."""

    def __init__(self, retry_after: int = 1) -> None:
        super().__init__("The server is busy. Please try again in a moment.")
        self.retry_after = retry_after


class TransactionOver(Exception):
    """The transaction has ended, and its connection may be another's: whoever asks now has nobody waiting for it."""


class KeysMoved(Exception):
    """A seal or grant and a rotation of its recipient ran at once: whoever sees this looks again."""
