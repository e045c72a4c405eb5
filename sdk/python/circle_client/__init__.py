"""Circle for scripts and bots. `circle_client.protocol` alone needs no network: names are loaded when they are used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from circle_client.client import Circle
    from circle_client.conversation import Conversation
    from circle_client.errors import CircleError
    from circle_client.recovery import PendingRecoveryKey
    from circle_client.reset import PendingReset
    from circle_client.types import (
        Alarm,
        CallSignal,
        Change,
        ChangeKind,
        ConversationType,
        Device,
        History,
        Lifetime,
        Message,
        Offered,
        Participant,
        Person,
        Presence,
        PresenceState,
        Privacy,
        Receipt,
        Role,
        SafetyNumber,
        Typing,
        Unsent,
    )

_HOMES = {
    "Alarm": "types",
    "CallSignal": "types",
    "Change": "types",
    "ChangeKind": "types",
    "Circle": "client",
    "CircleError": "errors",
    "Conversation": "conversation",
    "ConversationType": "types",
    "Device": "types",
    "History": "types",
    "Lifetime": "types",
    "Message": "types",
    "Offered": "types",
    "Participant": "types",
    "PendingRecoveryKey": "recovery",
    "PendingReset": "reset",
    "Person": "types",
    "Presence": "types",
    "PresenceState": "types",
    "Privacy": "types",
    "Receipt": "types",
    "Role": "types",
    "SafetyNumber": "types",
    "Typing": "types",
    "Unsent": "types",
}

__all__ = [
    "Alarm",
    "CallSignal",
    "Change",
    "ChangeKind",
    "Circle",
    "CircleError",
    "Conversation",
    "ConversationType",
    "Device",
    "History",
    "Lifetime",
    "Message",
    "Offered",
    "Participant",
    "PendingRecoveryKey",
    "PendingReset",
    "Person",
    "Presence",
    "PresenceState",
    "Privacy",
    "Receipt",
    "Role",
    "SafetyNumber",
    "Typing",
    "Unsent",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(name)
    return getattr(import_module(f"circle_client.{_HOMES[name]}"), name)
