"""Circle for scripts and bots: sign up or open a store, talk, listen."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID

from circle_client import account, enrol, listen, reset
from circle_client.account import Account
from circle_client.conversation import Conversation, lifetime_class
from circle_client.errors import Closed, InvalidInput
from circle_client.live import LiveActions
from circle_client.own import KeyActions
from circle_client.protocol.roster import Policy, SpaceType
from circle_client.protocol.roster import Role as SeatRole
from circle_client.reset import PendingReset
from circle_client.running import Running
from circle_client.types import (
    ConversationType,
    History,
    Lifetime,
    Message,
    Person,
    Role,
    Unsent,
)


class Opening:
    """What `Circle.open` gives: `async with` it, or `await` it."""

    def __init__(self, open_: Callable[[], Awaitable[Circle]]) -> None:
        self._open = open_
        self._circle: Circle | None = None

    def __await__(self) -> Generator[None, None, Circle]:
        return self._open().__await__()

    async def __aenter__(self) -> Circle:
        self._circle = await self._open()
        return self._circle

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._circle is not None:
            await self._circle.close()


class Circle(KeyActions, LiveActions):
    """One member on one device, connected. Made by `sign_up`, `sign_in`, `open`; closed by `close` or `async with`."""

    def __init__(self, found: Account) -> None:
        """Not for scripts: use `sign_up`, `sign_in` or `open`."""
        self.recovery_words = found.words
        self._running: Running | None = Running(found)
        self._running.start()

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
        circle = cls(await account.sign_up(origin, link, handle, display_name, password, store, device_name))
        await circle._connected()
        return circle

    @classmethod
    async def sign_in(cls, origin: str, handle: str, password: str, store: str | Path) -> Self:
        """A new session for the device whose keys `store` holds, as when the old one was revoked.

        Raises KeysMissing without such a store, WrongPassword, Refused, Offline.
        """
        circle = cls(await account.sign_in(origin, handle, password, store))
        await circle._connected()
        return circle

    @classmethod
    async def recover(
        cls,
        origin: str,
        handle: str,
        password: str,
        words: str | Sequence[str],
        store: str | Path,
        *,
        device_name: str = "Python",
    ) -> Self:
        """A new device with a new store, by the 24 words of the recovery key alone; all unexpired history comes along.

        Raises InvalidInput where the words are not this account's, WrongPassword, StoreError, Untrusted, Refused,
        Offline.
        """
        text = words if isinstance(words, str) else " ".join(words)
        circle = cls(await enrol.recover_account(origin, handle, password, text, store, device_name))
        await circle._connected()
        return circle

    @classmethod
    async def link(
        cls,
        origin: str,
        handle: str,
        password: str,
        store: str | Path,
        show: enrol.Show,
        *,
        device_name: str = "Python",
    ) -> Self:
        """A new device with a new store, let in by one that is linked already; all unexpired history comes along.

        `show` is called with twelve words and the text of a QR code, which hold the same: the person enters one of them
        on the other device (`answer_link`) within five minutes. Raises Refused (NOT_FOUND) after that, WrongPassword,
        StoreError, Untrusted (also Forked), Offline.
        """
        circle = cls(await enrol.link_account(origin, handle, password, store, show, device_name))
        await circle._connected()
        return circle

    @classmethod
    async def reset(
        cls, origin: str, handle: str, password: str, store: str | Path, *, device_name: str = "Python"
    ) -> PendingReset:
        """For somebody who lost every device and the recovery key: begin anew with another identity and a new store.

        Nothing happens before `PendingReset.confirm`; its words are the new recovery key. All that was sealed so far is
        lost, and others must let this member in again. Raises WrongPassword, StoreError, Refused, Offline.
        """
        return await reset.begin_reset(cls, origin, handle, password, store, device_name)

    @classmethod
    def open(cls, origin: str, store: str | Path, *, password: str) -> Opening:
        """The member of an existing store: `async with Circle.open(...) as circle`, or `circle = await ...`.

        Does not wait for the server (`synced` does): what the store holds is there at once. Raises StoreError,
        WrongPassword.
        """

        async def opened() -> Circle:
            return cls(await account.open_account(origin, store, password))

        return Opening(opened)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _connected(self) -> None:
        try:
            await self.synced()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Disconnect and close the store; what was not accepted yet stays in the outbox for the next time."""
        running, self._running = self._running, None
        if running is not None:
            await running.close()

    async def sign_out(self) -> None:
        """End the session on the server and close. The store keeps the keys: `sign_in` begins another session."""
        await self.running.account.api.sign_out()
        await self.close()

    @property
    def running(self) -> Running:
        """The parts at work; not for scripts. Raises Closed after `close`."""
        if self._running is None:
            raise Closed
        return self._running

    async def synced(self, timeout: float | None = 30.0) -> None:  # noqa: ASYNC109 - one call, one wait
        """Wait until everything that the server has is here. Raises Offline after `timeout` seconds, SignedOut."""
        await self.running.synced(timeout)

    # ---- people

    async def find_people(self, text: str) -> Sequence[Person]:
        """People of this server by a part of handle or name."""
        return await self.running.account.api.find(text)

    async def resolve(self, person: Person | str) -> Person:
        """A Person by handle. Raises InvalidInput where nobody has it."""
        if isinstance(person, Person):
            return person
        handle = account.clean_handle(person)
        for found in await self.find_people(handle):
            if found.handle == handle:
                return found
        raise InvalidInput(f"There is nobody here by the handle @{handle}.")

    async def create_invite(self, hours: int = 72) -> str:
        """A link with which one person can sign up, for 1 to 720 hours. Raises Refused for plain members."""
        return await self.running.account.create_invite(hours)

    # ---- conversations

    @property
    def conversations(self) -> Sequence[Conversation]:
        """All conversations known here, also those one has left."""
        spaces = self.running.engine.machine.spaces.values()
        return [Conversation(self, space.id) for space in spaces if space.roster.type is not SpaceType.ACCOUNT]

    @property
    def unopened(self) -> Mapping[bytes, str]:
        """Conversations, by protocol id, of which what the server shows does not verify, with the reason: they are not
        among `conversations`. They are tried again every half a minute.
        """
        return dict(self.running.engine.broken)

    def conversation(self, id: str) -> Conversation:
        """One of them by id. Raises InvalidInput."""
        for space in self.running.engine.machine.spaces.values():
            if space.node == id:
                return Conversation(self, space.id)
        raise InvalidInput("There is no conversation by that id.")

    async def create_conversation(
        self,
        type: ConversationType | str,
        people: Iterable[Person | str],
        title: str = "",
        *,
        roles: Mapping[str, Role] | None = None,
        history: History = History.JOINING,
        lifetime: Lifetime | int = Lifetime.NONE,
    ) -> Conversation:
        """A new conversation with these people (Persons or handles); `roles` by handle.

        Without a role people write in groups and read in broadcasts. The direct conversation with a person is made
        once: asked again, it is returned. `lifetime`: how long messages stay at most.
        Raises InvalidInput, NotAllowed, Untrusted, Refused, Offline.
        """
        kind = ConversationType[type.upper()] if isinstance(type, str) else type
        found = [await self.resolve(person) for person in people]
        default = {
            ConversationType.DIRECT: SeatRole.OWNER,
            ConversationType.GROUP: SeatRole.WRITER,
            ConversationType.BROADCAST: SeatRole.READER,
        }[kind]
        given = {handle.removeprefix("@"): SeatRole(int(role)) for handle, role in (roles or {}).items()}
        seats = {one.protocol_id: given.get(one.handle, default) for one in found if one != self.me}
        policy = Policy(lifetime_class(lifetime), history is History.SHARED)
        await self.running.account.check_invites()
        space = await self.running.rosters.create(SpaceType(int(kind)), seats, policy, title)
        return Conversation(self, space.id)

    # ---- messages

    def messages(self, *, name: str = "default") -> AsyncIterator[Message]:
        """Messages of all conversations from one's joining on, one's own too, decrypted, in order, for ever.

        Goes on where the iteration of this `name` stopped, also after a restart: a message is done with when the next
        one is asked for. One iteration per name at a time.
        """
        return listen.live(self.running.engine, self.running.sync, name, None)

    def unsent(self) -> Sequence[Unsent]:
        """Messages that were refused for good, with the reason."""
        found = []
        for id, pending in self.running.sender.failed.items():
            text = pending.draft.content.get(0)
            node = self.running.engine.space(pending.space).node
            found.append(Unsent(node, UUID(bytes=id), text if isinstance(text, str) else "", pending.failed or ""))
        return found

    def retry(self, unsent: Unsent) -> None:
        """Send a refused message again, as a new one."""
        self.running.sender.retry(unsent.id.bytes)

    def discard(self, unsent: Unsent) -> None:
        """Forget a refused message."""
        self.running.sender.discard(unsent.id.bytes)
