/** The client looks at the clock by itself: what expires goes on time, titles are renewed, and nothing is done twice. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Keeper, SpaceChange, SpaceView } from '../../src/crypto';
import { Lifetimes } from '../../src/engine/lifetimes';
import type { Outbox } from '../../src/engine/outbox';
import { Board } from '../../src/state/board';
import { createCircleStore } from '../../src/state/store';
import { viewOf } from './views';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

const view = (changes: Partial<SpaceView>) => viewOf({ title: 'Tea', roster: [], ...changes });

describe('the clock of a client', () => {
  let board: Board;
  let lifetimes: Lifetimes;
  let level: (is: boolean) => void;
  const expire = vi.fn<() => Promise<SpaceChange[]>>();
  const queueState = vi.fn<() => Promise<SpaceChange>>();
  const push = vi.fn<(node: string) => void>();
  const show = (changes: Partial<SpaceView>) => { board.apply([{ view: view(changes), items: [], gone: [] }]); };

  beforeEach(() => {
    vi.useFakeTimers();
    const store = createCircleStore();
    board = new Board(store);
    level = (is) => { store.setState({ connection: is ? 'online' : 'offline', syncing: false }); };
    expire.mockReset().mockResolvedValue([{ view: view({}), items: [], gone: [] }]);
    queueState.mockReset().mockResolvedValue({ view: view({}), items: [], gone: [] });
    push.mockReset();
    lifetimes = new Lifetimes({ keeper: { expire, queueState } as unknown as Keeper, board, outbox: { push } as unknown as Outbox });
    lifetimes.start();
  });
  afterEach(() => {
    lifetimes.stop();
    vi.useRealTimers();
  });

  it('takes away what is over at its very moment, and once', async () => {
    show({ expires: Date.now() + 10 * MINUTE });
    await vi.advanceTimersByTimeAsync(10 * MINUTE - 1);
    expect(expire).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(expire).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(2 * DAY);
    expect(expire).toHaveBeenCalledTimes(1);
  });

  it('follows what becomes due sooner, and reaches what is far away', async () => {
    show({ expires: Date.now() + 40 * DAY });
    await vi.advanceTimersByTimeAsync(30 * DAY);
    expect(expire).not.toHaveBeenCalled();
    show({ expires: Date.now() + MINUTE });
    await vi.advanceTimersByTimeAsync(MINUTE);
    expect(expire).toHaveBeenCalledTimes(1);
  });

  it('looks at once when it wakes, or when the clock was put forward', () => {
    show({ expires: Date.now() + 10 * MINUTE });
    vi.setSystemTime(Date.now() + 11 * MINUTE);
    lifetimes.wake();
    expect(expire).toHaveBeenCalledTimes(1);
  });

  it('tries again when the store fails, and not when it was stopped', async () => {
    expire.mockRejectedValueOnce(new Error('The disk is full.'));
    show({ expires: Date.now() + MINUTE });
    await vi.advanceTimersByTimeAsync(MINUTE);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(expire).toHaveBeenCalledTimes(2);
    show({ expires: Date.now() + MINUTE });
    lifetimes.stop();
    await vi.advanceTimersByTimeAsync(DAY);
    expect(expire).toHaveBeenCalledTimes(2);
  });

  it('has a title renewed once, and only when level with the server', async () => {
    level(false);
    show({ renewsTitle: Date.now() + MINUTE });
    await vi.advanceTimersByTimeAsync(5 * MINUTE);
    expect(queueState).not.toHaveBeenCalled();
    level(true);
    await vi.advanceTimersByTimeAsync(MINUTE);
    expect(queueState).toHaveBeenCalledWith('s1', 'Tea', null);
    expect(push).toHaveBeenCalledWith('n1');
    show({ renewsTitle: Date.now() - MINUTE });
    await vi.advanceTimersByTimeAsync(30 * MINUTE);
    expect(queueState).toHaveBeenCalledTimes(1);
  });

  it('renews nothing that is not known, or where sending has stopped', async () => {
    level(true);
    show({ renewsTitle: Date.now(), title: null });
    show({ space: 's2', node: 'n2', renewsTitle: Date.now(), alarm: 'The server lies.' });
    await vi.advanceTimersByTimeAsync(DAY);
    expect(queueState).not.toHaveBeenCalled();
  });
});
