"""Circle for scripts and bots. `circle_client.protocol` alone needs no network: names are loaded when they are used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from circle_client.client import Circle
    from circle_client.conversation import Conversation
    from circle_client.errors import CircleError
    from circle_client.types import ConversationType, Device, History, Message, Participant, Person, Role, Unsent

_HOMES = {
    "Circle": "client",
    "Conversation": "conversation",
    "CircleError": "errors",
    "ConversationType": "types",
    "Device": "types",
    "History": "types",
    "Message": "types",
    "Participant": "types",
    "Person": "types",
    "Role": "types",
    "Unsent": "types",
}

__all__ = [
    "Circle",
    "CircleError",
    "Conversation",
    "ConversationType",
    "Device",
    "History",
    "Message",
    "Participant",
    "Person",
    "Role",
    "Unsent",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(name)
    return getattr(import_module(f"circle_client.{_HOMES[name]}"), name)
