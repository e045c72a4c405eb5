import { useEffect, useMemo, useState } from 'react';
import type { TimelineItem } from '../../circle';

/** As long as the animation of `leaving` in Message.module.css. */
const FADE = 260;

interface Leaving {
  /** With those that are just going, in their old places. */
  shown: TimelineItem[];
  leaving: ReadonlySet<string>;
}

const NONE: TimelineItem[] = [];

/** Messages whose time has come stay for a moment, so that the page closes behind them instead of jumping. */
export function useLeaving(items: TimelineItem[]): Leaving {
  const [before, setBefore] = useState(items);
  const [going, setGoing] = useState(NONE);
  // Set while rendering: the next picture already has to know them.
  if (before !== items) {
    const present = new Set(items.map(({ key }) => key));
    const gone = before.filter(({ key, expiresAt }) => expiresAt !== null && !present.has(key));
    setBefore(items);
    if (going.length + gone.length > 0) setGoing([...going.filter(({ key }) => !present.has(key)), ...gone]);
  }
  useEffect(() => {
    if (going.length === 0) return;
    const timer = setTimeout(() => setGoing(NONE), FADE);
    return () => clearTimeout(timer);
  }, [going]);
  return useMemo(() => ({ shown: merge(items, going), leaving: new Set(going.map(({ key }) => key)) }), [items, going]);
}

function place({ seq }: TimelineItem): number {
  return seq ?? Infinity;
}

function merge(items: TimelineItem[], going: TimelineItem[]): TimelineItem[] {
  if (going.length === 0) return items;
  return [...items, ...going].toSorted((one, other) => place(one) - place(other) || 0);
}
