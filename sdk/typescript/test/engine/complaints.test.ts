/** A member who seals garbage to some is found out, and they can read after all, whoever is there to help. */
import fc from 'fast-check';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { hBody } from '../../src/crypto/protocol/labels';
import { spoil } from './spoil';
import { World, type Person } from './world';

const HOUR = 3_600_000;
const START = 1_790_000_000_000;

let world: World;
let all: Person[];

beforeAll(async () => {
  world = new World();
  all = [];
  for (const name of ['ada', 'bob', 'cem', 'dora', 'eve', 'finn']) all.push(await world.person(name));
});
beforeEach(() => { vi.useFakeTimers({ toFake: ['Date'], now: START }); });
afterEach(() => { vi.useRealTimers(); });

function person(index: number): Person {
  const found = all[index];
  if (!found) throw new Error('There are six.');
  return found;
}

async function level(space: string, people = all): Promise<void> {
  for (const one of people) await world.sync(one, space);
}

/** A group of all in which `maker` has just made an epoch that opens for all but the victims, and said something. */
async function plot(maker: Person, victims: Person[]): Promise<string> {
  const space = await world.create(person(0), all.slice(1), { role: 'ADMIN' });
  await world.roster(space, await maker.keeper.makeRosterLink(space, { what: 'policy', lifetime: 4 }));
  await level(space);
  const { device } = await maker.keyring();
  await world.epoch(space, await spoil(await maker.keeper.makeEpoch(space), victims.map(({ id }) => id), device.dk));
  await level(space);
  await maker.send(world, space, 'not for everybody');
  await level(space);
  return space;
}

async function complain(space: string, victim: Person): Promise<void> {
  const next = await victim.keeper.takeComplaint(space);
  if (!next) throw new Error(`${victim.name} has something to complain of.`);
  const { epoch, complaint } = next;
  victim.take([await victim.keeper.complained(space, epoch)]);
  await world.append(space, await hBody('complaint', complaint.body), { kind: 'complaint', ...complaint });
}

/** What the client of somebody who is there does about its debts. */
async function answer(space: string, giver: Person): Promise<void> {
  for (const member of giver.view(space).answers) {
    for (const given of await giver.keeper.makeGrants(space, member)) world.space(space).grants.push({ to: member, giver: giver.id, ...given });
    giver.take([await giver.keeper.repaid(space, member)]);
  }
}

async function look(space: string, victim: Person): Promise<void> {
  const missing = await victim.keeper.missing(space);
  for (const n of missing) await victim.keeper.learnEpoch(space, n, world.epochFor(victim, space, n));
  if (await victim.keeper.retryEpochs(space, missing)) await world.open(victim, space, 50, true);
}

const reads = (one: Person, space: string) => one.lines(space).some((line) => line.endsWith('not for everybody'));

describe('keys that were spoiled', () => {
  it('are given by others: to any victims, by any of those who are to give them, but the cheat', { timeout: 240_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 5 }), fc.subarray([0, 1, 2, 3, 4, 5], { minLength: 1, maxLength: 3 }), fc.nat(), async (cheat, chosen, which) => {
        const maker = person(cheat);
        const victims = chosen.filter((index) => index !== cheat).map(person);
        const space = await plot(maker, victims);
        for (const one of all) expect(reads(one, space), one.name).toBe(!victims.includes(one));
        for (const victim of victims) {
          expect(victim.view(space).alarm).toBeNull();
          await complain(space, victim);
          await level(space);
          const helpers = all.filter((one) => one !== maker && one.view(space).answers.includes(victim.id));
          const able = all.filter((one) => one !== maker && reads(one, space));
          // Of two chosen some may be victims themselves; somebody who can help there always is, or the next maker pays.
          expect(helpers.length).toBeLessThanOrEqual(2);
          expect(helpers.every((one) => able.includes(one))).toBe(true);
          const [giver] = helpers.length === 0 ? [maker] : [helpers[which % helpers.length]];
          await answer(space, giver ?? maker);
          await look(space, victim);
          expect(reads(victim, space), victim.name).toBe(true);
          expect(victim.view(space)).toMatchObject({ complains: null, keyless: 0 });
        }
      }),
      { numRuns: 6 },
    );
  });

  it('are owed by everybody until an honest member makes the next epoch', async () => {
    const [ada, bob, cem, , eve] = all;
    if (!ada || !bob || !cem || !eve) throw new Error('All have joined.');
    const space = await plot(eve, [bob]);
    await complain(space, bob);
    await level(space);
    const others = all.filter((one) => one !== bob);
    expect(others.map((one) => one.view(space).owes)).toEqual(others.map(() => [bob.id]));
    expect(others.filter((one) => one.view(space).answers.length > 0)).toHaveLength(3);
    expect(eve.view(space).answers).toEqual([bob.id]);
    // Neither the cheat's next epoch nor the victim's own settles anything.
    for (const maker of [eve, bob]) {
      await world.renew(maker, space);
      await level(space);
      expect(ada.view(space).owes).toEqual([bob.id]);
    }
    const bystander = others.find((one) => one !== cem && one.view(space).answers.length === 0);
    if (!bystander) throw new Error('Not everybody is to answer.');
    expect(await bystander.keeper.makeGrants(space, bob.id)).toHaveLength(1);
    const maker = others.find((one) => one !== bystander && one !== eve);
    if (!maker) throw new Error('Somebody honest is there.');
    await world.renew(maker, space);
    await level(space);
    expect(bystander.view(space).owes).toEqual([]);
    expect(await bystander.keeper.makeGrants(space, bob.id)).toEqual([]);
  });

  it('are complained of again, ever more rarely, until they come', async () => {
    const [, bob, , , eve] = all;
    if (!bob || !eve) throw new Error('All have joined.');
    const space = await plot(eve, [bob]);
    expect(bob.view(space).complains).toBe(0);
    for (let hours = 1, tries = 0; tries < 9; tries += 1, hours *= 2) {
      await complain(space, bob);
      expect(await bob.keeper.takeComplaint(space)).toBeNull();
      expect(bob.view(space).complains).toBe(Date.now() + hours * HOUR);
      vi.setSystemTime(Date.now() + hours * HOUR);
    }
    await complain(space, bob);
    expect(bob.view(space).complains).toBeNull();
  });

  it('are complained of with a pause in which others can send, where every new key is spoiled', async () => {
    const [, bob, , , eve] = all;
    if (!bob || !eve) throw new Error('All have joined.');
    const space = await plot(eve, [bob]);
    const { device } = await eve.keyring();
    const spoiled = async () => {
      await world.epoch(space, await spoil(await eve.keeper.makeEpoch(space), [bob.id], device.dk));
      await level(space);
    };
    for (const pause of [1, 2, 4, 8, 16, 32, 60, 60]) {
      await complain(space, bob);
      await level(space);
      await spoiled();
      expect(await bob.keeper.takeComplaint(space)).toBeNull();
      expect(bob.view(space).complains).toBe(Date.now() + pause * 1000);
      vi.setSystemTime(Date.now() + pause * 1000);
    }
    await complain(space, bob);
    vi.setSystemTime(Date.now() + 60_000 + HOUR);
    while (await bob.keeper.takeComplaint(space)) await complain(space, bob);
    await level(space);
    await spoiled();
    expect(bob.view(space).complains).toBe(Date.now() + 1_000);
  });

  it('are told to everybody in a line that names who made them, live and later', async () => {
    const [ada, bob, , , eve] = all;
    if (!ada || !bob || !eve) throw new Error('All have joined.');
    const space = await plot(eve, [bob]);
    await complain(space, bob);
    await level(space);
    const told = { body: { kind: 'notice', notice: { what: 'complaint', by: bob.id, creator: eve.id } } };
    expect(ada.shown.get(space)?.change.items.at(-1)).toMatchObject(told);
    await world.open(ada, space, 50, true);
    expect(ada.shown.get(space)?.change.items.at(-1)).toMatchObject(told);
  });
});
