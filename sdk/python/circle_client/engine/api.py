"""The generated operations as calls with plain values: refusals become exceptions, pages become lists."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

from pydantic import ValidationError

from circle_client.engine.convert import (
    Accepted,
    CaughtUp,
    ConversationFacts,
    Delivery,
    EpochFacts,
    MarkerChange,
    Resync,
    SessionFacts,
    StreamItem,
    epoch_input,
    event_of,
    link_of,
    millis_of,
    person_of,
    signed_input,
)
from circle_client.engine.device_api import DeviceApi, raise_errors, shaped
from circle_client.engine.live_api import LiveApi, marker_of
from circle_client.errors import ServerFault, SignedOut
from circle_client.gql.client import Client
from circle_client.gql.input_types import (
    AnnounceEpochInput,
    ChangeRosterInput,
    ComplainInput,
    CreateConversationInput,
    CreateInviteInput,
    GrantEpochsInput,
    SendMessageInput,
    SignInInput,
    SignUpInput,
)
from circle_client.machine.events import LogEvent
from circle_client.machine.make import NewConversation
from circle_client.machine.people import MemberFacts
from circle_client.machine.seals import SealFacts
from circle_client.protocol.epoch_keys import NewEpoch
from circle_client.protocol.structures import Signed
from circle_client.transport import Transport
from circle_client.types import Person

_MEMBERS_AT_ONCE = 25


class Api:
    """Everything that the client asks of the server."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.client = Client(transport)
        self.devices, self.live = DeviceApi(self.client), LiveApi(self.client)

    # ---- account

    async def password_parameters(self, handle: str) -> tuple[bytes, int, int, int]:
        """(salt, memory in KiB, iterations, lanes) for a handle."""
        found = await shaped(self.client.password_parameters(handle))
        return found.salt, found.memory_kib, found.iterations, found.lanes

    async def inviter(self, token: bytes) -> Person | None:
        """Who made an invite; None for set-up and command-line links, and for invites that are not open."""
        found = await shaped(self.client.invite_preview(token))
        return person_of(found.inviter) if found is not None and found.inviter is not None else None

    async def sign_up(self, input: SignUpInput) -> SessionFacts:
        """Raises Refused."""
        return self._session(await shaped(self.client.sign_up(input)))

    async def sign_in(self, input: SignInInput) -> SessionFacts:
        """Raises Refused."""
        return self._session(await shaped(self.client.sign_in(input)))

    @staticmethod
    def _session(payload: Any) -> SessionFacts:
        raise_errors(payload.errors)
        if payload.token is None or payload.viewer is None:
            raise ServerFault("The server answered without a session.")
        account = payload.viewer.account
        return SessionFacts(payload.token, person_of(payload.viewer.member), account.id, account.protocol_id)

    async def greet(self) -> None:
        """Ask who one is. Raises SignedOut, or DeviceRevoked with the server's proof, where the session is over."""
        if await shaped(self.client.me()) is None:
            raise SignedOut("The session is over.")

    async def sign_out(self) -> None:
        """End the session."""
        raise_errors((await shaped(self.client.sign_out())).errors)

    async def create_invite(self, token_hash: bytes, hours: int) -> None:
        """Raises Refused."""
        answer = await shaped(self.client.create_invite(CreateInviteInput(tokenHash=token_hash, expiresInHours=hours)))
        raise_errors(answer.errors)

    async def invite_uses(self) -> list[tuple[bytes, bytes, bytes]]:
        """(token hash, MAC, protocol id of the newcomer) of own invites that were used with a MAC."""
        after: str | None = None
        uses: list[tuple[bytes, bytes, bytes]] = []
        while True:
            page = await shaped(self.client.my_invites(after))
            if page is None:
                return uses
            for node in page.invites.nodes:
                if node.used_by is not None and node.mac is not None:
                    uses.append((node.token_hash, node.mac, node.used_by.protocol_id))
            if not page.invites.page_info.has_next_page:
                return uses
            after = page.invites.page_info.end_cursor

    # ---- members

    async def members(self, ids: Iterable[bytes]) -> list[MemberFacts]:
        """Chains and newest keys of members; those the server does not know are left out."""
        wanted, found = list(ids), []
        for start in range(0, len(wanted), _MEMBERS_AT_ONCE):
            for node in await shaped(self.client.members_by_protocol_id(wanted[start : start + _MEMBERS_AT_ONCE])):
                if node is None:
                    continue
                links = [link_of(link) for link in node.chain.nodes]
                page = node.chain.page_info
                while page.has_next_page:
                    more = await shaped(self.client.member_chain(node.id, page.end_cursor))
                    chain = getattr(more, "chain", None)
                    if chain is None:
                        break
                    links += [link_of(link) for link in chain.nodes]
                    page = chain.page_info
                key = Signed(node.key.body, node.key.signature)
                found.append(MemberFacts(person_of(node), links, key))
        return found

    async def find(self, text: str, first: int = 20) -> list[Person]:
        """People by a part of handle or name."""
        return [person_of(node) for node in (await shaped(self.client.find_members(text, first))).nodes]

    # ---- spaces

    async def conversations(self) -> list[ConversationFacts]:
        """All conversations of this member."""
        after: str | None = None
        found: list[ConversationFacts] = []
        while True:
            viewer = await shaped(self.client.my_conversations(after))
            if viewer is None:
                return found
            found += [ConversationFacts(n.id, n.protocol_id, n.head, n.head_hash) for n in viewer.conversations.nodes]
            if not viewer.conversations.page_info.has_next_page:
                return found
            after = viewer.conversations.page_info.end_cursor

    async def account_head(self, node: str) -> ConversationFacts | None:
        """The head of the account's own log; None where the server shows none."""
        found = await shaped(self.client.account_head(node))
        head = getattr(found, "head", None)
        if head is None:
            return None
        return ConversationFacts(node, getattr(found, "protocol_id", b""), head, getattr(found, "head_hash", b""))

    async def roster_links(self, node: str) -> list[Signed]:
        """A conversation's roster links from 0 on."""
        after: str | None = None
        links: list[Signed] = []
        while True:
            found = await shaped(self.client.roster_links(node, after))
            page = getattr(found, "roster_links", None)
            if page is None:
                return links
            links += [Signed(link.body, link.signature) for link in page.nodes]
            if not page.page_info.has_next_page:
                return links
            after = page.page_info.end_cursor

    async def epoch(self, node: str, number: int) -> EpochFacts | None:
        """What the server hands out of an epoch; None where it shows none."""
        found = await shaped(self.client.epoch_by_number(node, number))
        epoch = getattr(found, "epoch", None)
        if epoch is None:
            return None
        grants = tuple((grant.id, grant.generation, grant.grant) for grant in epoch.grants)
        return EpochFacts(SealFacts(epoch.recipients, epoch.seal), grants)

    async def log_from_start(self, node: str, space: bytes) -> AsyncIterator[list[LogEvent]]:
        """Pages of a space's log, ascending, from the first entry that this member may see."""
        asked = asyncio.create_task(shaped(self.client.events_forward(node, None)))
        try:
            while True:
                page = getattr(await asked, "events", None)
                if page is None:
                    return
                more = page.page_info.has_next_page
                if more:  # the next page is on its way while this one is read
                    asked = asyncio.create_task(shaped(self.client.events_forward(node, page.page_info.end_cursor)))
                yield [event_of(space, entry) for entry in page.nodes]
                if not more:
                    return
        finally:
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)

    async def log_after(self, node: str, space: bytes, seq: int) -> list[LogEvent]:
        """The entries with a seq above `seq`, ascending, read backwards from the head."""
        before, events, count = None, list[LogEvent](), 20
        while True:
            found = await shaped(self.client.events_backward(node, count, before))
            page = getattr(found, "events", None)
            if page is None:
                return events
            events = [event_of(space, entry) for entry in page.nodes] + events
            if not page.page_info.has_previous_page or (events and events[0].seq <= seq + 1):
                return [event for event in events if event.seq > seq]
            before, count = page.page_info.start_cursor, 100

    async def stream(self, after: str | None) -> AsyncIterator[StreamItem]:
        """The subscription `events(after)`."""
        try:
            async for item in self.client.events(after):
                if item.typename__ == "EventDelivery":
                    space = item.event.space
                    yield Delivery(item.cursor, space.id, event_of(space.protocol_id, item.event))
                elif item.typename__ == "MarkerDelivery":
                    yield MarkerChange(item.cursor, marker_of(item.marker))
                elif item.typename__ == "CaughtUp":
                    yield CaughtUp(item.cursor)
                elif item.typename__ == "ResyncRequired":
                    yield Resync()
        except ValidationError as error:
            raise ServerFault("The server's answer has another shape than its schema says.") from error

    # ---- writing

    async def create_conversation(self, made: NewConversation) -> ConversationFacts:
        """Raises Refused."""
        input = CreateConversationInput(link=signed_input(made.link), epoch=epoch_input(made.epoch), state=made.state)
        answer = await shaped(self.client.create_conversation(input))
        raise_errors(answer.errors)
        if answer.conversation is None:
            raise ServerFault("The server answered without a conversation.")
        found = answer.conversation
        return ConversationFacts(found.id, found.protocol_id, found.head, found.head_hash)

    async def change_roster(self, link: Signed) -> Accepted:
        """Raises Refused."""
        return self._accepted(await shaped(self.client.change_roster(ChangeRosterInput(link=signed_input(link)))))

    async def announce_epoch(self, epoch: NewEpoch) -> Accepted:
        """Raises Refused."""
        return self._accepted(await shaped(self.client.announce_epoch(AnnounceEpochInput(epoch=epoch_input(epoch)))))

    async def send(self, envelope: bytes) -> tuple[Accepted, int]:
        """(where, acceptance in milliseconds). Raises Refused."""
        answer = await shaped(self.client.send_message(SendMessageInput(envelope=envelope)))
        accepted = self._accepted(answer)
        return accepted, millis_of(answer.event.accepted_at) if answer.event else 0

    async def complain(self, complaint: Signed) -> Accepted:
        """Raises Refused."""
        return self._accepted(await shaped(self.client.complain(ComplainInput(complaint=signed_input(complaint)))))

    async def grant(self, node: str, member: str, generation: int, grant: bytes) -> None:
        """Raises Refused."""
        input = GrantEpochsInput(conversationId=node, memberId=member, generation=generation, grant=grant)
        raise_errors((await shaped(self.client.grant_epochs(input))).errors)

    @staticmethod
    def _accepted(payload: Any) -> Accepted:
        raise_errors(payload.errors)
        if payload.event is None:
            raise ServerFault("The server answered without an event.")
        return Accepted(payload.event.seq, payload.event.item)
