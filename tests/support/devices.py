"""Devices beside the first, and rotations: everything a client would make, by the protocol core itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from circle_client.protocol.linking import link_id, make_link_answer, make_link_request, new_link_key
from circle_client.protocol.member import (
    MemberState,
    SignedMemberLink,
    apply_member_link,
    make_device_add,
    make_device_revoke,
    make_identity,
    make_recovery,
)
from circle_client.protocol.member_key import (
    RECOVERY_DEVICE,
    MemberSecrets,
    decode_device_seal,
    make_device_seal,
    make_member_key,
    member_secrets,
    seal_member_box,
)
from circle_client.protocol.primitives import Z16, Z32, public_key, random_bytes, sha256
from circle_client.protocol.rewrap import wrap_archive, wrap_branch
from circle_client.protocol.structures import Head, Signed
from circle_client.protocol.words import recovery_keys

from resolvers.identity_kinds import SessionKind
from resolvers.sessions import open_session
from tests.support.actors import Actor, b64, signed_input, unb64
from tests.support.inside import World
from tests.support.rooms import Room

Place = tuple[bytes, int, int]


def link_input(link: SignedMemberLink) -> dict[str, Any]:
    """MemberLinkInput."""
    made = {"body": b64(link.body), "signature": b64(link.signature)}
    return made if link.cosignature is None else made | {"cosignature": b64(link.cosignature)}


async def open_for(world: World, actor: Actor, *, device: bool) -> Actor:
    """The same member's client in a session of its own, with its device or without one."""
    async with world.uow.auth() as tx:
        own = UUID(bytes=actor.device) if device else None
        session = await open_session(world.ctx(None), tx, actor.id, own, SessionKind.BEARER, "test")
    return replace(actor, session=session.viewer.session)


@dataclass
class Newcomer:
    """A client with a session and no device yet, but the keys of the device that it will be."""

    client: Actor
    key: bytes
    seal: Signed

    @classmethod
    async def of(cls, world: World, actor: Actor) -> Newcomer:
        """Someone signs in on a new device of this member."""
        fresh = replace(actor, device=random_bytes(16), dk_seed=random_bytes(32), sk_seed=random_bytes(32))
        client = await open_for(world, fresh, device=False)
        seal = make_device_seal(client.member, client.device, 1, client.sk, client.dk_seed, world.now)
        return cls(client, new_link_key(), seal)

    @property
    def bare(self) -> Actor:
        """The client as the server knows it: without a device."""
        return replace(self.client, device=b"")

    def request(self) -> tuple[bytes, bytes]:
        """The request and its MAC."""
        client = self.client
        return make_link_request(self.key, client.member, client.device, public_key(client.dk_seed), self.seal)

    def offer_input(self) -> dict[str, Any]:
        """OfferDeviceInput."""
        request, mac = self.request()
        return {"linkId": b64(link_id(self.key)), "request": b64(request), "mac": b64(mac), "deviceName": "Phone"}

    def answer_input(self, by: Actor, now: int, **changes: Any) -> dict[str, Any]:
        """AnswerDeviceInput of a linked device."""
        client, request = self.client, self.request()[0]
        link = make_device_add(by.state, client.device, public_key(client.dk_seed), by.device, by.dk_seed, now)
        after = apply_member_link(by.state, link)
        box = box_for(by.secrets, by.generation, by.member, client.device, client.sk, 1)
        answer, mac = make_link_answer(self.key, request, box, Head(after.n, after.hash), Head(1, bytes(32)))
        return {
            "linkId": b64(link_id(self.key)),
            "link": link_input(link),
            "deviceSeal": signed_input(self.seal),
            "box": b64(box),
            "answer": b64(answer),
            "mac": b64(mac),
        } | changes

    def recover_input(self, actor: Actor, now: int, seed: bytes | None = None) -> dict[str, Any]:
        """RecoverDeviceInput, signed by RS."""
        client, rs = self.client, seed or actor.recovery.rs_seed
        link = make_device_add(actor.state, client.device, public_key(client.dk_seed), Z16, rs, now)
        box = box_for(actor.secrets, actor.generation, actor.member, client.device, client.sk, 1)
        return {
            "link": link_input(link),
            "deviceSeal": signed_input(self.seal),
            "deviceName": "Phone",
            "box": b64(box),
        }

    def came_in(self, *known: Actor, state: MemberState) -> Actor:
        """The device is in the chain: all of the member's clients know it."""
        for actor in (*known, self.client):
            actor.state = state
        return self.client


def box_for(secrets: MemberSecrets, generation: int, member: bytes, device: bytes, to: bytes, k: int) -> bytes:
    """M for a device, or for the recovery key."""
    return seal_member_box(to, member, generation, device, k, sha256(secrets.mk), secrets.secret)


async def link_device(world: World, by: Actor) -> Actor:
    """A second device, linked by offer and answer; both clients know the chain."""
    newcomer = await Newcomer.of(world, by)
    await world.mutate("offerDevice", newcomer.offer_input(), newcomer.bare)
    input_ = newcomer.answer_input(by, world.now)
    await world.mutate("answerDevice", input_, by)
    return newcomer.came_in(by, state=after_link(by.state, input_["link"]))


def after_link(state: MemberState, sent: Mapping[str, str]) -> MemberState:
    """The chain after a MemberLinkInput."""
    cosignature = sent.get("cosignature")
    link = SignedMemberLink(
        unb64(sent["body"]), unb64(sent["signature"]), None if cosignature is None else unb64(cosignature)
    )
    return apply_member_link(state, link)


@dataclass
class Turned:
    """A rotation that a client made; `took` says that the server accepted it."""

    by: Actor
    secrets: MemberSecrets
    state: MemberState
    input: dict[str, Any]

    def took(self, *others: Actor) -> None:
        """All of the member's clients have the new key."""
        for actor in (self.by, *others):
            actor.secrets, actor.state = self.secrets, self.state
            actor.generation += 1


def turn(
    by: Actor,
    devices: Iterable[Actor] = (),
    *,
    now: int,
    link: SignedMemberLink | None = None,
    wraps: Mapping[Place, bytes] | None = None,
    seals: Mapping[bytes, int] | None = None,
    **changes: Any,
) -> Turned:
    """RotateMemberKeyInput by `by`, boxed to it and to `devices`; `seals`: their k where it is not 1."""
    state = by.state if link is None else apply_member_link(by.state, link)
    generation = by.generation + 1
    secrets = member_secrets(random_bytes(32), by.member, generation)
    key = make_member_key(by.member, generation, secrets.mk, Head(state.n, state.hash), by.device, by.dk_seed, now)
    boxes = [
        (one.device, box_for(secrets, generation, by.member, one.device, one.sk, (seals or {}).get(one.device, 1)))
        for one in (by, *devices)
    ]
    boxes.append((RECOVERY_DEVICE, box_for(secrets, generation, by.member, RECOVERY_DEVICE, state.rx, state.rx_n)))
    archive = wrap_archive(secrets.archive, by.member, by.generation, by.secrets.archive)
    input_ = {
        **({} if link is None else {"link": link_input(link)}),
        "memberKey": signed_input(key),
        "boxes": [{"device": b64(device), "box": b64(box)} for device, box in boxes],
        "archive": b64(archive),
        "wraps": [
            {"space": b64(space), "epoch": epoch, "branch": b, "wrap": b64(wrap)}
            for (space, epoch, b), wrap in (wraps or {}).items()
        ],
    } | changes
    return Turned(by, secrets, state, {key: value for key, value in input_.items() if value is not None})


def wraps_of(
    rooms: Sequence[Room], secrets: MemberSecrets, member: bytes, places: Iterable[Place]
) -> dict[Place, bytes]:
    """What a client would wrap of the rooms' current epochs."""
    by_space = {room.space: room for room in rooms}
    made = {}
    for space, epoch, b in places:
        room = by_space[space]
        hash_, branch = (room.epoch.hash, room.branches[b]) if room.epoch.n == epoch else (Z32, bytes(32))
        key = secrets.archive if b == 0 else secrets.secret
        made[space, epoch, b] = wrap_branch(key, member, space, epoch, hash_, b, branch)
    return made


REQUIRED = """query($after: Cursor) { viewer { rotationRequires(first: 100, after: $after) {
  nodes { space epoch branch } pageInfo { hasNextPage endCursor } } } }"""


async def required(world: World, actor: Actor) -> list[Place]:
    """What a rotation made now must wrap, as the server says."""
    found: list[Place] = []
    cursor = None
    while True:
        page = (await world.ask(REQUIRED, {"after": cursor}, actor))["viewer"]["rotationRequires"]
        found += [(unb64(one["space"]), one["epoch"], one["branch"]) for one in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        cursor = page["pageInfo"]["endCursor"]


async def turn_all(
    world: World, by: Actor, devices: Sequence[Actor] = (), rooms: Sequence[Room] = (), **more: Any
) -> Turned:
    """A complete rotation of what the server names; not sent yet."""
    made = turn(by, devices, now=world.now, **more)
    wraps = wraps_of(rooms, made.secrets, by.member, await required(world, by))
    made.input["wraps"] = [
        {"space": b64(space), "epoch": epoch, "branch": b, "wrap": b64(wrap)}
        for (space, epoch, b), wrap in wraps.items()
    ]
    return made


def revoke(by: Actor, device: bytes, now: int) -> SignedMemberLink:
    """device.revoke."""
    return make_device_revoke(by.state, device, by.device, by.dk_seed, now)


def new_recovery(by: Actor, now: int) -> SignedMemberLink:
    """A new recovery key; the client holds it from here on."""
    by.recovery_key = random_bytes(32)
    by.recovery = recovery_keys(by.recovery_key, by.member)
    return make_recovery(by.state, by.recovery, by.device, by.dk_seed, now)


def reset(client: Actor, now: int) -> SignedMemberLink:
    """identity.reset with the client's device and a new recovery key."""
    client.recovery_key = random_bytes(32)
    client.recovery = recovery_keys(client.recovery_key, client.member)
    dk = public_key(client.dk_seed)
    return make_identity(client.member, client.device, dk, client.dk_seed, client.recovery, now, client.state)


def next_seal(actor: Actor, now: int, k: int = 2) -> Signed:
    """The next device seal; the client has its key."""
    actor.sk_seed = random_bytes(32)
    signed = make_device_seal(actor.member, actor.device, k, actor.sk, actor.dk_seed, now)
    assert decode_device_seal(signed.body).generation == k
    return signed
