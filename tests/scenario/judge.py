"""Holds what devices show against what is true."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta

from tests.scenario.device import Device, Refused, View
from tests.scenario.truth import Room, Truth
from tests.scenario.world import Said, World

PATIENCE = 150.0
# Messages whose time is over about now may be there or not.
MARGIN = timedelta(seconds=60)


class Judge:
    """One judgement of a world at rest."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.texts: dict[str, str] = {}
        self.read = 0

    async def settle(self, devices: Iterable[Device], patience: float = PATIENCE) -> list[str]:
        """Wait until all these devices show what they should; what is still wrong after a while."""
        world, left = self._world, list(devices)
        wrong: list[str] = []
        until = asyncio.get_running_loop().time() + patience
        while left:
            truth, now = await world.look(), world.home.clock.now()
            found = list(zip(left, await asyncio.gather(*(self._of_device(truth, d, now) for d in left)), strict=True))
            world.note(f"judged {len(left)} devices: {sum(len(faults) for _, faults in found)} differences")
            left = [device for device, faults in found if faults]
            wrong = [fault for _, faults in found for fault in faults]
            if not left or all("alarm" in fault for fault in wrong) or asyncio.get_running_loop().time() > until:
                break
            await asyncio.sleep(0.3)
        return wrong

    async def _of_device(self, truth: Truth, device: Device, now: datetime) -> list[str]:
        try:
            known = await device.spaces()
            waiting = await device.unsent()
        except Refused as error:
            return [f"{device.name} is not there: {error}"]
        wrong = [f"{device.name} still sends {waiting} messages"] if waiting else []
        wrong += [f"{device.name} raised an alarm in {space}: {alarm}" for space, alarm in known.items() if alarm]
        for space, room in truth.rooms.items():
            if device.handle in room.stays:
                try:
                    view = await device.read(space) if space in known else None
                except Refused as error:
                    wrong.append(f"{device.name} cannot show {space[-6:]}: {error}")
                    continue
                wrong += self._of_room(room, device, view, now)
        return wrong

    def _of_room(self, room: Room, device: Device, view: View | None, now: datetime) -> list[str]:
        stays = room.stays[device.handle]
        present = stays[-1].left is None
        last = self._world.level.get((device.name, room.space), 0)
        until = room.head if present else last
        must = {m.seq for m in room.living(now + MARGIN) if stays[-1].covers(m.seq) and m.seq <= until}
        where = f"{device.name} in {room.space[-6:]}"
        if view is None:
            return [f"{where} shows nothing of {len(must)} messages"] if must or present else []
        if view.in_it != present:
            return [f"{where} does not know of the end or begin of its stay"]
        wrong = []
        seqs = [line.seq for line in view.lines]
        if sorted(set(seqs)) != seqs:
            wrong.append(f"{where} shows messages twice or out of order")
        if missing := sorted(must - set(seqs)):
            wrong.append(f"{where} lacks {len(missing)} of {len(must)} messages, first {missing[:5]}")
        alive = {m.seq for m in room.living(now - MARGIN)}
        if over := [line.seq for line in view.lines if line.text is not None and line.seq not in alive]:
            wrong.append(f"{where} shows {len(over)} messages whose time is over, first {over[:5]}")
        if dark := [line for line in view.lines if line.unreadable is not None and line.seq in must]:
            wrong.append(f"{where} cannot read {len(dark)}, first {dark[0].seq}: {dark[0].unreadable}")
        for line in view.lines:
            message = room.messages.get(line.seq)
            if message is None or (line.id != message.id and line.text is not None):
                wrong.append(f"{where} shows {line.id} at {line.seq}, which is not there: {line.unreadable}")
            elif line.text is not None:
                wrong += self._of_text(where, room, device, line.seq, message.id, line.text)
        return wrong

    def _of_text(self, where: str, room: Room, device: Device, seq: int, id: str, text: str) -> list[str]:
        stays = room.stays[device.handle]
        wrong = []
        if not any(stay.covers(seq) for stay in stays) and not any(stay.shared for stay in stays):
            wrong.append(f"{where} reads {seq}, which is none of its business")
        said = self._world.said.get(text)
        if said is None or said.space != room.space or said.device.handle != room.messages[seq].sender:
            wrong.append(f"{where} reads at {seq} what its sender never said there: {text[:40]!r}")
        if self.texts.setdefault(id, text) != text:
            wrong.append(f"{where} reads another text at {seq} than others")
        self.read += 1
        return wrong

    def lost(self) -> list[str]:
        """Texts whose fate is another than their sender was told."""
        shown = set(self.texts.values())
        wrong = []
        for text, said in self._world.said.items():
            who = f"{said.device.name} was told that {text[:40]!r}"
            if said.sure and said.failed is not None:
                wrong += [f"{who} failed, but others read it"] if text in shown else []
                wrong += [f"{who} failed: {said.failed}"] if not self._may_fail(said) else []
            elif said.sure and said.space not in self._world.mortal and text not in shown:
                wrong.append(f"{who} was accepted, but nobody reads it")
        if len(set(self.texts.values())) != len(self.texts):
            wrong.append("A text that was said once stands there twice.")
        return wrong

    def _may_fail(self, said: Said) -> bool:
        """Only what comes of people: the sender was barred from writing, or the message waited for two weeks."""
        room = self._world.truth.rooms[said.space]
        return said.device.handle in room.barred or "waited too long" in (said.failed or "")


async def checkpoint(world: World, handle: str, space: str) -> None:
    """See that a member's devices have all of a conversation, and remember that they had."""
    devices = world.member(handle).online()
    wrong = await Judge(world).settle(devices, 30)
    world.faults += [f"before a removal: {fault}" for fault in wrong]
    head = world.truth.rooms[space].head
    for device in devices:
        world.level[device.name, space] = head


async def judge(world: World) -> int:
    """Bring every device online and level, and judge. Returns how many readings were right; raises AssertionError."""
    for device in world.devices:
        if not device.online:
            try:
                await device.start()
            except Refused as error:
                world.met(error, f"{device.name} starts at the end")
    found = Judge(world)
    wrong = await found.settle(world.devices)
    wrong += [*found.lost(), *world.faults, *world.home.faults]
    assert not wrong, "\n".join([*wrong[:40], "--- what had happened:", *world.journal])
    return found.read
