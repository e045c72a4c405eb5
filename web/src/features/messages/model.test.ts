import { describe, expect, it } from 'vitest';
import type { TimelineItem } from '../../circle';
import { ada, bob } from '../../dev/people';
import { buildRows, charactersLeft, isEmojiOnly, sendable, spoken } from './model';

const NOON = new Date(2026, 10, 20, 12).getTime();
const MINUTE = 60_000;

function item(key: string, part: Partial<TimelineItem> = {}): TimelineItem {
  return { key, seq: 1, time: NOON, sender: bob, mine: false, body: { kind: 'text', text: key }, state: 'sent', receipt: null, expiresAt: null, lifetime: 0, ...part };
}

describe('rows', () => {
  it('groups one sender, and parts groups at other senders, notices, pauses and days', () => {
    const rows = buildRows(
      [
        item('a'),
        item('b', { time: NOON + MINUTE }),
        item('c', { time: NOON + 2 * MINUTE, sender: ada, mine: true }),
        item('d', { time: NOON + 3 * MINUTE, sender: null, body: { kind: 'notice', text: 'x' } }),
        item('e', { time: NOON + 4 * MINUTE, sender: ada, mine: true }),
        item('f', { time: NOON + 14 * MINUTE, sender: ada, mine: true }),
        item('g', { time: NOON + 24 * 60 * MINUTE, sender: ada, mine: true }),
      ],
      null,
    );
    expect(rows.map((row) => [row.first, row.last])).toEqual([
      [true, false],
      [false, true],
      [true, true],
      [true, true],
      [true, true],
      [true, true],
      [true, true],
    ]);
    expect(rows.map((row) => row.newDay)).toEqual([true, false, false, false, false, false, true]);
  });

  it('begins a group at the unread mark', () => {
    const rows = buildRows([item('a'), item('b')], 'b');
    expect(rows[1]).toMatchObject({ unread: true, first: true });
    expect(rows[0]).toMatchObject({ unread: false, last: true });
  });
});

it('sends what is more than space', () => {
  expect(sendable(' \n ')).toBeNull();
  expect(sendable('  hello\n')).toBe('hello');
});

it('counts characters when it matters', () => {
  expect(charactersLeft('x'.repeat(100))).toBeNull();
  expect(charactersLeft('x'.repeat(15_990))).toBe(10);
  expect(charactersLeft('x'.repeat(16_001))).toBe(-1);
});

it.each([
  ['👍', true],
  ['♥️', true],
  ['👩‍🚀🎉', true],
  ['👍🏽', true],
  ['👍👍👍👍', false],
  ['ok 👍', false],
  ['7', false],
  ['', false],
])('knows emoji: %s', (text, emoji) => {
  expect(isEmojiOnly(text)).toBe(emoji);
});

it('speaks of what arrives', () => {
  expect(spoken(item('Hello'))).toBe('Bob Okafor: Hello');
  expect(spoken(item('x', { body: { kind: 'unreadable', code: 'NO_KEY', reason: 'r' } }))).toBe('Bob Okafor wrote a message that cannot be read yet.');
});
