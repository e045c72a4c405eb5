import { describe, expect, it } from 'vitest';
import { describeBrowser, handleProblem, nameProblem, passwordProblem, pickPositions, recoveryText, sameWord, suggestHandle } from './model';

describe('the rules of sign-up', () => {
  it.each(['ada', 'a1', '0x_y.z-', 'Ada', '@ada', 'a'.repeat(32)])('takes the handle %s', (handle) => {
    expect(handleProblem(handle)).toBeNull();
  });
  it.each(['', 'a', '.ada', 'ada lovelace', 'ádá', 'a'.repeat(33)])('refuses the handle "%s"', (handle) => {
    expect(handleProblem(handle)).not.toBeNull();
  });
  it('counts characters, not code units', () => {
    expect(nameProblem('🙂'.repeat(80))).toBeNull();
    expect(nameProblem('🙂'.repeat(81))).not.toBeNull();
    expect(passwordProblem('🙂'.repeat(5))).not.toBeNull();
  });
  it.each([
    ['Ada Lindqvist', 'ada.lindqvist'],
    ['Søren Ægir', 's.ren.gir'],
    ['  Zoë  ', 'zoe'],
    ['Νίκη', ''],
    ['x', ''],
  ])('suggests for %s', (name, handle) => {
    expect(suggestHandle(name)).toBe(handle);
  });
});

describe('the recovery key', () => {
  it('asks for different words, in order', () => {
    for (let round = 0; round < 50; round += 1) {
      const picked = pickPositions(24, 3);
      expect(new Set(picked).size).toBe(3);
      expect([...picked].sort((one, other) => one - other)).toEqual(picked);
      expect(picked.every((position) => position >= 0 && position < 24)).toBe(true);
    }
  });
  it('compares without regard to case and spaces', () => {
    expect(sameWord(' Anchor ', 'anchor')).toBe(true);
    expect(sameWord('anchors', 'anchor')).toBe(false);
  });
  it('saves numbered words', () => {
    const text = recoveryText(['one', 'two'], 'ada', 'https://example.org', new Date(2026, 10, 23).getTime());
    expect(text).toContain('@ada, https://example.org');
    expect(text).toContain(' 2. two');
    expect(text).toMatch(/Made on .*2026/);
  });
});

it('names a browser', () => {
  expect(describeBrowser('Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120 Safari/537.36')).toBe('Chrome on Linux');
  expect(describeBrowser('Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile Safari/604.1')).toBe('Safari on iPhone');
  expect(describeBrowser('?')).toBe('A browser on a computer');
});
