/** Who types and who is there: told not too often, shown not too long, and never at the cost of anything else. */
import { afterEach, beforeEach, describe, expect, it, vi, type Mock } from 'vitest';
import type { ItemView } from '../../src/crypto';
import { fromHex, toBase64 } from '../../src/bytes';
import { Live } from '../../src/engine/live';
import { Presence } from '../../src/engine/presence';
import { Privacy } from '../../src/engine/privacy';
import { Typing } from '../../src/engine/typing';
import { CircleFailure } from '../../src/errors';
import { PresenceDocument, ServerInfoDocument, TypingDocument } from '../../src/gql/generated';
import { Board } from '../../src/state/board';
import { createCircleStore } from '../../src/state/store';
import type { Socket } from '../../src/transport/socket';
import type { PresenceState, PrivacySettings } from '../../src/types';
import { personOf, viewOf } from './views';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const [A, B, C] = ['aa'.repeat(16), 'bb'.repeat(16), 'cc'.repeat(16)] as const;
const ROSTER = [A, B].map((member) => ({ member, role: 'WRITER' as const, changed: false }));
const EVERYTHING: PrivacySettings = { presence: true, readReceipts: true, deliveryReceipts: true };

/** Subscriptions beside a durable stream, whose other side is the test. */
class Line implements Pick<Socket, 'beside'> {
  readonly open: { document: unknown; variables: unknown; give: (item: unknown) => void; fail: (error: Error) => void; stop: AbortSignal }[] = [];

  beside<T>(document: unknown, variables: unknown, stop: AbortSignal): AsyncGenerator<T> {
    let next: { resolve: (item: T | null) => void; reject: (error: Error) => void } | null = null;
    const waiting: T[] = [];
    const one = {
      document, variables, stop,
      give: (item: unknown) => { if (next) next.resolve(item as T); else waiting.push(item as T); },
      fail: (error: Error) => { next?.reject(error); },
    };
    const { open } = this;
    open.push(one);
    const end = () => { next?.resolve(null); };
    stop.addEventListener('abort', end);
    return (async function* items() {
      try {
        while (!stop.aborted) {
          const item = waiting.shift() ?? (await new Promise<T | null>((resolve, reject) => {
            next = { resolve, reject };
          }));
          if (item === null) return;
          yield item;
        }
      } finally {
        stop.removeEventListener('abort', end);
        open.splice(open.indexOf(one), 1);
      }
    })();
  }

  of(document: unknown): Line['open'] {
    return this.open.filter((one) => one.document === document);
  }
}

let store: ReturnType<typeof createCircleStore>;
let board: Board;
let line: Line;
let live: Live;
const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);
const shown = () => store.getState().conversations['n1'];

beforeEach(() => {
  vi.useFakeTimers();
  store = createCircleStore();
  board = new Board(store);
  board.meet([personOf(A, 'Ada'), personOf(B, 'Bob'), personOf(C, 'Cem')]);
  board.setMe(personOf(A, 'Ada'));
  board.setConnection('online');
  board.apply([{ view: viewOf({ roster: ROSTER, role: 'WRITER' }), items: [], gone: [] }, { view: viewOf({ space: 's2', node: 'n2', roster: ROSTER, role: 'READER' }), items: [], gone: [] }]);
  line = new Line();
  live = new Live(line);
  live.connected();
});
afterEach(() => { vi.useRealTimers(); });

describe('typing', () => {
  let setTyping: Mock<(node: string, typing: boolean) => Promise<void>>;
  let typing: Typing;
  const told = () => setTyping.mock.calls.map(([node, is]) => `${node} ${is}`);
  const hear = async (member: string, until: number | null, node = 'n1') => {
    line.of(TypingDocument)[0]?.give({ typing: { conversation: { id: node }, member: { protocolId: toBase64(fromHex(member)) }, until: until === null ? null : new Date(until).toISOString() } });
    await pass(0);
  };
  const names = () => shown()?.typing.map(({ displayName }) => displayName);

  beforeEach(async () => {
    setTyping = vi.fn(() => Promise.resolve());
    typing = new Typing({ api: { setTyping }, live, board });
    typing.connected();
    await pass(0);
  });
  afterEach(() => { typing.stop(); });

  it('is told once in three seconds while it goes on, and its end after six without a key', async () => {
    for (let key = 0; key < 20; key += 1) {
      typing.set('n1', true);
      await pass(SECOND / 2);
    }
    expect(told()).toEqual(Array.from({ length: 4 }, () => 'n1 true'));
    await pass(5 * SECOND);
    expect(told()).toHaveLength(4);
    await pass(SECOND);
    expect(told().at(-1)).toBe('n1 false');
    await pass(MINUTE);
    expect(told()).toHaveLength(5);
  });

  it('ends when the text is left, sent, or another conversation is written to; once', () => {
    typing.set('n1', true);
    typing.set('n1', false);
    typing.set('n1', false);
    typing.set('n1', true);
    typing.sent('n2');
    typing.sent('n1');
    typing.sent('n1');
    board.apply([{ view: viewOf({ space: 's3', node: 'n3', roster: ROSTER }), items: [], gone: [] }]);
    typing.set('n1', true);
    typing.set('n3', true);
    expect(told()).toEqual(['n1 true', 'n1 false', 'n1 true', 'n1 false', 'n1 true', 'n1 false', 'n3 true']);
  });

  it('is not told where one only reads, is not known, or is offline; a failure is nobody’s business', async () => {
    typing.set('n2', true);
    typing.set('nowhere', true);
    board.setConnection('offline');
    typing.set('n1', true);
    expect(told()).toEqual([]);
    board.setConnection('online');
    setTyping.mockRejectedValue(new CircleFailure('RATE_LIMITED', 'Slower.', { retryAfter: 1 }));
    typing.set('n1', true);
    await pass(MINUTE);
    expect(told()).toEqual(['n1 true', 'n1 false']);
  });

  it('of others shows until it is over, whatever the clocks say', async () => {
    await hear(B, Date.now() + 4 * SECOND);
    expect(names()).toEqual(['Bob']);
    await pass(4 * SECOND - 1);
    expect(names()).toEqual(['Bob']);
    await pass(1);
    expect(names()).toEqual([]);
    for (const skew of [-10 * MINUTE, 10 * MINUTE]) {
      await hear(B, Date.now() + skew);
      await pass(5 * SECOND);
      expect(names()).toEqual(['Bob']);
      await pass(SECOND);
      expect(names()).toEqual([]);
    }
    await hear(B, Date.now() + 5 * SECOND);
    await pass(4 * SECOND);
    await hear(B, Date.now() + 5 * SECOND);
    await pass(4 * SECOND);
    expect(names()).toEqual(['Bob']);
    await hear(B, null);
    expect(names()).toEqual([]);
    await hear(B, Date.now() + 5 * SECOND, 'nowhere');
  });

  it('of others is gone at once when their message arrives, and not when an older one is loaded', async () => {
    const item = (key: string, seq: number, sender: string): ItemView => ({ key, seq, time: 0, sender, body: { kind: 'text', text: key }, state: 'sent', lifetime: 0, expiresAt: null });
    await hear(B, Date.now() + 5 * SECOND);
    await hear(C, Date.now() + 5 * SECOND);
    board.apply([{ view: viewOf({ roster: ROSTER, role: 'WRITER' }), items: [item('older', 2, B)], gone: [] }]);
    expect(names()).toEqual(['Bob', 'Cem']);
    board.apply([{ view: viewOf({ roster: ROSTER, role: 'WRITER', head: 6 }), items: [item('new', 6, B)], gone: [] }]);
    expect(names()).toEqual(['Cem']);
  });

  it('of others is not shown without a connection', async () => {
    await hear(B, Date.now() + 5 * SECOND);
    live.lost();
    typing.lost();
    await pass(0);
    expect([names(), line.open]).toEqual([[], []]);
  });
});

describe('presence', () => {
  let setPresence: Mock<(state: PresenceState) => Promise<void>>;
  let signs: EventTarget;
  let presence: Presence;
  const told = () => setPresence.mock.calls.map(([state]) => state);
  const asked = () => line.of(PresenceDocument).map(({ variables }) => (variables as { memberIds: string[] }).memberIds);
  const hear = async (states: Record<string, PresenceState>) => {
    const presences = Object.entries(states).map(([member, state]) => ({ member: { id: `node-${member}` }, presence: { state, lastSeenAt: state === 'ONLINE' ? null : '2026-11-23T10:00:00Z' } }));
    line.of(PresenceDocument)[0]?.give({ presence: { presences } });
    await pass(0);
  };

  beforeEach(() => {
    setPresence = vi.fn(() => Promise.resolve());
    signs = new EventTarget();
    presence = new Presence({ api: { setPresence }, live, board, signs });
    board.setPrivacy(EVERYTHING);
    presence.start();
  });
  afterEach(() => { presence.stop(); });

  it('is told with each connection, and when somebody goes away or comes back', async () => {
    presence.connected();
    expect(told()).toEqual(['ONLINE']);
    await pass(4 * MINUTE);
    signs.dispatchEvent(new Event('keydown'));
    await pass(4 * MINUTE);
    expect(told()).toEqual(['ONLINE']);
    await pass(MINUTE);
    expect(told()).toEqual(['ONLINE', 'AWAY']);
    signs.dispatchEvent(new Event('pointermove'));
    signs.dispatchEvent(new Event('pointermove'));
    expect(told()).toEqual(['ONLINE', 'AWAY', 'ONLINE']);
    live.lost();
    presence.lost();
    live.connected();
    presence.connected();
    expect(told()).toEqual(['ONLINE', 'AWAY', 'ONLINE', 'ONLINE']);
  });

  it('is told nobody while it is hidden or before the settings are known', async () => {
    board.setPrivacy(null);
    presence.connected();
    expect(told()).toEqual([]);
    const settings = { ...EVERYTHING, presence: false };
    const privacy = new Privacy({ api: { privacy: () => Promise.resolve(settings), setPrivacy: (change) => Promise.resolve({ ...settings, ...change }) }, board, onChange: () => { presence.say(); } });
    await privacy.refresh();
    await pass(10 * MINUTE);
    signs.dispatchEvent(new Event('keydown'));
    expect([told(), store.getState().privacy]).toEqual([[], settings]);
    await privacy.set({ presence: true });
    expect(told()).toEqual(['ONLINE']);
    await privacy.recent();
    expect(store.getState().privacy?.presence).toBe(true);
    await pass(MINUTE + 1);
    await privacy.recent();
    expect(store.getState().privacy).toEqual(settings);
  });

  it('is told again after a failure, with the next change', async () => {
    setPresence.mockRejectedValueOnce(new CircleFailure('OFFLINE', 'No network.'));
    presence.connected();
    await pass(0);
    presence.say();
    expect(told()).toEqual(['ONLINE', 'ONLINE']);
  });

  it('is followed for the people in sight on one subscription, all of them first and then what differs', async () => {
    board.setOpen('n1');
    presence.connected();
    await pass(0);
    expect(asked()).toEqual([[`node-${B}`]]);
    await hear({ [B]: 'ONLINE' });
    expect(store.getState().presence).toEqual({ [`node-${B}`]: { state: 'ONLINE', lastSeenAt: null } });
    board.apply([{ view: viewOf({ space: 's4', node: 'n4', type: 'DIRECT', roster: [A, C].map((member) => ({ member, role: 'OWNER', changed: false })) }), items: [], gone: [] }]);
    await pass(SECOND);
    expect(asked()).toEqual([[`node-${B}`, `node-${C}`]]);
    await hear({ [B]: 'ONLINE', [C]: 'AWAY' });
    await hear({ [B]: 'OFFLINE' });
    expect(Object.values(store.getState().presence).map(({ state }) => state)).toEqual(['OFFLINE', 'AWAY']);
    board.setOpen(null);
    await pass(SECOND);
    expect(asked()).toEqual([[`node-${C}`]]);
    await hear({ [C]: 'ONLINE' });
    expect(Object.keys(store.getState().presence)).toEqual([`node-${C}`]);
    for (let index = 0; index < 300; index += 1) {
      const other = `d${index}`;
      board.meet([personOf(other, other)]);
      board.apply([{ view: viewOf({ space: other, node: other, type: 'DIRECT', roster: [A, other].map((member) => ({ member, role: 'OWNER', changed: false })) }), items: [], gone: [] }]);
    }
    await pass(SECOND);
    expect(asked().map((members) => members.length)).toEqual([200]);
  });

  it('of others holds through a short loss of the connection, and is followed anew', async () => {
    board.setOpen('n1');
    presence.connected();
    await pass(0);
    await hear({ [B]: 'ONLINE' });
    live.lost();
    presence.lost();
    await pass(20 * SECOND);
    expect([Object.keys(store.getState().presence).length, line.open.length]).toEqual([1, 0]);
    live.connected();
    presence.connected();
    await pass(MINUTE);
    expect([Object.keys(store.getState().presence).length, asked().length]).toEqual([1, 1]);
    live.lost();
    presence.lost();
    await pass(MINUTE);
    expect(store.getState().presence).toEqual({});
  });
});

describe('a subscription to what passes', () => {
  it('begins again by itself after failures, in growing pauses, also of whoever takes it', async () => {
    const taken: unknown[] = [];
    const end = live.follow(ServerInfoDocument, {}, (item) => {
      taken.push(item);
      if (taken.length === 1) throw new Error('This one was too much.');
    });
    let tries = 0;
    for (let minute = 0; minute < 10; minute += 1) {
      for (let second = 0; second < 60; second += 1) {
        tries += line.of(ServerInfoDocument).length;
        line.of(ServerInfoDocument)[0]?.fail(new CircleFailure('INTERNAL', 'Broken.'));
        await pass(SECOND);
      }
    }
    expect(tries).toBeGreaterThan(10);
    expect(tries).toBeLessThan(40);
    await pass(MINUTE);
    line.of(ServerInfoDocument)[0]?.give('one');
    await pass(2 * SECOND);
    line.of(ServerInfoDocument)[0]?.give('two');
    await pass(0);
    expect(taken).toEqual(['one', 'two']);
    end();
    await pass(MINUTE);
    expect(line.open).toEqual([]);
  });

  it('ends with its connection, and is not begun without one', async () => {
    live.follow(ServerInfoDocument, {}, () => undefined);
    expect(line.open).toHaveLength(1);
    live.lost();
    await pass(10 * MINUTE);
    expect(line.open).toEqual([]);
    live.follow(ServerInfoDocument, {}, () => undefined);
    expect([line.open.length, live.isConnected]).toEqual([0, false]);
  });
});
