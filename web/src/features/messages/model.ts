import type { TimelineItem } from '../../circle';
import { countCharacters, sameDay } from '../../ui';

/** Items of one sender closer than this stand together. */
const GROUP_GAP = 5 * 60_000;
export const TEXT_LENGTH = 16_000;
/** From here on the composer counts what is left. */
const COUNT_FROM = TEXT_LENGTH - 1_000;

export interface Row {
  item: TimelineItem;
  /** The day begins here: shown above. */
  newDay: boolean;
  /** The first one that was not read when the conversation was opened. */
  unread: boolean;
  /** First and last of a group of one sender's messages. */
  first: boolean;
  last: boolean;
  /** The newest of one's own that was sent: what came of it is told in words. */
  newestMine: boolean;
}

/** The lines of a conversation with what their neighbours mean for them. */
export function buildRows(items: TimelineItem[], firstUnread: string | null): Row[] {
  const newestMine = items.findLast((item) => item.mine && item.state === 'sent' && item.body.kind === 'text')?.key;
  const rows = items.map((item, index): Row => {
    const before = items[index - 1];
    const newDay = before === undefined || !sameDay(before.time, item.time);
    const unread = item.key === firstUnread;
    return { item, newDay, unread, first: newDay || unread || !together(before, item), last: true, newestMine: item.key === newestMine };
  });
  rows.forEach((row, index) => {
    row.last = rows[index + 1]?.first ?? true;
  });
  return rows;
}

function together(before: TimelineItem, item: TimelineItem): boolean {
  if (before.body.kind === 'notice' || item.body.kind === 'notice') return false;
  if (before.mine !== item.mine || before.sender?.id !== item.sender?.id || before.lifetime !== item.lifetime) return false;
  return item.time - before.time < GROUP_GAP;
}

/** What is sent of what was typed; null when there is nothing to send. */
export function sendable(draft: string): string | null {
  const text = draft.trim();
  return text === '' ? null : text;
}

/** How many characters are left, once it matters; negative when it is too long. */
export function charactersLeft(draft: string): number | null {
  const length = countCharacters(draft);
  return length > COUNT_FROM ? TEXT_LENGTH - length : null;
}

const EMOJI = /^(?:\p{Extended_Pictographic}(?:\uFE0F|\u200D\p{Extended_Pictographic}|\p{Emoji_Modifier})*){1,3}$/u;

/** One to three emoji and nothing else: shown large, without a bubble. */
export function isEmojiOnly(text: string): boolean {
  return EMOJI.test(text.trim());
}

/** What a screen reader hears of a new line. */
export function spoken(item: TimelineItem): string {
  const sender = item.sender?.displayName ?? 'Someone';
  switch (item.body.kind) {
    case 'notice':
      return item.body.text;
    case 'unreadable':
      return `${sender} wrote a message that cannot be read yet.`;
    case 'text':
      return `${sender}: ${item.body.text}`;
  }
}
