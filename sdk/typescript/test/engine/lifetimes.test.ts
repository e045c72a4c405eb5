/** What has expired is gone: lines, titles, what waits, and the keys that would open what somebody kept. */
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { toBase64, type Bytes } from '../../src/bytes';
import { ALARMS } from '../../src/crypto/machine/reasons';
import { messageContent } from '../../src/crypto/protocol/contents';
import { EnvelopeKind, makeEnvelopeId, parseEnvelope, sealEnvelope } from '../../src/crypto/protocol/envelope';
import { randomBytes } from '../../src/crypto/protocol/primitives';
import type { LifetimeClass } from '../../src/types';
import { World, type Person } from './world';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = 1_790_000_000_000;

let world: World;
let ada: Person;
let bob: Person;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: START });
  world = new World();
  [ada, bob] = [await world.person('ada'), await world.person('bob')];
});
beforeEach(() => { vi.setSystemTime(START); });
afterAll(() => { vi.useRealTimers(); });

/** Time passes, and everybody's client looks at its clock. */
async function pass(milliseconds: number, ...people: Person[]): Promise<void> {
  vi.setSystemTime(Date.now() + milliseconds);
  for (const person of people) person.take(await person.keeper.expire());
}

/** Ada sends a message of this class, and Bob reads it. */
async function say(space: string, text: string, lifetime?: LifetimeClass): Promise<Bytes> {
  const envelope = await ada.send(world, space, text, lifetime);
  for (const person of [ada, bob]) await world.sync(person, space);
  return envelope;
}

describe('a message', () => {
  it('lives as long as the policy says, or shorter where its author chose so, and never longer', async () => {
    const space = await world.create(ada, [bob], { policy: { lifetime: 3, shared: false } });
    await say(space, 'a day');
    await say(space, 'an hour', 1);
    await say(space, 'no longer than a day', 6);
    expect(bob.shown.get(space)?.change.items.map(({ lifetime, expiresAt }) => [lifetime, expiresAt])).toEqual([[3, START + DAY]]);
    await pass(HOUR, ada, bob);
    for (const person of [ada, bob]) expect(person.lines(space).slice(1)).toEqual(['3 a day', '5 no longer than a day']);
    await pass(DAY - HOUR, ada, bob);
    for (const person of [ada, bob]) expect(person.lines(space)).toEqual(['1 (created)']);
    expect(bob.view(space).expires).toBe(START + DAY + HOUR); // the keys of the classes, one after the other
  });

  it('ends by its first sight where the server says that it was accepted later, and does not live anew when it is read again', async () => {
    const space = await world.create(ada, [bob]);
    const envelope = await ada.send(world, space, 'brief', 1);
    const event = world.space(space).events.at(-1);
    if (event) event.acceptedAt += 10 * DAY;
    await world.sync(bob, space);
    await pass(HOUR / 2, bob);
    await world.open(bob, space, 50, true);
    expect(bob.shown.get(space)?.change.items.at(-1)).toMatchObject({ expiresAt: START + HOUR });
    await pass(HOUR / 2, bob);
    await world.open(bob, space, 50, true);
    expect(bob.lines(space)).toEqual(['1 (created)']);
    expect(bob.view(space).alarm).toBeNull();
    expect(await bob.everything()).not.toContain(toBase64(envelope));
  });

  it('that nobody has accepted lives from when it was written', async () => {
    const space = await world.create(ada, [bob]);
    ada.take([await ada.keeper.queueText(space, 'never leaves', 1), await ada.keeper.queueText(space, 'waits')]);
    const [line] = ada.shown.get(space)?.change.items ?? [];
    expect(line).toMatchObject({ lifetime: 0, expiresAt: null });
    await pass(HOUR, ada);
    expect(ada.lines(space)).toEqual(['1 (created)', '… waits']);
    expect((await ada.keeper.pending()).filter((one) => one.space === space)).toHaveLength(1);
    expect(await ada.everything()).not.toContain('never leaves');
  });

  it('that was changed takes the change with it, also where the change alone was loaded', async () => {
    const space = await world.create(ada, [bob]);
    const original = await ada.send(world, space, 'frist', 2);
    await world.sync(ada, space);
    await world.envelope(space, await edit(space, original, 'first', 1));
    await world.open(bob, space, 1);
    expect(await bob.everything()).toContain('first');
    await pass(HOUR, bob);
    expect(await bob.everything()).not.toContain('first');
    // Read from the beginning, the original is there for as long as it lives itself.
    await world.older(bob, space, 10);
    expect(bob.lines(space)).toEqual(['1 (created)', '3 frist']);
  });

  async function edit(space: string, of: Bytes, text: string, b: LifetimeClass): Promise<Bytes> {
    const { device } = await ada.keyring();
    const { header } = await parseEnvelope(of);
    const key = (await ada.branch(space, header.epoch.n, b)) ?? new Uint8Array(32);
    const id = makeEnvelopeId(Date.now(), randomBytes(10));
    const { head } = world.space(space);
    const changed = { ...header, id, seen: head, kind: EnvelopeKind.EDIT, ref: header.id, b, time: Date.now() };
    return (await sealEnvelope(changed, messageContent(text), key, device.dk)).bytes;
  }
});

describe('keys', () => {
  it('of closed epochs go with the last that they could open, and nothing of it stays in the store', async () => {
    const space = await world.create(ada, [bob], { policy: { lifetime: 1, shared: false } });
    await say(space, 'the secret of the hour');
    const before = await Promise.all([0, 1, 2].map((b) => bob.branch(space, 1, b)));
    const [b0 = null, b1 = null, b2 = null] = before.map((key) => (key ? toBase64(key) : null));
    for (const key of [b0, b1, b2]) expect(await bob.everything()).toContain(key);
    await pass(HOUR / 2, ada, bob);
    await world.renew(ada, space);
    await world.sync(bob, space);
    await pass(HOUR - 1, ada, bob);
    expect(await bob.everything()).toContain(b1);
    await pass(1, ada, bob);
    for (const person of [ada, bob]) {
      const stored = await person.everything();
      expect(stored).not.toContain('the secret of the hour');
      expect(stored).not.toContain(b1);
      expect(stored).toContain(b0);
      expect(stored).toContain(b2);
    }
    await say(space, 'still there');
    expect(bob.lines(space).at(-1)).toContain('still there');
  });

  it('go after a day and their lifetime, where no epoch followed', async () => {
    const space = await world.create(ada, [bob]);
    const b1 = await bob.branch(space, 1, 1);
    await pass(DAY + HOUR - 1, bob);
    expect(await bob.everything()).toContain(toBase64(b1 ?? new Uint8Array()));
    await pass(1, bob);
    expect(await bob.everything()).not.toContain(toBase64(b1 ?? new Uint8Array()));
    expect(await bob.branch(space, 1, 6)).not.toBeNull();
  });

  it('are gone after a start, with the lines, when their time passed while this device was off', async () => {
    const space = await world.create(ada, [bob], { title: 'Tea at four', policy: { lifetime: 1, shared: false } });
    await say(space, 'bring cake');
    const b1 = toBase64((await bob.branch(space, 1, 1)) ?? new Uint8Array());
    await bob.keeper.lock();
    vi.setSystemTime(START + 3 * DAY);
    await bob.restart();
    const { spaces } = await bob.keeper.load();
    const found = spaces.find(({ view }) => view.space === space);
    expect(found?.items.map(({ body }) => body.kind)).toEqual(['notice']);
    expect(found?.view.title).toBeNull();
    const stored = await bob.everything();
    for (const secret of ['bring cake', 'Tea at four', b1]) expect(stored).not.toContain(secret);
  });

  it('of an epoch that was over before this device heard of it are never kept', async () => {
    const space = await world.create(ada, [bob]);
    const b1 = toBase64((await ada.branch(space, 1, 1)) ?? new Uint8Array());
    const dora = await world.person('dora');
    await world.change(ada, space, { what: 'policy', history: 'SHARED' });
    await world.change(ada, space, { what: 'add', member: dora.id, role: 'WRITER' });
    const [given] = await ada.keeper.makeGrants(space, dora.id);
    if (!given) throw new Error('There is something to give.');
    world.space(space).grants.push({ to: dora.id, giver: ada.id, ...given });
    world.accepted.set(`${space}:1`, START - DAY - HOUR);
    await world.open(dora, space);
    expect(await dora.branch(space, 1, 0)).not.toBeNull();
    expect(await dora.branch(space, 1, 1)).toBeNull();
    expect(await dora.everything()).not.toContain(b1);
  });
});

describe('a title', () => {
  it('goes with its time, and owners are to renew it in the second half of it', async () => {
    const space = await world.create(ada, [bob], { title: 'Tea', policy: { lifetime: 3, shared: false } });
    await world.sync(ada, space);
    const renews = ada.view(space).renewsTitle ?? 0;
    expect(renews).toBeGreaterThanOrEqual(START + DAY / 2);
    expect(renews).toBeLessThan(START + DAY);
    expect(bob.view(space).renewsTitle).toBeNull();
    await pass(DAY / 2, ada, bob);
    const queued = await ada.keeper.queueState(space, 'Tea', null);
    ada.take([queued]);
    const waiting = (await ada.keeper.pending()).find((one) => one.space === space);
    const { envelope } = await ada.keeper.seal(waiting?.key ?? '', false);
    const { seq, item } = await world.envelope(space, envelope);
    ada.take([await ada.keeper.sent(waiting?.key ?? '', seq, item)]);
    for (const person of [ada, bob]) await world.sync(person, space);
    await pass(DAY / 2, ada, bob);
    expect([ada.view(space).title, bob.view(space).title]).toEqual(['Tea', 'Tea']);
    expect(ada.view(space).renewsTitle).toBeGreaterThanOrEqual(START + DAY);
    await pass(DAY / 2, ada, bob);
    expect([ada.view(space).title, bob.view(space).title]).toEqual([null, null]);
    expect(bob.lines(space)).toEqual(['1 (created)']);
  });
});

describe('a policy', () => {
  it('is changed in part: what is left out stays as the newest has it', async () => {
    const space = await world.create(ada, [bob], { policy: { lifetime: 4, shared: false } });
    await world.change(ada, space, { what: 'policy', history: 'SHARED' });
    await world.sync(bob, space);
    expect(bob.view(space)).toMatchObject({ lifetime: 4, history: 'SHARED' });
    await expect(bob.keeper.makeRosterLink(space, { what: 'policy', lifetime: 0 })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await world.change(ada, space, { what: 'policy', lifetime: 0 });
    await world.sync(bob, space);
    expect(bob.view(space)).toMatchObject({ lifetime: 0, history: 'SHARED' });
    expect(bob.shown.get(space)?.change.items.at(-1)?.body).toMatchObject({ notice: { what: 'policy', by: ada.id, lifetime: 0 } });
  });

  it('that is set later does not reach back', async () => {
    const space = await world.create(ada, [bob]);
    await say(space, 'stays');
    await world.change(ada, space, { what: 'policy', lifetime: 1 });
    await world.sync(bob, space);
    await say(space, 'goes');
    await pass(HOUR, bob);
    expect(bob.lines(space).map((line) => line.slice(2))).toEqual(['(created)', 'stays', '(policy)']);
  });
});

describe('a server that says of a message that it has expired', () => {
  const withhold = (space: string, acceptedAt: number) => {
    const event = world.space(space).events.at(-1);
    if (event) Object.assign(event, { acceptedAt, body: { kind: 'envelope', envelope: null } });
  };

  it.each([
    ['that was accepted just now', 0, true],
    ['that was accepted less than an hour ago', HOUR - 200_000, true],
    ['that may have lived an hour, by clocks that differ a little', HOUR - 100_000, false],
    ['that is old', 10 * DAY, false],
  ])('is believed of one %s as far as that is possible', async (_what, age, isAlarm) => {
    const space = await world.create(ada, [bob]);
    vi.setSystemTime(START + age);
    await ada.send(world, space, 'hidden');
    withhold(space, START);
    await world.sync(bob, space);
    expect(bob.view(space).alarm).toBe(isAlarm ? ALARMS.withheld : null);
  });

  it('is not believed where what came before was accepted later', async () => {
    const space = await world.create(ada, [bob]);
    await pass(DAY, bob);
    await say(space, 'seen');
    await ada.send(world, space, 'hidden');
    withhold(space, START);
    await world.sync(bob, space);
    expect(bob.view(space).alarm).toBe(ALARMS.withheld);
  });

  it.each<[LifetimeClass, number, boolean]>([[0, 300 * DAY, true], [3, HOUR * 2, true], [3, DAY, false]])(
    'is held to the lifetime that was seen (class %i, after %i ms)',
    async (lifetime, age, isAlarm) => {
      const space = await world.create(ada, [bob]);
      await say(space, 'seen before', lifetime);
      await pass(age, bob);
      withhold(space, START);
      await world.open(bob, space, 50, true);
      expect(bob.view(space).alarm).toBe(isAlarm ? ALARMS.withheld : null);
    },
  );
});
