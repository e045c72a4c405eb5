import { useState } from 'react';
import type { TimelineItem } from '../../circle';
import { spoken } from './model';

interface Heard {
  /** The newest accepted line so far. */
  seq: number | null;
  key: string | null;
  text: string;
}

/** Speaks new messages of others. The drawn list cannot: it also changes by scrolling. */
export function Announcer({ items }: { items: TimelineItem[] }) {
  const newest = items.findLast((one) => one.seq !== null);
  const seq = newest?.seq ?? null;
  const [heard, setHeard] = useState<Heard>({ seq, key: null, text: '' });
  // Later than what was heard: when the newest one disappears, the one before it is no news.
  if (newest && seq !== null && (heard.seq === null || seq > heard.seq)) {
    // The first page that arrives is no news either.
    const news = heard.seq !== null && !newest.mine;
    setHeard({ seq, key: news ? newest.key : null, text: news ? spoken(newest) : '' });
  } else if (heard.key !== null && !items.some(({ key }) => key === heard.key)) {
    // What has disappeared is not kept here either.
    setHeard({ ...heard, key: null, text: '' });
  }
  return (
    <div className="visually-hidden" role="log" aria-live="polite" aria-label="New messages">
      {heard.text}
    </div>
  );
}
