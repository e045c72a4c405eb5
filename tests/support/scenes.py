"""Conversations that the server has accepted, as tests begin with them."""

from __future__ import annotations

from typing import Any

from circle_client.protocol.contents import State
from circle_client.protocol.envelope import Envelope, Kind
from circle_client.protocol.roster import Policy, Role, SpaceType
from circle_client.protocol.structures import Signed

from tests.support.actors import Actor, b64, signed_input
from tests.support.inside import World
from tests.support.rooms import Room, epoch_input


async def create(
    world: World,
    owner: Actor,
    others: dict[Actor, Role] | list[Actor],
    type_: SpaceType = SpaceType.GROUP,
    policy: Policy | None = None,
    title: str | None = "Plans",
    known: list[Actor] | None = None,
) -> Room:
    """A conversation of `owner` with others (writers unless said otherwise); `known`: who may come into it later."""
    roles = others if isinstance(others, dict) else dict.fromkeys(others, Role.WRITER)
    room = world.room(owner, *roles, *(known or []))
    link = room.make_link0(owner, {actor.member: role for actor, role in roles.items()}, type_, policy)
    input_ = create_input(room, owner, link, title)
    await world.mutate("createConversation", input_, owner)
    return room


def create_input(room: Room, owner: Actor, link: Signed, title: str | None = "Plans") -> dict[str, Any]:
    """CreateConversationInput; the room takes it as accepted."""
    room.took_link(link)
    epoch = room.make_epoch(owner)
    room.took_epoch(epoch)
    state = None
    if title is not None:
        state = room.make_envelope(owner, State(title).content(), Kind.STATE)
        room.took_envelope(state)
    return room.create_input(link, epoch, state)


async def change(world: World, room: Room, by: Actor, link: Signed, *, renew: bool = True) -> dict[str, Any]:
    """A roster link, and with `renew` the epoch that it makes due, by the same member."""
    event = await world.mutate("changeRoster", {"link": signed_input(link)}, by)
    room.took_link(link)
    if renew:
        await announce(world, room, by)
    return event


async def announce(world: World, room: Room, by: Actor) -> dict[str, Any]:
    """The next epoch."""
    epoch = room.make_epoch(by)
    event = await world.mutate("announceEpoch", {"epoch": epoch_input(epoch)}, by)
    room.took_epoch(epoch)
    return event


async def send(world: World, room: Room, by: Actor, envelope: Envelope | None = None) -> dict[str, Any]:
    """An envelope."""
    envelope = envelope or room.make_envelope(by)
    event = await world.mutate("sendMessage", {"envelope": b64(envelope.data)}, by)
    room.took_envelope(envelope)
    return event
