import type { ConversationState, Participant, TimelineItem } from '../circle';
import { ada, bob, dana, niki } from './people';
import { alter, HOUR_MS, LIFETIME_MS } from './samples';
import type { Scene } from './scene';

const BOOKS = 'conversation-1';
const BOB = 'conversation-2';
const HIKE = 'conversation-4';
const MINUTE_MS = HOUR_MS / 60;

function changed(...people: Participant['person'][]) {
  return ({ participants }: ConversationState) => ({ participants: participants.map((one) => (people.includes(one.person) ? { ...one, changed: true } : one)) });
}

/** Messages that stay for a while: some for a week, one for an hour, one for a moment more. */
function vanishing({ items }: ConversationState): Partial<ConversationState> {
  const now = Date.now();
  const rest: [TimelineItem['lifetime'], number][] = [
    [4, 3 * 24 * HOUR_MS],
    [4, 26 * HOUR_MS],
    [3, 5 * HOUR_MS],
    [1, 52 * MINUTE_MS],
    [1, 20_000],
  ];
  const sent = items.filter((one) => one.state === 'sent');
  return {
    lifetime: 4,
    items: [
      ...sent.slice(-rest.length).map((one, index) => {
        const [lifetime, left] = rest[index] ?? [4, HOUR_MS];
        return { ...one, lifetime, time: Math.min(one.time, now - MINUTE_MS), expiresAt: now + left };
      }),
      { key: 'policy', seq: 90, time: now - MINUTE_MS, sender: null, mine: false, body: { kind: 'notice', text: 'Bob Okafor let messages disappear after 7 days' }, state: 'sent', receipt: null, expiresAt: null, lifetime: 0 },
      { key: 'sending', seq: null, time: now, sender: ada, mine: true, body: { kind: 'text', text: 'This one goes after an hour.' }, state: 'sending', receipt: null, expiresAt: null, lifetime: 1 },
    ],
  };
}

function verified({ participants }: ConversationState): Partial<ConversationState> {
  return { participants: participants.map((one) => ([dana, niki, bob].includes(one.person) ? { ...one, person: { ...one.person, verified: true } } : one)) };
}

/** Worlds in which trust, lifetimes and alarms are at stake. */
export const trustScenes: Record<string, () => Scene> = {
  /** Somebody has begun anew with another identity, and messages go after a week. */
  changed: () => ({
    state: alter({
      [BOOKS]: (one) => ({ ...changed(bob)(one), lifetime: 4, items: one.items.map((item, index) => (index % 3 === 0 ? item : { ...item, lifetime: 4, expiresAt: item.time + LIFETIME_MS[4] })) }),
      [BOB]: changed(bob),
      [HIKE]: changed(bob),
    }),
  }),
  /** One has begun anew oneself. */
  'shut-out': () => ({ state: alter({ [BOOKS]: (one) => ({ ...changed(ada)(one), role: 'WRITER', participants: changed(ada)(one).participants.map((other) => (other.person === ada ? { ...other, role: 'WRITER' } : other)) }), [BOB]: changed(ada) }) }),
  vanishing: () => ({ state: alter({ [BOB]: vanishing }) }),
  verified: () => ({ state: alter({ [BOOKS]: verified, [BOB]: verified, 'conversation-10': verified }) }),
  /** Nothing can be done about an alarm here. */
  stuck: () => ({ alarm: { canOffer: false, canAccept: false } }),
  /** A conversation that the server no longer lists. */
  omitted: () => ({ state: alter({ [HIKE]: () => ({ alarm: 'The server no longer shows this conversation, although nobody removed you.' }) }), alarm: { canOffer: false, canAccept: true, isListed: false } }),
  /** The server shows less of one's own account than before. */
  account: () => ({ state: { accountAlarm: 'The server ends at entry 7, and this device has seen entry 9. The server shows an older state of your account than before.' } }),
};
