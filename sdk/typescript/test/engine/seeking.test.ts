/** Keys that come later than what lies under them: looked for until it is read, whatever happens in between. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Keeper, SpaceView } from '../../src/crypto';
import type { Epochs } from '../../src/engine/epochs';
import type { Learner } from '../../src/engine/learner';
import { Mending } from '../../src/engine/mending';
import type { Sync } from '../../src/engine/sync';
import { CircleFailure } from '../../src/errors';
import { Board } from '../../src/state/board';
import { createCircleStore } from '../../src/state/store';
import { DeviceWorld } from './deviceWorld';
import { viewOf } from './views';
import type { Person } from './world';

/** A group with a shared history of two epochs, in which Cyd has just arrived, and what Ada is about to give her. */
async function arrival() {
  const world = new DeviceWorld();
  const { device: ada } = await world.signUp('ada');
  const { device: cyd } = await world.signUp('cyd');
  const space = await world.create(ada, [], { policy: { lifetime: 0, shared: true } });
  await ada.send(world, space, 'first');
  await world.sync(ada, space);
  await world.change(ada, space, { what: 'policy', lifetime: 6 });
  await ada.send(world, space, 'second');
  await world.sync(ada, space);
  await world.change(ada, space, { what: 'add', member: cyd.id, role: 'WRITER' });
  await world.open(cyd, space);
  expect(await cyd.keeper.missing(space)).toEqual([2, 1]);
  const give = async () => {
    for (const made of await ada.keeper.makeGrants(space, cyd.id)) world.space(space).grants.push({ to: cyd.id, giver: ada.id, ...made });
  };
  return { world, ada, cyd, space, give };
}

/** What the client does when it looks: true where something is to be read again. */
async function look(world: DeviceWorld, one: Person, space: string): Promise<boolean> {
  const missing = await one.keeper.missing(space);
  for (const n of missing) await one.keeper.learnEpoch(space, n, world.epochFor(one, space, n));
  await world.satisfy(one, () => one.keeper.needsOfEpochs(space, missing));
  return one.keeper.retryEpochs(space, missing);
}

const read = (one: Person, space: string) => one.lines(space).flatMap((line) => /(?:first|second)$/.exec(line)?.[0] ?? []);

describe('keys that come later', () => {
  it('are looked for until the last is there, although some came before', async () => {
    const { world, cyd, space, give } = await arrival();
    await cyd.keeper.learnEpoch(space, 2, world.epochFor(cyd, space, 2));
    await give();
    await cyd.keeper.learnEpoch(space, 1, world.epochFor(cyd, space, 1));
    expect(await cyd.keeper.retryEpochs(space, [2, 1])).toBe(true);
    await world.open(cyd, space, 50, true);
    expect(read(cyd, space)).toEqual(['first']);
    expect(await cyd.keeper.missing(space)).toEqual([2]);
    expect(await look(world, cyd, space)).toBe(true);
    await world.open(cyd, space, 50, true);
    expect(read(cyd, space)).toEqual(['first', 'second']);
    expect(await cyd.keeper.missing(space)).toEqual([]);
  });

  it('are not forgotten where the device ends before it has read what they open', async () => {
    const { world, cyd, space, give } = await arrival();
    await give();
    expect(await look(world, cyd, space)).toBe(true);
    await cyd.restart();
    expect(await cyd.keeper.missing(space)).toEqual([2, 1]);
    // Whatever has opened them may be gone by now.
    world.space(space).grants.length = 0;
    expect(await look(world, cyd, space)).toBe(true);
    await world.open(cyd, space, 50, true);
    expect(read(cyd, space)).toEqual(['first', 'second']);
    expect(await cyd.keeper.missing(space)).toEqual([]);
  });

  it('are found where a rotation has carried them over meanwhile', async () => {
    const { world, cyd, space, give } = await arrival();
    await give();
    await world.rotate(cyd);
    expect(world.space(space).grants).toEqual([]);
    expect(await look(world, cyd, space)).toBe(true);
    await world.open(cyd, space, 50, true);
    expect(read(cyd, space)).toEqual(['first', 'second']);
  });

  it('are found where they were given to a key that a sibling has made since', async () => {
    const { world, ada, cyd, space, give } = await arrival();
    const sibling = await world.link(cyd);
    await world.open(sibling, space);
    await world.rotate(cyd);
    await ada.keeper.learnIdentities([world.account(cyd).identity]);
    await give();
    expect(await look(world, sibling, space)).toBe(true);
    await world.open(sibling, space, 50, true);
    expect(read(sibling, space)).toEqual(['first', 'second']);
  });
});

describe('the search for keys', () => {
  let board: Board;
  let mending: Mending;
  const retryEpochs = vi.fn<() => Promise<boolean>>();
  const missing = vi.fn<() => Promise<number[]>>();
  const reload = vi.fn<() => Promise<void>>();
  const show = (changes: Partial<SpaceView>) => { board.apply([{ view: viewOf(changes), items: [], gone: [] }]); };
  const node = viewOf({}).node;

  beforeEach(() => {
    vi.useFakeTimers();
    board = new Board(createCircleStore());
    retryEpochs.mockReset().mockResolvedValue(false);
    missing.mockReset().mockResolvedValue([1]);
    reload.mockReset().mockResolvedValue(undefined);
    mending = new Mending({
      learner: { retryEpochs } as unknown as Learner,
      keeper: { missing } as unknown as Keeper,
      epochs: {} as unknown as Epochs,
      sync: { reload, catchUp: () => Promise.resolve() } as unknown as Sync,
      board,
    });
    mending.start();
  });
  afterEach(() => {
    mending.stop();
    vi.useRealTimers();
  });

  it('waits longer and longer, and ends', async () => {
    show({ keyless: 1, epoch: 2 });
    await vi.advanceTimersByTimeAsync(5 * 60_000);
    expect(retryEpochs).toHaveBeenCalledTimes(4);
    expect(reload).not.toHaveBeenCalled();
  });

  it('looks again within a moment when new keys have come, or when the person looks', async () => {
    show({ keyless: 1, epoch: 2 });
    await vi.advanceTimersByTimeAsync(20_000);
    const before = retryEpochs.mock.calls.length;
    retryEpochs.mockResolvedValueOnce(true);
    show({ keyless: 1, epoch: 3 });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(retryEpochs.mock.calls.length).toBeGreaterThan(before);
    expect(reload).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(20_000);
    const seen = retryEpochs.mock.calls.length;
    mending.seek(node);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(retryEpochs.mock.calls.length).toBeGreaterThan(seen);
  });

  it('never asks without a pause, however often the person looks', async () => {
    show({ keyless: 1, epoch: 2 });
    for (let time = 0; time < 10_000; time += 10) {
      mending.seek(node);
      await vi.advanceTimersByTimeAsync(10);
    }
    expect(retryEpochs.mock.calls.length).toBeLessThan(10_000 / 125);
  });

  it('reads again what the network kept it from reading', async () => {
    retryEpochs.mockResolvedValue(true);
    reload.mockImplementationOnce(() => Promise.reject(new CircleFailure('OFFLINE', 'No answer.'))).mockImplementation(() => {
      missing.mockResolvedValue([]);
      return Promise.resolve();
    });
    show({ keyless: 1, epoch: 2 });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(reload).toHaveBeenCalledTimes(2);
  });
});
