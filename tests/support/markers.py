"""Markers as tests set them: sealed in the conversation or in the member's account space."""

from __future__ import annotations

from typing import Any

from circle_client.protocol.envelope import Envelope, Kind

from tests.support import scenes
from tests.support.actors import Actor, b64
from tests.support.inside import World
from tests.support.rooms import Room


async def account_of(world: World, actor: Actor) -> Room:
    """The member's account space with its first epoch."""
    room = Room(actor.account, {actor.member: actor}, world.now)
    room.took_link(actor.account_link())
    await scenes.announce(world, room, actor)
    return room


def receipt(room: Room, by: Actor, delivered: int = 1, read: int = 1, **other: Any) -> Envelope:
    """A receipt; `other` replaces fields of its header."""
    return room.make_envelope(by, {0: delivered, 1: read}, Kind.RECEIPT, **other)


def own(account: Room, room: Room, by: Actor, read: int = 1, **other: Any) -> Envelope:
    """An own marker about `room`."""
    return account.make_envelope(by, {0: room.space, 1: read}, Kind.RECEIPT, **other)


def marker_input(
    world: World, room: Room, envelope: Envelope, version: int = 0, scope: str = "RECEIPT"
) -> dict[str, Any]:
    """SetMarkerInput."""
    return {"conversationId": world.id_of(room), "scope": scope, "version": version, "envelope": b64(envelope.data)}


async def mark(
    world: World, room: Room, by: Actor, envelope: Envelope, version: int = 0, scope: str = "RECEIPT"
) -> dict[str, Any]:
    """Set a marker, which must succeed."""
    return await world.mutate("setMarker", marker_input(world, room, envelope, version, scope), by)
