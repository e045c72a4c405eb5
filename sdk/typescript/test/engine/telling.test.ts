/** When marks are told: not too often, again after failures, and not at all where nobody is to hear. */
import { afterEach, beforeEach, describe, expect, it, vi, type Mock } from 'vitest';
import type { Keeper, MadeMarker, MarkerScope, SpaceView, Tells } from '../../src/crypto';
import { Markers } from '../../src/engine/markers';
import { MarkerConflict } from '../../src/engine/readingApi';
import { CircleFailure } from '../../src/errors';
import { Board } from '../../src/state/board';
import { createCircleStore } from '../../src/state/store';
import { viewOf } from './views';

const SECOND = 1_000;
const CURRENT = { space: 's1', node: 'n1', member: 'a', scope: 'OWN' as const, version: 7, envelope: null, acceptedAt: 0 };

let board: Board;
let setMarker: Mock<(node: string, made: MadeMarker) => Promise<number>>;
let makeMarker: Mock<(space: string, scope: MarkerScope, tells: Tells) => Promise<MadeMarker | null>>;
let takeMarkers: Mock<() => Promise<void>>;
let catchUp: Mock<(node: string) => Promise<void>>;
let learnMe: Mock<() => Promise<void>>;
let recent: Mock<() => Promise<void>>;
let ready: Mock<(node: string, makes?: boolean) => Promise<void>>;
let markers: Markers;
let views: Map<string, SpaceView>;

const show = (changes: Partial<SpaceView>) => {
  const view = { ...(views.get(changes.space ?? 's1') ?? viewOf()), ...changes };
  views.set(view.space, view);
  board.apply([{ view, items: [], gone: [] }]);
};
const untold = (what: Partial<SpaceView['untold']>) => ({ untold: { own: false, delivered: false, read: false, ...what } });
const sent = () => setMarker.mock.calls.map(([, { scope }]) => scope);
const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);

beforeEach(() => {
  vi.useFakeTimers();
  board = new Board(createCircleStore());
  board.setConnection('online');
  board.setPrivacy({ presence: true, readReceipts: true, deliveryReceipts: true });
  views = new Map();
  setMarker = vi.fn((_node, { version }) => Promise.resolve(version + 1));
  makeMarker = vi.fn((_space, scope) => Promise.resolve({ scope, version: 1, envelope: new Uint8Array(1), delivered: 1, read: 1 }));
  takeMarkers = vi.fn(() => Promise.resolve());
  catchUp = vi.fn(() => Promise.resolve());
  learnMe = vi.fn(() => Promise.resolve());
  recent = vi.fn(() => Promise.resolve());
  ready = vi.fn(() => Promise.resolve());
  const markerTold = (space: string, { scope }: MadeMarker) => {
    const view = views.get(space) ?? viewOf();
    const told = { ...view, untold: scope === 'OWN' ? { ...view.untold, own: false } : { ...view.untold, delivered: false, read: false } };
    views.set(space, told);
    return Promise.resolve({ view: told, items: [], gone: [] });
  };
  const markDue = (space: string) => Promise.resolve({ view: { ...(views.get(space) ?? viewOf()), due: true }, items: [], gone: [] });
  const keeper = { makeMarker, markerTold, markDue } as unknown as Keeper;
  markers = new Markers({ api: { setMarker }, keeper, epochs: { ready }, learner: { learnMe }, sync: { catchUp, takeMarkers }, privacy: { recent }, board });
  show({ space: 'own', node: 'account', isAccount: true });
  markers.start();
});
afterEach(() => {
  markers.stop();
  vi.useRealTimers();
});

describe('marks', () => {
  it('are told at once, and then at most every two seconds, own and receipt each', async () => {
    show(untold({ own: true, delivered: true, read: true }));
    await pass(0);
    expect(sent().toSorted()).toEqual(['OWN', 'RECEIPT']);
    expect(ready.mock.calls).toEqual([['account', true], ['n1', false]]);
    for (let quarter = 1; quarter < 8; quarter += 1) {
      show(untold({ own: true, read: true }));
      await pass(SECOND / 4);
    }
    expect(sent()).toHaveLength(2);
    await pass(SECOND);
    expect(sent()).toHaveLength(4);
    await pass(60 * SECOND);
    expect(sent()).toHaveLength(4);
  });

  it('wait until this device is level with the server', async () => {
    board.setSyncing(true);
    show(untold({ own: true, read: true }));
    await pass(10 * SECOND);
    expect(sent()).toEqual([]);
    board.setSyncing(false);
    markers.look();
    await pass(0);
    expect(sent()).toHaveLength(2);
  });

  it('of receipts are not told in channels, in crowds, under keys that are over, before the settings are known, nor against them', async () => {
    const crowd = Array.from({ length: 51 }, (_, index) => ({ member: `m${index}`, role: 'WRITER' as const, changed: false }));
    const all = untold({ delivered: true, read: true });
    show({ space: 's2', node: 'n2', type: 'BROADCAST', ...all });
    show({ space: 's3', node: 'n3', roster: crowd, ...all });
    show({ space: 's4', node: 'n4', due: true, ...all });
    show({ space: 's5', node: 'n5', alarm: 'It lies.', ...all });
    show({ space: 's6', node: 'n6', role: null, ...all });
    board.setPrivacy(null);
    show({ space: 's7', node: 'n7', ...all });
    await pass(10 * SECOND);
    expect(sent()).toEqual([]);
    board.setPrivacy({ presence: true, readReceipts: false, deliveryReceipts: false });
    markers.look();
    await pass(10 * SECOND);
    expect(sent()).toEqual([]);
    board.setPrivacy({ presence: true, readReceipts: false, deliveryReceipts: true });
    markers.look();
    await pass(0);
    expect(makeMarker.mock.calls).toEqual([['s7', 'RECEIPT', { delivered: true, read: false }]]);
    expect(recent).toHaveBeenCalledTimes(1);
    expect(setMarker.mock.calls.map(([node]) => node)).toEqual(['n7']);
  });

  it('of receipts are not told where another device has switched them off meanwhile', async () => {
    recent.mockImplementation(() => {
      board.setPrivacy({ presence: true, readReceipts: false, deliveryReceipts: false });
      return Promise.resolve();
    });
    show(untold({ delivered: true, read: true }));
    await pass(10 * SECOND);
    expect([sent(), recent.mock.calls.length]).toEqual([[], 1]);
  });

  it('that another device was faster with are made again on top of its own, a few times', async () => {
    setMarker.mockRejectedValueOnce(new MarkerConflict('Another.', CURRENT));
    show(untold({ own: true }));
    await pass(SECOND);
    expect([takeMarkers.mock.calls, sent()]).toEqual([[[[CURRENT]]], ['OWN', 'OWN']]);
    setMarker.mockClear();
    setMarker.mockRejectedValue(new MarkerConflict('Another.', CURRENT));
    show(untold({ own: true }));
    await pass(7 * SECOND);
    const tries = sent().length;
    expect(tries).toBeGreaterThanOrEqual(5);
    expect(tries).toBeLessThanOrEqual(10);
  });

  it('are not told once more where the other device has said as much', async () => {
    setMarker.mockRejectedValueOnce(new MarkerConflict('Another.', CURRENT));
    takeMarkers.mockImplementation(() => {
      show(untold({}));
      return Promise.resolve();
    });
    show(untold({ own: true }));
    await pass(10 * SECOND);
    expect(sent()).toEqual(['OWN']);
  });

  it('are told later where the network failed, in growing pauses', async () => {
    setMarker.mockRejectedValue(new CircleFailure('OFFLINE', 'No network.'));
    show(untold({ own: true }));
    await pass(3_600 * SECOND);
    expect(sent().length).toBeGreaterThan(3);
    expect(sent().length).toBeLessThan(30);
    setMarker.mockResolvedValue(9);
    await pass(600 * SECOND);
    const count = sent().length;
    await pass(600 * SECOND);
    expect(sent()).toHaveLength(count);
  });

  it('wait as long as the server says, and for new keys where it asks for them', async () => {
    setMarker.mockRejectedValueOnce(new CircleFailure('RATE_LIMITED', 'Slower.', { retryAfter: 30 }));
    show(untold({ own: true }));
    await pass(29 * SECOND);
    expect(sent()).toHaveLength(1);
    await pass(2 * SECOND);
    expect(sent()).toHaveLength(2);
    setMarker.mockRejectedValueOnce(new CircleFailure('EPOCH_DUE', 'New keys.'));
    show(untold({ read: true }));
    await pass(20 * SECOND);
    expect([sent().length, catchUp.mock.calls]).toEqual([3, [['n1']]]);
    show({ due: false, epoch: 2 });
    await pass(0);
    expect(sent()).toHaveLength(4);
  });

  it('are sealed again when keys or devices have moved on', async () => {
    setMarker.mockRejectedValueOnce(new CircleFailure('STALE_EPOCH', 'Newer keys.')).mockRejectedValueOnce(new CircleFailure('STALE_DEVICE', 'Another chain.'));
    show(untold({ own: true }));
    await pass(5 * SECOND);
    expect([sent().length, catchUp.mock.calls, learnMe.mock.calls.length]).toEqual([3, [['account'], ['account']], 1]);
  });

  it('are not told after an end', async () => {
    markers.stop();
    show(untold({ own: true, read: true }));
    await pass(60 * SECOND);
    expect(sent()).toEqual([]);
  });
});
