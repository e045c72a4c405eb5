"""Cases of their own, each small: what the random scenarios have found."""

from __future__ import annotations

import asyncio

import pytest

from tests.scenario.device import Policy
from tests.scenario.judge import judge
from tests.scenario.play import first, group, link, recover, say
from tests.scenario.world import PYTHON, TYPESCRIPT, World

HOUR = 3600
BOTH = pytest.mark.parametrize("who", ["ben", "cem"], ids=["typescript", "python"])
KINDS = pytest.mark.parametrize("kind", [PYTHON, TYPESCRIPT], ids=["python", "typescript"])


@BOTH
async def test_who_comes_back_goes_on(us: World, who: str) -> None:
    space = await group(us, who, "dan")
    device = first(us, who)
    await say(us, device, space, 5)
    await device.leave(space)
    await say(us, first(us, "ada"), space, 5)
    await first(us, "ada").add(space, who, 1)
    await say(us, first(us, "dan"), space, 70)  # more than one page
    await say(us, device, space, 5)
    await judge(us)


@BOTH
async def test_who_was_offline_when_removed_and_added_again_goes_on(us: World, who: str) -> None:
    space = await group(us, who, "dan")
    device = first(us, who)
    await say(us, device, space, 5)
    await device.stop()
    ada = first(us, "ada")
    await say(us, ada, space, 5)
    await ada.remove(space, who)
    await say(us, ada, space, 5)
    await ada.add(space, who, 1)
    await say(us, ada, space, 70)
    await device.start()
    await say(us, device, space, 5)
    await judge(us)


@BOTH
async def test_a_peer_is_followed_who_recovered_and_renewed_the_recovery_key(us: World, who: str) -> None:
    space = await group(us, who, "dan")
    ada = us.member("ada")
    second = us.new_device(ada, PYTHON)
    await recover(us, second)
    ada.words = await ada.devices[0].renew_key()
    await say(us, second, space, 3)
    await say(us, first(us, who), space, 3)
    await judge(us)


@KINDS
async def test_a_linked_device_reads_what_lies_before_its_first_page_also_after_a_rotation(
    us: World, kind: int
) -> None:
    space = await group(us, "ben", "cem")
    await say(us, first(us, "ben"), space, 2)
    await first(us, "ada").remove(space, "ben")
    cem = us.member("cem")
    await say(us, cem.devices[0], space, 70)  # the first epoch is out of sight
    second = us.new_device(cem, kind)
    await link(us, cem.devices[0], second)
    cem.words = await second.renew_key()
    third = us.new_device(cem, kind)
    await recover(us, third)
    await say(us, third, space, 1)
    await judge(us)


@KINDS
async def test_a_first_device_reads_a_conversation_that_was_made_after_a_second_one_came(us: World, kind: int) -> None:
    for handle in ("ben", "cem"):
        await recover(us, us.new_device(us.member(handle), kind))
    space = await group(us, "ben", "cem")
    for device in us.devices[:-1]:
        await say(us, device, space, 1)
    await judge(us)


@KINDS
async def test_a_list_that_names_a_key_of_before_a_rotation_still_stands(us: World, kind: int) -> None:
    """The key was never seen while it was the newest; whoever sends asks for it."""
    space = await group(us, "ben", "cem", "dan")
    ada, writer = us.member("ada"), ("cem", "dan")[kind]
    ada.words = await ada.devices[0].renew_key()
    await say(us, first(us, "ben"), space, 1)  # under new keys, whose list names ada's second
    await ada.devices[0].rotate()
    await say(us, first(us, writer), space, 1)
    await judge(us)


async def test_a_long_chain_is_read_to_its_end(us: World) -> None:
    """More links than one page holds, all while the others were away."""
    space = await group(us, "ben", "cem", "dan")
    for handle in ("ben", "cem"):
        await first(us, handle).stop()
    ada = us.member("ada")
    for _ in range(3):
        for _ in range(20):
            ada.words = await ada.devices[0].renew_key()
        await us.advance(25 * HOUR)  # so many a day
    await say(us, ada.devices[0], space, 1)
    for handle in ("ben", "cem"):
        await first(us, handle).start()
        await say(us, first(us, handle), space, 1)
    await recover(us, us.new_device(us.member("ben"), TYPESCRIPT))
    await judge(us)


async def test_a_device_is_revoked_while_others_make_conversations_with_its_member(us: World) -> None:
    ada = us.member("ada")

    async def make() -> None:
        for handle in ("ben", "cem", "ben", "cem"):
            await first(us, handle).create("group", ["ada", "dan"], "Room", Policy())

    for delay in range(3):
        second = us.new_device(ada, PYTHON)
        await recover(us, second)
        making = asyncio.create_task(make())
        await asyncio.sleep(delay * 0.03)
        await ada.devices[0].revoke(second)
        ada.devices.remove(second)
        ada.ended.append(second)
        await making
    await us.home.restart(kill=False)  # what it had to say of faults is read at its end
    await judge(us)
