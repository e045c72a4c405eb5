import { useCallback, useMemo, useSyncExternalStore } from 'react';
import { LIFETIME_MS, type LifetimeClass, type TimelineItem } from '../../circle';

/** What disappears says when, and is gone when it is time. One timer serves all that is on the page. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** The ring beside a message empties in so many steps. */
const STEPS = 12;
/** Looks at least so often, because clocks are set and computers sleep. */
const LONGEST_WAIT = HOUR;

interface Watch {
  /** When what it shows changes next, in milliseconds since 1970; Infinity: never. */
  next: (now: number) => number;
  notify: () => void;
}

const watches = new Set<Watch>();
let timer: ReturnType<typeof setTimeout> | undefined;

function schedule(): void {
  clearTimeout(timer);
  if (watches.size === 0) return;
  const now = Date.now();
  const due = Math.min(...Array.from(watches, (one) => one.next(now)));
  timer = setTimeout(tick, Math.min(Math.max(due - now, 0), LONGEST_WAIT));
}

function tick(): void {
  for (const one of [...watches]) one.notify();
  schedule();
}

function watch(one: Watch): () => void {
  if (watches.size === 0) document.addEventListener('visibilitychange', tick);
  watches.add(one);
  schedule();
  return () => {
    watches.delete(one);
    if (watches.size === 0) document.removeEventListener('visibilitychange', tick);
    schedule();
  };
}

interface Unit {
  size: number;
  /** It is told in this unit while more than so much is left. */
  above: number;
  short: string;
  long: string;
}

const SECONDS: Unit = { size: SECOND, above: 0, short: 's', long: 'second' };
const UNITS: Unit[] = [
  { size: DAY, above: 47 * HOUR, short: 'd', long: 'day' },
  { size: HOUR, above: HOUR, short: 'h', long: 'hour' },
  { size: MINUTE, above: MINUTE, short: 'min', long: 'minute' },
  SECONDS,
];

function unitOf(rest: number): Unit {
  return UNITS.find(({ above }) => rest > above) ?? SECONDS;
}

function countOf(rest: number): number {
  return Math.max(1, Math.ceil(rest / unitOf(rest).size));
}

/** A rest of time for the eye: '6 d', '52 min'. */
export function shortRest(rest: number): string {
  return `${countOf(rest)} ${unitOf(rest).short}`;
}

/** The same in full: '6 days', '1 second'. */
export function longRest(rest: number): string {
  const count = countOf(rest);
  return `${count} ${unitOf(rest).long}${count === 1 ? '' : 's'}`;
}

/** How many of the ring's steps are left: all of them at first, at least one until the end. */
export function stepsLeft(rest: number, lifetime: LifetimeClass): number {
  const whole = LIFETIME_MS[lifetime];
  return whole === 0 ? STEPS : Math.min(STEPS, Math.max(1, Math.ceil((rest / whole) * STEPS)));
}

/** When words or ring change next. */
export function nextChange(expiresAt: number, lifetime: LifetimeClass, now: number): number {
  const rest = expiresAt - now;
  if (rest <= 0) return Infinity;
  const { size, above } = unitOf(rest);
  const words = Math.max((countOf(rest) - 1) * size, above);
  const ring = ((stepsLeft(rest, lifetime) - 1) * LIFETIME_MS[lifetime]) / STEPS;
  return expiresAt - Math.max(words, ring);
}

export interface Countdown {
  short: string;
  long: string;
  /** From 1 to 0. */
  left: number;
}

/** What is left of a message's life, renewed when its words or its ring change and not more often. */
export function useCountdown(expiresAt: number, lifetime: LifetimeClass): Countdown {
  const subscribe = useCallback((notify: () => void) => watch({ next: (now) => nextChange(expiresAt, lifetime, now), notify }), [expiresAt, lifetime]);
  const short = useSyncExternalStore(subscribe, () => shortRest(expiresAt - Date.now()));
  const long = useSyncExternalStore(subscribe, () => longRest(expiresAt - Date.now()));
  const steps = useSyncExternalStore(subscribe, () => stepsLeft(expiresAt - Date.now(), lifetime));
  return { short, long, left: steps / STEPS };
}

/** When the next of these items disappears; Infinity if none does. */
export function nextExpiry(items: TimelineItem[], now: number): number {
  return items.reduce((soonest, { expiresAt }) => (expiresAt !== null && expiresAt > now && expiresAt < soonest ? expiresAt : soonest), Infinity);
}

/** The items whose time has not come; what has expired is not shown, whoever is late in deleting it. */
export function useUnexpired(items: TimelineItem[]): TimelineItem[] {
  const subscribe = useCallback((notify: () => void) => watch({ next: (now) => nextExpiry(items, now), notify }), [items]);
  const next = useSyncExternalStore(subscribe, () => nextExpiry(items, Date.now()));
  return useMemo(() => {
    const left = items.filter(({ expiresAt }) => expiresAt === null || expiresAt >= next);
    return left.length === items.length ? items : left;
  }, [items, next]);
}
