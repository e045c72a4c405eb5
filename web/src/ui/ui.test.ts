import { describe, expect, it } from 'vitest';
import { hueOf, initialsOf } from './hue';
import { linkify } from './linkify';
import { dayName, listTime, relativeTime, sameDay } from './time';

describe('linkify', () => {
  const links = (text: string) => linkify(text).flatMap((piece) => (piece.kind === 'link' ? [piece.href] : []));
  it.each([
    ['see https://example.org/a, then', ['https://example.org/a']],
    ['(https://example.org/a_(b))', ['https://example.org/a_(b)']],
    ['www.example.org!', ['https://www.example.org/']],
    ['http://a.example and HTTPS://B.example/x?y=1#z', ['http://a.example/', 'https://b.example/x?y=1#z']],
    ['javascript:alert(1) data:text/html,x ftp://x.example', []],
    ['https://', []],
    ['no links', []],
  ])('%s', (text, expected) => {
    expect(links(text)).toEqual(expected);
  });
  it('loses no letter', () => {
    const text = 'a https://example.org/x. b\nwww.example.com, c';
    expect(linkify(text).map((piece) => piece.text).join('')).toBe(text);
  });
});

describe('avatars', () => {
  it('have the same colour always, and a hue of the circle', () => {
    expect(hueOf('abc')).toBe(hueOf('abc'));
    const hues = new Set(Array.from({ length: 200 }, (_, index) => hueOf(`id-${index}`)));
    expect(hues.size).toBe(24);
    expect([...hues].every((hue) => hue >= 0 && hue < 360)).toBe(true);
  });
  it.each([
    ['Ada Lindqvist', 'AL'],
    ['ada', 'A'],
    ['Augustus M. Featherstone III', 'AI'],
    ['  ', '?'],
    ['(x) y', 'XY'],
  ])('%s is %s', (name, initials) => {
    expect(initialsOf(name)).toBe(initials);
  });
});

describe('time', () => {
  const now = new Date(2026, 10, 20, 12).getTime();
  const hour = 3_600_000;
  it('names days', () => {
    expect(dayName(now - hour, now)).toBe('Today');
    expect(dayName(now - 13 * hour, now)).toBe('Yesterday');
    expect(listTime(now - 13 * hour, now)).toBe('Yesterday');
    expect(sameDay(now, now - 13 * hour)).toBe(false);
  });
  it('speaks of distances', () => {
    expect(relativeTime(now, now)).toBe('just now');
    expect(relativeTime(now - 5 * 60_000, now)).toBe('5 minutes ago');
    expect(relativeTime(now + 49 * hour, now)).toBe('in 2 days');
    expect(relativeTime(now - 44 * 24 * hour, now)).toBe('44 days ago');
    expect(relativeTime(now - 90 * 24 * hour, now)).toBe('3 months ago');
    expect(relativeTime(now - 800 * 24 * hour, now)).toBe('2 years ago');
  });
});
