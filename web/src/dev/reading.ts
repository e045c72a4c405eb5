import type { ConversationState, MessageReceipt, Person, PresenceInfo, Receipt, TimelineItem } from '../circle';
import { bob, dana, echo, emil, farah, gus, ivan, niki } from './people';

const MINUTE = 60_000;

/** The key of the first unread item when the newest `unread` of others have not been read; null if none. */
export function firstUnreadKey(items: TimelineItem[], unread: number): string | null {
  const others = items.filter(({ mine, body }) => !mine && body.kind !== 'notice');
  return unread === 0 ? null : (others.at(-unread)?.key ?? others[0]?.key ?? null);
}

export function mark(person: Person, delivered: number, read: number): Receipt {
  return { person, delivered, read };
}

/** Gives one's own messages receipts; `how` gets their place, 0 being the oldest. */
export function told(items: TimelineItem[], others: Person[], how: (at: number) => Omit<MessageReceipt, 'of'>): void {
  const mine = items.filter((one) => one.mine && one.state === 'sent');
  mine.forEach((one, at) => Object.assign(one, { receipt: { ...how(at), of: others.length } }));
}

export function samplePresence(now: number): Record<string, PresenceInfo> {
  const here = (person: Person, state: PresenceInfo['state'], ago: number | null): [string, PresenceInfo] => [
    person.id,
    { state, lastSeenAt: ago === null ? null : now - ago * MINUTE },
  ];
  return Object.fromEntries([
    here(bob, 'ONLINE', null),
    here(dana, 'ONLINE', null),
    here(niki, 'AWAY', 12),
    here(gus, 'OFFLINE', 5),
    here(emil, 'OFFLINE', 60 * 26),
    here(farah, 'AWAY', 3),
    here(ivan, 'OFFLINE', 60 * 3),
    here(echo, 'OFFLINE', null),
  ]);
}

/** Somebody begins or ends to type, as the server would tell. */
export function typing(...people: Person[]): (one: ConversationState) => Partial<ConversationState> {
  return () => ({ typing: people });
}
