"""Attacks on who is who and on the member's own account; `ON_TRUST` names them for tests in both languages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from circle_client.engine.engine import millis
from circle_client.protocol.member import apply_member_link, make_identity
from circle_client.protocol.member_key import make_member_key, member_secrets
from circle_client.protocol.primitives import public_key, random_bytes
from circle_client.protocol.structures import Head
from circle_client.protocol.words import recovery_keys

from tests.support.attacks_on_devices import chain_state
from tests.support.hostile_view import Attack, Json, View, b64, each, unb64


class Afresh(Attack):
    """Asks the client once to load everything afresh."""

    told = False

    def frame(self, data: Json, view: View) -> Json:
        inner = data.get("events")
        if isinstance(inner, dict) and inner.get("__typename") == "CaughtUp" and not self.told:
            self.told = True
            return {"events": {"__typename": "ResyncRequired", "message": "Load everything afresh."}}
        return data


class Omit(Afresh):
    """Leaves all conversations out of the list."""

    def answer(self, operation: str, variables: Json, data: Json, view: View) -> Json:
        each(data, "conversations", lambda viewer: viewer["conversations"].update(nodes=[]))
        return data


@dataclass
class RollBackAccount(Afresh):
    """Forgets the newest entries of the member's own account."""

    by: int = 1

    def answer(self, operation: str, variables: Json, data: Json, view: View) -> Json:
        each(data, "account", lambda viewer: self._shorten(viewer["account"], view))
        return data

    def _shorten(self, account: Any, view: View) -> None:
        if isinstance(account, dict) and "headHash" in account:
            seq = account["head"] - self.by
            account["head"], account["headHash"] = seq, view.true[account["protocolId"], seq]["logHash"]


@dataclass
class ShowLess(Attack):
    """Shows one conversation (its id in hex) without its newest entry, as if that had never been."""

    space: str = ""
    limit: int | None = None

    def event(self, event: Json, view: View) -> list[Json]:
        mine = self._is_mine(view.space)
        return [] if mine and self.limit is not None and event["seq"] > self.limit else [event]

    def answer(self, operation: str, variables: Json, data: Json, view: View) -> Json:
        each(data, "headHash", lambda found: self._shorten(found, view))
        return data

    def _is_mine(self, id: str) -> bool:
        return unb64(id).hex() == self.space

    def _shorten(self, found: Json, view: View) -> None:
        if self._is_mine(found["protocolId"]):
            self.limit = self.limit or found["head"] - 1
            found["head"], found["headHash"] = self.limit, view.true[found["protocolId"], self.limit]["logHash"]


@dataclass
class FakeReset(Attack):
    """Begins a member's identity anew with keys of the server's own: a sound chain, for a reset asks for no old key."""

    handle: str = ""
    made: dict[str, tuple[Json, Json]] = field(default_factory=dict)

    def answer(self, operation: str, variables: Json, data: Json, view: View) -> Json:
        each(data, "chain", lambda member: self._reset(member) if member.get("handle") == self.handle else None)
        return data

    def _reset(self, member: Json) -> None:
        nodes = member["chain"]["nodes"]
        link, key = self.made.setdefault(member["protocolId"], _reset(member))
        member["chain"]["nodes"], member["key"] = [*nodes, link], key


def _reset(member: Json) -> tuple[Json, Json]:
    id, state = unb64(member["protocolId"]), chain_state(member)
    device, seed, now = random_bytes(16), random_bytes(32), millis()
    link = make_identity(id, device, public_key(seed), seed, recovery_keys(random_bytes(32), id), now, state)
    after, generation = apply_member_link(state, link), member["key"]["generation"] + 1
    mk = member_secrets(random_bytes(32), id, generation).mk
    key = make_member_key(id, generation, mk, Head(after.n, after.hash), device, seed, now)
    shown = {"number": after.n, "body": b64(link.body), "signature": b64(link.signature)}
    return (
        {**shown, "cosignature": b64(link.cosignature or b"")},
        {"generation": generation, "body": b64(key.body), "signature": b64(key.signature)},
    )


ON_TRUST: dict[str, Callable[..., Attack]] = {
    made.__name__: made for made in (Omit, RollBackAccount, ShowLess, FakeReset)
}
