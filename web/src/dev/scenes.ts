import type { Scene } from './fakeClient';
import { ada, bob } from './people';
import { fullState, history, LIFETIME_MS } from './samples';

const NOTHING = { conversations: {}, order: [] };
const KNOWN = { handle: ada.handle, displayName: ada.displayName };

/** The worlds of the fixture page, by name. */
export const scenes: Record<string, () => Scene> = {
  full: () => ({}),
  empty: () => ({ state: NOTHING, people: [ada], bare: true }),
  failing: () => ({ failing: true, delay: 200 }),
  offline: () => ({ state: { connection: 'offline' } }),
  connecting: () => ({ state: { connection: 'connecting', syncing: true } }),
  loading: () => ({ state: { ...NOTHING, syncing: true }, delay: 600_000 }),
  starting: () => ({ state: { phase: 'starting' } }),
  'signed-out': () => ({ state: { phase: 'signed-out', me: null } }),
  'no-owner': () => ({ state: { phase: 'signed-out', me: null }, hasOwner: false }),
  'set-up': () => ({ state: { phase: 'signed-out', me: null }, hasOwner: false, setUp: true, delay: 150 }),
  locked: () => ({ state: { phase: 'locked', me: null }, known: KNOWN }),
  'no-keys': () => ({ state: { phase: 'no-keys' } }),
  long: () => {
    const state = fullState();
    const id = 'conversation-2';
    const one = state.conversations[id];
    if (one) state.conversations[id] = { ...one, items: history(Date.now(), 400), hasOlder: true };
    return { state, delay: 400 };
  },
  /** Somebody has begun anew with another identity, and messages go after a week. */
  changed: () => {
    const state = fullState();
    for (const id of ['conversation-1', 'conversation-2']) {
      const one = state.conversations[id];
      if (!one) continue;
      state.conversations[id] = {
        ...one,
        lifetime: 4,
        participants: one.participants.map((other) => (other.person === bob ? { ...other, changed: true } : other)),
        items: one.items.map((item, index) => (index % 3 === 0 ? item : { ...item, lifetime: 4, expiresAt: item.time + LIFETIME_MS[4] })),
      };
    }
    return { state };
  },
  many: () => {
    const state = fullState();
    const sample = state.conversations['conversation-4'];
    for (let index = 0; sample && index < 1000; index += 1) {
      const id = `many-${index}`;
      state.conversations[id] = { ...sample, id, protocolId: (0xabc00 + index).toString(16).padStart(32, '7'), title: `Conversation ${index + 1}` };
      state.order.push(id);
    }
    return { state };
  },
};
