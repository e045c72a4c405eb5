/** Rotations of the member's key: nothing is lost, whatever crashes, and nothing old opens anything new (e2ee.md section 8). */
import { describe, expect, it } from 'vitest';
import type { Bytes } from '../../src/crypto/protocol/bytes';
import { codeOf } from '../../src/errors';
import { DeviceWorld, PAPER } from './deviceWorld';
import type { Person } from './world';

async function codeOfFailure(task: Promise<unknown>): Promise<string> {
  try {
    await task;
  } catch (error) {
    return codeOf(error);
  }
  return 'nothing';
}

/** A conversation with a message under each of three epochs. */
async function talk(): Promise<{ world: DeviceWorld; ada: Person; bob: Person; words: string[]; space: string }> {
  const world = new DeviceWorld();
  const { device: ada, words } = await world.signUp('ada');
  const { device: bob } = await world.signUp('bob');
  const space = await world.create(ada, [bob]);
  for (const text of ['one', 'two', 'three']) {
    await bob.send(world, space, text);
    await world.sync(ada, space);
    await world.renew(bob, space);
    await world.sync(ada, space);
  }
  return { world, ada, bob, words, space };
}

const ALL = ['one', 'two', 'three'];
const reads = (device: Person, space: string) => ALL.filter((text) => device.lines(space).some((line) => line.endsWith(` ${text}`)));

describe('a rotation', () => {
  it('leaves everything readable on a device that is recovered or linked after several of them', async () => {
    const { world, ada, bob, words, space } = await talk();
    for (let round = 0; round < 3; round += 1) {
      await world.rotate(ada);
      await world.sync(ada, space);
      await world.renew(ada, space);
      await world.sync(bob, space);
      await bob.send(world, space, `round ${round}`);
      await world.sync(ada, space);
    }
    expect((await ada.keeper.ownKeys()).generation).toBe(4);
    for (const device of [await world.recover(ada, words), await world.link(ada)]) {
      expect(reads(device, space)).toEqual(ALL);
      for (const round of [0, 1, 2]) expect(device.lines(space).join('\n')).toContain(`round ${round}`);
      await device.send(world, space, 'hello');
      await world.sync(bob, space);
      expect(bob.lines(space).at(-1)).toContain('hello');
    }
  });

  it('is taken by a sibling, whose own rotation then carries over what only wraps open', async () => {
    const { world, ada, words, space } = await talk();
    const second = await world.link(ada);
    await world.rotate(ada);
    // Comes by the archive alone: it has read nothing of this conversation itself.
    const { keeper, place } = await world.blank(ada);
    const box = world.account(ada).keyBox(PAPER);
    if (!box) throw new Error('There is a box for the recovery key.');
    const { device, wrapped, request } = await keeper.makeRecovery({ ...place, words, identity: world.account(ada).identity, box });
    await world.account(ada).recover(device, request);
    await keeper.enter(world.account(ada).entry(device));
    const spaces = new Map(world.spaces);
    world.spaces.clear();
    const third = await world.arrive(ada, keeper, { device, wrapped }, place.database);
    for (const [id, one] of spaces) world.spaces.set(id, one);
    await world.rotate(third);
    await world.follow(second);
    expect((await second.keeper.ownKeys()).generation).toBe(3);
    await world.publish(second);
    const fourth = await world.link(second);
    expect(reads(fourth, space)).toEqual(ALL);
  });

  it('loses nothing when the device dies between any two steps', async () => {
    const { world, ada, space } = await talk();
    const account = world.account(ada);
    const steps: (() => Promise<unknown>)[] = [];
    // Before it was sent.
    steps.push(() => world.make(ada));
    // After the server has taken it, before the answer came.
    steps.push(async () => world.rotateMemberKey(ada.id, await world.make(ada)));
    // After M was taken, before a seal was made.
    steps.push(() => world.follow(ada));
    // After the seal was made, before it was sent; then after it was taken, before the answer came.
    steps.push(() => ada.keeper.nextSeal());
    steps.push(async () => {
      const next = await ada.keeper.nextSeal();
      if (next) account.publish(ada.account.device, next);
    });
    for (const step of steps) {
      await step();
      expect(await ada.restart()).toBe(true);
      await world.follow(ada);
    }
    expect((await ada.keeper.ownKeys()).mustPublish).toBe(true);
    await world.publish(ada);
    expect((await ada.keeper.ownKeys()).mustPublish).toBe(false);
    expect((await ada.keeper.ownKeys()).generation).toBe(2);
    await world.rotate(ada);
    expect(reads(await world.link(ada), space)).toEqual(ALL);
  });

  it('opens a box for a seal whose answer was lost, when a sibling rotates in between', async () => {
    const { world, ada, space } = await talk();
    const second = await world.link(ada);
    await world.rotate(ada);
    await world.follow(second);
    const next = await second.keeper.nextSeal();
    if (!next) throw new Error('A rotation asks for a new seal.');
    world.account(second).publish(second.account.device, next);
    await second.restart();
    await world.rotate(ada);
    await world.follow(second);
    expect((await second.keeper.ownKeys()).generation).toBe(3);
    await world.publish(second);
    await second.send(world, space, 'still here');
  });

  it('is refused to the slower of two devices, which takes the other and goes on', async () => {
    const { world, ada, bob, space } = await talk();
    const second = await world.link(ada);
    await world.follow(ada);
    const [first, late] = [await world.make(ada), await world.make(second)];
    await world.rotateMemberKey(ada.id, first);
    expect(await codeOfFailure(world.rotateMemberKey(second.id, late))).toBe('GENERATION_CONFLICT');
    for (const device of [ada, second]) {
      await world.follow(device);
      await world.publish(device);
      expect((await device.keeper.ownKeys()).generation).toBe(2);
    }
    await world.renew(second, space);
    await second.send(world, space, 'from the slower one');
    await world.sync(bob, space);
    await world.sync(ada, space);
    expect(ada.lines(space).at(-1)).toContain('from the slower one');
    expect(bob.lines(space).at(-1)).toContain('from the slower one');
    await world.rotate(second);
    await world.follow(ada);
    expect((await ada.keeper.ownKeys()).generation).toBe(3);
  });

  it('is noticed by a sibling that comes back to epochs whose seals it has replaced', async () => {
    const { world, ada, bob, space } = await talk();
    const second = await world.link(ada);
    await world.renew(bob, space);
    await bob.send(world, space, 'while the second was away');
    await world.sync(ada, space);
    await world.rotate(ada);
    // It has not looked at the own key: the epoch's missing seal tells.
    expect((await second.keeper.ownKeys()).newest).toBe(1);
    await world.sync(second, space);
    expect((await second.keeper.ownKeys()).generation).toBe(2);
    expect(second.lines(space).at(-1)).toContain('while the second was away');
  });

  it('is made with nothing but the newest key, and on the seals that were seen before', async () => {
    const { world, ada } = await talk();
    const second = await world.link(ada);
    const before = world.account(ada).shownSeals();
    await world.rotate(ada);
    expect(await codeOfFailure(world.make(second).then(async (made) => world.rotateMemberKey(ada.id, made)))).toBe('GENERATION_CONFLICT');
    second.take(await second.keeper.learnIdentities([world.account(ada).identity]));
    expect(await codeOfFailure(world.make(second))).toBe('KEYS_BEHIND');
    await world.follow(second);
    await world.publish(second);
    await world.rotate(ada);
    expect(await codeOfFailure(world.make(ada, { seals: before }))).toBe('UNTRUSTED');
    expect(await codeOfFailure(world.make(ada, { seals: [] }))).toBe('KEYS_BEHIND');
  });

  it('is filled where nobody can open what the server requires, so that the key is renewed all the same', async () => {
    const { world, ada } = await talk();
    const [space] = [...world.spaces.values()];
    const epoch = space?.epochs[0];
    if (!epoch) throw new Error('There is an epoch.');
    const bad: Bytes = epoch.seals[0]?.map((byte, index) => (index === 1_140 ? byte ^ 1 : byte)) ?? new Uint8Array();
    const required = (await world.required(ada.id)).map((one) => (one.epoch === 1 ? { ...one, space: 'ab'.repeat(16), seal: bad } : one));
    // First everything that was granted is asked for.
    expect(await codeOfFailure(world.make(ada, { required }))).toBe('GRANTS_NEEDED');
    const made = await world.make(ada, { required, isThorough: true });
    const filled = made.wraps.filter((one) => one.space === 'ab'.repeat(16)).map(({ wrap }) => [...wrap]);
    expect(filled).toEqual([new Array(48).fill(0)]);
  });
});

describe('the end of a key', () => {
  it('of a revoked device: it gets no box, its proof wipes it, and no other link does', async () => {
    const { world, ada, bob, space } = await talk();
    const second = await world.link(ada);
    await second.keeper.learnIdentities([world.account(ada).identity]);
    const add = world.account(ada).links.at(-1);
    await world.rotate(ada, { what: 'revoke', device: second.account.device });
    const revoke = world.account(ada).links.at(-1);
    if (!add || !revoke) throw new Error('There are two links.');
    expect(world.account(ada).keyBox(second.account.device)).toBeNull();
    expect(await codeOfFailure(world.rotate(ada, { what: 'revoke', device: second.account.device }))).toBe('NOT_FOUND');
    await world.sync(ada, space);
    expect(ada.view(space).due).toBe(true);
    await world.renew(ada, space);
    await world.sync(bob, space);
    expect(await ada.keeper.wipe(revoke)).toBe(false);
    expect(await second.keeper.wipe(add)).toBe(false);
    expect(await second.keeper.wipe({ ...revoke, signature: revoke.signature.map((byte) => byte ^ 1) })).toBe(false);
    expect(await second.keeper.wipe(revoke)).toBe(true);
    expect(await codeOfFailure(second.keeper.ownKeys())).toBe('LOCKED');
    expect(await codeOfFailure(second.restart())).toBe('STORE_DAMAGED');
  });

  it('of a replaced recovery key: it is refused, and opens no box that is new', async () => {
    const { world, ada, words, space } = await talk();
    const { key, words: fresh } = await ada.keeper.makeRecoveryKey();
    expect(await ada.keeper.isRecoveryKey(words)).toBe(true);
    await world.rotate(ada, { what: 'recovery', key });
    expect([await ada.keeper.isRecoveryKey(words), await ada.keeper.isRecoveryKey(fresh)]).toEqual([false, true]);
    expect(await codeOfFailure(world.recover(ada, words))).toBe('WRONG_RECOVERY_KEY');
    // A server that shows the chain of before hands out a box that the old key does not open.
    const account = world.account(ada);
    const [first, signed] = [account.links[0], account.keys[0]];
    const box = account.keyBox(PAPER);
    if (!first || !signed || !box) throw new Error('They were there from the first.');
    const { keeper, place } = await world.blank(ada);
    expect(await codeOfFailure(keeper.makeRecovery({ ...place, words, identity: { person: account.person, links: [first], key: signed }, box }))).toBe('UNTRUSTED');
    expect(reads(await world.recover(ada, fresh), space)).toEqual(ALL);
  });

  it('of an identity: a reset ends all devices and boxes, and nothing old opens', async () => {
    const { world, ada, space } = await talk();
    const account = world.account(ada);
    const before = account.keys.length;
    const { keeper, place } = await world.blank(ada);
    const made = await keeper.makeReset(place);
    expect(made.words).toHaveLength(24);
    expect(await keeper.newcomer()).toBeNull();
    const early = await keeper.confirmReset(account.identity);
    await world.rotate(ada);
    expect(await codeOfFailure(world.rotateMemberKey(ada.id, early))).toBe('GENERATION_CONFLICT');
    await keeper.dropNewcomer();
    const request = await keeper.confirmReset(account.identity);
    await world.rotateMemberKey(ada.id, request);
    // The answer is lost, and the browser with it.
    await keeper.lock();
    const { ticket } = await keeper.stretch('a long enough password', { salt: new Uint8Array(16), memoryKib: 65_536, iterations: 3, lanes: 1 });
    expect(await keeper.unlock({ member: ada.id, device: made.device, wrapped: made.wrapped, database: place.database }, ticket)).toBe(true);
    expect(await keeper.newcomer()).toEqual({ how: 'reset', device: made.device, request });
    await keeper.enter(account.entry(made.device));
    const own = await keeper.ownKeys();
    expect([own.devices, own.generation]).toEqual([[made.device], before + 2]);
    expect(await keeper.isRecoveryKey(made.words)).toBe(true);
    const anew = await world.arrive(ada, keeper, made, place.database);
    expect(reads(anew, space)).toEqual([]);
    const link = account.links.at(-1);
    if (!link) throw new Error('There is a link.');
    // Nobody of before has signed a reset: it is no reason to delete anything.
    expect(await ada.keeper.wipe(link)).toBe(false);
  });
});
