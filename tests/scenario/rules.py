"""What may happen in a world. Every rule finds something that it applies to, or does nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tests.scenario import play
from tests.scenario.device import Device, Policy, Refused
from tests.scenario.judge import checkpoint
from tests.scenario.truth import Room
from tests.scenario.world import MOST_DEVICES, World

T = TypeVar("T")
HOUR = 3600
DIRECT = 0


@dataclass(frozen=True, slots=True)
class Step:
    """A rule and the numbers that decide what it is applied to."""

    rule: str
    numbers: tuple[int, ...]

    def __repr__(self) -> str:
        return f"Step({self.rule!r}, {self.numbers})"


class Pick:
    """Chooses by the step's numbers, one after the other, the first again after the last."""

    def __init__(self, step: Step) -> None:
        self._numbers, self._place = step.numbers, 0

    def below(self, count: int) -> int:
        """A number below `count`."""
        number = self._numbers[self._place % len(self._numbers)]
        self._place += 1
        return number % count

    def of(self, things: Sequence[T]) -> T | None:
        """One of them, or None where there is none."""
        return things[self.below(len(things))] if things else None


def rooms_of(world: World, device: Device, role: int, *, direct: bool = True) -> list[Room]:
    """The conversations where the device's member has at least that role."""
    found = [r for r in world.truth.rooms.values() if r.roles.get(device.handle, -1) >= role]
    return [room for room in found if direct or room.type != DIRECT]


def online(world: World) -> list[Device]:
    """All devices that run."""
    return [device for device in world.devices if device.online]


async def create(world: World, pick: Pick) -> None:
    device = pick.of(online(world))
    if device is None or len(world.truth.rooms) >= 8:
        return
    others = [member.handle for member in world.members if member.handle != device.handle]
    kind = ("group", "group", "direct", "broadcast")[pick.below(4)]
    first = pick.below(len(others))
    people = [others[first]] if kind == "direct" else others[: pick.below(4)]
    policy = Policy((0, 0, 0, 1, 3, 4)[pick.below(6)], bool(pick.below(2)))
    space = await device.create(kind, people, f"Room {world.number()}", policy)
    world.note(f"{device.name} made {kind} {space[-6:]} with {people} {policy}")


async def _send(world: World, pick: Pick, count: int) -> None:
    device = pick.of(online(world))
    room = pick.of(rooms_of(world, device, 1)) if device else None
    if device is None or room is None or room.space not in await device.spaces():
        return
    await play.say(world, device, room.space, count)


async def say(world: World, pick: Pick) -> None:
    await _send(world, pick, 1)


async def burst(world: World, pick: Pick) -> None:
    await _send(world, pick, 100 + pick.below(500))


async def add(world: World, pick: Pick) -> None:
    device = pick.of(online(world))
    room = pick.of(rooms_of(world, device, 2, direct=False)) if device else None
    absent = [m.handle for m in world.members if room and m.handle not in room.roles]
    person = pick.of(absent)
    if device is None or room is None or person is None:
        return
    role = pick.below(3)
    world.note(f"{device.name} adds {person} to {room.space[-6:]} as {role}")
    await device.add(room.space, person, role)


async def remove(world: World, pick: Pick) -> None:
    device = pick.of(online(world))
    room = pick.of(rooms_of(world, device, 2, direct=False)) if device else None
    if device is None or room is None:
        return
    mine = room.roles[device.handle]
    person = pick.of(
        [handle for handle, role in sorted(room.roles.items()) if role <= mine and handle != device.handle]
    )
    if person is None:
        return
    if pick.below(2):
        await checkpoint(world, person, room.space)
    world.note(f"{device.name} removes {person} from {room.space[-6:]}")
    await device.remove(room.space, person)


async def leave(world: World, pick: Pick) -> None:
    device = pick.of(online(world))
    rooms = rooms_of(world, device, 0, direct=False) if device else []
    room = pick.of([room for room in rooms if device and room.roles[device.handle] < 3 and len(room.roles) > 1])
    if device is None or room is None:
        return
    world.note(f"{device.name} leaves {room.space[-6:]}")
    await device.leave(room.space)


async def change_role(world: World, pick: Pick) -> None:
    device = pick.of(online(world))
    room = pick.of(rooms_of(world, device, 3, direct=False)) if device else None
    person = pick.of([handle for handle in sorted(room.roles) if handle != device.handle]) if room and device else None
    if device is None or room is None or person is None:
        return
    role = pick.below(4)
    world.note(f"{device.name} makes {person} a {role} in {room.space[-6:]}")
    await device.change_role(room.space, person, role)


async def stop(world: World, pick: Pick) -> None:
    running = online(world)
    if len(running) > 2 and (device := pick.of(running)):
        async with device.life:
            world.note(f"{device.name} goes offline")
            await device.stop()


async def kill(world: World, pick: Pick) -> None:
    if device := pick.of(online(world)):
        async with device.life:
            world.note(f"{device.name} is killed")
            await device.kill()
            if pick.below(2):
                await _start(world, device)


async def start(world: World, pick: Pick) -> None:
    if device := pick.of([device for device in world.devices if not device.online]):
        async with device.life:
            await _start(world, device)


async def restart(world: World, pick: Pick) -> None:
    if device := pick.of(online(world)):
        async with device.life:
            await device.stop()
            await _start(world, device)


async def _start(world: World, device: Device) -> None:
    if not device.online:
        await device.start()
        world.note(f"{device.name} is back")


async def server_restart(world: World, pick: Pick) -> None:
    hard = bool(pick.below(2))
    world.note("the server is killed and starts again" if hard else "the server starts again")
    await world.home.restart(kill=hard)


# ---- devices


async def link(world: World, pick: Pick) -> None:
    old = pick.of(online(world))
    member = world.member(old.handle) if old else None
    if old is None or member is None or len(member.devices) + world.joining(member) >= MOST_DEVICES:
        return
    new = world.new_device(member, pick.below(2))
    with world.coming_in(member):
        await play.link(world, old, new, by_qr=bool(pick.below(2)))


async def recover(world: World, pick: Pick) -> None:
    member = pick.of(world.members)
    if member is None or len(member.devices) + world.joining(member) >= MOST_DEVICES:
        return
    with world.coming_in(member):
        await play.recover(world, world.new_device(member, pick.below(2)))


async def revoke(world: World, pick: Pick) -> None:
    old = pick.of(online(world))
    member = world.member(old.handle) if old else None
    other = pick.of([device for device in member.devices if device is not old]) if member else None
    if old is None or member is None or other is None:
        return
    world.note(f"{old.name} revokes {other.name}")
    await old.revoke(other)
    if other in member.devices:
        member.devices.remove(other)
        member.ended.append(other)


async def rotate(world: World, pick: Pick) -> None:
    if device := pick.of(online(world)):
        world.note(f"{device.name} rotates")
        await device.rotate()


async def renew_key(world: World, pick: Pick) -> None:
    device = pick.of(online(world))
    if device is None:
        return
    member = world.member(device.handle)
    world.note(f"{device.name} renews the recovery key")
    member.words = await device.renew_key()


async def set_policy(world: World, pick: Pick) -> None:
    device = pick.of(online(world))
    room = pick.of(rooms_of(world, device, 2)) if device else None
    if device is None or room is None:
        return
    policy = Policy((0, 0, 1, 3)[pick.below(4)], bool(pick.below(2)))
    world.note(f"{device.name} sets {policy} in {room.space[-6:]}")
    await device.set_policy(room.space, policy)


async def time_passes(world: World, pick: Pick) -> None:
    hours = (0.5, 1.2, 9, 25, 25, 8 * 24)[pick.below(6)]
    if world.home.clock.offset + hours * HOUR * 1000 > 25 * 24 * HOUR * 1000:
        return
    await world.advance(hours * HOUR)
    world.note(f"{hours} hours pass")


Rule = Callable[[World, Pick], Awaitable[None]]
RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (
        create, say, burst, add, remove, leave, change_role, stop, kill, start, restart, server_restart, time_passes,
        link, recover, revoke, rotate, renew_key, set_policy,
    )
}  # fmt: skip


async def carry_out(world: World, step: Step) -> None:
    """Do what the step says; a refusal is noted."""
    try:
        await RULES[step.rule](world, Pick(step))
    except Refused as error:
        world.met(error, str(step))
