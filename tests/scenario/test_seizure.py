"""Whoever seizes everything reads nothing that has expired, although every ciphertext and seal was copied before.

The attacker has copied the server's disk after each step, and then takes the server and all devices with what opens
their stores. They read what lives. Of what has expired they can open nothing: its keys are nowhere any more
(e2ee.md sections 8 and 9). Before expiry and rotation the same attacker opens all of it, so the attempt is a real one.
"""

from __future__ import annotations

from tests.scenario import play
from tests.scenario.device import Device, Policy
from tests.scenario.world import PYTHON, TYPESCRIPT, World
from tests.support.attacker import Attacker, secrets_in
from tests.support.recorder import Record

HOUR = 3600
LIVING, MORTAL = "stays", "goes"


class Spy:
    """Copies the disk, and in the end takes all."""

    def __init__(self, us: World) -> None:
        self._us, self.record = us, Record()

    async def copy(self) -> None:
        await self.record.copy(self._us.home.dsn)

    async def seize(self) -> dict[str, str]:
        """All devices' stores and memories, opened, and the disk; the texts that can be read with all of it."""
        await self.copy()
        secrets = {secret for device in self._us.devices for secret in secrets_in(await device.contents())}
        opened = Attacker(self.record, secrets).opened
        return {id.hex(): str(content.get(0)) for id, content in opened.items()}


async def _second(us: World, handle: str, kind: int) -> Device:
    member = us.member(handle)
    device = us.new_device(member, kind)
    await device.recover(member.words)
    member.devices.append(device)
    return device


async def _talk(us: World, spy: Spy, spaces: dict[str, str], rounds: int) -> None:
    """Everybody writes everywhere, and the disk is copied after each."""
    for _ in range(rounds):
        for what, space in spaces.items():
            for device in us.devices:
                number = us.number()
                assert await device.send(space, [f"{what} {number}"]) == {}
                await spy.copy()


async def _renew_all(us: World) -> None:
    """Every member's key is changed, and every device publishes the seal that follows, which destroys the old keys."""
    before = await _generations(us)
    for member in us.members:
        for device in member.devices:
            await device.stop()
            await device.start()  # a device that starts rotates what is due

    async def renewed() -> bool:
        now = await _generations(us)
        return all(now[key] > before[key] for key in before)

    await play.until(renewed, "all keys are new")


async def _generations(us: World) -> dict[str, int]:
    """The number of each member's key and of each device's seal."""
    rows = await us.home.fetch(
        "SELECT 'member ' || member_id AS name, key_generation AS number FROM member_chain"
        " UNION ALL SELECT 'device ' || id, seal_generation FROM device WHERE active"
    )
    return {row["name"]: row["number"] for row in rows}


def _split(read: dict[str, str]) -> tuple[int, int]:
    """How many that stay, and how many that go, were read."""
    return sum(text.startswith(LIVING) for text in read.values()), sum(
        text.startswith(MORTAL) for text in read.values()
    )


async def test_nothing_that_has_expired_opens_although_everything_was_recorded(us: World) -> None:
    spy = Spy(us)
    ada = us.members[0].devices[0]
    await _second(us, "ada", TYPESCRIPT)
    await _second(us, "ben", PYTHON)
    spaces = {
        LIVING: await ada.create("group", ["ben", "cem", "dan"], "Stays", Policy(0, True)),
        MORTAL: await ada.create("group", ["ben", "cem", "dan"], "Goes", Policy(1, True)),
    }
    for space in spaces.values():
        await play.know(us, space, "ada", "ben", "cem", "dan")
    await _talk(us, spy, spaces, 2)
    await ada.remove(spaces[MORTAL], "dan")
    await ada.add(spaces[MORTAL], "dan", 1)  # another epoch, and a grant
    await play.know(us, spaces[MORTAL], "dan")
    await us.advance(0.5 * HOUR)
    await _talk(us, spy, spaces, 1)
    said = 3 * len(us.devices)
    assert _split(await spy.seize()) == (said, said)

    await us.advance(8 * 24 * HOUR)
    await _renew_all(us)
    await _talk(us, spy, {LIVING: spaces[LIVING]}, 1)  # makes the epoch that was due
    for device in us.devices:
        await device.stop()
        await device.start()
    assert _split(await spy.seize()) == (said + len(us.devices), 0)
