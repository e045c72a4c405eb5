import type { Scene } from './fakeClient';
import { ada } from './people';
import { fullState, history } from './samples';
import { readingScenes } from './readingScenes';
import { trustScenes } from './trustScenes';

const NOTHING = { conversations: {}, order: [] };
const KNOWN = { protocolId: ada.protocolId, handle: ada.handle, displayName: ada.displayName };

const WIPED = 'This device was removed from your account by another of your devices. What it held was deleted.';

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
  'standing-by': () => ({ state: { phase: 'standing-by', me: null }, known: KNOWN }),
  'no-keys': () => ({ state: { phase: 'no-keys' } }),
  'new-browser': () => ({ state: { phase: 'signed-out', me: null }, newBrowser: true }),
  /** A code and its words that have just ended. */
  'link-ended': () => ({ state: { phase: 'no-keys' }, linkFor: 50 }),
  wiped: () => ({ state: { phase: 'signed-out', me: null, notice: WIPED } }),
  'notice-inside': () => ({ state: { notice: 'Another device of yours has replaced the recovery key. If that was not you, remove the devices that you do not know.' } }),
  unconfirmed: () => ({ state: { recoveryKeyConfirmed: false } }),
  'locked-passkey': () => ({ state: { phase: 'locked', me: null }, known: KNOWN, lock: { passkey: true, passphrase: true } }),
  locks: () => ({ lock: { passkey: true, passphrase: true, idleMinutes: 15 } }),
  long: () => {
    const state = fullState();
    const id = 'conversation-2';
    const one = state.conversations[id];
    if (one) state.conversations[id] = { ...one, items: history(Date.now(), 400), hasOlder: true };
    return { state, delay: 400 };
  },
  ...trustScenes,
  ...readingScenes,
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
