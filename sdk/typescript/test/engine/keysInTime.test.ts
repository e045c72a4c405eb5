/** Keys in time: when a rotation is due, what it carries over while something lives, who was away for too long. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { isCrowded, noteLoad } from '../../src/crypto/machine/carrying';
import type { SpaceRecord } from '../../src/crypto/machine/spaceRecord';
import type { Api } from '../../src/engine/api';
import { learnIdentities } from '../../src/engine/identities';
import { codeOf } from '../../src/errors';
import type { RecordStore, Write } from '../../src/store/sealed';
import { DeviceWorld } from './deviceWorld';
import type { Person } from './world';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

async function codeOfFailure(task: Promise<unknown>): Promise<string> {
  try {
    await task;
  } catch (error) {
    return codeOf(error);
  }
  return 'nothing';
}

function later(time: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + time });
}

async function pair(): Promise<{ world: DeviceWorld; ada: Person; bob: Person; words: string[]; space: string }> {
  const world = new DeviceWorld();
  const { device: ada, words } = await world.signUp('ada');
  const { device: bob } = await world.signUp('bob');
  return { world, ada, bob, words, space: await world.create(ada, [bob]) };
}

async function brief(world: DeviceWorld, device: Person, space: string, text: string, lifetime: 1 | 5): Promise<void> {
  const change = await device.keeper.queueText(space, text, lifetime);
  const { envelope } = await device.keeper.seal(change.items[0]?.key ?? '', false);
  await world.envelope(space, envelope);
  await world.sync(device, space);
}

afterEach(() => vi.useRealTimers());

describe('a scheduled rotation', () => {
  it('is due after seven days, or after one while something short-lived lives', async () => {
    const { world, ada, space } = await pair();
    const isDue = async () => (await ada.keeper.ownKeys()).isRotationDue;
    expect(await isDue()).toBe(false);
    later(DAY + HOUR);
    expect(await isDue()).toBe(false);
    await brief(world, ada, space, 'a month', 5);
    expect(await isDue()).toBe(false);
    await brief(world, ada, space, 'an hour', 1);
    expect(await isDue()).toBe(true);
    later(2 * HOUR);
    expect(await isDue()).toBe(false);
    later(6 * DAY);
    expect(await isDue()).toBe(true);
    await world.rotate(ada);
    expect(await isDue()).toBe(false);
  });

  it('carries over what lives, and leaves behind what has expired', async () => {
    const { world, ada, words, space } = await pair();
    await brief(world, ada, space, 'an hour', 1);
    await brief(world, ada, space, 'a month', 5);
    await world.renew(ada, space);
    await world.rotate(ada);
    const soon = await world.recover(ada, words);
    expect(soon.lines(space).join('\n')).toMatch(/an hour[\s\S]*a month/);
    later(2 * DAY);
    const places = (await world.make(ada)).wraps.filter(({ epoch }) => epoch === 1).map(({ branch }) => branch);
    expect(places).toEqual([5]);
    await world.rotate(ada);
    expect(world.account(ada).wraps.filter(({ epoch, branch }) => epoch === 1 && branch > 0).map(({ branch }) => branch)).toEqual([5]);
    // The server deletes what has expired; a month's message is there for a new device.
    for (const event of world.space(space).events) if (event.seq === 3 && event.body.kind === 'envelope') event.body.envelope = null;
    const late = await world.recover(ada, words);
    expect(late.lines(space).join('\n')).toContain('a month');
    expect(late.lines(space).join('\n')).not.toContain('an hour');
  });

  it('comes early where very many epochs were made under one key, and is refused where they are too many', async () => {
    const { world, ada } = await pair();
    let before: unknown;
    const store = { get: () => Promise.resolve(before), write: (batch: Write[]) => { before = batch[0]?.value; return Promise.resolve(); } } as unknown as RecordStore;
    const rooms = (...numbers: number[]) => ({ records: () => Promise.resolve(numbers.map((n) => ({ current: { n }, out: false })) as unknown as SpaceRecord[]) });
    expect(await isCrowded({ store }, rooms(9_000, 999))).toBe(false);
    expect(await isCrowded({ store }, rooms(9_000, 1_000))).toBe(true);
    await noteLoad({ store }, rooms(9_000, 1_000));
    expect(await isCrowded({ store }, rooms(9_000, 1_001))).toBe(false);
    const many = (count: number) => Array.from({ length: count }, (_, epoch) => ({ space: 'cd'.repeat(16), epoch: epoch + 1, branch: 0, announcement: null, seal: null }));
    expect(await codeOfFailure(world.make(ada, { required: many(20_001) }))).toBe('TOO_MANY_KEYS');
  });

  it('carries over what was granted, although this device never looked at it', async () => {
    const { world, ada, bob, space } = await pair();
    const { device: cyd, words } = await world.signUp('cyd');
    await world.change(ada, space, { what: 'policy', history: 'SHARED' });
    await world.sync(bob, space);
    for (const text of ['first', 'second']) {
      await bob.send(world, space, text);
      await world.sync(ada, space);
      await world.renew(ada, space);
      await world.sync(bob, space);
    }
    await ada.keeper.learnIdentities([world.account(cyd).identity]);
    await world.roster(space, await ada.keeper.makeRosterLink(space, { what: 'add', member: cyd.id, role: 'WRITER' }));
    await world.sync(ada, space);
    for (const { grant, generation } of await ada.keeper.makeGrants(space, cyd.id)) world.space(space).grants.push({ to: cyd.id, giver: ada.id, grant, generation });
    await world.renew(ada, space);
    await world.open(cyd, space, 2);
    await world.rotate(cyd);
    expect(world.space(space).grants).toEqual([]);
    await world.older(cyd, space, 50);
    const again = await world.recover(cyd, words);
    for (const device of [cyd, again]) expect(device.lines(space).join('\n')).toMatch(/first[\s\S]*second/);
  });
});

describe('an answer about somebody’s keys', () => {
  /** Bob asks for Ada's keys and is given these answers, one after the other, the last one for good. */
  async function asked(...order: ('before' | 'after')[]) {
    const { world, ada, bob, space } = await pair();
    const answers = { before: world.identities([ada.id]), after: world.identities([ada.id]) };
    await world.rotate(ada);
    answers.after = world.identities([ada.id]);
    await bob.keeper.learnIdentities(answers.after);
    let questions = 0;
    const api = { identities: () => Promise.resolve(answers[order[Math.min(questions++, order.length - 1)] ?? 'before']) } as unknown as Api;
    const { changes } = await learnIdentities(api, bob.keeper, [ada.id]);
    bob.take(changes);
    return { alarm: bob.view(space).alarm, questions };
  }

  it('that a newer one has overtaken is asked for again, and nothing is said', async () => {
    expect(await asked('before', 'after')).toEqual({ alarm: null, questions: 2 });
    expect(await asked('after')).toEqual({ alarm: null, questions: 1 });
  });

  it('that stays behind what was seen raises an alarm', async () => {
    expect((await asked('before')).alarm).toContain('other keys for ada');
  });
});

describe('a device that was away', () => {
  it('for 46 days gets no box, and must be linked again; what the server still wants gets one', async () => {
    const { world, ada } = await pair();
    const second = await world.link(ada);
    await world.follow(ada);
    later(46 * DAY);
    expect(await codeOfFailure(world.make(ada))).toBe('SEAL_OLD');
    await world.publish(ada, true);
    const made = await world.make(ada);
    expect(made.boxes).toHaveLength(2);
    expect((await world.make(ada, { wanted: [second.account.device] })).boxes).toHaveLength(3);
    world.account(ada).isStaleForgiven = true;
    await world.rotateMemberKey(ada.id, made);
    await world.follow(ada);
    expect(await codeOfFailure(world.follow(second))).toBe('KEYS_OUTDATED');
  });

  it('for 44 days, or not at all, does not lay it to itself that it was given no box', async () => {
    const { world, ada } = await pair();
    const second = await world.link(ada);
    await world.follow(ada);
    later(44 * DAY);
    await world.rotate(ada);
    world.account(ada).boxes.delete(second.account.device);
    expect(await codeOfFailure(world.follow(second))).toBe('KEYS_WITHHELD');
    // However late it asks: what counts is when the key was made.
    later(60 * DAY);
    expect(await codeOfFailure(world.follow(second))).toBe('KEYS_WITHHELD');
  });

  it('for a month renews its seal before it is too late', async () => {
    const { world, ada } = await pair();
    expect((await ada.keeper.ownKeys()).mustPublish).toBe(false);
    later(31 * DAY);
    expect((await ada.keeper.ownKeys()).mustPublish).toBe(true);
    await world.publish(ada);
    expect((await ada.keeper.ownKeys()).mustPublish).toBe(false);
    await world.rotate(ada);
    expect((await ada.keeper.ownKeys()).generation).toBe(2);
  });
});

describe("other members' earlier keys", () => {
  it('are kept when they were seen, and asked for by who comes later', async () => {
    const { world, ada, bob, words, space } = await pair();
    await world.rotate(bob);
    await ada.keeper.learnIdentities([world.account(bob).identity]);
    expect(await ada.keeper.olderKeysNeeded(space)).toEqual([]);
    await ada.keeper.checkRecipients(space);
    await ada.restart();
    await ada.keeper.checkRecipients(space);
    const again = await world.recover(ada, words);
    expect(await codeOfFailure(again.keeper.checkRecipients(space))).toBe('RECIPIENTS_CHANGED');
    expect(await again.keeper.olderKeysNeeded(space)).toEqual([bob.id]);
    const [first, second] = world.account(bob).keys;
    if (!first || !second) throw new Error('There are two keys.');
    await again.keeper.learnMemberKeys(bob.id, [{ ...first, signature: second.signature }]);
    expect(await again.keeper.olderKeysNeeded(space)).toEqual([bob.id]);
    await again.keeper.learnMemberKeys(bob.id, world.account(bob).keys);
    expect(await again.keeper.olderKeysNeeded(space)).toEqual([]);
    await again.keeper.checkRecipients(space);
  });
});
