/** The member's own account space on two devices: marks, pins, the recovery key's confirmation, and what contradicts them. */
import { describe, expect, it } from 'vitest';
import { ALARMS } from '../../src/crypto/machine/reasons';
import { Pair } from './pair';

describe('the account space', () => {
  it('carries marks and the confirmation of the recovery key from one device to the other', async () => {
    const pair = await Pair.make();
    const { ada, second, bob } = pair;
    await ada.keeper.setVerified(bob.id, true);
    expect(await pair.verified(ada)).toEqual([bob.id]);
    expect(await pair.verified(second)).toEqual([]);
    await ada.keeper.setRecoveryKeyConfirmed(true);
    expect(await pair.tell(ada)).toBe(2);
    expect(await second.keeper.account()).toMatchObject({ verified: [bob.id], recoveryKeyConfirmed: true, alarm: null });
    await second.keeper.setVerified(bob.id, false);
    await pair.tell(second);
    expect(await pair.verified(ada)).toEqual([]);
    // A new recovery key was not written down yet.
    const { key } = await ada.keeper.makeRecoveryKey();
    await pair.world.rotate(ada, { what: 'recovery', key });
    for (const device of [ada, second]) {
      await pair.world.follow(device);
      await pair.read(device);
      expect((await device.keeper.account()).recoveryKeyConfirmed).toBe(false);
    }
    for (const device of [ada, second]) await device.restart();
    expect(await ada.keeper.account()).toMatchObject({ verified: [], recoveryKeyConfirmed: false });
  });

  it('tells at once of somebody new, of the rest every ten minutes, and nothing twice', async () => {
    const pair = await Pair.make();
    const { ada, second, world, talk } = pair;
    await world.follow(ada);
    expect(await ada.keeper.queuePins()).toBe(true);
    expect(await pair.tell(ada)).toBe(2);
    expect(await ada.keeper.queuePins()).toBe(false);
    expect(await second.keeper.queuePins()).toBe(false);
    await ada.send(world, talk, 'only this');
    expect(await ada.keeper.queuePins()).toBe(false);
    const { device: cem } = await world.signUp('cem');
    await ada.keeper.learnIdentities(world.identities([cem.id]));
    expect(await ada.keeper.queuePins()).toBe(true);
    expect(await pair.tell(ada)).toBe(1);
  });

  it('binds the other device to what one has seen of a member', async () => {
    const pair = await Pair.make();
    const { ada, second, bob, world, talk } = pair;
    const old = world.account(bob).identity;
    await world.rotate(bob);
    await ada.keeper.learnIdentities(world.identities([bob.id]));
    await ada.keeper.queuePins();
    await pair.tell(ada);
    expect(await second.keeper.behind()).toEqual([bob.id]);
    second.take(await second.keeper.learnIdentities([old]));
    expect(second.view(talk).alarm).toContain('other keys for bob');

    const other = await Pair.make();
    await other.world.rotate(other.bob);
    await other.ada.keeper.learnIdentities(other.world.identities([other.bob.id]));
    await other.ada.keeper.queuePins();
    await other.tell(other.ada);
    other.second.take(await other.second.keeper.learnIdentities(other.world.identities([other.bob.id])));
    expect(other.second.view(other.talk).alarm).toBeNull();
    expect(await other.second.keeper.behind()).toEqual([]);
  });

  it('binds the other device to what one has seen of a conversation', async () => {
    const pair = await Pair.make();
    const { ada, second, world, talk } = pair;
    await ada.send(world, talk, 'one');
    await world.sync(ada, talk);
    await ada.keeper.queuePins();
    await pair.tell(ada);
    second.take(await second.keeper.checkBounds());
    expect(second.view(talk).alarm).toMatch(/^Another device of yours has seen entry 4, and the server ends at entry 3\. /);
    expect(second.view(talk).alarm?.endsWith(ALARMS.older)).toBe(true);
    expect(await ada.keeper.checkBounds()).toEqual([]);
  });

  it('is read again when keys come that were not there', async () => {
    const pair = await Pair.make();
    const { ada, second, bob, world, id } = pair;
    await world.epoch(id, await ada.keeper.makeEpoch(id));
    await pair.read(ada);
    await ada.keeper.setVerified(bob.id, true);
    await pair.tell(ada, [ada]);
    // The server withholds the seal at first.
    const withheld = (await second.keeper.accountHead()) + 1;
    await second.keeper.learnEpoch(id, 2, { ...(world.epochFor(second, id, 2) ?? never()), seal: null });
    second.take(await second.keeper.apply(pair.log.filter(({ seq }) => seq >= withheld), null));
    expect(await pair.verified(second)).toEqual([]);
    expect(await second.keeper.missing(id)).toEqual([2]);
    await second.keeper.setRecoveryKeyConfirmed(true);
    await second.keeper.learnEpoch(id, 2, world.epochFor(second, id, 2));
    expect(await second.keeper.retryEpochs(id, [2])).toBe(true);
    await second.keeper.rereadAccount(pair.log);
    expect(await second.keeper.account()).toMatchObject({ verified: [bob.id], recoveryKeyConfirmed: true, alarm: null });
  });

  it('stops being written where the server shows another log, and goes on from there after a decision', async () => {
    const pair = await Pair.make();
    const { ada, second, bob, world, id } = pair;
    await ada.keeper.setVerified(bob.id, true);
    await pair.tell(ada);
    const { events } = world.space(id);
    events.splice(2);
    ada.take([await ada.keeper.checkHead(id, world.space(id).head.n, world.space(id).head.hash)]);
    expect((await ada.keeper.account()).alarm?.endsWith(ALARMS.older)).toBe(true);
    expect(await ada.keeper.queuePins()).toBe(false);
    expect(await pair.verified(ada)).toEqual([bob.id]);
    for (const device of [ada, second]) {
      if (device === second) second.take([await second.keeper.checkHead(id, world.space(id).head.n, world.space(id).head.hash)]);
      await device.keeper.restartAccount();
      await pair.read(device);
    }
    expect(await ada.keeper.account()).toMatchObject({ verified: [bob.id], alarm: null });
    expect(await ada.keeper.queuePins()).toBe(true);
    expect(await pair.tell(ada)).toBeGreaterThan(1);
    expect(await pair.verified(second)).toEqual([bob.id]);
    await ada.restart();
    expect(await ada.keeper.account()).toMatchObject({ verified: [bob.id], alarm: null });
  });
});

function never(): never {
  throw new Error('The epoch is there.');
}
