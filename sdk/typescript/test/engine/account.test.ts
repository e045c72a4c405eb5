/** The member's own account space on two devices: marks, pins, the recovery key's confirmation, and what contradicts them. */
import { describe, expect, it } from 'vitest';
import { ALARMS } from '../../src/crypto/machine/reasons';
import { DeviceWorld } from './deviceWorld';
import { Space, type Person } from './world';

/** A member's two devices, the account's log that both follow, and somebody else. */
class Pair {
  readonly world = new DeviceWorld();
  ada!: Person;
  second!: Person;
  bob!: Person;
  talk = '';
  id = '';

  static async make(): Promise<Pair> {
    const pair = new Pair();
    const { world } = pair;
    ({ device: pair.ada } = await world.signUp('ada'));
    ({ device: pair.bob } = await world.signUp('bob'));
    pair.talk = await world.create(pair.ada, [pair.bob], { title: 'Tea' });
    pair.second = await world.link(pair.ada);
    const [first] = world.account(pair.ada).log;
    if (!first || first.body.kind !== 'roster') throw new Error('An account begins with its roster.');
    pair.id = first.space;
    const space = new Space(pair.id);
    space.links.push(first.body);
    space.events.push(first);
    world.spaces.set(pair.id, space);
    for (const device of [pair.ada, pair.second]) await pair.read(device);
    await pair.renew(pair.ada);
    return pair;
  }

  get log() {
    const { events } = this.world.space(this.id);
    for (const event of events) event.isAccount = true;
    return events;
  }

  /** What a device has not seen of the account's log. */
  async read(device: Person): Promise<void> {
    const head = await device.keeper.accountHead();
    const events = this.log.filter(({ seq }) => seq > head);
    await this.world.satisfy(device, () => device.keeper.needs(events));
    device.take(await device.keeper.apply(events, null));
  }

  async renew(device: Person): Promise<void> {
    await this.world.epoch(this.id, await device.keeper.makeEpoch(this.id));
    for (const one of [this.ada, this.second]) await this.read(one);
  }

  /** Sends what waits, and lets both devices read it. */
  async tell(device: Person, readers = [this.ada, this.second]): Promise<number> {
    const waiting = (await device.keeper.pending()).filter(({ space }) => space === this.id);
    for (const { key } of waiting) {
      const { envelope } = await device.keeper.seal(key, false);
      const { seq, item } = await this.world.envelope(this.id, envelope);
      await device.keeper.sent(key, seq, item);
      for (const one of readers) await this.read(one);
    }
    return waiting.length;
  }

  async verified(device: Person): Promise<string[]> {
    return (await device.keeper.account()).verified;
  }
}

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
