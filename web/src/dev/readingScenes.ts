import { bob, chen, dana, emil, niki } from './people';
import { history, alter } from './samples';
import { firstUnreadKey, mark, told, typing } from './reading';
import type { Scene } from './scene';

const BOOKS = 'conversation-1';
const BOB = 'conversation-2';
const NEWS = 'conversation-3';
const HIKE = 'conversation-4';

/** Worlds about who is there, who writes and who has read. */
export const readingScenes: Record<string, () => Scene> = {
  typing: () => ({ state: alter({ [BOOKS]: typing(bob, niki), [BOB]: typing(bob), [HIKE]: typing(chen, dana, emil, niki), [NEWS]: typing(dana) }) }),
  /** A direct conversation whose newest message has been delivered, and is not read. */
  delivered: () => ({
    state: alter({
      [BOB]: (one) => {
        const items = one.items.filter(({ state }) => state === 'sent').map((item) => ({ ...item }));
        told(items, [bob], (at) => ({ delivered: at < 3 ? 1 : 0, read: at < 2 ? 1 : 0 }));
        return { items };
      },
    }),
  }),
  /** Long away: much to read, more than this device holds. */
  unread: () => {
    const items = history(Date.now(), 120);
    return { state: alter({ [BOB]: () => ({ items, unread: 60, hasOlder: true, firstUnread: firstUnreadKey(items, 60) }), [BOOKS]: () => ({ unread: 40, unreadIsMore: true }) }), delay: 300 };
  },
  /** One's own presence is hidden, and nobody tells anything. */
  private: () => ({ state: { ...alter({ [BOOKS]: () => ({ receipts: [] }) }), presence: {}, privacy: { presence: false, readReceipts: false, deliveryReceipts: false } } }),
  /** What is set is not known, without a connection. */
  'privacy-unknown': () => ({ state: { privacy: null, connection: 'offline' } }),
  'privacy-loading': () => ({ state: { privacy: null } }),
  /** Everybody has read everything. */
  'read-by-all': () => ({
    state: alter({
      [BOOKS]: (one) => {
        const items = one.items.map((item) => ({ ...item }));
        const others = one.participants.slice(1).map(({ person }) => person);
        told(items, others, () => ({ delivered: others.length, read: others.length }));
        return { items, unread: 0, receipts: others.map((person) => mark(person, 99, 99)) };
      },
    }),
  }),
};
