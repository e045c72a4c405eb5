"""What the hostile server does, attack by attack; `ATTACKS` names them for tests in both languages.

Attacks on the log twist the events of conversations, from the next one on that has not been shown; the account's own
space is left alone. Those with `own_log` keep the log sound in itself: only what others signed gives them away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from circle_client.protocol.cbor import decode, encode
from circle_client.protocol.envelope import decode_envelope
from circle_client.protocol.labels import Label, h_body
from circle_client.protocol.primitives import random_bytes
from circle_client.protocol.roster import RosterKind, decode_roster_link

from tests.support.hostile_view import Attack, Json, View, b64, each, unb64
from tests.support.impostor import impostor

_CAP = 1 << 20


def flipped(data: bytes, at: int = 40) -> bytes:
    """The bytes with one bit changed."""
    changed = bytearray(data)
    changed[at % len(changed)] ^= 1
    return bytes(changed)


def is_message(event: Json) -> bool:
    """Whether the event is an envelope of kind 1 that has not expired."""
    found = event.get("envelope")
    return found is not None and decode_envelope(unb64(found)).header.kind == 1


def _space(event: Json) -> bytes:
    return decode_envelope(unb64(event["envelope"])).header.space


def is_kind(event: Json, name: str) -> bool:
    """Whether the event is of this type of the API: for both SDKs ask for `__typename`."""
    return bool(event.get("__typename") == name)


@dataclass
class OnMessages(Attack):
    """Twists the first messages that come, `times` of them."""

    times: int = 1
    seen: list[Json] = field(default_factory=list)

    def event(self, event: Json, view: View) -> list[Json]:
        if not is_message(event) or len(self.seen) >= self.times or event["item"] in [e["item"] for e in self.seen]:
            return self.other(event)
        self.seen.append(event)
        return self.message(event, view)

    def message(self, event: Json, view: View) -> list[Json]:
        """What is shown for such a message."""
        return [event]

    def other(self, event: Json) -> list[Json]:
        """What is shown for every other event."""
        return [event]


@dataclass
class Tamper(OnMessages):
    """Flips a bit in one part of a message (0 header, 1 syn, 2 ct, 3 signature); names it by its true hash."""

    part: int = 2
    own_log: bool = False

    def other(self, event: Json) -> list[Json]:
        return self.message(event, None) if any(event["item"] == e["item"] for e in self.seen) else [event]

    def message(self, event: Json, view: View | None) -> list[Json]:
        parts = list(decode(unb64(event["envelope"]), _CAP))
        if self.part == 0:
            header = decode(parts[0], _CAP)
            header[12] += 1  # the time it was written
            parts[0] = encode(header)
        else:
            parts[self.part] = flipped(parts[self.part])
        envelope = encode(parts)
        item = decode_envelope(envelope).item if self.own_log else unb64(event["item"])
        return [{**event, "envelope": b64(envelope), "item": b64(item)}]


@dataclass
class Drop(Attack):
    """Never shows a type of event (of messages: the first one), or shows a log in which it never was."""

    what: str = "EnvelopeEvent"
    own_log: bool = False
    dropped: set[str] = field(default_factory=set)

    def event(self, event: Json, view: View) -> list[Json]:
        mine = is_message(event) if self.what == "EnvelopeEvent" else is_kind(event, self.what)
        if mine and (not self.dropped or event["item"] in self.dropped):
            self.dropped.add(event["item"])
            return []
        return [event]


@dataclass
class Reorder(OnMessages):
    """Shows the first two messages in the other order."""

    times: int = 2
    own_log: bool = True

    def message(self, event: Json, view: View) -> list[Json]:
        return [] if len(self.seen) == 1 else [event, self.seen[0]]


@dataclass
class Replay(OnMessages):
    """Shows a message twice."""

    own_log: bool = True

    def message(self, event: Json, view: View) -> list[Json]:
        return [event, event]


@dataclass
class Move(OnMessages):
    """Shows, before the next message, the first message of another conversation."""

    own_log: bool = True

    def message(self, event: Json, view: View) -> list[Json]:
        others = [e for e in view.true.values() if is_message(e)]
        stolen = next(other for other in others if _space(other) != _space(event))
        return [{**event, "envelope": stolen["envelope"], "item": stolen["item"]}, event]


@dataclass
class Expire(OnMessages):
    """Says of a message that it has expired."""

    def event(self, event: Json, view: View) -> list[Json]:
        return [{**event, "envelope": None}] if is_message(event) else [event]


class WrongHash(OnMessages):
    """Gives a message a log hash that does not follow."""

    def message(self, event: Json, view: View) -> list[Json]:
        return [{**event, "logHash": b64(flipped(unb64(event["logHash"])))}]


# ---- rosters


@dataclass
class Ghost(OnMessages):
    """Adds a member that the server made up, in the owner's name, before the next message."""

    own_log: bool = True

    def message(self, event: Json, view: View) -> list[Json]:
        space = _space(event)
        rosters = [e for e in view.true.values() if is_kind(e, "RosterEvent")]
        last = next(e for e in reversed(rosters) if decode_roster_link(unb64(e["body"])).space == space)
        before = decode_roster_link(unb64(last["body"]))
        body = dict(decode(unb64(last["body"]), _CAP))
        body[2], body[3], body[4] = before.n + 1, before.hash, int(RosterKind.ADD)
        body[5] = {0: random_bytes(16), 1: random_bytes(32), 2: 1}
        forged = encode(body)
        link = {
            **last,
            "body": b64(forged),
            "signature": b64(random_bytes(64)),
            "item": b64(h_body(Label.ROSTER, forged)),
        }
        return [link, event]


@dataclass
class ForkRoster(Attack):
    """Hands out a roster whose link 0 is another."""

    def answer(self, operation: str, variables: Json, data: Json, view: View) -> Json:
        def change(link: Json) -> None:
            if {"number", "body", "signature"} <= link.keys() and "cosignature" not in link and link["number"] == 0:
                body = dict(decode(unb64(link["body"]), _CAP))
                body[8] += 1
                link["body"] = b64(encode(body))

        each(data, "number", change)
        return data


# ---- epochs


class OnEpochs(Attack):
    """Twists what is handed out of an epoch beside its announcement."""

    def answer(self, operation: str, variables: Json, data: Json, view: View) -> Json:
        each(data, "recipients", self.epoch)
        return data

    def epoch(self, epoch: Json) -> None:
        """Change the epoch."""


class GhostRecipient(OnEpochs):
    """Adds a recipient to the list."""

    def epoch(self, epoch: Json) -> None:
        rows: list[Any] = list(decode(unb64(epoch["recipients"]), _CAP))
        rows.append([b"\xff" * 16, 0, random_bytes(32), 1, random_bytes(32), random_bytes(32)])
        epoch["recipients"] = b64(encode(rows))


class SwapSeal(OnEpochs):
    """Hands out another seal than the listed one."""

    def epoch(self, epoch: Json) -> None:
        if epoch.get("seal"):
            epoch["seal"] = b64(flipped(unb64(epoch["seal"]), 1130))


class OldSeal(OnEpochs):
    """Hands out list and seal of the first epoch for every later one."""

    def __init__(self) -> None:
        self.first: Json | None = None

    def epoch(self, epoch: Json) -> None:
        if self.first is None:
            self.first = {key: epoch[key] for key in ("recipients", "seal")}
        else:
            epoch.update(self.first)


@dataclass
class RollBack(OnMessages):
    """Shows the first epoch once more before the next message, as if it were the newest."""

    own_log: bool = True

    def message(self, event: Json, view: View) -> list[Json]:
        epochs = [e for (id, _), e in view.true.items() if is_kind(e, "EpochEvent") and unb64(id) == _space(event)]
        return [epochs[0], event]


class ForgedEpoch(Attack):
    """Announces the next epoch with other commits, so that the server knows its keys."""

    own_log = True

    def event(self, event: Json, view: View) -> list[Json]:
        if not is_kind(event, "EpochEvent"):
            return [event]
        body = dict(decode(unb64(event["announcement"]), _CAP))
        body[6] = [random_bytes(32) for _ in body[6]]
        forged = encode(body)
        return [{**event, "announcement": b64(forged), "item": b64(h_body(Label.EPOCH, forged))}]


# ---- members


@dataclass
class OnMember(Attack):
    """Twists what is told of one member's keys."""

    handle: str = ""

    def answer(self, operation: str, variables: Json, data: Json, view: View) -> Json:
        each(data, "chain", lambda member: self.member(member) if member.get("handle") == self.handle else None)
        return data

    def member(self, member: Json) -> None:
        """Change what is told of the member."""


@dataclass
class SwapKey(OnMember):
    """Puts a key of the server's own in the place of the member's, under the old signature."""

    def member(self, member: Json) -> None:
        body = dict(decode(unb64(member["key"]["body"]), _CAP))
        body[3] = impostor(unb64(member["protocolId"])).mk
        member["key"]["body"] = b64(encode(body))


@dataclass
class Impostor(OnMember):
    """Puts a whole identity of the server's own, sound in itself, in the place of the member's."""

    made: Any = None

    def member(self, member: Json) -> None:
        self.made = self.made or impostor(unb64(member["protocolId"]))
        number = {"number": 0, "body": b64(self.made.link.body), "signature": b64(self.made.link.signature)}
        member["chain"]["nodes"] = [{**number, "cosignature": b64(self.made.link.cosignature)}]
        member["key"] = {"generation": 1, "body": b64(self.made.key.body), "signature": b64(self.made.key.signature)}


# ---- account


class ForgedMac(Attack):
    """Lies about the proof that a newcomer gave to the inviter."""

    def answer(self, operation: str, variables: Json, data: Json, view: View) -> Json:
        each(data, "mac", lambda invite: invite.update(mac=invite["mac"] and b64(flipped(unb64(invite["mac"]), 3))))
        return data


class WeakPassword(Attack):
    """Asks for a password hash that is cheap to guess."""

    def answer(self, operation: str, variables: Json, data: Json, view: View) -> Json:
        each(data, "memoryKib", lambda found: found.update(memoryKib=8, iterations=1))
        return data


class OtherPlace(Attack):
    """Tells a sender that their message stands one place further on than it does."""

    def answer(self, operation: str, variables: Json, data: Json, view: View) -> Json:
        sent = data.get("sendMessage")
        if isinstance(sent, dict) and sent.get("event"):
            sent["event"]["seq"] += 1
        return data


class OtherMember(Attack):
    """Signs somebody in as somebody else."""

    def answer(self, operation: str, variables: Json, data: Json, view: View) -> Json:
        signed_in = data.get("signIn")
        if isinstance(signed_in, dict) and signed_in.get("viewer"):
            signed_in["viewer"]["member"]["protocolId"] = b64(uuid4().bytes)
        return data


class Truncate(Attack):
    """Forgets the newest entries of every conversation and asks the client to load everything afresh."""

    def __init__(self, by: int = 2) -> None:
        self.by = by

    def answer(self, operation: str, variables: Json, data: Json, view: View) -> Json:
        each(data, "headHash", lambda found: self._shorten(found, view))
        return data

    def frame(self, data: Json, view: View) -> Json:
        inner = data.get("events")
        if isinstance(inner, dict) and inner.get("__typename") == "CaughtUp" and not self.told:
            self.told = True
            return {"events": {"__typename": "ResyncRequired", "message": "Load everything afresh."}}
        return data

    told = False

    def _shorten(self, found: Json, view: View) -> None:
        seq = found["head"] - self.by
        event = view.true.get((found["protocolId"], seq))
        if event is not None and found["head"] > 3:
            found["head"], found["headHash"] = seq, event["logHash"]


class Garbage(Attack):
    """Puts random bytes where bytes belong."""

    def event(self, event: Json, view: View) -> list[Json]:
        return [{key: _garbage(key, value) for key, value in event.items()}]


def _garbage(key: str, value: Any) -> Any:
    opaque: Sequence[str] = ("envelope", "body", "announcement", "signature")
    return b64(random_bytes(60)) if key in opaque and value is not None else value


ATTACKS: dict[str, Callable[..., Attack]] = {
    name: made
    for name, made in sorted(globals().items())
    if isinstance(made, type) and issubclass(made, Attack) and not name.startswith("On") and made is not Attack
}
