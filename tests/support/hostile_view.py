"""What a hostile server shows: the real answers as JSON, rewritten by an attack, with a log of its own if need be."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from circle_client.protocol.log import next_hash
from circle_client.protocol.primitives import Z32

Json = dict[str, Any]


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def unb64(text: str) -> bytes:
    return base64.b64decode(text)


class Attack:
    """The truth. Attacks override what they twist; all take and give the API's JSON."""

    own_log = False
    """Whether the events shown are numbered and chained anew, so that the log that the victim sees is sound."""

    def event(self, event: Json, view: View) -> list[Json]:
        """What is shown for one event of the log: itself, another, several, or nothing."""
        return [event]

    def answer(self, operation: str, variables: Json, data: Json, view: View) -> Json:
        """What is answered to a query or mutation, its events already changed."""
        return data

    def frame(self, data: Json, view: View) -> Json:
        """What is shown for a frame of the subscription that brings no event."""
        return data

    def refusal(self, in_session: bool, view: View) -> Json | None:
        """The error (of 401) that a request gets in place of its answer; None: it is answered."""
        return None


class View:
    """What the victim of one hostile server has been shown so far, and what is true."""

    def __init__(self) -> None:
        self.attack = Attack()
        self.spaces: dict[str, str] = {}  # node id -> protocol id, both as the API writes them
        self.space = ""  # whose event is shown just now: pages do not repeat it in each
        self.true: dict[tuple[str, int], Json] = {}
        self.members: dict[str, list[Json]] = {}  # handle -> chain and key as the server told them, oldest first
        self.devices: dict[str, list[Json]] = {}  # device -> it and its seal as the server told them, oldest first
        self._shown: dict[tuple[str, int], list[Json]] = {}  # true place -> what was shown for it
        self._accounts: set[str] = set()
        self._head: dict[str, tuple[int, bytes]] = {}
        self._last: dict[str, int] = {}

    # ---- the way in

    def answer(self, operation: str, variables: Json, data: Json) -> Json:
        """The answer to show."""
        self._note(data)
        node = variables.get("id")
        changed = self._tree(data, self.spaces.get(node, "") if isinstance(node, str) else "")
        self._heads(changed)
        return self.attack.answer(operation, variables, changed, self)

    def delivery(self, data: Json) -> list[Json]:
        """The frames to show for one frame of the subscription."""
        self._note(data)
        inner = next(iter(data.values()))
        if not isinstance(inner, dict) or not is_event(inner.get("event")):
            return [self.attack.frame(data, self)]
        space = inner["event"]["space"]["protocolId"]
        name = next(iter(data))
        return [{name: {**inner, "event": event}} for event in self._events(inner["event"], space)]

    # ---- inside

    def _note(self, value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("id"), str) and isinstance(value.get("protocolId"), str):
                self.spaces[value["id"]] = value["protocolId"]
                if base64.urlsafe_b64decode(value["id"][:12]).startswith(b"Account:"):
                    self._accounts.add(value["protocolId"])
            if {"handle", "chain", "key"} <= value.keys():
                self.members.setdefault(value["handle"], []).append(value)
            if {"protocolId", "seal", "sealSignature", "createdAt"} <= value.keys():
                self.devices.setdefault(value["protocolId"], []).append(value)
            for inner in value.values():
                self._note(inner)
        elif isinstance(value, list):
            for inner in value:
                self._note(inner)

    def _tree(self, value: Any, space: str) -> Any:
        if isinstance(value, list):
            changed: list[Any] = []
            for item in value:
                if is_event(item):
                    changed += self._events(item, space)
                elif isinstance(item, dict) and is_event(item.get("node")):
                    changed += [{**item, "node": event} for event in self._events(item["node"], space)]
                else:
                    changed.append(self._tree(item, space))
            return changed
        if is_event(value):
            return next(iter(self._events(value, space)), None)
        if isinstance(value, dict):
            return {key: self._tree(inner, space) for key, inner in value.items()}
        return value

    def _events(self, event: Json, space: str) -> list[Json]:
        if isinstance(event.get("space"), dict):
            space = event["space"]["protocolId"]
        self.space, seq = space, event["seq"]
        self.true.setdefault((space, seq), event)
        if space in self._accounts:
            return [event]
        if not self.attack.own_log:
            return self.attack.event(event, self)
        if (space, seq) not in self._shown:
            self._chain(event, space, seq)
        return [{**event, **shown} for shown in self._shown.get((space, seq), [event])]

    def _chain(self, event: Json, space: str, seq: int) -> None:
        """Give what is shown for the next event its own place and hash."""
        if space not in self._head:
            before = self.true.get((space, seq - 1))
            if seq > 1 and before is None:
                self._shown[space, seq] = [event]  # the log from its middle on: shown as it is
                return
            self._head[space] = (seq - 1, unb64(before["logHash"]) if before else Z32)
            self._last[space] = seq - 1
        if seq <= self._last[space]:
            self._shown[space, seq] = [event]
            return
        if seq > self._last[space] + 1:
            return  # asked for before what leads to it, as a title is: shown as it is
        self._last[space] = seq
        shown: list[Json] = []
        for one in self.attack.event(event, self):
            n, digest = self._head[space]
            digest = next_hash(digest, n + 1, unb64(one["item"]))
            self._head[space] = (n + 1, digest)
            shown.append({**one, "seq": n + 1, "logHash": b64(digest)})
        self._shown[space, seq] = shown

    def _heads(self, value: Any) -> None:
        """Let the heads that are told fit the own log."""
        if isinstance(value, dict):
            head = self._head.get(str(value.get("protocolId")))
            if (
                self.attack.own_log
                and head
                and "headHash" in value
                and value["head"] <= self._last[value["protocolId"]]
            ):
                value["head"], value["headHash"] = head[0], b64(head[1])
            for inner in value.values():
                self._heads(inner)
        elif isinstance(value, list):
            for inner in value:
                self._heads(inner)


def is_event(value: Any) -> bool:
    """Whether this JSON is an event of a log."""
    return isinstance(value, dict) and {"seq", "item", "logHash"} <= value.keys()


def each(value: Any, has: str, change: Callable[[Json], None]) -> None:
    """Change every object, at any depth, that has this field."""
    if isinstance(value, dict):
        if has in value:
            change(value)
        for inner in list(value.values()):
            each(inner, has, change)
    elif isinstance(value, list):
        for inner in value:
            each(inner, has, change)
