"""The generated operations on markers and on what is never kept, as calls with plain values."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from circle_client.engine.convert import millis_of, person_of
from circle_client.engine.device_api import raise_errors, shaped
from circle_client.errors import Refused, ServerFault
from circle_client.gql.client import Client
from circle_client.gql.enums import MarkerScope
from circle_client.gql.enums import PresenceState as PresenceName
from circle_client.gql.input_types import (
    SendSignalInput,
    SetMarkerInput,
    SetPresenceInput,
    SetPrivacyInput,
    SetTypingInput,
)
from circle_client.machine.reading import MarkerFacts, Scope
from circle_client.types import Person, Presence, PresenceState, Privacy


class MarkerConflict(Refused):
    """MARKER_CONFLICT; `current` is what is stored."""

    def __init__(self, message: str, current: MarkerFacts) -> None:
        super().__init__(message, "MARKER_CONFLICT")
        self.current = current


@dataclass(frozen=True, slots=True)
class TypingFacts:
    """Who types where, by the server's id of the conversation."""

    node: str
    person: Person
    until: datetime | None


@dataclass(frozen=True, slots=True)
class SignalFacts:
    """A signal as received, nothing believed. `space`: the conversation's protocol id."""

    node: str
    space: bytes
    envelope: bytes
    accepted_at: int


def marker_of(node: Any) -> MarkerFacts:
    """A marker."""
    scope = Scope(node.scope.value)
    return MarkerFacts(node.conversation.protocol_id, scope, node.version, millis_of(node.accepted_at), node.envelope)


def _privacy_of(node: Any) -> Privacy:
    return Privacy(node.presence, node.read_receipts, node.delivery_receipts)


class LiveApi:
    """Everything about reading, presence, typing and signals."""

    def __init__(self, client: Client) -> None:
        self._client = client

    # ---- markers

    async def all_markers(self) -> dict[bytes, list[MarkerFacts]]:
        """The markers of all conversations, by protocol id."""
        after: str | None = None
        found: dict[bytes, list[MarkerFacts]] = {}
        while True:
            viewer = await shaped(self._client.my_markers(after))
            if viewer is None:
                return found
            for node in viewer.conversations.nodes:
                found[node.protocol_id] = _markers(node)
            if not viewer.conversations.page_info.has_next_page:
                return found
            after = viewer.conversations.page_info.end_cursor

    async def markers(self, node: str) -> list[MarkerFacts]:
        """The markers of one conversation."""
        found = await shaped(self._client.conversation_markers(node))
        return [] if found is None or not hasattr(found, "markers") else _markers(found)

    async def set_marker(self, node: str, scope: Scope, version: int, envelope: bytes) -> MarkerFacts:
        """What is stored now. Raises MarkerConflict, Refused."""
        input = SetMarkerInput(conversationId=node, scope=MarkerScope(scope.value), version=version, envelope=envelope)
        answer = await shaped(self._client.set_marker(input))
        for error in answer.errors:
            if error.typename__ == "MarkerConflictError":
                raise MarkerConflict(error.message, marker_of(error.current))
        raise_errors(answer.errors)
        if answer.marker is None:
            raise ServerFault("The server answered without a marker.")
        return marker_of(answer.marker)

    # ---- privacy, presence, typing

    async def privacy(self) -> Privacy:
        """What this member lets others know."""
        viewer = await shaped(self._client.my_privacy())
        if viewer is None:
            raise ServerFault("The server answered without the member.")
        return _privacy_of(viewer.privacy)

    async def set_privacy(
        self, presence: bool | None, read_receipts: bool | None, delivery_receipts: bool | None
    ) -> Privacy:
        """Change what is given; what holds now. Raises Refused."""
        input = SetPrivacyInput(presence=presence, readReceipts=read_receipts, deliveryReceipts=delivery_receipts)
        answer = await shaped(self._client.set_privacy(input))
        raise_errors(answer.errors)
        if answer.privacy is None:
            raise ServerFault("The server answered without the settings.")
        return _privacy_of(answer.privacy)

    async def set_presence(self, state: PresenceState) -> None:
        """Raises Refused."""
        input = SetPresenceInput(state=PresenceName(state.value))
        raise_errors((await shaped(self._client.set_presence(input))).errors)

    async def set_typing(self, node: str, typing: bool) -> None:
        """Raises Refused."""
        input = SetTypingInput(conversationId=node, typing=typing)
        raise_errors((await shaped(self._client.set_typing(input))).errors)

    async def send_signal(self, envelope: bytes) -> None:
        """Raises Refused."""
        raise_errors((await shaped(self._client.send_signal(SendSignalInput(envelope=envelope)))).errors)

    # ---- streams; each ends with Offline at the latest when its socket does

    async def typing(self) -> AsyncIterator[TypingFacts]:
        """Who types, in all conversations."""
        try:
            async for item in self._client.who_types(None):
                yield TypingFacts(item.conversation.id, person_of(item.member), item.until)
        except ValidationError as error:
            raise _misshapen() from error

    async def presence(self, nodes: Sequence[str]) -> AsyncIterator[list[Presence]]:
        """First everybody asked for, then who changes."""
        try:
            async for item in self._client.who_is_there(list(nodes)):
                yield [
                    Presence(person_of(one.member), PresenceState(one.presence.state.value), one.presence.last_seen_at)
                    for one in item.presences
                ]
        except ValidationError as error:
            raise _misshapen() from error

    async def signals(self, node: str | None) -> AsyncIterator[SignalFacts]:
        """Signals of one conversation, or of all."""
        try:
            async for item in self._client.call_signals(node):
                space = item.conversation
                yield SignalFacts(space.id, space.protocol_id, item.envelope, millis_of(item.accepted_at))
        except ValidationError as error:
            raise _misshapen() from error


def _markers(node: Any) -> list[MarkerFacts]:
    own = [] if node.viewer_marker is None else [marker_of(node.viewer_marker)]
    return own + [marker_of(one) for one in node.markers]


def _misshapen() -> ServerFault:
    return ServerFault("The server's answer has another shape than its schema says.")
