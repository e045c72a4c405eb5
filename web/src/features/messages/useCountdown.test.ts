import { act, renderHook } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LIFETIME_MS, type LifetimeClass, type TimelineItem } from '../../circle';
import { bob } from '../../dev/people';
import { longRest, nextChange, shortRest, stepsLeft, useCountdown, useUnexpired } from './useCountdown';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe('the words', () => {
  it.each([
    [90 * DAY, '90 d', '90 days'],
    [2 * DAY, '2 d', '2 days'],
    [47 * HOUR, '47 h', '47 hours'],
    [HOUR + 1, '2 h', '2 hours'],
    [HOUR, '60 min', '60 minutes'],
    [MINUTE + 1, '2 min', '2 minutes'],
    [MINUTE, '60 s', '60 seconds'],
    [SECOND, '1 s', '1 second'],
    [1, '1 s', '1 second'],
    [0, '1 s', '1 second'],
  ])('for %i ms', (rest, short, long) => {
    expect(shortRest(rest)).toBe(short);
    expect(longRest(rest)).toBe(long);
  });
});

describe('the next change', () => {
  it.each([1, 2, 3, 4, 5, 6] as const)('is exactly where words or ring change, all through class %i', (lifetime: LifetimeClass) => {
    const end = 1_000_000 + LIFETIME_MS[lifetime];
    const shown = (now: number) => `${shortRest(end - now)} ${stepsLeft(end - now, lifetime)}`;
    let now = 1_000_000;
    let changes = 0;
    while (now < end) {
      const next = nextChange(end, lifetime, now);
      expect(next).toBeGreaterThan(now);
      expect(shown(next - 1)).toBe(shown(now));
      if (next < end) expect(shown(next)).not.toBe(shown(now));
      now = next;
      changes += 1;
    }
    expect(now).toBe(end);
    // 60 seconds, 59 minutes, 46 hours, the days, and the ring's steps: never a tick per second.
    expect(changes).toBeLessThan(60 + 59 + 46 + 90 + 12);
  });

  it('is never, when it is over', () => {
    expect(nextChange(5, 1, 5)).toBe(Infinity);
  });
});

describe('on the page', () => {
  beforeEach(() => vi.useFakeTimers({ now: 10_000_000_000 }));
  afterEach(() => vi.useRealTimers());

  it('counts down with one timer for all, and none when nobody looks', () => {
    const end = Date.now() + HOUR;
    const first = renderHook(() => useCountdown(end, 1));
    const others = Array.from({ length: 20 }, (_, index) => renderHook(() => useCountdown(end + index * MINUTE, 1)));
    expect(first.result.current).toEqual({ short: '60 min', long: '60 minutes', left: 1 });
    expect(vi.getTimerCount()).toBe(1);
    act(() => void vi.advanceTimersByTime(58 * MINUTE + 30 * SECOND));
    expect(first.result.current.short).toBe('2 min');
    act(() => void vi.advanceTimersByTime(50 * SECOND));
    expect(first.result.current.short).toBe('40 s');
    expect(first.result.current.left).toBeCloseTo(1 / 12);
    for (const one of [first, ...others]) one.unmount();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('renders again only when something shown changes', () => {
    let renders = 0;
    const end = Date.now() + 7 * DAY;
    const view = renderHook(() => {
      renders += 1;
      return useCountdown(end, 4);
    });
    const before = renders;
    act(() => void vi.advanceTimersByTime(6 * HOUR));
    expect(renders).toBe(before);
    view.unmount();
  });

  it('shows what has expired no longer, although it is still among the items', () => {
    const item = (key: string, expiresAt: number | null): TimelineItem => ({
      key, seq: 1, time: 0, sender: bob, mine: false, body: { kind: 'text', text: key }, state: 'sent', receipt: null, expiresAt, lifetime: 1,
    });
    const items = [item('stays', null), item('soon', Date.now() + 5 * SECOND), item('later', Date.now() + 9 * SECOND), item('over', Date.now() - 1)];
    const view = renderHook(() => useUnexpired(items));
    const keys = () => view.result.current.map(({ key }) => key);
    expect(keys()).toEqual(['stays', 'soon', 'later']);
    act(() => void vi.advanceTimersByTime(5 * SECOND));
    expect(keys()).toEqual(['stays', 'later']);
    act(() => void vi.advanceTimersByTime(4 * SECOND));
    expect(keys()).toEqual(['stays']);
    view.unmount();
  });
});
