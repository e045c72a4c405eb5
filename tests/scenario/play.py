"""What cases and rules do alike."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from tests.scenario.device import Device, Policy
from tests.scenario.world import Said, World

PATIENCE = 150.0


async def until(true: Callable[[], Awaitable[bool]], what: str) -> None:
    """Wait for something that devices find out by themselves."""
    end = asyncio.get_running_loop().time() + PATIENCE
    while not await true():
        assert asyncio.get_running_loop().time() < end, f"It never came about: {what}."
        await asyncio.sleep(0.05)


async def know(world: World, space: str, *people: str) -> None:
    """Wait until all running devices of these members know the conversation."""
    for device in (device for handle in people for device in world.member(handle).online()):

        async def knows(device: Device = device) -> bool:
            view = await device.read(space)
            return view is not None and view.in_it

        await until(knows, f"{device.name} knows {space}")


def first(world: World, handle: str) -> Device:
    """The member's first device."""
    return world.member(handle).devices[0]


async def group(world: World, *people: str, by: str = "ada", policy: Policy | None = None) -> str:
    """A group that `by` makes, known to all of them."""
    space = await first(world, by).create("group", people, "Room", policy or Policy())
    await know(world, space, by, *people)
    return space


async def say(world: World, device: Device, space: str, count: int) -> int:
    """Send so many messages; how many of them were refused for good."""
    texts = [f"{device.name} says {number} {'ä✓' * (number % 7 * 9)}".strip() for number in world.new_numbers(count)]
    for text in texts:
        world.said[text] = Said(space, device)
    world.note(f"{device.name} sends {count} to {space[-6:]}")
    failed = await device.send(space, texts)
    for text in texts:
        world.said[text].sure, world.said[text].failed = True, failed.get(text)
    if failed:
        world.note(f"{len(failed)} of {device.name} in {space[-6:]} failed: {next(iter(failed.values()))}")
    else:
        world.note(f"{device.name} has sent {count} to {space[-6:]}")
    return len(failed)


async def link(world: World, old: Device, new: Device, *, by_qr: bool = False) -> None:
    """Let a new device in by one that is linked; it is its member's from then on."""
    try:
        await old.answer(await new.ask_in(), by_qr=by_qr)
        await new.let_in()
    except BaseException:
        await new.give_up()
        raise
    world.member(old.handle).devices.append(new)
    world.note(f"{new.name} was linked by {old.name}")


async def recover(world: World, new: Device) -> None:
    """A new device comes by the recovery key."""
    member = world.member(new.handle)
    try:
        await new.recover(member.words)
    except BaseException:
        await new.give_up()
        raise
    member.devices.append(new)
    world.note(f"{new.name} came by the recovery key")
