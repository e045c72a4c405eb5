"""A new recovery key for an account whose devices are at hand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Self

from circle_client.errors import InvalidInput
from circle_client.protocol.primitives import random_bytes
from circle_client.protocol.words import RecoveryKeys, recovery_keys, to_words


@dataclass(frozen=True, slots=True)
class PendingRecoveryKey:
    """A recovery key that takes effect with `confirm`; until then the old one stays in force."""

    words: tuple[str, ...] = field(repr=False)
    keys: RecoveryKeys = field(repr=False)
    take: Callable[[RecoveryKeys], Awaitable[None]] = field(repr=False)

    @classmethod
    def make(cls, member: bytes, take: Callable[[RecoveryKeys], Awaitable[None]]) -> Self:
        """A fresh key of 24 words for a member; `take` makes it the account's."""
        secret = random_bytes(32)
        return cls(tuple(to_words(secret)), recovery_keys(secret, member), take)

    async def confirm(self, words: str | Sequence[str] | None = None) -> None:
        """The person has written the words down: from now on this key opens the account, and the old one nothing new.

        With `words` what the person typed is compared first. Raises InvalidInput where it is something else, and what
        a change of the account's key raises: Refused, Untrusted, Offline. Again after a failure is harmless.
        """
        if words is not None:
            typed = words.split() if isinstance(words, str) else list(words)
            if tuple(word.strip().lower() for word in typed) != self.words:
                raise InvalidInput("These are not the words of the new recovery key.")
        await self.take(self.keys)
