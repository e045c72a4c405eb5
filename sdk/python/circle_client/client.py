"""Circle for scripts and bots: sign up or open a store, talk, listen."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from circle_client.conversation import Conversation
from circle_client.types import ConversationType, History, Message, Participant, Person, Role, Unsent


class Circle:
    """One member on one device, connected. Made by `sign_up`, `sign_in` or `open`; closed by `close` or `async with`."""

    @classmethod
    async def sign_up(
        cls,
        origin: str,
        link: str,
        handle: str,
        display_name: str,
        password: str,
        store: str | Path,
        *,
        device_name: str = "Python",
    ) -> Self:
        """Create the member that a set-up or invite link allows, and its store; returns the running client.

        `recovery_words` then holds the 24 words, to be written down: they are kept nowhere.
        Raises InvalidInput, Refused (INVITE_UNKNOWN, INVITE_USED, HANDLE_TAKEN, ...), StoreError, Offline.
        """
        raise NotImplementedError

    @classmethod
    async def sign_in(cls, origin: str, handle: str, password: str, store: str | Path) -> Self:
        """A new session for the device whose keys `store` holds, as when the old one was revoked.

        Raises KeysMissing without such a store, WrongPassword, Refused, Offline.
        """
        raise NotImplementedError

    @classmethod
    def open(cls, origin: str, store: str | Path, password: str) -> _Opening[Self]:
        """The member of an existing store: `async with Circle.open(...) as circle` or `circle = await Circle.open(...)`.

        Works offline for what the store holds; raises StoreError or WrongPassword.
        """
        raise NotImplementedError

    me: Person
    recovery_words: tuple[str, ...] | None

    async def close(self) -> None: ...
    async def synced(self, timeout: float | None = 30.0) -> None: ...  # caught up with the server

    @property
    def conversations(self) -> Sequence[Conversation]: ...
    def conversation(self, id: str) -> Conversation: ...
    async def create_conversation(
        self,
        type: ConversationType | str,
        people: Iterable[Person | str],
        title: str = "",
        *,
        roles: dict[str, Role] | None = None,
        history: History = History.JOINING,
        lifetime: int = 0,
    ) -> Conversation: ...
    async def find_people(self, text: str) -> Sequence[Person]: ...
    async def create_invite(self, hours: int = 72) -> str: ...
    def messages(self, *, name: str = "default") -> AsyncIterator[Message]: ...
    def unsent(self) -> Sequence[Unsent]: ...
