import { describe, expect, it } from 'vitest';
import { FIRST_KEY, LINK_WORDS } from '../../dev/words';
import { recoveryText } from '../identity/model';
import { complete, examine, findKey, isWrong, nearest, noWords, spread, suggest, wordsIn } from './words';

describe('a word', () => {
  it.each([
    ['act', 'act'], // a word, though others begin with it
    ['aban', 'abandon'],
    ['rook', 'rookie'],
    ['ab', null],
    ['xyz', null],
    ['', null],
  ])('is completed from "%s" to %s', (typed, whole) => {
    expect(complete(typed)).toBe(whole);
  });
  it.each([
    ['rokie', 'rookie'],
    ['fablic', 'fabric'],
    ['recieve', 'receive'],
    ['qqqqqqq', null],
  ])('is mended from "%s" to %s', (typed, meant) => {
    expect(nearest(typed)).toBe(meant);
  });
  it('is suggested in the order of the list, and no more than five', () => {
    expect(suggest('act')).toEqual(['act', 'action', 'actor', 'actress', 'actual']);
    expect(suggest('zzz')).toEqual([]);
  });
  it('is not called wrong while it can still become one', () => {
    expect(isWrong('rook', true)).toBe(false);
    expect(isWrong('rook', false)).toBe(true);
    expect(isWrong('rokie', true)).toBe(true);
  });
});

describe('several words', () => {
  it('are read from whatever somebody pastes', () => {
    expect(wordsIn(' 1. Skin\n 2) ROSE, dwarf ')).toEqual(['skin', 'rose', 'dwarf']);
  });
  it('go where one is typing, and all of them to the beginning', () => {
    expect(spread(['a', '', '', ''], 1, ['b', 'c'])).toEqual(['a', 'b', 'c', '']);
    expect(spread(['', '', ''], 2, ['a', 'b', 'c'])).toEqual(['a', 'b', 'c']);
    expect(spread(['', '', ''], 2, ['a', 'b'])).toEqual(['', '', 'a']);
  });
  it('stand well when all are there and the checksum fits', () => {
    expect(examine(LINK_WORDS)).toEqual({ filled: 12, wrong: null, mismatch: false, ready: true });
    expect(examine(noWords(12))).toEqual({ filled: 0, wrong: null, mismatch: false, ready: false });
  });
  it('do not fit with two that have changed places', () => {
    const [first = '', second = '', ...rest] = LINK_WORDS;
    expect(examine([second, first, ...rest])).toEqual({ filled: 12, wrong: null, mismatch: true, ready: false });
  });
  it('name the first that is no word', () => {
    expect(examine(LINK_WORDS.with(3, 'fameus').with(7, 'x')).wrong).toBe(3);
  });
});

describe('a saved key', () => {
  it('is found in the file that was downloaded, also with other line ends', () => {
    const text = recoveryText(FIRST_KEY, 'apple.ada', 'https://key.example.org', Date.now());
    expect(findKey(text, 24)).toEqual(FIRST_KEY);
    expect(findKey(text.replaceAll('\n', '\r\n'), 24)).toEqual(FIRST_KEY);
  });
  it('is found among other words', () => {
    expect(findKey(`My key: ${FIRST_KEY.join(' ')} (in the drawer)`, 24)).toEqual(FIRST_KEY);
  });
  it('is not found where there is none, or one of its words is another', () => {
    expect(findKey('Dear diary, today I lost my key.', 24)).toBeNull();
    expect(findKey(FIRST_KEY.with(4, 'rose').join(' '), 24)).toBeNull();
  });
});
