"""The scenarios of matrix-org/complement-crypto that apply here, under their names; docs/complement.md lists all."""

from __future__ import annotations

import asyncio

import pytest

from tests.scenario.device import Device, Policy, Refused
from tests.scenario.judge import judge
from tests.scenario.play import first, group, know, recover, say, until
from tests.scenario.world import PYTHON, TYPESCRIPT, World
from tests.support.attacker import Attacker, secrets_in
from tests.support.recorder import Record

HOUR = 3600
# ada and cem begin with the Python SDK, ben and dan with the TypeScript SDK.
ALL_PAIRS = pytest.mark.parametrize(
    ("alice", "bob"),
    [("ada", "cem"), ("ada", "ben"), ("ben", "ada"), ("ben", "dan")],
    ids=["python-python", "python-typescript", "typescript-python", "typescript-typescript"],
)
PAIRS = pytest.mark.parametrize(
    ("alice", "bob"), [("ada", "ben"), ("ben", "ada")], ids=["python-typescript", "typescript-python"]
)
KINDS = pytest.mark.parametrize("kind", [PYTHON, TYPESCRIPT], ids=["python", "typescript"])


async def epoch_of(us: World, space: str) -> int:
    """The number of the conversation's newest epoch."""
    (row,) = await us.home.fetch(f"SELECT epoch FROM space WHERE id = '{space}'")
    number: int = row["epoch"]
    return number


async def held_by(device: Device) -> set[bytes]:
    """Every secret in the device's store and memory, as it is now."""
    return set(secrets_in(await device.contents()))


async def readable_with(us: World, secrets: set[bytes], space: str) -> set[int]:
    """The messages that somebody with these secrets and the server's disk can open, by seq."""
    record = Record()
    await record.copy(us.home.dsn)
    opened = {id.hex() for id in Attacker(record, secrets).opened}
    messages = (await us.look()).rooms[space].messages.values()
    return {message.seq for message in messages if message.id in opened}


async def seqs_of(us: World, space: str) -> list[int]:
    """All accepted messages."""
    return sorted((await us.look()).rooms[space].messages)


@ALL_PAIRS
async def test_alice_bob_encryption_works(us: World, alice: str, bob: str) -> None:
    space = await group(us, bob, by=alice)
    await say(us, first(us, alice), space, 3)
    await say(us, first(us, bob), space, 3)
    await judge(us)


@PAIRS
async def test_can_decrypt_messages_after_invite_but_before_join(us: World, alice: str, bob: str) -> None:
    """Whoever is added is in at once; what is said before they ever come online is theirs to read."""
    space = await group(us, by=alice)
    await first(us, bob).stop()
    await first(us, alice).add(space, bob, 1)
    await say(us, first(us, alice), space, 3)
    await first(us, bob).start()
    await judge(us)


@PAIRS
async def test_bob_cannot_decrypt_history_of_before_he_joined(us: World, alice: str, bob: str) -> None:
    space = await group(us, by=alice)
    await say(us, first(us, alice), space, 3)
    before = await seqs_of(us, space)
    await first(us, alice).add(space, bob, 1)
    await know(us, space, bob)
    await say(us, first(us, alice), space, 3)
    await judge(us)
    after = [seq for seq in await seqs_of(us, space) if seq not in before]
    assert await readable_with(us, await held_by(first(us, bob)), space) == set(after)


@PAIRS
async def test_shared_history_is_given_to_whoever_joins(us: World, alice: str, bob: str) -> None:
    space = await group(us, by=alice, policy=Policy(0, True))
    await say(us, first(us, alice), space, 3)
    await first(us, alice).add(space, bob, 1)
    await know(us, space, bob)

    async def has_all() -> bool:
        view = await first(us, bob).read(space)
        return view is not None and [line.text is not None for line in view.lines] == [True] * 3

    await until(has_all, "all that was said before")
    await judge(us)


@PAIRS
async def test_on_rejoin_bob_cannot_decrypt_what_was_said_while_he_was_gone(us: World, alice: str, bob: str) -> None:
    space = await group(us, bob, by=alice)
    await say(us, first(us, alice), space, 2)
    await first(us, bob).leave(space)
    there = await seqs_of(us, space)
    await say(us, first(us, alice), space, 2)
    gone = [seq for seq in await seqs_of(us, space) if seq not in there]
    await first(us, alice).add(space, bob, 1)
    await know(us, space, bob)
    await say(us, first(us, alice), space, 2)
    await judge(us)
    assert not await readable_with(us, await held_by(first(us, bob)), space) & set(gone)


@PAIRS
async def test_delayed_invite_response(us: World, alice: str, bob: str) -> None:
    """A message that is sent at the moment somebody is added is sealed to them, or comes before they join."""
    space = await group(us, by=alice)
    device = first(us, alice)
    await asyncio.gather(device.add(space, bob, 1), say(us, device, space, 20))
    await judge(us)


@PAIRS
async def test_room_key_is_cycled_on_member_leaving(us: World, alice: str, bob: str) -> None:
    charlie = next(handle for handle in ("ben", "cem", "dan") if handle not in (alice, bob))
    space = await group(us, bob, charlie, by=alice)
    await say(us, first(us, alice), space, 2)
    before, was = await seqs_of(us, space), await epoch_of(us, space)
    await first(us, charlie).leave(space)
    await say(us, first(us, alice), space, 2)
    assert await epoch_of(us, space) == was + 1
    assert await readable_with(us, await held_by(first(us, charlie)), space) <= set(before)
    await judge(us)


async def ended(us: World, handle: str, kind: int, space: str) -> tuple[set[bytes], list[int]]:
    """A second device comes, writes, and is revoked by the first: what it held, and what there was to read."""
    member = us.member(handle)
    second = us.new_device(member, kind)
    await recover(us, second)
    await say(us, second, space, 1)
    held, before = await held_by(second), await seqs_of(us, space)
    await member.devices[0].revoke(second)
    member.devices.remove(second)
    member.ended.append(second)
    return held, before


@KINDS
@pytest.mark.parametrize("handle", ["ada", "ben"], ids=["by-python", "by-typescript"])
async def test_room_key_is_cycled_on_device_logout(us: World, handle: str, kind: int) -> None:
    space = await group(us, "ben", "dan")
    await say(us, first(us, handle), space, 2)
    was = await epoch_of(us, space)
    held, before = await ended(us, handle, kind, space)
    await say(us, first(us, "dan"), space, 2)
    assert await epoch_of(us, space) == was + 1
    assert await readable_with(us, held, space) == set(before)
    await judge(us)


@PAIRS
async def test_room_key_is_not_cycled_on_client_restart(us: World, alice: str, bob: str) -> None:
    space = await group(us, bob, by=alice)
    await say(us, first(us, alice), space, 2)
    was = await epoch_of(us, space)
    for handle in (alice, bob):
        await first(us, handle).stop()
        await first(us, handle).start()
        await say(us, first(us, handle), space, 2)
    assert await epoch_of(us, space) == was
    await judge(us)


@PAIRS
async def test_room_key_is_cycled_after_enough_time(us: World, alice: str, bob: str) -> None:
    space = await group(us, bob, by=alice)
    await say(us, first(us, alice), space, 1)
    was = await epoch_of(us, space)
    await us.advance(23 * HOUR)
    await say(us, first(us, bob), space, 1)
    assert await epoch_of(us, space) == was
    await us.advance(2 * HOUR)
    await say(us, first(us, alice), space, 1)
    assert await epoch_of(us, space) == was + 1
    await judge(us)


@KINDS
@pytest.mark.parametrize("handle", ["ada", "ben"], ids=["made-by-python", "made-by-typescript"])
async def test_can_backup_keys(us: World, handle: str, kind: int) -> None:
    space = await group(us, "ben", "dan")
    await say(us, first(us, handle), space, 3)
    await first(us, handle).stop()
    await recover(us, us.new_device(us.member(handle), kind))
    await judge(us)


@KINDS
async def test_backup_wrong_recovery_key_fails(us: World, kind: int) -> None:
    ada, ben = us.member("ada"), us.member("ben")
    stranger = us.new_device(ada, kind)
    with pytest.raises(Refused):
        await stranger.recover(ben.words)
    await stranger.give_up()
    assert ada.devices[0].online
    old, ada.words = ada.words, await ada.devices[0].renew_key()
    late = us.new_device(ada, kind)
    with pytest.raises(Refused):
        await late.recover(old)
    await late.give_up()
    await recover(us, us.new_device(ada, kind))
    await judge(us)


@KINDS
async def test_changing_device_after_invite_reencrypts(us: World, kind: int) -> None:
    """Added while offline, ben comes with another device, and reads there what was said meanwhile."""
    space = await group(us)
    ben = us.member("ben")
    await ben.devices[0].stop()
    await first(us, "ada").add(space, "ben", 1)
    await say(us, first(us, "ada"), space, 3)
    await recover(us, us.new_device(ben, kind))
    await judge(us)


@PAIRS
async def test_unprocessed_messages_are_not_lost_on_restart(us: World, alice: str, bob: str) -> None:
    """Killed again and again while keys and messages come in, bob has all of them in the end."""
    space = await group(us, bob, "dan" if bob != "dan" else "ada", by=alice)
    device = first(us, bob)
    await device.stop()
    for _ in range(3):
        await say(us, first(us, alice), space, 40)
        await first(us, alice).change_role(space, bob, 2)  # new keys
        await first(us, alice).change_role(space, bob, 1)
    for _ in range(4):
        starting = asyncio.create_task(device.start())
        await asyncio.sleep(0.15)
        await device.kill()
        await asyncio.gather(starting, return_exceptions=True)
        await device.kill()
    await device.start()
    await judge(us)


@pytest.mark.parametrize("handle", ["ada", "ben"], ids=["python", "typescript"])
async def test_sigkill_before_keys_upload_response(us: World, handle: str) -> None:
    """Killed while it renews the account's keys, a device goes on with the old or the new ones."""
    space = await group(us, "ben", "dan")
    member = us.member(handle)
    device = member.devices[0]
    for _ in range(3):
        await say(us, device, space, 2)
        renewing: asyncio.Task[object] = asyncio.create_task(_renewed(device))
        await asyncio.sleep(0.1)
        await device.kill()
        await asyncio.gather(renewing, return_exceptions=True)
        await device.start()
    await say(us, device, space, 2)
    member.words = await device.renew_key()
    await recover(us, us.new_device(member, PYTHON))
    await judge(us)


async def _renewed(device: Device) -> object:
    return await device.renew_key()


@PAIRS
async def test_client_retries_what_fails_on_the_way(us: World, alice: str, bob: str) -> None:
    """The server is killed while keys are asked for and announced and messages sent: all of it is tried again."""
    space = await group(us, by=alice)
    await first(us, alice).add(space, bob, 1)
    await asyncio.gather(say(us, first(us, alice), space, 60), us.home.restart(kill=True))
    await know(us, space, bob)
    await asyncio.gather(say(us, first(us, bob), space, 60), us.home.restart(kill=True))
    await judge(us)
