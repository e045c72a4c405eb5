import type { CircleState, ConversationState, Person, TimelineItem } from '../circle';
import { mark, samplePresence, told } from './reading';
import { ada, as, bob, chen, dana, echo, emil, farah, gus, niki, ivan, jo } from './people';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

type Line = [minutesAgo: number, sender: Person | null, text: string];

function lines(prefix: string, now: number, all: Line[]): TimelineItem[] {
  return all.map(([ago, sender, text], index) => ({
    key: `${prefix}-${index}`,
    seq: index + 4,
    time: now - ago * MINUTE,
    sender,
    mine: sender === ada,
    body: sender === null ? { kind: 'notice', text } : { kind: 'text', text },
    state: 'sent',
    receipt: null,
    expiresAt: null,
    lifetime: 0,
  }));
}

function conversation(seed: number, part: Partial<ConversationState> & Pick<ConversationState, 'type' | 'title' | 'participants'>): ConversationState {
  const items = part.items ?? [];
  return {
    id: `conversation-${seed}`,
    protocolId: seed.toString(16).padStart(8, '0').repeat(4),
    pictureUrl: null,
    role: 'OWNER',
    items,
    hasOlder: false,
    loadingOlder: false,
    lastActivity: items.at(-1)?.time ?? Date.now(),
    unread: 0,
    unreadIsMore: false,
    firstUnread: null,
    typing: [],
    receipts: [],
    hasReceipts: true,
    lifetime: 0,
    history: 'JOINING',
    alarm: null,
    ...part,
  };
}

/** A picture drawn here, so that the fixtures need no file. */
function picture(): string {
  const svg =
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 128 128"><rect width="128" height="128" fill="#f3c98b"/><circle cx="92" cy="36" r="18" fill="#e8754a"/><path d="M0 96 40 52l30 30 20-18 38 36v28H0z" fill="#3f6f6a"/><path d="M0 110 34 84l30 22 26-14 38 20v16H0z" fill="#27504c"/></svg>';
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

function bookClub(now: number): ConversationState {
  const items = lines('book', now, [
    [3 * 1440 + 40, null, 'You created the group'],
    [3 * 1440 + 39, null, 'You added Bob Okafor, Dana Petrova and Νίκη Παππά'],
    [3 * 1440 + 30, ada, 'Welcome, everyone. First meeting at mine?'],
    [3 * 1440 + 22, dana, 'Yes please!'],
    [3 * 1440 + 21, dana, 'I can bring the lemon cake that survived last time.'],
    [2 * 1440 + 300, bob, 'I have started the book. Slow first chapter, then I missed my stop on the tram twice.'],
    [2 * 1440 + 290, niki, 'Το ξεκίνησα κι εγώ, πολύ ωραίο 📚'],
    [2 * 1440 + 280, ada, 'No spoilers before chapter four.'],
    [1440 + 200, null, 'Dana Petrova changed the picture'],
    [1440 + 190, bob, 'Here is the interview with the author: https://example.org/interviews/2026/the-long-way (about 20 minutes, no spoilers).'],
    [1440 + 185, ada, 'Thank you!\n\nI will read it tonight. Two questions for Thursday:\n1. Is the narrator honest?\n2. Would you have stayed?'],
    [300, dana, 'The narrator is certainly not honest.'],
    [299, dana, 'But kind.'],
    [298, niki, '♥️'],
    [42, bob, 'Thursday at seven still good for everybody? I would come straight from work.'],
    [12, niki, 'Ναι, τέλεια'],
    [9, bob, 'Great. I bring the chairs, Ada has the tea, and Dana the cake.'],
    [4, dana, 'Perfect, see you on Thursday!'],
  ]);
  told(items, [bob, dana, niki, emil, jo], (at) => ({ delivered: at === 0 ? 5 : 4, read: at === 0 ? 5 : 3 }));
  const last = items.at(-4);
  if (last) items.splice(-4, 0, { ...last, key: 'book-unreadable', time: last.time + MINUTE, sender: emil, mine: false, body: { kind: 'unreadable', code: 'NO_KEY', reason: "This device can't read this message." } });
  return conversation(1, { type: 'GROUP', title: 'Book club', pictureUrl: picture(), participants: [...as('OWNER', ada), ...as('ADMIN', dana), ...as('WRITER', bob, niki, emil), ...as('READER', jo)], items, hasOlder: true, unread: 3, receipts: [mark(dana, 40, 40), mark(bob, 40, 12), mark(niki, 40, 40), mark(emil, 14, 14)] });
}

function direct(now: number): ConversationState {
  const items = lines('bob', now, [
    [1440 * 9, bob, 'Found this place through your link. It works!'],
    [1440 * 9 - 3, ada, 'Welcome 👋 Write down your recovery key, nobody can make a new one for you.'],
    [1440 * 9 - 5, bob, 'Done, in the drawer with the passports.'],
    [95, bob, 'Are you at the workshop today?'],
    [90, ada, 'Until five. Come by, the kettle is on.'],
    [31, bob, 'On my way. Do you need anything from the hardware store?'],
    [26, ada, 'Two metres of the thin oak, and screws, 4 x 30.'],
  ]);
  told(items, [bob], () => ({ delivered: 1, read: 1 }));
  items.push(
    { key: 'bob-failed', seq: null, time: now - 3 * MINUTE, sender: ada, mine: true, body: { kind: 'text', text: 'And sandpaper, please!' }, state: 'failed', error: 'The server could not be reached.', receipt: null, expiresAt: null, lifetime: 0 },
    { key: 'bob-sending', seq: null, time: now - 1000, sender: ada, mine: true, body: { kind: 'text', text: 'Fine grain.' }, state: 'sending', receipt: null, expiresAt: null, lifetime: 0 },
  );
  return conversation(2, { type: 'DIRECT', title: bob.displayName, participants: as('OWNER', ada, bob), items, receipts: [mark(bob, 40, 40)] });
}

function channel(now: number): ConversationState {
  const items = lines('news', now, [
    [1440 * 2, dana, 'The workshop is closed on Friday: the floor is being oiled.'],
    [200, dana, 'New on the shelf: a dovetail saw, a set of chisels and the blue clamps. Please write your name on the list when you borrow them.'],
  ]);
  return conversation(3, { type: 'BROADCAST', title: 'Workshop news', role: 'READER', participants: [...as('OWNER', dana), ...as('READER', ada, bob, chen, farah, ivan)], items, unread: 1, hasReceipts: false });
}

function others(now: number): ConversationState[] {
  return [
    conversation(4, { type: 'GROUP', title: 'Saturday hike', participants: [...as('OWNER', chen), ...as('WRITER', ada, farah, ivan)], role: 'WRITER', items: lines('hike', now, [[1440 + 60, farah, 'Trailhead at eight. The forecast says dry until the afternoon.'], [1440 + 30, ada, 'I drive, room for three.']]) }),
    conversation(5, { type: 'DIRECT', title: gus.displayName, participants: as('OWNER', ada, gus), items: lines('gus', now, [[1440 * 2 + 10, gus, 'A very long name deserves a very long first line, does it not, so that the list has to cut it somewhere sensible.']]) }),
    conversation(6, { type: 'DIRECT', title: echo.displayName, participants: as('OWNER', ada, echo), items: lines('echo', now, [[1440 * 3, ada, 'ping'], [1440 * 3 - 1, echo, 'ping']]) }),
    conversation(7, { type: 'GROUP', title: 'Choir', participants: [...as('OWNER', farah), ...as('WRITER', bob)], role: null, items: lines('choir', now, [[1440 * 12, farah, 'Rehearsal moved to Wednesday.'], [1440 * 11, null, 'Farah Nasser removed you']]) }),
    conversation(8, { type: 'GROUP', title: 'House rules', participants: [...as('OWNER', emil), ...as('WRITER', ada, jo)], role: 'WRITER', alarm: 'The server shows this conversation differently from what this browser has seen before. Nothing is sent until this is cleared up: talk to the person who runs your Circle.', items: lines('house', now, [[1440 * 15, emil, 'Shoes off, please.']]) }),
    conversation(9, { type: 'GROUP', title: 'Garden', participants: as('OWNER', ada), items: lines('garden', now, [[1440 * 20, null, 'You created the group']]) }),
    conversation(10, { type: 'DIRECT', title: niki.displayName, participants: as('OWNER', ada, niki), items: lines('niki', now, [[1440 * 21, niki, 'Καλώς σε βρήκα!']]) }),
  ];
}

/** A long conversation, for scrolling and loading of older messages. */
export function history(now: number, count: number): TimelineItem[] {
  const words = 'the oak plane sings over long boards while rain taps softly on the roof and someone hums'.split(' ');
  return lines('history', now, Array.from({ length: count }, (_, index): Line => {
    const sender = [bob, ada, dana, bob][(index * 7 + (index >> 2)) % 4] ?? bob;
    const text = Array.from({ length: 3 + ((index * 13) % 40) }, (_unused, at) => words[(index * 3 + at) % words.length]).join(' ');
    return [(count - index) * 37, sender, text];
  }));
}

export function fullState(): CircleState {
  const now = Date.now();
  const all = [bookClub(now), direct(now), channel(now), ...others(now)].sort((one, other) => other.lastActivity - one.lastActivity);
  return {
    phase: 'ready',
    connection: 'online',
    me: ada,
    conversations: Object.fromEntries(all.map((one) => [one.id, one])),
    order: all.map((one) => one.id),
    syncing: false,
    recoveryKeyConfirmed: true,
    accountAlarm: null,
    notice: null,
    presence: samplePresence(now),
    privacy: { presence: true, readReceipts: true, deliveryReceipts: true },
  };
}

/** The full state with some conversations changed. */
export function alter(changes: Record<string, (one: ConversationState) => Partial<ConversationState>>): CircleState {
  const state = fullState();
  for (const [id, change] of Object.entries(changes)) {
    const one = state.conversations[id];
    if (one) state.conversations[id] = { ...one, ...change(one) };
  }
  return state;
}

export const DAY_MS = DAY;
export const HOUR_MS = HOUR;
/** By class: 0 stays. */
export const LIFETIME_MS = [0, HOUR, 8 * HOUR, DAY, 7 * DAY, 30 * DAY, 90 * DAY] as const;
