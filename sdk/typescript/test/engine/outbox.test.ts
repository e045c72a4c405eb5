/** What waits is sent in order, the same bytes until the server has taken them, or has said why not. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Keeper, SpaceChange } from '../../src/crypto';
import type { Api } from '../../src/engine/api';
import type { Epochs } from '../../src/engine/epochs';
import type { Learner } from '../../src/engine/learner';
import { Outbox } from '../../src/engine/outbox';
import type { Sync } from '../../src/engine/sync';
import { CircleFailure } from '../../src/errors';
import { Board } from '../../src/state/board';
import { createCircleStore } from '../../src/state/store';
import { viewOf } from './views';

const NODE = 'tea';
const change: SpaceChange = { view: viewOf({ title: 'Tea', roster: [] }), items: [], gone: [] };
const bytes = (key: string, form = 0) => new TextEncoder().encode(`${key}${form}`);

describe('the outbox', () => {
  let waiting: { key: string; node: string; state: 'sending' | 'failed' }[];
  let forms: Map<string, number>;
  let outbox: Outbox;
  const failed = vi.fn<(key: string, reason: string) => Promise<SpaceChange>>();
  const sendMessage = vi.fn<(envelope: Uint8Array) => Promise<{ seq: number; item: Uint8Array }>>();
  const isTooLasting = vi.fn<() => Promise<boolean>>();
  const catchUp = vi.fn<(node: string) => Promise<void>>();
  const sent = () => sendMessage.mock.calls.map(([envelope]) => new TextDecoder().decode(envelope));

  beforeEach(() => {
    vi.useFakeTimers();
    waiting = ['a', 'b', 'c'].map((key) => ({ key, node: NODE, state: 'sending' }));
    forms = new Map();
    const settle = (key: string) => { waiting = waiting.filter((one) => one.key !== key); };
    failed.mockReset().mockImplementation((key) => {
      settle(key);
      return Promise.resolve(change);
    });
    sendMessage.mockReset().mockResolvedValue({ seq: 1, item: new Uint8Array(32) });
    catchUp.mockReset().mockResolvedValue(undefined);
    isTooLasting.mockReset().mockResolvedValue(false);
    const keeper = {
      pending: () => Promise.resolve([...waiting]),
      isSealed: (key: string) => Promise.resolve(forms.has(key)),
      seal: (key: string, again: boolean) => {
        const form = (forms.get(key) ?? -1) + (again || !forms.has(key) ? 1 : 0);
        forms.set(key, form);
        return Promise.resolve({ envelope: bytes(key, form), epoch: 1 });
      },
      sent: (key: string) => {
        settle(key);
        return Promise.resolve(change);
      },
      isTooLasting,
      failed,
    } as unknown as Keeper;
    outbox = new Outbox({
      api: { sendMessage } as unknown as Api,
      keeper,
      epochs: { ready: () => Promise.resolve() } as unknown as Epochs,
      learner: {} as unknown as Learner,
      sync: { catchUp } as unknown as Sync,
      board: new Board(createCircleStore()),
    });
    outbox.start();
  });
  afterEach(() => {
    outbox.stop();
    vi.useRealTimers();
  });

  it('waits as long as the server asks for, and sends the same again before anything else', async () => {
    sendMessage.mockRejectedValueOnce(new CircleFailure('RATE_LIMITED', 'Slower.', { retryAfter: 7 }));
    outbox.push(NODE);
    await vi.advanceTimersByTimeAsync(6_999);
    expect(sent()).toEqual(['a0']);
    await vi.advanceTimersByTimeAsync(1);
    await outbox.idle(NODE);
    expect(sent()).toEqual(['a0', 'a0', 'b0', 'c0']);
    expect(failed).not.toHaveBeenCalled();
  });

  it('gives nothing up to a limit, however often it is told of it', async () => {
    for (let time = 0; time < 20; time += 1) sendMessage.mockRejectedValueOnce(new CircleFailure('RATE_LIMITED', 'Slower.', { retryAfter: 30 }));
    outbox.push(NODE);
    await vi.advanceTimersByTimeAsync(20 * 30_000);
    await outbox.idle(NODE);
    expect(sent()).toEqual([...Array<string>(21).fill('a0'), 'b0', 'c0']);
    expect(failed).not.toHaveBeenCalled();
  });

  it('sends the same bytes again where no answer came', async () => {
    for (const code of ['OFFLINE', 'TIMEOUT', 'UNAVAILABLE'] as const) sendMessage.mockRejectedValueOnce(new CircleFailure(code, 'No answer.'));
    outbox.push(NODE);
    await vi.advanceTimersByTimeAsync(120_000);
    await outbox.idle(NODE);
    expect(sent()).toEqual(['a0', 'a0', 'a0', 'a0', 'b0', 'c0']);
  });

  it('seals again where the keys have moved on, and only then', async () => {
    sendMessage.mockRejectedValueOnce(new CircleFailure('STALE_EPOCH', 'There are newer keys.'));
    outbox.push(NODE);
    await outbox.idle(NODE);
    expect(catchUp).toHaveBeenCalledWith(NODE);
    expect(sent()).toEqual(['a0', 'a1', 'b0', 'c0']);
  });

  it('says of one that is refused for good, and goes on with the others', async () => {
    sendMessage.mockRejectedValueOnce(new CircleFailure('FORBIDDEN', 'You may not write here.'));
    outbox.push(NODE);
    await outbox.idle(NODE);
    expect(failed.mock.calls).toEqual([['a', 'You may not write here.']]);
    expect(sent()).toEqual(['a0', 'b0', 'c0']);
  });

  it('seals again what would live longer than the conversation keeps anything by now', async () => {
    sendMessage.mockRejectedValueOnce(new CircleFailure('FORBIDDEN', "The envelope would live longer than the conversation's policy allows."));
    isTooLasting.mockResolvedValueOnce(true);
    outbox.push(NODE);
    await outbox.idle(NODE);
    expect(catchUp).toHaveBeenCalledWith(NODE);
    expect(failed).not.toHaveBeenCalled();
    expect(sent()).toEqual(['a0', 'a1', 'b0', 'c0']);
  });

  it('keeps everything where the session is over', async () => {
    sendMessage.mockRejectedValueOnce(new CircleFailure('UNAUTHENTICATED', 'Sign in again.'));
    outbox.push(NODE);
    await outbox.idle(NODE);
    expect(waiting.map(({ key }) => key)).toEqual(['a', 'b', 'c']);
    outbox.push(NODE);
    await outbox.idle(NODE);
    expect(sent()).toEqual(['a0', 'a0', 'b0', 'c0']);
  });
});
