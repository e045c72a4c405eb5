"""A small client by bare GraphQL that caches what it fetched and keeps it by events alone (docs/decisions/0110)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

from circle_client.protocol.envelope import Kind, decode_envelope
from circle_client.protocol.epoch import decode_announcement
from circle_client.protocol.member import LinkKind, decode_member_link
from circle_client.protocol.roster import RosterKind, RosterLink, decode_roster_link

from tests.support.actors import b64, unb64
from tests.support.client import Http, websocket
from tests.support.server import RunningServer

_SPACE = """id protocolId head headHash rosterNumber epochDue currentEpoch { number hash }
  events(first: 100) { nodes { seq item __typename } }"""
_CHAIN = "chain(first: 100) { nodes { number body } }"
_CONVERSATION = f"""{_SPACE} type lifetimeClass history viewerRole rosterHash state {{ seq }}
  members(first: 100) {{ nodes {{ role identity joinedSeq member {{ protocolId {_CHAIN} }} }} }}
  markers {{ version member {{ protocolId }} }} viewerMarker {{ version }}"""
STATE = f"""query State {{ viewer {{ member {{ protocolId {_CHAIN} }} account {{ {_SPACE} }}
  conversations(first: 100) {{ nodes {{ {_CONVERSATION} }} }} }} }}"""
ONE = f"query One($id: ID!) {{ conversation(id: $id) {{ {_CONVERSATION} }} }}"
PEOPLE = f"query People($ids: [Base64Bytes!]!) {{ membersByProtocolId(protocolIds: $ids) {{ protocolId {_CHAIN} }} }}"
EVENTS = """subscription Events($after: Cursor) { events(after: $after) { __typename
  ... on CaughtUp { cursor }
  ... on MarkerDelivery { cursor marker { scope version conversation { id } member { protocolId } } }
  ... on EventDelivery { cursor event { __typename seq item logHash space { id __typename }
    ... on EnvelopeEvent { envelope } ... on RosterEvent { body } ... on EpochEvent { announcement }
    ... on MemberLinkEvent { body } } } } }"""
ROLES = ("READER", "WRITER", "ADMIN", "OWNER")
DUE = {"RosterEvent": "ROSTER", "MemberLinkEvent": "MEMBER_CHAIN", "ComplaintEvent": "COMPLAINT"}


class Mirror:
    """What one member's client holds."""

    def __init__(self, server: RunningServer, token: str, member: bytes) -> None:
        self._url, self._token, self._member = server.url, token, member
        self.http: Http = server.http(token)
        self.spaces: dict[str, dict[str, Any]] = {}
        self.chains: dict[str, set[tuple[int, int]]] = {}
        self.cursor: str | None = None
        self.heard = 0
        self._task: asyncio.Task[None] | None = None
        self._is_level = asyncio.Event()

    async def start(self) -> None:
        """Follow, from the cursor on if there is one; returns when the backlog is done."""
        self._is_level.clear()
        self._task = asyncio.create_task(self._follow())
        level = asyncio.create_task(self._is_level.wait())
        async with asyncio.timeout(20):
            await asyncio.wait([self._task, level], return_when=asyncio.FIRST_COMPLETED)
        if not level.done():
            level.cancel()
            self._task.result()

    async def stop(self) -> None:
        """Be offline: the cursor stays."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def come_back(self) -> None:
        """Resume for a moment, as after a mutation that was missed."""
        await self.start()
        await self.agrees()
        await self.stop()

    async def _follow(self) -> None:
        async with websocket(self._url) as ws:
            await ws.start(self._token)
            await ws.say("subscribe", {"query": EVENTS, "variables": {"after": self.cursor}}, "1")
            while True:
                message = json.loads(await ws.socket.recv())
                if message["type"] == "ping":
                    await ws.say("pong")
                    continue
                assert message["type"] == "next", message
                assert "errors" not in message["payload"], message
                await self._apply(message["payload"]["data"]["events"])

    async def _apply(self, item: dict[str, Any]) -> None:
        if item["__typename"] == "CaughtUp":
            if self.cursor is None:  # the cursor is older than what is fetched now: what comes twice is told by its seq
                self.spaces, self.chains = await self.fetch()
            self._is_level.set()
        elif item["__typename"] == "MarkerDelivery":
            self.heard += 1
            self._mark(item["marker"])
        else:
            assert item["__typename"] == "EventDelivery", item
            self.heard += 1
            await self._event(item["event"])
        self.cursor = item["cursor"]

    # ---- what is heard

    async def _event(self, event: dict[str, Any]) -> None:
        id = event["space"]["id"]
        space = self.spaces.get(id)
        if space is None:
            found = (await self.http.data(ONE, {"id": id}))["conversation"]
            if found is not None:  # None: out of it again already
                self._take_conversation(self.spaces, self.chains, found)
            return
        if event["seq"] <= space["head"]:
            return
        assert event["seq"] == space["head"] + 1, f"a gap: {event['seq']} follows {space['head']}"
        space["head"], space["headHash"] = event["seq"], event["logHash"]
        space["items"][event["seq"]] = (event["item"], event["__typename"])
        space["due"] = space["due"] or DUE.get(event["__typename"])
        if event["__typename"] == "RosterEvent":
            await self._roster(id, space, decode_roster_link(unb64(event["body"])), event["seq"])
        elif event["__typename"] == "EpochEvent":
            made = decode_announcement(unb64(event["announcement"]))
            space["epoch"], space["due"] = (made.epoch, b64(made.hash)), None
        elif event["__typename"] == "MemberLinkEvent":
            link = decode_member_link(unb64(event["body"]))
            self.chains.setdefault(b64(link.member), set()).add((link.n, int(link.kind)))
        elif "state" in space and _is_title(event):
            space["state"] = event["seq"]

    async def _roster(self, id: str, space: dict[str, Any], link: RosterLink, seq: int) -> None:
        if "members" not in space:
            space["roster"] = (link.n, None)  # the account's
            return
        space["roster"] = (link.n, b64(link.hash))
        if link.policy is not None:
            space["policy"] = (int(link.policy.lifetime), "SHARED" if link.policy.shared else "JOINING")
        if link.member is None:
            return
        member, members = b64(link.member), space["members"]
        if link.kind == RosterKind.REMOVE:
            members.pop(member)
            space["receipts"].pop(member, None)
            if link.member == self._member:
                del self.spaces[id]
        elif link.kind == RosterKind.ROLE:
            assert link.role is not None
            members[member] = (ROLES[int(link.role)], *members[member][1:])
        else:
            assert link.role is not None
            members[member] = (ROLES[int(link.role)], b64(link.identity or b""), seq)
            found = await self.http.data(PEOPLE, {"ids": [member]})
            self.chains[member] = _links(found["membersByProtocolId"][0])
        if link.member == self._member and id in self.spaces:
            space["role"] = members[member][0]

    def _mark(self, marker: dict[str, Any]) -> None:
        space = self.spaces.get(marker["conversation"]["id"])
        if space is None:
            return
        if marker["scope"] == "OWN":
            space["own"] = max(space["own"], marker["version"])
        elif marker["member"]["protocolId"] in space["members"]:
            member = marker["member"]["protocolId"]
            space["receipts"][member] = max(space["receipts"].get(member, 0), marker["version"])

    # ---- what is fetched

    async def fetch(self) -> tuple[dict[str, dict[str, Any]], dict[str, set[tuple[int, int]]]]:
        """Everything afresh."""
        viewer = (await self.http.data(STATE))["viewer"]
        spaces: dict[str, dict[str, Any]] = {viewer["account"]["id"]: _space(viewer["account"])}
        chains = {viewer["member"]["protocolId"]: _links(viewer["member"])}
        for one in viewer["conversations"]["nodes"]:
            self._take_conversation(spaces, chains, one)
        return spaces, chains

    def _take_conversation(
        self, spaces: dict[str, dict[str, Any]], chains: dict[str, set[tuple[int, int]]], one: dict[str, Any]
    ) -> None:
        members = one["members"]["nodes"]
        spaces[one["id"]] = _space(one) | {
            "type": one["type"],
            "role": one["viewerRole"],
            "roster": (one["rosterNumber"], one["rosterHash"]),
            "policy": (one["lifetimeClass"], one["history"]),
            "members": {m["member"]["protocolId"]: (m["role"], m["identity"], m["joinedSeq"]) for m in members},
            "state": one["state"] and one["state"]["seq"],
            "receipts": {marker["member"]["protocolId"]: marker["version"] for marker in one["markers"]},
            "own": one["viewerMarker"]["version"] if one["viewerMarker"] else 0,
        }
        for m in members:
            chains[m["member"]["protocolId"]] = _links(m["member"])

    def _seen(self) -> dict[str, set[tuple[int, int]]]:
        """The chains of those with whom there is a conversation."""
        present = {b64(self._member)}.union(*(space.get("members", ()) for space in self.spaces.values()))
        return {member: links for member, links in self.chains.items() if member in present}

    def _readable(self, space: dict[str, Any], fresh: dict[str, Any] | None) -> dict[str, Any]:
        """Without what was read before the present stay while history was shared: that can't be fetched any more."""
        if fresh is None or space.get("policy", ("", ""))[1] != "JOINING":
            return space
        joined = space["members"][b64(self._member)][2]
        items = {seq: item for seq, item in space["items"].items() if seq >= joined or seq in fresh["items"]}
        return {**space, "items": items, "state": fresh["state"] if (space["state"] or 0) < joined else space["state"]}

    async def agrees(self, seconds: float = 10.0) -> None:
        """What is held becomes what is fetched; AssertionError with the difference where it does not."""
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            if self._task is not None and self._task.done():
                self._task.result()
            spaces, chains = await self.fetch()
            held = {id: self._readable(space, spaces.get(id)) for id, space in self.spaces.items()}
            if (held, self._seen()) == (spaces, chains):
                return
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError("\n".join(_differences("", (held, self._seen()), (spaces, chains))))
            await asyncio.sleep(0.02)


def _is_title(event: dict[str, Any]) -> bool:
    sealed = event.get("envelope")
    return sealed is not None and decode_envelope(unb64(sealed)).header.kind == Kind.STATE


def _differences(place: str, held: Any, fresh: Any) -> Iterator[str]:
    """What differs, each with its place."""
    if isinstance(held, dict) and isinstance(fresh, dict):
        for key in held.keys() | fresh.keys():
            yield from _differences(f"{place}/{key}", held.get(key), fresh.get(key))
    elif isinstance(held, tuple) and isinstance(fresh, tuple) and len(held) == len(fresh):
        for number, pair in enumerate(zip(held, fresh, strict=True)):
            yield from _differences(f"{place}/{number}", *pair)
    elif held != fresh:
        yield f"{place}: held {held}, fetched {fresh}"


def _space(one: dict[str, Any]) -> dict[str, Any]:
    epoch = one["currentEpoch"]
    return {
        "head": one["head"],
        "headHash": one["headHash"],
        "roster": (one["rosterNumber"], None),
        "epoch": epoch and (epoch["number"], epoch["hash"]),
        "due": one["epochDue"],
        "items": {event["seq"]: (event["item"], event["__typename"]) for event in one["events"]["nodes"]},
    }


def _links(member: dict[str, Any]) -> set[tuple[int, int]]:
    """A chain's links that logs tell of: all but those that add a device."""
    links = [decode_member_link(unb64(link["body"])) for link in member["chain"]["nodes"]]
    return {(link.n, int(link.kind)) for link in links if link.kind != LinkKind.DEVICE_ADD}
